"""The keyboard wedge: a reader that types the MRZ.

Promises: only what a wedge types counts, told from a person by its speed; half an MRZ and bar codes are passed over; a wedge
that is set to another keyboard layout is a SetupError, for its letters cannot be trusted; an unplugged one is LinkLostError.
"""

from __future__ import annotations

import asyncio

from drivers.reader.framed import LineReader, OpenLink
from drivers.reader.keys import PAUSE_MS, InputEvent, Typed, Typing, decode
from drivers.reader.mrz_text import LINES_MAX, is_mrz
from drivers.reader.repeats import READS_ON_S, Repeats
from gate_core.errors import SetupError
from gate_core.ports.values import MrzLines

_LENGTHS = frozenset({30, 36, 44})  # ICAO 9303-5, 6, 4


class KeyboardWedge(LineReader[InputEvent]):
    """One wedge. One task uses it. `open_link` gives the bytes of the kernel's input events."""

    def __init__(self, *, open_link: OpenLink) -> None:
        super().__init__(decode, source="keyboard", open_link=open_link)
        self._typing = Typing()
        self._repeats = Repeats(READS_ON_S)
        self._typed_at_s = 0.0

    async def connect(self) -> None:
        """Open the device anew. Raises LinkLostError or SetupError."""
        self._typing = Typing()
        await super().connect()

    async def next_lines(self) -> MrzLines:
        """Wait for the next document and return its lines. Raises LinkLostError, and SetupError for a wrong layout."""
        loop = asyncio.get_running_loop()
        while True:
            pause_ends_s = self._typed_at_s + PAUSE_MS / 1000 if self._typing.has_begun else None
            event = await self._line.next_frame(pause_ends_s)
            if event is not None:
                self._typed_at_s = loop.time()
            typed = self._typing.take(event) if event is not None else self._typing.finish()
            lines = mrz_of(typed) if typed is not None else None
            if lines is not None and not self._repeats.is_repeat(lines, loop.time()):
                return MrzLines(lines, self.source)

    def close(self) -> None:
        """Let the device go."""
        super().close()
        self._typing = Typing()


def mrz_of(typed: Typed) -> tuple[str, ...] | None:
    """The lines of an MRZ, if a wedge typed one. Raises SetupError when it was typed on another keyboard layout."""
    if not typed.by_a_wedge:
        return None
    if is_mrz(typed.lines) and any("<" in line for line in typed.lines):
        return typed.lines
    # Every MRZ has fillers: lines of an MRZ's size without them, or with other keys in their place, are typed wrongly.
    lengths = {len(line) for line in typed.lines}
    if 2 <= len(typed.lines) <= LINES_MAX and len(lengths) == 1 and lengths <= _LENGTHS:
        raise SetupError("the reader types on another keyboard layout; set it to US")
    return None
