"""What speaks against a reading: the part of the acceptance rule that one picture can meet.

Pure. Of 666 pairs of characters 52 differ by a multiple of ten and no check digit sees them, and names have none at all, so
right digits are not proof of a right reading. A picture counts when nothing speaks against its text; how many it takes is the
business of `gate.page.stream.votes`.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.page.picture.layout import LAYOUTS, at, beyond_check
from gate.page.picture.states import exists
from gate.page.values import PALEST_MIN, PITCH_PX_MIN, MrzFormat, Reading

# Set on drawn pages of all formats and faults: docs/protocols/page-reading.md has the tables.
CONFIDENCE_MIN = 0.8
UNCHECKED_MIN = 0.95  # where no check digit tells: names, states, sex, a visa's optional data
FIT_MIN = 0.75
LEAD_MIN = 0.2
MARKS_MAX = 1


def objections_to(reading: Reading) -> tuple[str, ...]:
    """What keeps a single reading from counting as a vote, in words without content; empty when nothing does."""
    return (*_of_what_is_seen(reading), *_of_the_text(reading))


def _of_what_is_seen(reading: Reading) -> Iterator[str]:
    if reading.repaired:
        yield "a character was put in place of the likeliest one"
    if reading.crowded:
        yield "more characters stand beside the MRZ"
    if not reading.ends_seen:
        yield "no empty paper is seen beside the MRZ, which may be the part of a longer one"
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
    if reading.format is MrzFormat.MRV_B and any(line[-1] != "<" for line in reading.lines):
        yield "a line ends without a filler, and may go on as a larger visa's does"
    for name, place in zip(("issuing state", "nationality"), layout.states, strict=True):
        if not exists(at(reading.lines, place)):
            yield f"the code of the {name} does not exist"


def _weakest_unchecked(reading: Reading) -> float:
    return min(reading.confidence[line][column] for line, column in beyond_check(reading.format))


def counts(reading: Reading) -> bool:
    """True when a reading meets the part of the rule that one picture can meet."""
    return not objections_to(reading)
