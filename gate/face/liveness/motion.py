"""How far a face changes its shape unlike one flat sheet.

Whatever a rigid flat sheet does before a pinhole camera, one homography explains (Hartley and Zisserman, §2 and §13); what it leaves is depth, or a face
that moves in itself, and is set against how much the shape changed at all beyond shift, turn and scale. Of a face that hardly changes nothing is said.
A video of a head moves as the head does: this cue answers prints and still pictures.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate.face.align import similarity
from gate.face.liveness.frame_features import Glimpse
from gate.face.values import NoFaceError

STEPS_MIN: Final = 8
STEPS_MAX: Final = 120
CHANGE_MIN: Final = 6.0  # of the shape, in thousandths of the face's width
_POINTS_MAX: Final = 120
_POINTS_MIN: Final = 16  # twice what a homography takes
_SPACING_PX: Final = 5
_WINDOW: Final = (17, 17)
_RETURN_ERROR_MAX_PX: Final = 1.0  # a point that does not come back to where it was is lost
_OUTLIER_PX: Final = 3.0
_LOST_SHARE: Final = 0.1  # of the points, the worst: they are not depth
_SHADES_PX: Final = 8.0

Grey = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]  # (n, 2)


class Motion:
    """Follows one face. `value` is the logarithm of what homographies leave of the change of shape: 0 is all of it."""

    def __init__(self) -> None:
        self._first: Grey | None = None
        self._start: Points = np.empty((0, 2), np.float32)
        self._now: Points = self._start
        self._steps: list[tuple[float, float]] = []  # change of shape, and what of it no homography explains

    def see(self, glimpse: Glimpse) -> None:
        """Take the next frame."""
        detail = _without_shades(glimpse.grey)
        if self._first is None or len(self._start) < _POINTS_MIN:
            self._first = detail
            self._start = self._now = _corners(detail)
        else:
            self._find_again(self._first, detail)

    @property
    def value(self) -> float | None:
        """Over the third of the frames whose shape differs most; None before STEPS_MIN frames and CHANGE_MIN."""
        if len(self._steps) < STEPS_MIN:
            return None
        most = np.array(sorted(self._steps)[-(len(self._steps) // 3) :])
        changed, left_over = most.mean(axis=0)
        return float(np.log((left_over + 1e-3) / changed)) if changed >= CHANGE_MIN else None

    def wipe(self) -> None:
        """Zero what shows the person; nothing more is to be seen."""
        if self._first is not None:
            self._first.fill(0)

    def _find_again(self, first: Grey, detail: Grey) -> None:
        there, found = _flow(first, detail, self._start, self._now)
        back, found_back = _flow(detail, first, there, self._start)
        kept = found & found_back & (np.linalg.norm(back - self._start, axis=1) < _RETURN_ERROR_MAX_PX)
        self._start, self._now = self._start[kept], there[kept]
        if len(self._start) >= _POINTS_MIN and (step := _changed(self._start, self._now)) is not None:
            scale = 1000 / detail.shape[1]
            self._steps = [*self._steps[-STEPS_MAX + 1 :], (step[0] * scale, step[1] * scale)]


def _without_shades(grey: Grey) -> Grey:
    """The face's detail alone, so that changing light is not taken for movement."""
    level = grey.astype(np.float32)
    shades = cv2.GaussianBlur(level, (0, 0), _SHADES_PX)
    detail: Grey = np.clip(128 + 320 * (level - shades) / (shades + 16), 0, 255).astype(np.uint8)
    return detail


def _corners(grey: Grey) -> Points:
    found = cv2.goodFeaturesToTrack(grey, _POINTS_MAX, 0.01, _SPACING_PX)
    if found is None:  # type: ignore[redundant-expr, unused-ignore]
        return np.empty((0, 2), np.float32)
    return found.reshape(-1, 2).astype(np.float32, copy=False)


def _flow(before: Grey, after: Grey, points: Points, near: Points) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Where the points went, sought near a guess, and which of them were found (Lucas and Kanade, in a pyramid)."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, near.copy(), winSize=_WINDOW, maxLevel=2, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    return there.astype(np.float32, copy=False), found.ravel() == 1


def _changed(start: Points, now: Points) -> tuple[float, float] | None:
    """Root mean squares, in pixels: what the best similarity leaves, and what the best homography leaves."""
    matrix, _ = cv2.findHomography(start, now, cv2.RANSAC, _OUTLIER_PX)
    if matrix is None:
        return None
    flat = cv2.perspectiveTransform(start[:, None].astype(np.float64), matrix)[:, 0]
    errors = np.linalg.norm(flat - now, axis=1)
    kept = errors <= np.quantile(errors, 1 - _LOST_SHARE)
    try:
        turned = similarity(start[kept].astype(np.float64), now[kept].astype(np.float64))
    except NoFaceError:
        return None
    rest = start[kept] @ turned[:, :2].T + turned[:, 2] - now[kept]
    return float(np.sqrt((rest**2).sum(axis=1).mean())), float(np.sqrt((errors[kept] ** 2).mean()))
