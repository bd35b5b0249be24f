"""The serial MRZ reader: lines of a passport that was put on it or swiped.

Promises: continuous reading is armed at connect and again after every page; garbage on the line is counted and passed over,
never fatal; an unplugged reader is LinkLostError. Whether the lines are a valid MRZ is the document room's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drivers.errors import BadFrameError, LinkLostError, NoReplyError
from drivers.links import Link
from drivers.reader.elyctis import Letter, ScannerFrame, decode, encode, mrz_lines
from drivers.values import MrzLines

ANSWER_DEADLINE_S = 1.0
ATTEMPTS_MAX = 3  # of an inquiry; at the limit connecting fails with NoReplyError
GAP_S = 0.2  # a frame that stops for so long never ends: its first byte was not one
ARM_AGAIN_S = 2.0  # an arming command may be lost on the line; arming twice does no harm
_READ_BYTES = 256
_ARM = ScannerFrame(Letter.CONTINUOUS, b"\x01")


@dataclass(frozen=True, slots=True)
class ScannerIdentity:
    """What the reader says it is."""

    version: str
    serial_number: str


class ElyctisSwipe:
    """One reader of the Elyctis command set. One task uses it."""

    source = "elyctis"

    def __init__(self, *, open_link: Callable[[], Awaitable[Link]]) -> None:
        self.identity: ScannerIdentity | None = None
        self.bytes_passed_over = 0
        self._open_link = open_link
        self._link: Link | None = None
        self._buffer = bytearray()
        self._page: MrzLines | None = None

    async def connect(self) -> None:
        """Open the line anew, ask who is there, and arm. Raises LinkLostError, or NoReplyError when nobody answers."""
        self.close()
        self._link = await self._open_link()
        try:
            version = await self._inquire(Letter.VERSION)
            serial_number = await self._inquire(Letter.SERIAL_NUMBER)
            self.identity = ScannerIdentity(version, serial_number)
            await self._send(_ARM)
        except BaseException:
            self.close()
            raise

    async def next_lines(self) -> MrzLines:
        """Wait for the next page and return its lines. Raises LinkLostError. Cancelling loses no page."""
        loop = asyncio.get_running_loop()
        arm_at_s = loop.time() + ARM_AGAIN_S
        while self._page is None:
            frame = await self._next_frame(arm_at_s)
            if frame is not None and frame.letter is not Letter.MRZ:
                continue
            if frame is not None and (lines := mrz_lines(frame)):
                self._page = MrzLines(lines, self.source)
            await self._send(_ARM)
            arm_at_s = loop.time() + ARM_AGAIN_S
        page, self._page = self._page, None
        return page

    def close(self) -> None:
        """Close the line."""
        self._buffer.clear()
        self._page = None
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _inquire(self, letter: Letter) -> str:
        """Ask for a text. A page read meanwhile is dropped: the traveller comes before the gate is ready."""
        loop = asyncio.get_running_loop()
        for _ in range(ATTEMPTS_MAX):
            await self._send(ScannerFrame(letter))
            deadline_s = loop.time() + ANSWER_DEADLINE_S
            while (frame := await self._next_frame(deadline_s)) is not None:
                if frame.letter is letter:
                    return frame.data.decode("ascii").strip()
        raise NoReplyError("the document reader does not answer")

    async def _send(self, frame: ScannerFrame) -> None:
        try:
            await self._connected().write(encode(frame))
        except LinkLostError:
            self.close()
            raise

    async def _next_frame(self, deadline_s: float) -> ScannerFrame | None:
        """Wait for a frame; None past the deadline, which is a time of the loop's clock. Raises LinkLostError."""
        link = self._connected()
        loop = asyncio.get_running_loop()
        while True:
            if (frame := self._take_frame()) is not None:
                return frame
            wait_until_s = min(deadline_s, loop.time() + GAP_S) if self._buffer else deadline_s
            try:
                async with asyncio.timeout_at(wait_until_s):
                    self._buffer += await link.read(_READ_BYTES)
            except TimeoutError:
                if loop.time() >= deadline_s:
                    return None
                self._pass_over_byte()
            except LinkLostError:
                self.close()
                raise

    def _take_frame(self) -> ScannerFrame | None:
        """Take the first frame out of the buffer; what stays is the beginning of one, and so never long."""
        while self._buffer:
            try:
                frame, used = decode(bytes(self._buffer))
            except BadFrameError:
                self._pass_over_byte()
                continue
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
