"""How far eyes and mouth are open, from 68 landmarks.

Ratios of distances, so that neither size nor tilt of the face matters. Eyes: Soukupová and Čech, Real-Time Eye Blink Detection
using Facial Landmarks (2016). A single frame says little, since landmarks of 64 pixels a face jump about: `Fused` takes the middle
of a few.
"""

from __future__ import annotations

import statistics
from collections import deque
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gate.face.values import Points

FUSED_FRAMES: Final = 3  # a fifth of a second; a blink of 0.3 s still shows
# iBUG numbers: outer corner, two points above, inner corner, two below.
_EYES: Final = ((36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47))
# The inner edge of the lips: left and right corner, three pairs above and below.
_MOUTH: Final = (60, 64, ((61, 67), (62, 66), (63, 65)))


def eye_opening(dense: Points) -> float:
    """The mean height of both eyes over their width: about 0.3 when open, under 0.2 when shut."""
    return float(np.mean([_eye(dense[list(indices)]) for indices in _EYES]))


def mouth_opening(dense: Points) -> float:
    """The mean gap between the lips over the width of the mouth: about 0.1 when shut."""
    left, right, pairs = _MOUTH
    gap = np.mean([np.linalg.norm(dense[upper] - dense[lower]) for upper, lower in pairs])
    return _ratio(float(gap), dense[left], dense[right])


def _eye(six: Points) -> float:
    heights = (np.linalg.norm(six[1] - six[5]) + np.linalg.norm(six[2] - six[4])) / 2
    return _ratio(float(heights), six[0], six[3])


def _ratio(height: float, left: Points, right: Points) -> float:
    """Landmarks that fall onto one point have no width: the ratio is then 0."""
    width = float(np.linalg.norm(right - left))
    return height / width if width > 0.0 else 0.0


class Fused:
    """The median of the newest few values of one face; None as long as nothing was measured."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=FUSED_FRAMES)

    def take(self, value: float | None) -> float | None:
        """Take a frame's value and return what stands now."""
        if value is not None:
            self._values.append(value)
        return statistics.median(self._values) if self._values else None
