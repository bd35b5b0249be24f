"""Whether a page that was accepted was taken up and laid down again: quickly, so that its zone was hardly out of sight.

A passport that changes hands at the door says the same text as before. What tells is that it lies elsewhere afterwards: nobody lays a
page down within a centimetre of where it lay. A hand that passes over a page leaves it where it is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from gate.page.reader import read
from gate.page.values import Reading

if TYPE_CHECKING:
    import numpy.typing as npt

    from gate.page.values import Grey, Recogniser

THUMB_PX = (48, 36)
STIRRED_MIN = 3.0  # grey values, mean: noise and flicker stay below
STILL_MAX = 1.5
MOVED_PITCHES_MAX = 4.0  # a centimetre


class Resting:
    """One accepted page where it lies."""

    def __init__(self, frame: Grey, reading: Reading) -> None:
        self._reading = reading
        self._at_rest = self._last = _thumb(frame)
        self._stirred = False

    def lies_elsewhere(self, frame: Grey, recogniser: Recogniser) -> bool:
        """Take the next frame; True when something stirred and the page came to rest elsewhere.

        Raises RecogniserError.
        """
        thumb = _thumb(frame)
        still = _distance(thumb, self._last) <= STILL_MAX
        self._last = thumb
        self._stirred = self._stirred or _distance(thumb, self._at_rest) > STIRRED_MIN
        if not (self._stirred and still):
            return False
        seen = read(frame, recogniser, any_rotation=False)
        if not isinstance(seen, Reading):
            return False  # covered, or gone: its zone's absence tells
        if self._moved_pitches(seen) > MOVED_PITCHES_MAX:
            return True
        self._at_rest, self._stirred = thumb, False
        return False

    def _moved_pitches(self, seen: Reading) -> float:
        before, after = self._reading.geometry, seen.geometry
        first, now = before.lines[0], after.lines[0]
        return max(math.dist(first.start, now.start), math.dist(first.end, now.end)) / before.pitch_px


def _thumb(frame: Grey) -> npt.NDArray[np.float32]:
    return cv2.resize(frame, THUMB_PX, interpolation=cv2.INTER_AREA).astype(np.float32)


def _distance(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    return float(np.abs(one - other).mean())
