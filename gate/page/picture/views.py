"""What is other from one picture of a text to the next: where it lies, or how the light falls on it.

Two pictures share every fault that stays where it is: dirt on the glass and a lamp's reflection as long as the page lies still, and
what is wrong with the page itself always. What they agree on is worth no more than what changed between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from gate.page.picture.decode import Cells
from gate.page.picture.measure import FRAME_PX
from gate.page.picture.ranks import at_share
from gate.page.values import STRIP_HEIGHT_PX, Floats, LinePlace, Point, Reading

MOVED_PITCHES_MIN: Final = 1.0  # by every part of the MRZ: what hid one character hides another one now
LIGHT_MIN: Final = 0.12  # of the light on a part of the MRZ beside the others: noise and another exposure stay below
_PARTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)  # of a line: a page that turns about one of them has not moved there
_LIT_PARTS: Final = 8
_TEXT_ROWS: Final = slice(STRIP_HEIGHT_PX // 4, 3 * STRIP_HEIGHT_PX // 4)


def apart(one: Reading, other: Reading) -> bool:
    """True when the second picture can tell what the first one may have got wrong by where it lay or how it was lit."""
    return _moved_pitches(one, other) >= MOVED_PITCHES_MIN or _relit(one, other) >= LIGHT_MIN


def light_on(strips: Floats, lines: Sequence[Cells]) -> tuple[float, ...]:
    """How bright the paper is at eight parts of each line, 0 to 1; what lies beside the characters may be the table."""
    levels = []
    for strip, cells in zip(strips[:, 0, _TEXT_ROWS], lines, strict=True):
        start, end = ((float(frame) + 0.5) * FRAME_PX for frame in (cells.centres[0], cells.centres[-1]))
        parts = np.array_split(strip[:, max(0, round(start)) : round(end) + 1], _LIT_PARTS, axis=1)
        levels += [at_share(part, 0.9) for part in parts]
    return tuple(levels)


def _moved_pitches(one: Reading, other: Reading) -> float:
    """How far the part of the MRZ went that went least."""
    lines = zip(one.geometry.lines, other.geometry.lines, strict=True)
    least_px = min(
        math.dist(here, there)
        for before, after in lines
        for here, there in zip(_points(before), _points(after), strict=True)
    )
    return least_px / one.geometry.pitch_px


def _points(line: LinePlace) -> Iterator[Point]:
    (x0, y0), (x1, y1) = line.start, line.end
    for part in _PARTS:
        yield x0 + part * (x1 - x0), y0 + part * (y1 - y0)


def _relit(one: Reading, other: Reading) -> float:
    """How much the light on the part of the MRZ changed that changed most, beside the usual one."""
    if len(one.light) != len(other.light) or not one.light:
        return 0.0
    changes = np.array(other.light) / np.maximum(np.array(one.light), 0.02)
    return float(np.abs(changes / max(float(np.median(changes)), 1e-3) - 1).max())
