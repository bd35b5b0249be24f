"""Whether something lies on the bed of a document camera, read or not: this frame against what the empty bed looks like.

The first frame shows the empty bed. What lies there unread for long and does not move becomes another look of the bed, so that a
forgotten leaflet or another lamp is not taken for a document for ever.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from gate.page.values import Grey

THUMB_PX = (32, 24)
DIFFERENT_MIN = (
    8.0  # grey values, mean over the picture: a card of a tenth of the picture differs by more, noise by less
)
STILL_MAX = 3.0
LOOKS_MAX = 2  # the bed with and without what was forgotten on it
LEARNED_AFTER_MS = 30_000
DRIFT = 0.02  # of a frame of the empty bed that goes into its look: daylight changes


class Bed:
    """What one camera has seen of its bed."""

    def __init__(self) -> None:
        self._looks: deque[npt.NDArray[np.float32]] = deque(maxlen=LOOKS_MAX)
        self._last: npt.NDArray[np.float32] | None = None
        self._still_since_ms = 0

    def occupied(self, frame: Grey, *, at_ms: int, has_mrz: bool, had_mrz: bool = False) -> bool:
        """Take one frame; True when something lies there.

        What `has_mrz` is a document, whatever the bed looks like. What `had_mrz` a moment ago is one that a hand hides, or the bed
        that it left: only what is known of the bed tells, and it is no new look of the bed.
        """
        thumb = cv2.resize(frame, THUMB_PX, interpolation=cv2.INTER_AREA).astype(np.float32)
        still = self._last is not None and _distance(thumb, self._last) <= STILL_MAX
        self._last = thumb
        if has_mrz or had_mrz or not still:
            self._still_since_ms = at_ms
        if has_mrz or (had_mrz and not self._looks):
            return True
        if not self._looks:
            self._looks.append(thumb)
        nearest = min(self._looks, key=lambda look: _distance(thumb, look))
        if _distance(thumb, nearest) < DIFFERENT_MIN:
            nearest += DRIFT * (thumb - nearest)
            self._still_since_ms = at_ms  # what comes now counts from here, however softly it comes
            return False
        if at_ms - self._still_since_ms >= LEARNED_AFTER_MS:
            self._looks.append(thumb)
            return False
        return True


def _distance(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    return float(np.abs(one - other).mean())
