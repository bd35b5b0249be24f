"""Readers on a link: frames from bytes, and the common part of every document reader.

Invalid bytes are skipped one by one and counted, never fatal; an incomplete frame is dropped after a pause; the buffer
is bounded; a lost link is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import ClassVar, Generic, TypeVar

from drivers.links import Link
from drivers.reader.mrz_text import resembles_mrz
from gate_core.errors import BadFrameError, LinkLostError
from gate_core.ports.values import MrzLines

GAP_S = 0.2  # a frame that stops for so long never ends: its first byte was not one
BUFFER_BYTES_MAX = 4096  # no frame of any reader is so long; at the limit the oldest byte is passed over
_READ_BYTES = 256
# Units that read on look at the document once a second at least; each sight renews it. One that is taken away and presented again
# faster repetitions look like a document that stayed.
READS_ON_S = 2.0
# Units that read a document once, and may send it twice. A later message means that it was presented again.
READS_ONCE_S = 0.3

Frame = TypeVar("Frame")
Decode = Callable[[bytes], tuple[Frame | None, int]]
OpenLink = Callable[[], Awaitable[Link]]


class LineReader(Generic[Frame]):
    """One line to one reader. One task uses it.

    `decode` returns the buffer's first frame and the number of bytes used, `(None, 0)` to wait for more, and raises
    BadFrameError if the first byte cannot begin a frame. Of the last document only a hash with the process's own random
    key is kept; the same document within `repeats_s` is one presentation.
    """

    repeats_s: ClassVar[float] = READS_ON_S

    def __init__(self, decode: Decode[Frame], *, source: str, open_link: OpenLink) -> None:
        self.source = source
        self.bytes_passed_over = 0
        self._decode = decode
        self._open_link = open_link
        self._link: Link | None = None
        self._buffer = bytearray()
        self._mark: int | None = None
        self._marked_at_s = 0.0

    async def connect(self) -> None:
        """Open the line anew and make the reader ready. Raises DriverError."""
        self.close()
        self._link = await self._open_link()
        try:
            await self._greet()
        except BaseException:
            self.close()
            raise

    async def check(self) -> str:
        """Open the line, report the findings, and close it. Raises DriverError."""
        try:
            await self.connect()
            return await self._found()
        finally:
            self.close()

    def close(self) -> None:
        """Close the line and drop received bytes."""
        self._buffer.clear()
        if self._link is not None:
            self._link.close()
            self._link = None

    async def next_frame(self, deadline_s: float | None = None) -> Frame | None:
        """Wait for a frame; None after the deadline, a time of the loop's clock. Raises LinkLostError."""
        link = self._connected()
        loop = asyncio.get_running_loop()
        while True:
            if (frame := self._take_frame()) is not None:
                return frame
            gap_ends_s = loop.time() + GAP_S if self._buffer else None
            ends_s = min((at_s for at_s in (deadline_s, gap_ends_s) if at_s is not None), default=None)
            try:
                async with asyncio.timeout_at(ends_s):
                    self._buffer += await link.read(_READ_BYTES)
            except TimeoutError:
                if deadline_s is not None and loop.time() >= deadline_s:
                    return None
                self._pass_over_byte()
            except LinkLostError:
                self.close()
                raise

    async def _greet(self) -> None:
        """Make the reader ready after its line was opened."""

    async def _found(self) -> str:
        """Return a connected reader's description for technicians."""
        return f"{self.source}: the line opens; whether the reader lives shows with the first document"

    async def _send(self, payload: bytes) -> None:
        try:
            await self._connected().write(payload)
        except LinkLostError:
            self.close()
            raise

    def _is_repeat(self, lines: Hashable) -> bool:
        """Note the current document; True if it equals the last one."""
        mark, now_s = hash(lines), asyncio.get_running_loop().time()
        is_repeat = mark == self._mark and now_s - self._marked_at_s <= self.repeats_s
        self._mark, self._marked_at_s = mark, now_s
        return is_repeat

    def _take_frame(self) -> Frame | None:
        """Remove the first frame from the buffer; what stays is the beginning of one."""
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


class TalkingReader(LineReader[tuple[str, ...]]):
    """A reader that only sends: one message per document, no commands.

    `decode` gives a message's lines, none for an unreadable document. Text that does not resemble an MRZ is skipped: not
    every framing has a check. A unit that is switched off looks like one without a document: `gate provision find-reader`.
    """

    async def next_lines(self) -> MrzLines:
        """Wait for the next document and return its lines. Raises LinkLostError. Cancelling loses no page."""
        while True:
            lines = await self.next_frame()
            if lines and resembles_mrz(lines) and not self._is_repeat(lines):
                return MrzLines(lines, self.source)
