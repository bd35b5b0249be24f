"""The Elyctis reader (its command set 1.7 of 2020): lines of a passport or card placed on it or swiped. Not tested on a real unit.

Frames are a command letter, a length of two bytes, data. They have no check, so one counts only if its letter is known and its length and content are
possible for it. Continuous reading is armed at connect and after every page; presence detection is not used: the available document lacks its bytes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum

from drivers.reader.framed import READS_ONCE_S, LineReader, OpenLink
from gate_core.errors import BadFrameError, NoReplyError
from gate_core.ports.values import MrzLines

TEXT_BYTES_MAX = 255
_HEAD_BYTES = 3
ANSWER_DEADLINE_S = 1.0
ATTEMPTS_MAX = 3  # of an inquiry; at the limit it fails with NoReplyError
ARM_AGAIN_S = 2.0  # an arming command may be lost on the line; arming twice does no harm
ARMS_UNANSWERED_MAX = 3  # the reader echoes each one; silence for longer means that it hangs


class Letter(Enum):
    """A frame's subject; a command and its answer have the same letter."""

    MRZ = b"I"
    ONE_LINE_MRZ = b"L"
    CONTINUOUS = b"C"
    VERSION = b"V"
    OCR_VERSION = b"W"
    SERIAL_NUMBER = b"R"
    PRODUCT = b"T"


_BYTES_MAX = {
    Letter.MRZ: 3 * (44 + 2),  # three lines with CR and LF behind each
    Letter.ONE_LINE_MRZ: 44 + 2,
    Letter.CONTINUOUS: 1,
}


@dataclass(frozen=True, slots=True)
class ScannerFrame:
    """One frame, in either direction."""

    letter: Letter
    data: bytes = b""

    def __repr__(self) -> str:
        """Never shows the data: it may be an MRZ."""
        return f"ScannerFrame({self.letter.name}, {len(self.data)} bytes)"


def encode(frame: ScannerFrame) -> bytes:
    """Return a frame's bytes."""
    return frame.letter.value + len(frame.data).to_bytes(2, "big") + frame.data


def decode(buffer: bytes) -> tuple[ScannerFrame | None, int]:
    """Return the frame that the buffer begins with, and the number of bytes it used.

    `(None, 0)` means: read more. Raises BadFrameError when the buffer's first byte cannot begin a frame.
    """
    if not buffer:
        return None, 0
    try:
        letter = Letter(buffer[:1])
    except ValueError as error:
        raise BadFrameError("no command letter") from error
    data_bytes_max = _BYTES_MAX.get(letter, TEXT_BYTES_MAX)
    if len(buffer) < _HEAD_BYTES:
        if len(buffer) == 2 and buffer[1] > data_bytes_max >> 8:
            raise BadFrameError("impossible length")
        return None, 0
    length = int.from_bytes(buffer[1:_HEAD_BYTES], "big")
    if length > data_bytes_max:
        raise BadFrameError("impossible length")
    data = buffer[_HEAD_BYTES : _HEAD_BYTES + length]
    if not _possible(letter, data):
        raise BadFrameError("impossible content")
    if len(data) < length:
        return None, 0
    return ScannerFrame(letter, data), _HEAD_BYTES + length


def mrz_lines(frame: ScannerFrame) -> tuple[str, ...]:
    """Return the lines of an MRZ frame, unchecked; none if the reader could not read the page."""
    return tuple(line for line in frame.data.decode("ascii").split() if line)


def _possible(letter: Letter, data: bytes) -> bool:
    """True if the data, which may be incomplete, can belong to the letter."""
    if letter is Letter.CONTINUOUS:
        return data in (b"", b"\x00", b"\x01")
    return all(0x20 <= byte < 0x7F or byte in b"\r\n" for byte in data)


_ARM = ScannerFrame(Letter.CONTINUOUS, b"\x01")
_PAGES = (Letter.MRZ, Letter.ONE_LINE_MRZ)


@dataclass(frozen=True, slots=True)
class ScannerIdentity:
    """The reader's identity, as it reports it."""

    version: str
    serial_number: str


class ElyctisSwipe(LineReader[ScannerFrame]):
    """One reader of the Elyctis command set. One task uses it."""

    repeats_s = READS_ONCE_S

    def __init__(self, *, open_link: OpenLink) -> None:
        super().__init__(decode, source="elyctis", open_link=open_link)
        self.identity: ScannerIdentity | None = None
        self._page: MrzLines | None = None

    async def _greet(self) -> None:
        """Query the identity, and arm. Raises NoReplyError without an answer."""
        version = await self.inquire(Letter.VERSION)
        self.identity = ScannerIdentity(version, await self.inquire(Letter.SERIAL_NUMBER))
        await self._send(encode(_ARM))

    async def _found(self) -> str:
        assert self.identity is not None, "whoever is connected said who they are"
        lies = "a document lies on it" if await self.lines_now() is not None else "no document on it"
        return f"{self.identity.version}, serial number {self.identity.serial_number}, {lies}"

    async def next_lines(self) -> MrzLines:
        """Wait for the next page and return its lines. Raises LinkLostError and NoReplyError. Cancelling loses no page."""
        unanswered = 0
        arm_at_s = asyncio.get_running_loop().time() + ARM_AGAIN_S
        while self._page is None:
            frame = await self.next_frame(arm_at_s)
            unanswered = unanswered + 1 if frame is None else 0
            if unanswered > ARMS_UNANSWERED_MAX:
                self.close()
                raise NoReplyError("the document reader no longer answers")
            if frame is not None and frame.letter not in _PAGES:
                continue
            if frame is not None and (lines := mrz_lines(frame)) and not self._is_repeat(lines):
                self._page = MrzLines(lines, self.source)
            await self._send(encode(_ARM))
            arm_at_s = asyncio.get_running_loop().time() + ARM_AGAIN_S
        page, self._page = self._page, None
        return page

    async def lines_now(self) -> MrzLines | None:
        """Request the MRZ of the document on the reader, then a one-line MRZ; None if there is none."""
        for letter in _PAGES:
            if lines := mrz_lines(await self._ask(letter)):
                return MrzLines(lines, self.source)
        return None

    async def inquire(self, letter: Letter) -> str:
        """Query a text: version, OCR version, serial number or product. Raises LinkLostError and NoReplyError.

        A page read in between is dropped: no query runs while a traveller is served.
        """
        return (await self._ask(letter)).data.decode("ascii").strip()

    def close(self) -> None:
        """Close the line."""
        super().close()
        self._page = None

    async def _ask(self, letter: Letter) -> ScannerFrame:
        loop = asyncio.get_running_loop()
        for _ in range(ATTEMPTS_MAX):
            await self._send(encode(ScannerFrame(letter)))
            deadline_s = loop.time() + ANSWER_DEADLINE_S
            while (frame := await self.next_frame(deadline_s)) is not None:
                if frame.letter is letter:
                    return frame
        raise NoReplyError("the document reader does not answer")
