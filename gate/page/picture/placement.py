"""Why a page could not be read, or what would make the next picture better: from measurements to reasons.

Pure; every bound stands here with what it comes from. A traveller is told the first reason, so the most useful comes first.
Bounds were set on drawn pages (docs/protocols/page-reading.md), not on pictures of documents.
"""

from __future__ import annotations

from collections.abc import Sequence

from gate.page.picture.measure import StripState
from gate.page.values import PALEST_MIN, PITCH_PX_MIN, Why

CONTRAST_MIN = 0.12
SHARPNESS_MIN = 0.33  # a blur of sigma 0.15 pitch, with which one drawn page in three is not read in full
LOST_MAX = 0.03  # one character in a line
LOST_BRIGHT_MIN = 0.4  # of the lost ones: light took them, not a finger
UPSIDE_DOWN_MIN_DEG = 120.0
MOVED_PITCHES_MAX = 0.5  # between two frames


def reasons_of(states: Sequence[StripState]) -> tuple[Why, ...]:
    """Why nothing was read, from all groups of lines that were looked at; at least one reason."""
    lined = [state for state in states if state.lined]
    if not lined:
        blurred = any(state.sharpness < SHARPNESS_MIN for state in states)
        return (Why.BLURRED,) if blurred else (Why.NO_MRZ,)
    fullest = min(lined, key=lambda state: state.lost)
    return hints_of(fullest) or (Why.UNREADABLE,)


def hints_of(state: StripState) -> tuple[Why, ...]:
    """What is wrong with an MRZ as it is seen, the most useful first; empty when nothing is."""
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
    """The hints of an MRZ that was read, and that light takes a part of it: all that the traveller can change about pale print."""
    if palest >= PALEST_MIN or Why.GLARE in hints or Why.COVERED in hints:
        return hints
    return (*hints, Why.GLARE)


def moving(moved_px: float, pitch_px: float) -> bool:
    """True when an MRZ went too far from one frame to the next to be seen sharply."""
    return moved_px > MOVED_PITCHES_MAX * pitch_px
