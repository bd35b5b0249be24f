"""When a reading may be used: the acceptance rule, over frames.

Pure. Of 666 pairs of characters 52 differ by a multiple of ten and no check digit sees them, and names have none at all, so
right digits are not proof of a right reading. A picture counts when nothing speaks against its text (`objections_to`); a text is
accepted when two pictures that differ gave it (`gate.page.views`), with none against them. The other way to accept, equality with
the chip's DG1, belongs to the inspection of the chip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.page.layout import LAYOUTS, at, beyond_check
from gate.page.states import exists
from gate.page.values import PALEST_MIN, PITCH_PX_MIN, ZoneFormat
from gate.page.views import apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate.page.values import Reading

# Set on drawn pages of all formats and faults: docs/protocols/page-reading.md has the tables.
CONFIDENCE_MIN = 0.8
UNCHECKED_MIN = 0.95  # where no check digit tells: names, states, sex, a visa's optional data
FIT_MIN = 0.75
LEAD_MIN = 0.2
MARKS_MAX = 1
FRAMES_MIN = 2
TEXTS_MAX = 8  # different texts that are counted for one document; more means that nothing can be made of it


def objections_to(reading: Reading) -> tuple[str, ...]:
    """What keeps a single reading from counting as a vote, in words without content; empty when nothing does."""
    return (*_of_what_is_seen(reading), *_of_the_text(reading))


def _of_what_is_seen(reading: Reading) -> Iterator[str]:
    if reading.repaired:
        yield "a character was put in place of the likeliest one"
    if reading.crowded:
        yield "more characters stand beside the zone"
    if not reading.ends_seen:
        yield "no empty paper is seen beside the zone, which may be the part of a longer one"
    if reading.geometry.pitch_px < PITCH_PX_MIN:
        yield f"a character has {reading.geometry.pitch_px:.1f} pixels, under {PITCH_PX_MIN}"
    if reading.palest < PALEST_MIN:
        yield "a character is less than half as dark as the others of its line"
    if reading.weakest < CONFIDENCE_MIN:
        yield f"the weakest character has a confidence of {reading.weakest:.2f}, under {CONFIDENCE_MIN}"
    if (unchecked := _weakest_unchecked(reading)) < UNCHECKED_MIN:
        yield f"a character that no check digit covers has a confidence of {unchecked:.2f}, under {UNCHECKED_MIN}"
    if reading.marks > MARKS_MAX:
        yield "there are marks between the lines"
    if reading.fit < FIT_MIN:
        yield f"a character has a likeness of {reading.fit:.2f} to its shape in OCR-B, under {FIT_MIN}"
    if reading.lead < LEAD_MIN:
        yield "a character has as much of another one's shape"


def _of_the_text(reading: Reading) -> Iterator[str]:
    for name, holds in reading.check_digits.items():
        if not holds:
            yield f"the check digit of {name} is wrong"
    layout = LAYOUTS[reading.format]
    if reading.lines[0][0] not in layout.begins:
        yield "no document of this size begins with this letter"
    if reading.format is ZoneFormat.MRV_B and any(line[-1] != "<" for line in reading.lines):
        yield "a line ends without a filler, and may go on as a larger visa's does"
    for name, place in zip(("issuing state", "nationality"), layout.states, strict=True):
        if not exists(at(reading.lines, place)):
            yield f"the code of the {name} does not exist"


def _weakest_unchecked(reading: Reading) -> float:
    return min(reading.confidence[line][column] for line, column in beyond_check(reading.format))


def counts(reading: Reading) -> bool:
    """True when a reading meets the part of the rule that one picture can meet."""
    return not objections_to(reading)


@dataclass(slots=True)
class _Text:
    """One text that was read: the first picture that gave it, how many did, and whether two of them differ."""

    first: Reading
    count: int = 0
    apart: bool = False


class Votes:
    """The readings of one document so far."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, ...], _Text] = {}
        self.agreed = False  # the last reading's text has the votes, whether or not the pictures differ

    def cast(self, reading: Reading) -> bool:
        """Take one frame's reading; True when its text is now accepted.

        A text needs `FRAMES_MIN` votes more than any other one has, so a frame that disagrees has to be outvoted, and two pictures
        that differ.
        """
        self.agreed = False
        if not counts(reading):
            return False
        if reading.lines not in self._texts and len(self._texts) == TEXTS_MAX:
            return False
        text = self._texts.setdefault(reading.lines, _Text(reading))
        text.count += 1
        text.apart = text.apart or apart(text.first, reading)
        others = max((other.count for other in self._texts.values() if other is not text), default=0)
        self.agreed = text.count - others >= FRAMES_MIN
        return self.agreed and text.apart
