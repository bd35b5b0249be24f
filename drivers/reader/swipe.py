"""The Elyctis reader: lines of a passport or card that was put on it or swiped.

Promises: continuous reading is armed at connect and again after every page; garbage on the line is counted and passed over,
never fatal; an unplugged reader is LinkLostError, one that no longer answers NoReplyError. Whether the lines are a valid MRZ
is the document room's business.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from drivers.reader.elyctis import Letter, ScannerFrame, decode, encode, mrz_lines
from drivers.reader.framed import LineReader, OpenLink
from drivers.reader.repeats import READS_ONCE_S, Repeats
from gate_core.errors import NoReplyError
from gate_core.ports.values import MrzLines

ANSWER_DEADLINE_S = 1.0
ATTEMPTS_MAX = 3  # of an inquiry; at the limit it fails with NoReplyError
ARM_AGAIN_S = 2.0  # an arming command may be lost on the line; arming twice does no harm
ARMS_UNANSWERED_MAX = 3  # the reader echoes each one; silence for longer means that it hangs
_ARM = ScannerFrame(Letter.CONTINUOUS, b"\x01")
_PAGES = (Letter.MRZ, Letter.ONE_LINE_MRZ)


@dataclass(frozen=True, slots=True)
class ScannerIdentity:
    """What the reader says it is."""

    version: str
    serial_number: str


class ElyctisSwipe(LineReader[ScannerFrame]):
    """One reader of the Elyctis command set. One task uses it."""

    def __init__(self, *, open_link: OpenLink) -> None:
        super().__init__(decode, source="elyctis", open_link=open_link)
        self.identity: ScannerIdentity | None = None
        self._repeats = Repeats(READS_ONCE_S)
        self._page: MrzLines | None = None

    async def connect(self) -> None:
        """Open the line anew, ask who is there, and arm. Raises LinkLostError, or NoReplyError when nobody answers."""
        self._page = None
        await super().connect()
        try:
            version = await self.inquire(Letter.VERSION)
            serial_number = await self.inquire(Letter.SERIAL_NUMBER)
            self.identity = ScannerIdentity(version, serial_number)
            await self._send(_ARM)
        except BaseException:
            self.close()
            raise

    async def check(self) -> str:
        """Open the line, say who answers and whether a document lies on it, and close it. Raises DriverError."""
        try:
            await self.connect()
            assert self.identity is not None, "whoever is connected said who they are"
            lies = "a document lies on it" if await self.lines_now() is not None else "no document on it"
            return f"{self.identity.version}, serial number {self.identity.serial_number}, {lies}"
        finally:
            self.close()

    async def next_lines(self) -> MrzLines:
        """Wait for the next page and return its lines. Raises LinkLostError and NoReplyError. Cancelling loses no page."""
        unanswered = 0
        arm_at_s = asyncio.get_running_loop().time() + ARM_AGAIN_S
        while self._page is None:
            frame = await self._line.next_frame(arm_at_s)
            unanswered = unanswered + 1 if frame is None else 0
            if unanswered > ARMS_UNANSWERED_MAX:
                self.close()
                raise NoReplyError("the document reader no longer answers")
            if frame is not None and frame.letter not in _PAGES:
                continue
            if frame is not None and (lines := mrz_lines(frame)) and not self._is_repeat(lines):
                self._page = MrzLines(lines, self.source)
            await self._send(_ARM)
            arm_at_s = asyncio.get_running_loop().time() + ARM_AGAIN_S
        page, self._page = self._page, None
        return page

    async def lines_now(self) -> MrzLines | None:
        """Ask for the MRZ of the document that lies on the reader, then for a one-line MRZ; None when there is none."""
        for letter in _PAGES:
            if lines := mrz_lines(await self._ask(letter)):
                return MrzLines(lines, self.source)
        return None

    async def inquire(self, letter: Letter) -> str:
        """Ask for a text: version, OCR version, serial number or product. Raises LinkLostError and NoReplyError.

        A page that was read meanwhile is dropped: nobody asks while a traveller is served.
        """
        return (await self._ask(letter)).data.decode("ascii").strip()

    def close(self) -> None:
        """Close the line."""
        super().close()
        self._page = None

    async def _ask(self, letter: Letter) -> ScannerFrame:
        loop = asyncio.get_running_loop()
        for _ in range(ATTEMPTS_MAX):
            await self._send(ScannerFrame(letter))
            deadline_s = loop.time() + ANSWER_DEADLINE_S
            while (frame := await self._line.next_frame(deadline_s)) is not None:
                if frame.letter is letter:
                    return frame
        raise NoReplyError("the document reader does not answer")

    def _is_repeat(self, lines: tuple[str, ...]) -> bool:
        return self._repeats.is_repeat(lines, asyncio.get_running_loop().time())

    async def _send(self, frame: ScannerFrame) -> None:
        await self._line.send(encode(frame))
