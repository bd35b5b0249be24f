"""A head's angles and open eyes, from separate models (models/cards/fr_pose.md, fr_eye.md); a mouth's opening, from landmarks.

One frame is unreliable: the eye model takes 7 % of press pictures for shut. So the median of the newest three frames and the more
open eye count; the angles, which cost most, are measured a few times a second.
"""

import math
import statistics
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from gate.face.chain import FaceModels
from gate.face.quality import Observation, Quality
from gate.face.values import Box, Floats, Points
from gate.picture import Picture
from models.runtime import Session

FUSED_FRAMES: Final = 3  # a fifth of a second
ANGLES_EVERY_MS: Final = 150
ANGLES_AGE_MS_MAX: Final = 400
STEP_MS_MAX: Final = 400  # two frames further apart give no speed
_EYES: Final = (slice(36, 42), slice(42, 48))
_EYE_SQUARE: Final = 1.6  # times the eye's width
_HEAD_MARGIN: Final = 0.25  # of the box, on each side
# Of ImageNet, RGB.
_MEAN: Final = np.array((0.485, 0.456, 0.406), np.float32)
_DEVIATION: Final = np.array((0.229, 0.224, 0.225), np.float32)
_BIN_DEGREES, _FIRST_BIN_DEGREES = 3.0, -99.0


# The inner edge of the lips, iBUG numbers: left and right corner, three pairs above and below.
_LEFT, _RIGHT, _PAIRS = 60, 64, ((61, 67), (62, 66), (63, 65))


def mouth_opening(dense: Points) -> float:
    """Return the mean gap between the lips over the width of the mouth: under 0.1 when shut, about 0.2 with a broad smile, 0.5 wide open.

    A ratio is independent of the face's size and tilt. For eyes it fails: between people that of an open eye ranges from 0.25 to 0.45 and
    that of a shut one from 0.18 to 0.36, so a model is used. Coinciding points have no width: the mouth then counts as shut.
    """
    gap = float(np.mean([np.linalg.norm(dense[upper] - dense[lower]) for upper, lower in _PAIRS]))
    width = float(np.linalg.norm(dense[_RIGHT] - dense[_LEFT]))
    return gap / width if width > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class Angles:
    """Degrees. Positive yaw faces the picture's left, positive pitch looks up; frontal faces are about 10 below zero in pitch."""

    yaw: float
    pitch: float


def head_angles(session: Session, picture: Picture, box: Box) -> Angles | None:
    """Return the model's angles; None for a box outside of the picture."""
    across, down = _HEAD_MARGIN * box.width, _HEAD_MARGIN * box.height
    cut = _inside(picture, box.left - across, box.top - down, box.right + across, box.bottom + down)
    if cut.size == 0:
        return None
    _, _, height, width = session.model.input.shape
    pixels = cv2.cvtColor(cv2.resize(cut, (width, height)), cv2.COLOR_BGR2RGB).astype(np.float32) / np.float32(255)
    tensor = ((pixels - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None]
    yaw, pitch, _roll = session.run(np.ascontiguousarray(tensor, dtype=np.float32))
    chances = [_softmax(logits[0]) for logits in (yaw, pitch)]
    return Angles(*(float(one @ np.arange(len(one)) * _BIN_DEGREES + _FIRST_BIN_DEGREES) for one in chances))


def eyes_open(session: Session, picture: Picture, dense: Points) -> float | None:
    """Return the probability that the more open eye is open; None if no eye is in the picture."""
    _, _, height, width = session.model.input.shape
    found: list[float] = []
    for six in (dense[eye] for eye in _EYES):
        x, y = (six.min(axis=0) + six.max(axis=0)) / 2
        half = _EYE_SQUARE * float(np.ptp(six[:, 0])) / 2
        cut = _inside(picture, x - half, y - half, x + half, y + half)
        if min(cut.shape) >= 2:
            small = cv2.resize(cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY), (width, height)).astype(np.float32)
            (logits,) = session.run(small[None, None] / np.float32(255))
            found.append(float(_softmax(logits[0])[1]))
    return max(found, default=None)


def _inside(picture: Picture, left: float, top: float, right: float, bottom: float) -> Picture:
    return picture[max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))]


def _softmax(logits: Floats) -> npt.NDArray[np.float64]:
    weights: npt.NDArray[np.float64] = np.exp(logits.astype(np.float64) - float(np.max(logits)))
    return weights / float(weights.sum())


class Fused:
    """The median of the newest few values of one face; None until one was measured."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=FUSED_FRAMES)

    def take(self, value: float | None) -> float | None:
        """Add a frame's value and return the median."""
        if value is not None:
            self._values.append(value)
        return statistics.median(self._values) if self._values else None


class Attitude:
    """Measurements of one face that use several frames or further models: speed, angles, eyes and mouth. Starts again with each subject."""

    def __init__(self, models: FaceModels) -> None:
        self._models = models
        self._subject = 0
        self._at_ms = 0
        self._place = (0.0, 0.0)
        self._eyes, self._mouth = Fused(), Fused()
        self._angles: Angles | None = None
        self._angles_ms = 0

    def complete(self, frame: Picture, seen: Observation) -> Observation:
        """Return the observation with the measures that need more than one frame, or further models."""
        if seen.points is None or seen.quality is None:
            return seen
        measures, same = seen.quality.measures, seen.subject == self._subject
        x, y = seen.points.five[:2].mean(axis=0)
        place = (float(x), float(y))
        step_ms = seen.at_ms - self._at_ms
        motion = None
        if same and 0 < step_ms <= STEP_MS_MAX and measures.eye_distance_px > 0.0:
            motion = math.dist(place, self._place) / measures.eye_distance_px / step_ms * 1000
        if not same:
            self._eyes, self._mouth, self._angles = Fused(), Fused(), None
        self._subject, self._at_ms, self._place = seen.subject, seen.at_ms, place
        angles = self._turned(frame, seen)
        dense = seen.points.dense
        shut = None if dense is None or self._models.eyes is None else eyes_open(self._models.eyes, frame, dense)
        measures = replace(
            measures,
            motion=motion,
            yaw_degrees=None if angles is None else angles.yaw,
            pitch_degrees=None if angles is None else angles.pitch,
            eyes_open=self._eyes.take(shut),
            mouth_open=self._mouth.take(None if dense is None else mouth_opening(dense)),
        )
        return replace(seen, quality=Quality.of(measures))

    def _turned(self, frame: Picture, seen: Observation) -> Angles | None:
        """Return the newest angles of this face."""
        if self._models.pose is None or seen.box is None:
            return None
        if self._angles is None or seen.at_ms - self._angles_ms >= ANGLES_EVERY_MS:
            self._angles = head_angles(self._models.pose, frame, seen.box)
            self._angles_ms = seen.at_ms
        return self._angles if seen.at_ms - self._angles_ms <= ANGLES_AGE_MS_MAX else None
