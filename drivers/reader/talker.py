"""Readers that only talk: whatever their framing, they send a message for each document and take no command.

Promises as for every reader: garbage is counted and passed over, an unplugged line is LinkLostError. A message that resembles
no MRZ is passed over too: not every framing has a check. A unit that is switched
off cannot be told from one that has nothing to say; the technician finds out with `gate provision find-reader`.
"""

from __future__ import annotations

import asyncio

from drivers.reader.framed import Decode, LineReader, OpenLink
from drivers.reader.mrz_text import resembles_mrz
from drivers.reader.repeats import READS_ON_S, Repeats
from gate_core.ports.values import MrzLines


class TalkingReader(LineReader[tuple[str, ...]]):
    """One reader. `decode` gives the lines of a message, none for a document that could not be read. One task uses it."""

    def __init__(self, decode: Decode[tuple[str, ...]], *, source: str, open_link: OpenLink) -> None:
        super().__init__(decode, source=source, open_link=open_link)
        self._repeats = Repeats(READS_ON_S)

    async def next_lines(self) -> MrzLines:
        """Wait for the next document and return its lines. Raises LinkLostError. Cancelling loses no page."""
        while True:
            lines = await self._line.next_frame()
            if lines and resembles_mrz(lines) and not self._repeats.is_repeat(lines, asyncio.get_running_loop().time()):
                return MrzLines(lines, self.source)
