"""Area imagers with OCR: configured and triggered by text commands, answering with bare text (Honeywell and similar).

At connect, the imager's echoes prove that it obeyed; it is triggered repeatedly. A pause ends the text, because the
protocol has no end mark; it counts only if it has the shape of an MRZ.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from drivers.reader.framed import LineReader, OpenLink
from drivers.reader.mrz_text import MRZ_BYTES_MAX, lines_of
from drivers.reader.profile import ImagerProfile
from gate_core.errors import BadFrameError, NoReplyError, RefusedError
from gate_core.ports.values import MrzLines

ANSWER_DEADLINE_S = 1.0
ATTEMPTS_MAX = 3  # of a command; at the limit connecting fails with NoReplyError
PAUSE_S = 0.15  # silence after text ends it; at 9600 baud a character takes 1 ms
_RUN = re.compile(rb"[\r\n -~]+")
_PUNCTUATION = "!.,;"


@dataclass(frozen=True, slots=True)
class Text:
    """A run of printable characters and line ends."""

    characters: str

    def __repr__(self) -> str:
        """Never shows the characters: they may be an MRZ."""
        return f"Text({len(self.characters)} characters)"


Piece = Text | bool  # or the imager's answer to a command: True if accepted


class ImagerDecoder:
    """Splits an imager's bytes into runs of text and status bytes; call it with a buffer."""

    def __init__(self, profile: ImagerProfile) -> None:
        self._statuses = {bytes.fromhex(profile.accepted): True}
        self._statuses.update(dict.fromkeys(map(bytes.fromhex, profile.refused), False))

    def __call__(self, buffer: bytes) -> tuple[Piece | None, int]:
        """Return the first piece and the number of bytes it used. Raises BadFrameError for a byte that is neither."""
        if (accepted := self._statuses.get(buffer[:1])) is not None:
            return accepted, 1
        if (run := _RUN.match(buffer)) is not None:
            return Text(run.group().decode("ascii")), run.end()
        raise BadFrameError("neither text nor status")


class Imager(LineReader[Piece]):
    """One imager of a profile. One task uses it."""

    def __init__(self, profile: ImagerProfile, *, source: str, open_link: OpenLink) -> None:
        super().__init__(ImagerDecoder(profile), source=source, open_link=open_link)
        self._profile = profile
        self._text = ""
        self._heard_at_s = 0.0

    async def _greet(self) -> None:
        """Configure the imager and trigger it. Raises NoReplyError without an answer, RefusedError if it does not support a command."""
        await self._send(bytes.fromhex(self._profile.stop))
        for command in self._profile.setup:
            await self._set_up(command)
        await self._trigger()

    async def _found(self) -> str:
        return f"{self.source} obeys its commands"

    async def next_lines(self) -> MrzLines:
        """Wait for the next document and return its lines. Raises LinkLostError. Cancelling loses no page."""
        loop = asyncio.get_running_loop()
        trigger_at_s = loop.time() + self._profile.trigger_again_ms / 1000
        while True:
            piece = await self.next_frame(self._heard_at_s + PAUSE_S if self._text else trigger_at_s)
            match piece:
                case Text(characters):
                    self._heard_at_s = loop.time()
                    self._text = (self._text + characters)[-2 * MRZ_BYTES_MAX :]  # at the limit the oldest is dropped
                case bool():
                    self._text = ""  # what came before it was an echo
                case None if self._text:
                    text, self._text = self._text, ""
                    lines = lines_of(text.lstrip(_PUNCTUATION))
                    if lines is not None and not self._is_repeat(lines):
                        return MrzLines(lines, self.source)
                case None:
                    await self._trigger()
                    trigger_at_s = loop.time() + self._profile.trigger_again_ms / 1000

    def close(self) -> None:
        """Close the line. The imager's light switches off by itself."""
        super().close()
        self._text = ""

    async def _trigger(self) -> None:
        await self._send(bytes.fromhex(self._profile.trigger))

    async def _set_up(self, command: str) -> None:
        start, end = (bytes.fromhex(part) for part in (self._profile.command_start, self._profile.command_end))
        for _ in range(ATTEMPTS_MAX):
            await self._send(start + command.encode("ascii") + end)
            status = await self._answer(command.rstrip(_PUNCTUATION))
            if status is False:
                raise RefusedError(f"the imager refuses {command}")
            if status:
                return
        raise NoReplyError("the imager does not answer")

    async def _answer(self, echo: str) -> bool | None:
        """Return the status in a command's echo; None if it does not arrive in time."""
        deadline_s = asyncio.get_running_loop().time() + ANSWER_DEADLINE_S
        heard = ""
        while (piece := await self.next_frame(deadline_s)) is not None:
            match piece:
                case Text(characters):
                    heard = (heard + characters)[-2 * MRZ_BYTES_MAX :]
                case bool() if heard.upper().endswith(echo.upper()):
                    return piece
                case bool():
                    heard = ""
        return None
