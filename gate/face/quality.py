"""Quality of one face in one frame, after ISO/IEC 29794-5, and guidance for the traveller. Measures select frames and guide; none rejects.

The conditions are the eight of BSI TR-03121 §4.8.1, and light; each begins beyond one bound and ends within another, so that a measure near a
bound does not make the screen flicker. `components` maps measures to the standard's scale, 0 (poor) to 100; the mapping is ours, because the
standard's own requires models that are not used here. An unavailable measure is None, never guessed.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from gate.face.values import PITCH_FRONTAL, Box, Landmarks, Measures, Points, Pose, Template
from gate.picture import Picture
from gate_core.evidence.screen import Guidance

# What would make the face better to compare, most useful first.
HINTS: Final = (
    Guidance.ONE_PERSON, Guidance.COME_CLOSER, Guidance.STEP_BACK, Guidance.MOVE_LEFT, Guidance.MOVE_RIGHT, Guidance.MOVE_UP, Guidance.MOVE_DOWN, Guidance.FACE_FORWARD,
    Guidance.MORE_LIGHT, Guidance.HOLD_STILL, Guidance.OPEN_EYES, Guidance.CLOSE_MOUTH,
)  # fmt: skip
# These may be wrong about a person for good (a long nose, narrow eyes, dark skin, a wheelchair's height): they choose frames for a
# while, no longer. A face that is turned further than `TURNED_MAX` is turned.
EXCUSABLE: Final = frozenset({
    Guidance.MOVE_UP, Guidance.MOVE_DOWN, Guidance.FACE_FORWARD, Guidance.MORE_LIGHT, Guidance.OPEN_EYES, Guidance.CLOSE_MOUTH,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limit:
    """When a measure becomes bad, and when it is good again. `bad` over `good`: too much is bad; under it: too little."""

    bad: float
    good: float

    def __post_init__(self) -> None:
        """Refuse a limit without hysteresis."""
        if self.bad == self.good:
            raise ValueError("a limit needs room between bad and good")

    def passed(self, value: float, *, held: bool) -> bool:
        """True if the value is bad; a condition that is `held` ends only where it is good again."""
        bound = self.good if held else self.bad
        return value > bound if self.bad > self.good else value < bound


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition on one measure. A missing measure gives no condition."""

    hint: Guidance
    measure: Callable[[Measures], float | None]
    limit: Limit


def _rules(measure: Callable[[Measures], float | None], *limits: tuple[Guidance, float, float]) -> tuple[Rule, ...]:
    """Return the conditions on one measure, each with the bounds where it begins and ends."""
    return tuple(Rule(hint, measure, Limit(bad, good)) for hint, bad, good in limits)


# Units and evidence: docs/biometrics.md. The picture's left is the traveller's right.
RULES: Final = (
    *_rules(lambda face: face.eye_distance_px, (Guidance.COME_CLOSER, 32.0, 36.0)),
    *_rules(lambda face: face.height_part, (Guidance.STEP_BACK, 0.80, 0.72)),
    *_rules(lambda face: face.x_part, (Guidance.MOVE_LEFT, 0.22, 0.27), (Guidance.MOVE_RIGHT, 0.78, 0.73)),
    *_rules(lambda face: face.y_part, (Guidance.MOVE_DOWN, 0.14, 0.18), (Guidance.MOVE_UP, 0.81, 0.77)),
    *_rules(lambda face: abs(face.pose.yaw), (Guidance.FACE_FORWARD, 0.25, 0.20)),
    *_rules(lambda face: face.pose.pitch, (Guidance.FACE_FORWARD, 0.27, 0.31), (Guidance.FACE_FORWARD, 0.76, 0.72)),
    *_rules(lambda face: abs(face.pose.roll_degrees), (Guidance.FACE_FORWARD, 20.0, 15.0)),
    *_rules(lambda face: None if face.yaw_degrees is None else abs(face.yaw_degrees), (Guidance.FACE_FORWARD, 20.0, 15.0)),
    *_rules(lambda face: face.pitch_degrees, (Guidance.FACE_FORWARD, -20.0, -18.0), (Guidance.FACE_FORWARD, 12.0, 8.0)),
    *_rules(lambda face: face.brightness, (Guidance.MORE_LIGHT, 50.0, 58.0), (Guidance.MORE_LIGHT, 225.0, 215.0)),
    *_rules(lambda face: face.contrast, (Guidance.MORE_LIGHT, 12.0, 15.0)),
    *_rules(lambda face: face.motion, (Guidance.HOLD_STILL, 2.0, 1.3)),
    *_rules(lambda face: face.sharpness, (Guidance.HOLD_STILL, 20.0, 26.0)),
    *_rules(lambda face: face.eyes_open, (Guidance.OPEN_EYES, 0.40, 0.55)),
    *_rules(lambda face: face.mouth_open, (Guidance.CLOSE_MOUTH, 0.35, 0.28)),
)  # fmt: skip


