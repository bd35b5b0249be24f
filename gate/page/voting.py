"""When a reading may be used: the acceptance rule, over frames.

Pure. Of 666 pairs of characters 52 differ by a multiple of ten and no check digit sees them, and names have none at all, so
right digits are not proof of a right reading. A text is accepted when it was read without a repair, every check digit is
right, no character is below `CONFIDENCE_MIN`, smaller than `PITCH_PX_MIN` or half gone, nothing stands beside the zone, and two frames gave
the same text, with none against them. The other way to
accept, equality with the chip's DG1, belongs to the inspection of the chip.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gate.page.values import PALEST_MIN, PITCH_PX_MIN

if TYPE_CHECKING:
    from gate.page.values import Reading

# Set on drawn pages of all formats and faults: docs/protocols/page-reading.md has the table.
CONFIDENCE_MIN = 0.8
FRAMES_MIN = 2
TEXTS_MAX = 8  # different texts that are counted for one document; more means that nothing can be made of it


def objections_to(reading: Reading) -> tuple[str, ...]:
    """What keeps a single reading from counting as a vote, in words without content; empty when nothing does."""
    objections = []
    if reading.repaired:
        objections.append("a character was put in place of the likeliest one")
    if reading.crowded:
        objections.append("more characters stand beside the zone")
    if reading.geometry.pitch_px < PITCH_PX_MIN:
        objections.append(f"a character has {reading.geometry.pitch_px:.1f} pixels, under {PITCH_PX_MIN}")
    if reading.palest < PALEST_MIN:
        objections.append("a character is less than half as dark as the others of its line")
    objections += [f"the check digit of {name} is wrong" for name, holds in reading.check_digits.items() if not holds]
    if reading.weakest < CONFIDENCE_MIN:
        objections.append(f"the weakest character has a confidence of {reading.weakest:.2f}, under {CONFIDENCE_MIN}")
    return tuple(objections)


def counts(reading: Reading) -> bool:
    """True when a reading meets the part of the rule that one picture can meet."""
    return not objections_to(reading)


class Votes:
    """The readings of one document so far."""

    def __init__(self) -> None:
        self._texts: Counter[tuple[str, ...]] = Counter()

    def cast(self, reading: Reading) -> bool:
        """Take one frame's reading; True when its text is now accepted.

        A text needs `FRAMES_MIN` votes more than any other one has, so a frame that disagrees has to be outvoted.
        """
        if not counts(reading):
            return False
        if reading.lines not in self._texts and len(self._texts) == TEXTS_MAX:
            return False
        self._texts[reading.lines] += 1
        others = max((count for text, count in self._texts.items() if text != reading.lines), default=0)
        return self._texts[reading.lines] - others >= FRAMES_MIN
