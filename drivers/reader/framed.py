"""Frames out of a link: what every serial document reader shares, whatever its protocol.

Promises: garbage is passed over byte by byte and counted, never fatal; a frame that stops half-way is given up after a
pause, so that the next one is read; the buffer stays bounded; a lost link is closed. What a frame is, is the decoder's
business; what it means, the driver's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from drivers.links import Link
from gate_core.errors import BadFrameError, LinkLostError

GAP_S = 0.2  # a frame that stops for so long never ends: its first byte was not one
BUFFER_BYTES_MAX = 4096  # no frame of any reader is so long; at the limit the oldest byte is passed over
_READ_BYTES = 256

Frame = TypeVar("Frame")
Decode = Callable[[bytes], tuple[Frame | None, int]]
LINE_OPENS = "the line opens; whether the reader lives shows with the first document"
OpenLink = Callable[[], Awaitable[Link]]


class FramedLine(Generic[Frame]):
    """One line to one reader. One task uses it.

    `decode` returns the frame that a buffer begins with and the number of bytes it used, `(None, 0)` to wait for more, and
    raises BadFrameError when the buffer's first byte cannot begin a frame.
    """

    def __init__(self, decode: Decode[Frame], *, open_link: OpenLink) -> None:
        self.bytes_passed_over = 0
        self._decode = decode
        self._open_link = open_link
        self._link: Link | None = None
        self._buffer = bytearray()

    async def open(self) -> None:
        """Open the line anew. Raises LinkLostError or SetupError."""
        self.close()
        self._link = await self._open_link()

    def close(self) -> None:
        """Close the line and forget what has come."""
        self._buffer.clear()
        if self._link is not None:
            self._link.close()
            self._link = None

    async def send(self, payload: bytes) -> None:
        """Write bytes. Raises LinkLostError."""
        try:
            await self._connected().write(payload)
        except LinkLostError:
            self.close()
            raise

    async def next_frame(self, deadline_s: float | None = None) -> Frame | None:
        """Wait for a frame; None past the deadline, which is a time of the loop's clock. Raises LinkLostError."""
        link = self._connected()
        loop = asyncio.get_running_loop()
        while True:
            if (frame := self._take_frame()) is not None:
                return frame
            gap_ends_s = loop.time() + GAP_S if self._buffer else None
            try:
                async with asyncio.timeout_at(_earlier(deadline_s, gap_ends_s)):
                    self._buffer += await link.read(_READ_BYTES)
            except TimeoutError:
                if deadline_s is not None and loop.time() >= deadline_s:
                    return None
                self._pass_over_byte()
            except LinkLostError:
                self.close()
                raise

    def _take_frame(self) -> Frame | None:
        """Take the first frame out of the buffer; what stays is the beginning of one."""
        while self._buffer:
            try:
                frame, used = self._decode(bytes(self._buffer))
            except BadFrameError:
                self._pass_over_byte()
                continue
            if frame is None and len(self._buffer) > BUFFER_BYTES_MAX:
                self._pass_over_byte()
                continue
            self._buffer[:used] = bytes(used)  # a bytearray that gives its front away keeps what stood there
            del self._buffer[:used]
            return frame
        return None

    def _pass_over_byte(self) -> None:
        del self._buffer[0]
        self.bytes_passed_over += 1

    def _connected(self) -> Link:
        if self._link is None:
            raise LinkLostError("the document reader is not connected")
        return self._link


class LineReader(Generic[Frame]):
    """What every reader on a line can be asked, whatever it says. One task uses it."""

    def __init__(self, decode: Decode[Frame], *, source: str, open_link: OpenLink) -> None:
        self.source = source
        self._line = FramedLine(decode, open_link=open_link)

    @property
    def bytes_passed_over(self) -> int:
        """How many bytes were no part of a frame."""
        return self._line.bytes_passed_over

    async def connect(self) -> None:
        """Open the line anew. Raises LinkLostError or SetupError."""
        await self._line.open()

    async def check(self) -> str:
        """Open the line and close it. Raises DriverError."""
        try:
            await self.connect()
            return f"{self.source}: {LINE_OPENS}"
        finally:
            self.close()

    def close(self) -> None:
        """Close the line."""
        self._line.close()


def _earlier(one_s: float | None, other_s: float | None) -> float | None:
    if one_s is None or other_s is None:
        return other_s if one_s is None else one_s
    return min(one_s, other_s)
