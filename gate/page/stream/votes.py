"""When a text may be used: two different pictures gave it (`apart`), with no objection to either (`objections`) or to both. Pure.

Two pictures share every fault that stays in place: dirt, a lamp's reflection, faults of the page itself. Their agreement proves
only as much as changed between them. The other way to accept, equality with the chip's DG1, belongs to the chip's inspection.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from gate.page.picture.objections import counts
from gate.page.values import LinePlace, Point, Reading

FRAMES_MIN = 2
TEXTS_MAX = 8  # different texts that are counted for one document; more means that nothing can be made of it
MOVED_PITCHES_MIN: Final = 1.0  # by every part of the MRZ: what hid one character hides another one now
LIGHT_MIN: Final = 0.12  # of the light on a part of the MRZ beside the others: noise and another exposure stay below
_PARTS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)  # of a line: a page that turns about one of them has not moved there


@dataclass(slots=True)
class _Text:
    """One text that was read: the first picture that gave it, their number, and whether two of them differ."""

    first: Reading
    count: int = 0
    apart: bool = False


class Votes:
    """The readings of one document so far."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, ...], _Text] = {}
        self.agreed = False  # the last reading's text has the votes, whether or not the pictures differ

    def cast(self, reading: Reading) -> bool:
        """Count one frame's reading; True if its text is now accepted.

        A text needs `FRAMES_MIN` more votes than any other one, so that a deviating frame must be outvoted, and two
        pictures that differ.
        """
        self.agreed = False
        if not counts(reading) or (reading.lines not in self._texts and len(self._texts) == TEXTS_MAX):
            return False
        text = self._texts.setdefault(reading.lines, _Text(reading))
        text.count += 1
        text.apart = text.apart or apart(text.first, reading)
        others = max((other.count for other in self._texts.values() if other is not text), default=0)
        self.agreed = text.count - others >= FRAMES_MIN
        return self.agreed and text.apart


def apart(one: Reading, other: Reading) -> bool:
    """True if the second picture's position or light can reveal an error of the first one."""
    return _moved_pitches(one, other) >= MOVED_PITCHES_MIN or _relit(one, other) >= LIGHT_MIN


def _moved_pitches(one: Reading, other: Reading) -> float:
    """Return the smallest movement among the parts of the MRZ."""
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
    """Return the largest change of light among the parts of the MRZ, relative to the usual one."""
    if len(one.light) != len(other.light) or not one.light:
        return 0.0
    changes = np.array(other.light) / np.maximum(np.array(one.light), 0.02)
    return float(np.abs(changes / max(float(np.median(changes)), 1e-3) - 1).max())
