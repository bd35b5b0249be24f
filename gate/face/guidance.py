"""What a traveller could do better, from the measures of a face: the conditions that guidance must know, each with hysteresis.

Pure. The eight of BSI TR-03121 §4.8.1 (too close or far, too far left or right, too high or low, too much movement, not frontal, eyes
closed, mouth open, several faces), and light. A condition begins beyond one bound and ends within another, so that a measure
that trembles about a bound does not make the screen flicker. What was not measured is no condition: a profile whose models give no
68 landmarks says nothing about eyes and mouth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gate.face.values import Measures
from gate_core.evidence.screen import Guidance

# What would make the face better to compare, most useful first.
HINTS: Final = (
    Guidance.ONE_PERSON, Guidance.COME_CLOSER, Guidance.STEP_BACK, Guidance.MOVE_LEFT, Guidance.MOVE_RIGHT, Guidance.MOVE_UP, Guidance.MOVE_DOWN, Guidance.FACE_FORWARD,
    Guidance.MORE_LIGHT, Guidance.HOLD_STILL, Guidance.OPEN_EYES, Guidance.CLOSE_MOUTH,
)  # fmt: skip
# These may be wrong about a person for good (a long nose, narrow eyes, dark skin, a wheelchair's height): they choose frames for a
# while, no longer. A face that is turned further than `quality.TURNED_MAX` is turned.
EXCUSABLE: Final = frozenset({
    Guidance.MOVE_UP, Guidance.MOVE_DOWN, Guidance.FACE_FORWARD, Guidance.MORE_LIGHT, Guidance.OPEN_EYES, Guidance.CLOSE_MOUTH,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a measure becomes bad, and where it is good again. `bad` over `good`: too much is bad; under it: too little."""

    bad: float
    good: float

    def __post_init__(self) -> None:
        """Refuse a limit without room: it would tremble."""
        if self.bad == self.good:
            raise ValueError("a limit needs room between bad and good")

    def passed(self, value: float, *, held: bool) -> bool:
        """True when the value is bad; a condition that is `held` ends only where it is good again."""
        bound = self.good if held else self.bad
        return value > bound if self.bad > self.good else value < bound


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition on one measure."""

    hint: Guidance
    measure: Callable[[Measures], float | None]
    limit: Limit


# Units and evidence: docs/biometrics.md. The picture's left is the traveller's right.
RULES: Final = (
    Rule(Guidance.COME_CLOSER, lambda face: face.eye_distance_px, Limit(bad=32.0, good=36.0)),
    Rule(Guidance.STEP_BACK, lambda face: face.height_part, Limit(bad=0.80, good=0.72)),
    Rule(Guidance.MOVE_LEFT, lambda face: face.x_part, Limit(bad=0.22, good=0.27)),
    Rule(Guidance.MOVE_RIGHT, lambda face: face.x_part, Limit(bad=0.78, good=0.73)),
    Rule(Guidance.MOVE_DOWN, lambda face: face.y_part, Limit(bad=0.14, good=0.18)),
    Rule(Guidance.MOVE_UP, lambda face: face.y_part, Limit(bad=0.81, good=0.77)),
    Rule(Guidance.FACE_FORWARD, lambda face: abs(face.pose.yaw), Limit(bad=0.25, good=0.20)),
    Rule(Guidance.FACE_FORWARD, lambda face: face.pose.pitch, Limit(bad=0.27, good=0.31)),
    Rule(Guidance.FACE_FORWARD, lambda face: face.pose.pitch, Limit(bad=0.76, good=0.72)),
    Rule(Guidance.FACE_FORWARD, lambda face: abs(face.pose.roll_degrees), Limit(bad=20.0, good=15.0)),
    Rule(Guidance.FACE_FORWARD, lambda face: None if face.yaw_degrees is None else abs(face.yaw_degrees), Limit(bad=20.0, good=15.0)),
    Rule(Guidance.FACE_FORWARD, lambda face: face.pitch_degrees, Limit(bad=-20.0, good=-18.0)),
    Rule(Guidance.FACE_FORWARD, lambda face: face.pitch_degrees, Limit(bad=12.0, good=8.0)),
    Rule(Guidance.MORE_LIGHT, lambda face: face.brightness, Limit(bad=50.0, good=58.0)),
    Rule(Guidance.MORE_LIGHT, lambda face: face.brightness, Limit(bad=225.0, good=215.0)),
    Rule(Guidance.MORE_LIGHT, lambda face: face.contrast, Limit(bad=12.0, good=15.0)),
    Rule(Guidance.HOLD_STILL, lambda face: face.motion, Limit(bad=2.0, good=1.3)),
    Rule(Guidance.HOLD_STILL, lambda face: face.sharpness, Limit(bad=20.0, good=26.0)),
    Rule(Guidance.OPEN_EYES, lambda face: face.eyes_open, Limit(bad=0.40, good=0.55)),
    Rule(Guidance.CLOSE_MOUTH, lambda face: face.mouth_open, Limit(bad=0.35, good=0.28)),
)  # fmt: skip


def conditions(face: Measures, held: frozenset[Guidance] = frozenset()) -> frozenset[Guidance]:
    """What is to be wished for, given what was wished for in the frame before."""
    found = set()
    for rule in RULES:
        value = rule.measure(face)
        if value is not None and rule.limit.passed(value, held=rule.hint in held):
            found.add(rule.hint)
    return frozenset(found)
