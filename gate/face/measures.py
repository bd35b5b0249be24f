"""What can be measured of one face in one frame: values and their units. How they are measured is `gate.face.quality`'s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PITCH_FRONTAL: Final = 0.52  # people differ by 0.05 and more


@dataclass(frozen=True, slots=True)
class Pose:
    """How the head is turned, from five points; no angles but roll, since five points do not give them honestly.

    `yaw`: how far the nose lies from the middle between the eyes, in eye distances; 0 faces the camera.
    `pitch`: how far down the nose lies between eyes (0) and mouth (1). `roll_degrees`: how the eyes tilt.
    """

    yaw: float
    pitch: float
    roll_degrees: float

    def within(self, most: Pose) -> bool:
        """True when the head is turned no further; pitch counts from its frontal value, both ways."""
        return (
            abs(self.yaw) <= most.yaw
            and abs(self.pitch - PITCH_FRONTAL) <= most.pitch
            and abs(self.roll_degrees) <= most.roll_degrees
        )


@dataclass(frozen=True, slots=True)
class Measures:
    """One face. Parts are of the frame's sides, levels are grey values of the aligned face.

    `x_part`, `y_part`: where the middle between the eyes lies. `sharpness`: variance of the Laplacian. `balance`: how much brighter one
    half of the face is, in parts of the whole. `clipped`: the part of pixels that are white or black through. `covered`: the part of
    eye band and lower face whose colour is not that of nose and cheeks. `background`: standard deviation beside the head.
    `motion`: how far the eyes moved since the frame before, in eye distances a second. The angles and `eyes_open`, a probability, are
    `gate.face.attitude`'s, and so is the ratio `mouth_open`. None: not measured.
    """

    eye_distance_px: float
    height_part: float
    x_part: float
    y_part: float
    pose: Pose
    brightness: float
    contrast: float
    balance: float
    clipped: float
    sharpness: float
    covered: float
    background: float | None = None
    motion: float | None = None
    yaw_degrees: float | None = None
    pitch_degrees: float | None = None
    eyes_open: float | None = None
    mouth_open: float | None = None