def conditions(face: Measures, held: frozenset[Guidance] = frozenset()) -> frozenset[Guidance]:
    """Return the guidance for this frame, given the guidance of the frame before."""
    found = set()
    for rule in RULES:
        value = rule.measure(face)
        if value is not None and rule.limit.passed(value, held=rule.hint in held):
            found.add(rule.hint)
    return frozenset(found)


_BRIGHT, _DARK = 247, 8  # grey levels at which a pixel has no information
_CHEEKS: Final = (slice(62, 80), slice(36, 76))  # of the aligned face: nose and cheeks, seldom covered
_LOWER_FACE: Final = (slice(82, 104), slice(34, 78))
_EYE_BAND: Final = (slice(42, 60), slice(26, 86))
_SKIN_CHROMA_MAX = 22.0  # distance in the Cb-Cr plane that belongs to one skin
_BACKGROUND_SIDE: Final = 32  # a quarter of a face is looked at as so many pixels
TURNED_MAX: Final = Pose(yaw=0.30, pitch=0.27, roll_degrees=25.0)  # beyond it a template has little information


class Component(enum.Enum):
    """Quality components in the words of ISO/IEC 29794-5."""

    INTER_EYE_DISTANCE = "inter_eye_distance"
    SHARPNESS = "sharpness"
    LUMINANCE = "luminance"
    DYNAMIC_RANGE = "dynamic_range"
    ILLUMINATION_UNIFORMITY = "illumination_uniformity"
    EXPOSURE = "exposure"  # neither under- nor overexposed
    POSE = "pose"
    EYES_OPEN = "eyes_open"
    MOUTH_CLOSED = "mouth_closed"
    OCCLUSION = "occlusion"
    BACKGROUND_UNIFORMITY = "background_uniformity"
    MOTION = "motion"  # not of the standard: it judges stills


_MIDDLE_GREY = 120.0
# Each component's measure, the value that gives 0, and the one that gives 100; linear in between.
_SCALES: Final[Mapping[Component, tuple[Callable[[Measures], float | None], float, float]]] = {
    Component.INTER_EYE_DISTANCE: (lambda face: face.eye_distance_px, 20.0, 90.0),
    # The variance grows with the square of an edge.
    Component.SHARPNESS: (lambda face: math.sqrt(face.sharpness), 0.0, 20.0),
    Component.LUMINANCE: (lambda face: abs(face.brightness - _MIDDLE_GREY), 90.0, 20.0),
    Component.DYNAMIC_RANGE: (lambda face: face.contrast, 8.0, 40.0),
    Component.ILLUMINATION_UNIFORMITY: (lambda face: face.balance, 0.8, 0.1),
    Component.EXPOSURE: (lambda face: face.clipped, 0.3, 0.0),
    Component.POSE: (lambda face: _turned(face.pose), 0.5, 0.05),
    Component.EYES_OPEN: (lambda face: face.eyes_open, 0.2, 0.9),
    Component.MOUTH_CLOSED: (lambda face: face.mouth_open, 0.5, 0.1),
    Component.OCCLUSION: (lambda face: face.covered, 0.6, 0.1),
    Component.BACKGROUND_UNIFORMITY: (lambda face: face.background, 70.0, 10.0),
    Component.MOTION: (lambda face: face.motion, 3.0, 0.3),
}
# The room is not the traveller's doing, and does not concern the face.
_NOT_OF_THE_FACE: Final = frozenset({Component.BACKGROUND_UNIFORMITY})


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures of one face, and this frame's own guidance, most useful first."""

    measures: Measures
    hints: tuple[Guidance, ...]

    @classmethod
    def of(cls, measures: Measures) -> Quality:
        """Judge the frame alone, without earlier guidance."""
        wished = conditions(measures)
        return cls(measures, tuple(hint for hint in HINTS if hint in wished))

    @property
    def usable(self) -> bool:
        """True if there is no guidance."""
        return not self.hints

    @property
    def passable(self) -> bool:
        """True if the remaining guidance may be due to measuring errors."""
        return EXCUSABLE.issuperset(self.hints) and self.measures.pose.within(TURNED_MAX)

    @property
    def worth(self) -> float:
        """The frame's worth for a comparison, 0 to 100: its poorest component counts, and the mean decides between equals."""
        parts = [part for component, part in components(self.measures).items() if component not in _NOT_OF_THE_FACE]
        return 0.7 * min(parts) + 0.3 * sum(parts) / len(parts)


