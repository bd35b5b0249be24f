"""How far bands of light run over a face: a display that is lit in pulses, seen by a shutter that reads row by row.

Between two frames everything on a lit person gets brighter or darker as shape and lamp have it. A pulsed display adds stripes along
the sensor's rows that wander from frame to frame. Measured is how much more the difference of two frames goes in rows
than in columns, once the face's own movement is smoothed away. A display without pulses leaves nothing.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate.face.liveness.frame_features import Glimpse

STEPS_MIN: Final = 8
_BLUR_PX: Final = 3.0

Log = npt.NDArray[np.float32]


class Flicker:
    """Compares frames of one face. `value` is the logarithm of the ratio of changes along rows to changes along columns."""

    def __init__(self) -> None:
        self._before: Log | None = None
        self._rows: list[float] = []
        self._columns: list[float] = []

    def see(self, glimpse: Glimpse) -> None:
        """Take the next frame."""
        level = np.log(cv2.GaussianBlur(glimpse.grey, (0, 0), _BLUR_PX).astype(np.float32) + 8)
        if self._before is not None:
            change = level - self._before
            self._rows.append(_waves(change.mean(axis=1)))
            self._columns.append(_waves(change.mean(axis=0)))
        self._before = level

    @property
    def value(self) -> float | None:
        """None before STEPS_MIN steps."""
        if len(self._rows) < STEPS_MIN:
            return None
        return float(np.log((np.median(self._rows) + 1e-6) / (np.median(self._columns) + 1e-6)))

    def wipe(self) -> None:
        """Zero what shows the person; nothing more is to be seen."""
        if self._before is not None:
            self._before.fill(0)


def _waves(profile: Log) -> float:
    """The variance of a profile about its straight line: evenly changing light and a nod of the head leave little."""
    place = np.linspace(-1, 1, len(profile), dtype=np.float32)
    centred = profile - profile.mean()
    slope = float(centred @ place) / float(place @ place)
    return float(np.var(centred - slope * place))
