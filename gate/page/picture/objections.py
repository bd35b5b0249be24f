"""Faults of one picture of a page: objections to its reading, reasons without one, and hints for the next picture. Pure.

52 of 666 pairs of characters differ by a multiple of ten and no check digit detects them; names have no check digits. So right digits do not prove a
right reading. `gate.page.stream.votes` has the number of pictures required. Bounds are from drawn pages (tables: docs/protocols/page-reading.md).
"""

from collections.abc import Iterator, Sequence

from gate.page.picture.layout import LAYOUTS, at, beyond_check, exists
from gate.page.picture.measure import StripState
from gate.page.values import PALEST_MIN, PITCH_PX_MIN, MrzFormat, Reading, Why

# Of a reading.
CONFIDENCE_MIN = 0.8
UNCHECKED_MIN = 0.95  # without a check digit: names, states, sex, a visa's optional data
FIT_MIN = 0.75
LEAD_MIN = 0.2
MARKS_MAX = 1


def objections_to(reading: Reading) -> tuple[str, ...]:
    """Return why a single reading does not count as a vote, without content; empty if it does."""
    return tuple(_objections(reading))


def _objections(reading: Reading) -> Iterator[str]:
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
    unchecked = min(reading.confidence[line][column] for line, column in beyond_check(reading.format))
    if unchecked < UNCHECKED_MIN:
        yield f"a character that no check digit covers has a confidence of {unchecked:.2f}, under {UNCHECKED_MIN}"
    if reading.marks > MARKS_MAX:
        yield "there are marks between the lines"
    if reading.fit < FIT_MIN:
        yield f"a character has a likeness of {reading.fit:.2f} to its shape in OCR-B, under {FIT_MIN}"
    if reading.lead < LEAD_MIN:
        yield "a character has as much of another one's shape"
    yield from _objections_to_text(reading)


def _objections_to_text(reading: Reading) -> Iterator[str]:
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


def counts(reading: Reading) -> bool:
    """True if a reading meets the part of the rule that one picture can meet."""
    return not objections_to(reading)


CONTRAST_MIN = 0.12
SHARPNESS_MIN = 0.33  # a blur of sigma 0.15 pitch, with which one drawn page in three is not read in full
LOST_MAX = 0.03  # one character in a line
LOST_BRIGHT_MIN = 0.4  # of the lost ones: light took them, not a finger
UPSIDE_DOWN_MIN_DEG = 120.0
MOVED_PITCHES_MAX = 0.5  # between two frames


def reasons_of(states: Sequence[StripState]) -> tuple[Why, ...]:
    """Return why nothing was read, from all groups of lines that were examined; at least one reason."""
    lined = [state for state in states if state.lined]
    if not lined:
        blurred = any(state.sharpness < SHARPNESS_MIN for state in states)
        return (Why.BLURRED,) if blurred else (Why.NO_MRZ,)
    fullest = min(lined, key=lambda state: state.lost)
    return hints_of(fullest) or (Why.UNREADABLE,)


def hints_of(state: StripState) -> tuple[Why, ...]:
    """Return the faults of a visible MRZ, the most useful first; empty if there is none."""
    found = []
    if abs(state.rotation_deg) >= UPSIDE_DOWN_MIN_DEG:
        found.append(Why.UPSIDE_DOWN)
    if state.pitch_px < PITCH_PX_MIN:
        found.append(Why.TOO_SMALL)
    if state.sharpness < SHARPNESS_MIN or state.contrast < CONTRAST_MIN:
        found.append(Why.BLURRED)
    if state.lost > LOST_MAX:
        found.append(Why.GLARE if state.lost_bright >= LOST_BRIGHT_MIN else Why.COVERED)
    return tuple(found)


def with_light_on_it(hints: tuple[Why, ...], palest: float) -> tuple[Why, ...]:
    """Return the hints of an MRZ that was read, with glare added: all that the traveller can change about pale print."""
    if palest >= PALEST_MIN or Why.GLARE in hints or Why.COVERED in hints:
        return hints
    return (*hints, Why.GLARE)


def moving(moved_px: float, pitch_px: float) -> bool:
    """True if an MRZ moved too far between two frames to be sharp."""
    return moved_px > MOVED_PITCHES_MAX * pitch_px
