"""How far a face moves unlike one flat sheet.

Points of the face are followed from frame to frame. Whatever a rigid flat sheet does before a pinhole camera, one homography
a frame explains (Hartley and Zisserman, Multiple View Geometry, §2 and §13); what it leaves unexplained is depth, or a face that moves
in itself. A bent sheet leaves a little, a head that turns leaves much, and a video of a head leaves as much as the head: this
cue answers prints, not screens. Somebody who holds perfectly still looks flat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from gate.face.liveness.glimpse import Glimpse

STEPS_MIN: Final = 8
_POINTS_MAX: Final = 80
_POINTS_MIN: Final = 16  # twice what a homography takes
_SPACING_PX: Final = 6
_WINDOW: Final = (13, 13)
_RETURN_ERROR_MAX_PX: Final = 0.7  # a point that does not come back to where it was is lost
_OUTLIER_PX: Final = 6.0
_SHADES_PX: Final = 8.0

Grey = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]  # (n, 2)


class Motion:
    """Follows one face. `value` is what homographies leave over, in thousandths of the face's width."""

    def __init__(self) -> None:
        self._before: Grey | None = None
        self._start: Points = np.empty((0, 2), np.float32)
        self._now: Points = self._start
        self._left_over: list[float] = []

    def see(self, glimpse: Glimpse) -> None:
        """Take the next frame."""
        after = _without_shades(glimpse.grey)
        if self._before is None or len(self._now) < _POINTS_MIN:
            self._start = self._now = _corners(after)
        else:
            self._follow(self._before, after)
        self._before = after

    @property
    def value(self) -> float | None:
        """The mean over the half of the frames that leave most; None before STEPS_MIN steps."""
        left = sorted(self._left_over)
        if len(left) < STEPS_MIN:
            return None
        return float(np.mean(left[len(left) // 2 :]))

    def wipe(self) -> None:
        """Zero what shows the person; nothing more is to be seen."""
        if self._before is not None:
            self._before.fill(0)

    def _follow(self, before: Grey, after: Grey) -> None:
        there, found = _flow(before, after, self._now)
        back, found_back = _flow(after, before, there)
        kept = found & found_back & (np.linalg.norm(back - self._now, axis=1) < _RETURN_ERROR_MAX_PX)
        self._start, self._now = self._start[kept], there[kept]
        if len(self._now) >= _POINTS_MIN:
            self._left_over.append(_left_over(self._start, self._now) * 1000 / after.shape[1])


def _without_shades(grey: Grey) -> Grey:
    """The face's detail alone, so that changing light is not taken for movement."""
    level = grey.astype(np.float32)
    shades = cv2.GaussianBlur(level, (0, 0), _SHADES_PX)
    detail: Grey = np.clip(128 + 320 * (level - shades) / (shades + 16), 0, 255).astype(np.uint8)
    return detail


def _corners(grey: Grey) -> Points:
    found = cv2.goodFeaturesToTrack(grey, _POINTS_MAX, 0.02, _SPACING_PX)
    if found is None:  # type: ignore[redundant-expr, unused-ignore]
        return np.empty((0, 2), np.float32)
    return found.reshape(-1, 2).astype(np.float32, copy=False)


def _flow(before: Grey, after: Grey, points: Points) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Where the points went, and which of them were found (Lucas and Kanade, in a pyramid)."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, np.empty_like(points), winSize=_WINDOW, maxLevel=2
    )
    return there.astype(np.float32, copy=False), found.ravel() == 1


def _left_over(start: Points, now: Points) -> float:
    """The root mean square, in pixels, of what the best homography leaves, without the worst tenth: lost points are not depth."""
    matrix, _ = cv2.findHomography(start, now, cv2.RANSAC, _OUTLIER_PX)
    if matrix is None:
        return 0.0
    moved = cv2.perspectiveTransform(start[:, None].astype(np.float64), matrix)[:, 0]
    errors = np.sort(np.linalg.norm(moved - now, axis=1))
    return float(np.sqrt(np.mean(errors[: max(1, int(0.9 * len(errors)))] ** 2)))