def measure(box: Box, points: Landmarks, aligned: Picture, frame: Picture) -> Measures:
    """Measure one face of a frame; `aligned` is in the ArcFace position, 112 pixels a side. Other modules add eyes, mouth and motion."""
    height, width = frame.shape[:2]
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)
    left, right = float(grey[:, :56].mean()), float(grey[:, 56:].mean())
    eyes = (points.five[0] + points.five[1]) / 2
    return Measures(
        eye_distance_px=math.hypot(*(points.five[1] - points.five[0])),
        height_part=box.height / height,
        x_part=float(eyes[0]) / width,
        y_part=float(eyes[1]) / height,
        pose=pose(points.five),
        brightness=float(grey.mean()),
        contrast=float(grey.std()),
        balance=abs(left - right) / max(1.0, (left + right) / 2),
        clipped=float(((grey >= _BRIGHT) | (grey <= _DARK)).mean()),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_64F).var()),
        covered=covered_part(aligned),
        background=background_deviation(frame, box),
    )


def components(face: Measures) -> dict[Component, float]:
    """Each measured component, 0 (poor) to 100."""
    found = {}
    for component, (told_by, nothing, everything) in _SCALES.items():
        if (value := told_by(face)) is not None:
            found[component] = 100.0 * min(1.0, max(0.0, (value - nothing) / (everything - nothing)))
    return found


def _turned(pose: Pose) -> float:
    return max(abs(pose.yaw), abs(pose.pitch - PITCH_FRONTAL), abs(pose.roll_degrees) / 60)


def pose(five: Points) -> Pose:
    """Measure the pose from eyes, nose and mouth, along the face's own axes."""
    left_eye, right_eye, nose, left_mouth, right_mouth = five
    across = right_eye - left_eye
    distance = math.hypot(*across)
    if not distance > 0.0:
        return Pose(math.inf, math.inf, 180.0)
    along = across / distance
    down = (-along[1], along[0])
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    drop_to_mouth = float((mouth - eyes) @ down)
    return Pose(
        yaw=float((nose - eyes) @ along) / distance,
        pitch=float((nose - eyes) @ down) / drop_to_mouth if drop_to_mouth > 0.0 else math.inf,
        roll_degrees=math.degrees(math.atan2(across[1], across[0])),
    )


def covered_part(aligned: Picture) -> float:
    """Return a proxy for occlusion: a mask, a hand or dark glasses differ in colour from nose and cheeks. Skin-coloured things are missed."""
    chroma = cv2.cvtColor(aligned, cv2.COLOR_BGR2YCrCb)[:, :, 1:].astype(np.float32)
    skin = np.median(chroma[_CHEEKS].reshape(-1, 2), axis=0)
    parts = [np.linalg.norm(chroma[region] - skin, axis=2) > _SKIN_CHROMA_MAX for region in (_LOWER_FACE, _EYE_BAND)]
    return float(max(part.mean() for part in parts))


def background_deviation(frame: Picture, box: Box) -> float | None:
    """Return the unevenness of the picture on both sides of the head; None without space there."""
    wide, top, bottom = 0.4 * box.width, max(0, round(box.top)), round(box.top + 0.5 * box.height)
    sides = (
        (round(box.left - 1.5 * wide), round(box.left - 0.5 * wide)),
        (round(box.right + 0.5 * wide), round(box.right + 1.5 * wide)),
    )
    pieces = [frame[top:bottom, left:right] for left, right in sides if 0 <= left < right <= frame.shape[1]]
    pieces = [piece for piece in pieces if piece.size]
    if not pieces:
        return None
    small = [cv2.resize(piece, (_BACKGROUND_SIDE, _BACKGROUND_SIDE), interpolation=cv2.INTER_AREA) for piece in pieces]
    return float(np.stack(small).std(axis=(0, 1, 2)).mean())


@dataclass(frozen=True, slots=True)
class Observation:
    """What one frame shows of the traveller. `faces`: the number of possible travellers.

    `quality` is None if the face is outside the frame or its points coincide, `template` if the frame was not worth an
    embedding. `subject`: the person's number while the face is followed. `at_ms`: the frame's monotonic time.
    """

    at_ms: int
    faces: int
    box: Box | None = None
    points: Landmarks | None = field(default=None, repr=False)
    quality: Quality | None = None
    template: Template | None = None
    subject: int = 0

    @property
    def passable(self) -> bool:
        """True if a template of the frame would identify the person: one face, alone, whole, frontal and sharp."""
        return self.faces == 1 and self.quality is not None and self.quality.passable
