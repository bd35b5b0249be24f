"""Whether a face in a frame is good enough to compare, and what would make it better.

Works on what the chain has already: the box, five points and the aligned face. Bounds are in the units of docs/faces.md;
they keep out frames that no policy should decide on and tell the traveller what to change.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from gate.face.values import Box, Picture, Points


class Hint(enum.Enum):
    """What would make the face better to compare, most useful first."""

    ONE_PERSON = "one_person"
    COME_CLOSER = "come_closer"
    STEP_BACK = "step_back"
    CENTRE = "centre"
    FACE_FORWARD = "face_forward"
    MORE_LIGHT = "more_light"
    HOLD_STILL = "hold_still"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a face stops being good enough.

    `yaw_max` and the pitch bounds are ratios of distances between landmarks, see `pose`.
    """

    eye_distance_px_min: float = 32.0
    height_part_max: float = 0.9
    yaw_max: float = 0.3
    pitch_min: float = 0.25
    pitch_max: float = 0.80
    roll_degrees_max: float = 25.0
    brightness_min: float = 45.0
    brightness_max: float = 225.0
    sharpness_min: float = 20.0


@dataclass(frozen=True, slots=True)
class Pose:
    """How the head is turned, from five points; no angles but roll, since five points do not give them honestly.

    `yaw`: how far the nose lies from the middle between the eyes, in eye distances; 0 faces the camera.
    `pitch`: how far down the nose lies between eyes (0) and mouth (1). `roll_degrees`: how the eyes tilt.
    """

    yaw: float
    pitch: float
    roll_degrees: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The measures of one face. `brightness` is the mean grey, `sharpness` the variance of the Laplacian, both aligned."""

    eye_distance_px: float
    brightness: float
    sharpness: float
    pose: Pose
    hints: tuple[Hint, ...]

    @property
    def usable(self) -> bool:
        """True when nothing is left to wish for."""
        return not self.hints


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


def assess(box: Box, five: Points, aligned: Picture, *, width: int, height: int, bounds: Bounds = Bounds()) -> Quality:
    """Judge one face of a width x height frame."""
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    brightness = float(grey.mean())
    eye_distance = math.hypot(*(five[1] - five[0]))
    turned = pose(five)
    x, y = box.centre
    inside = box.left >= 0 and box.top >= 0 and box.right <= width and box.bottom <= height
    wishes = {
        Hint.COME_CLOSER: eye_distance < bounds.eye_distance_px_min,
        Hint.STEP_BACK: box.height > bounds.height_part_max * height,
        Hint.CENTRE: not inside or not 0.15 * width <= x <= 0.85 * width or not 0.15 * height <= y <= 0.85 * height,
        Hint.FACE_FORWARD: abs(turned.yaw) > bounds.yaw_max
        or not bounds.pitch_min <= turned.pitch <= bounds.pitch_max
        or abs(turned.roll_degrees) > bounds.roll_degrees_max,
        Hint.MORE_LIGHT: not bounds.brightness_min <= brightness <= bounds.brightness_max,
        Hint.HOLD_STILL: sharpness < bounds.sharpness_min,
    }
    return Quality(
        eye_distance_px=eye_distance,
        brightness=brightness,
        sharpness=sharpness,
        pose=turned,
        hints=tuple(hint for hint in Hint if wishes.get(hint, False)),
    )
