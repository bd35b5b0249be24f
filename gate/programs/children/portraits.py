"""A chip's portrait on its way from the document child to the face child: over a socket pair's worth of stream that nobody else holds.

The lane asks vision for a way, gives one end to the document child, and vision gives the other to the face child: their parents hold
the ends only while they hand them on. The crossing's id, which vision reads, a head of five bytes (encoding, length), then the picture, then the end. What comes is a
stranger's bytes: their length is bounded before there is room for them.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Final

LETTER: Final = b"P"
BYTES_MAX: Final = 1024 * 1024
ADDRESS_BYTES: Final = 64
COMPLETE_S: Final = 5.0  # from the first byte to the last
_HEAD: Final = struct.Struct(">BI")
_ENCODINGS: Final = {"jpeg": 1, "jpeg2000": 2}


def addressed_to(crossing: str) -> bytes:
    """What the lane writes first, for vision to know whose the way is: the crossing's id, ADDRESS_BYTES long."""
    return crossing.encode().ljust(ADDRESS_BYTES, b" ")[:ADDRESS_BYTES]


async def address_of(end: socket.socket) -> str | None:
    """Read the address and nothing after it; None when the other end hung up before."""
    address = bytearray(ADDRESS_BYTES)
    if await _fill(end, address) < ADDRESS_BYTES:
        return None
    return address.decode("ascii", "replace").strip()


class BrokenPortraitError(Exception):
    """What came is no portrait of a length that may be, or it broke off."""


@dataclass(frozen=True, slots=True, repr=False)
class SentPortrait:
    """A portrait as it came, not decoded."""

    encoding: str
    image: bytearray

    def __repr__(self) -> str:
        """Never shows the picture."""
        return f"SentPortrait({self.encoding}, {len(self.image)} bytes)"


async def send(end: socket.socket, encoding: str, image: bytes) -> None:
    """Write one portrait and hang up. Raises OSError when the other end is gone."""
    loop = asyncio.get_running_loop()
    with end:
        await loop.sock_sendall(end, _HEAD.pack(_ENCODINGS[encoding], len(image)))
        if len(image) <= BYTES_MAX:  # a longer one is refused by its head alone
            await loop.sock_sendall(end, image)


async def receive(end: socket.socket) -> SentPortrait | None:
    """Read one portrait and hang up; None when the other end hung up without one. Raises BrokenPortraitError."""
    with end:
        begun = bytearray(1)  # it is waited for as long as the chip takes
        if await _fill(end, begun) == 0:
            return None
        try:
            async with asyncio.timeout(COMPLETE_S):
                return await _rest(end, begun)
        except TimeoutError as error:
            raise BrokenPortraitError(f"the portrait was not complete in {COMPLETE_S} s") from error


async def _rest(end: socket.socket, begun: bytearray) -> SentPortrait:
    head = bytearray(_HEAD.size - len(begun))
    came = await _fill(end, head)
    number, length = _HEAD.unpack(begun + head)
    encoding = next((name for name, of in _ENCODINGS.items() if of == number), None)
    if came < len(head) or encoding is None or length > BYTES_MAX:
        raise BrokenPortraitError("the portrait's head is none")
    image = bytearray(length)
    if await _fill(end, image) < length:
        raise BrokenPortraitError("the portrait broke off")
    return SentPortrait(encoding, image)


async def _fill(end: socket.socket, buffer: bytearray) -> int:
    """Fill the buffer, or as much of it as comes; how much came."""
    loop = asyncio.get_running_loop()
    filled = 0
    with memoryview(buffer) as view:
        while filled < len(buffer):
            try:
                count = await loop.sock_recv_into(end, view[filled:])
            except OSError:
                count = 0
            if count == 0:
                break
            filled += count
    return filled
