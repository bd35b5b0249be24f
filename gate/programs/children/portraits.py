"""Transfer of a portrait between children: five bytes of head (encoding, length), then the picture.

The document child sends EF.DG2's portrait, and the page child the printed one, to the face child. The bytes are
untrusted: the length is checked before memory is allocated, and only the receiving child decodes them.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Final

from gate.programs.children.fd_passing import fill

BYTES_MAX: Final = 1024 * 1024
COMPLETE_S: Final = 5.0  # from the first byte to the last
_HEAD: Final = struct.Struct(">BI")
_ENCODINGS: Final = {"jpeg": 1, "jpeg2000": 2}


class BrokenPortraitError(Exception):
    """The portrait has an invalid head or length, or is incomplete."""


@dataclass(frozen=True, slots=True, repr=False)
class SentPortrait:
    """A received portrait, not decoded."""

    encoding: str
    image: bytearray

    def __repr__(self) -> str:
        """Never shows the picture."""
        return f"SentPortrait({self.encoding}, {len(self.image)} bytes)"


async def send(end: socket.socket, encoding: str, image: bytes) -> None:
    """Send one portrait and close the socket. Raises OSError if the other end is gone."""
    loop = asyncio.get_running_loop()
    with end:
        await loop.sock_sendall(end, _HEAD.pack(_ENCODINGS[encoding], len(image)))
        if len(image) <= BYTES_MAX:  # a longer one is refused by its head alone
            await loop.sock_sendall(end, image)


async def receive(end: socket.socket) -> SentPortrait | None:
    """Receive one portrait and close the socket; None if the other end closed first. Raises BrokenPortraitError."""
    with end:
        begun = bytearray(1)  # no time limit for the first byte: reading the chip takes time
        if await fill(end, begun) == 0:
            return None
        try:
            async with asyncio.timeout(COMPLETE_S):
                return await _rest(end, begun)
        except TimeoutError as error:
            raise BrokenPortraitError(f"the portrait was not complete in {COMPLETE_S} s") from error


async def _rest(end: socket.socket, begun: bytearray) -> SentPortrait:
    head = bytearray(_HEAD.size - len(begun))
    came = await fill(end, head)
    number, length = _HEAD.unpack(begun + head)
    encoding = next((name for name, of in _ENCODINGS.items() if of == number), None)
    if came < len(head) or encoding is None or length > BYTES_MAX:
        raise BrokenPortraitError("the portrait's head is invalid")
    image = bytearray(length)
    if await fill(end, image) < length:
        raise BrokenPortraitError("the portrait is incomplete")
    return SentPortrait(encoding, image)
