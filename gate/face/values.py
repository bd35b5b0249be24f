"""The values that pass between the stages, and what these may raise beside `gate.picture`'s BadPictureError. Whatever shows a person redacts itself.

Pictures are (height, width, 3) uint8 BGR; positions are in pixels of the picture they were found in, from its top left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from models.cohort import Cohort

Points = npt.NDArray[np.float64]  # (n, 2): x, y
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; may reach over the picture's edge."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width in pixels, never negative."""
        return max(0.0, self.right - self.left)

    @property
    def height(self) -> float:
        """Height in pixels, never negative."""
        return max(0.0, self.bottom - self.top)

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, x and y."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0 (apart) to 1 (the same)."""
        shared = Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        ).area
        union = self.area + other.area - shared
        return shared / union if union > 0.0 else 0.0


@dataclass(frozen=True, slots=True)
class Face:
    """One face that the detector found, with its score from 0 to 1, and its five points if the detector gives them.

    The points are eyes, nose and corners of the mouth as the picture shows them, left before right.
    """

    box: Box
    score: float
    five: Points | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The points of one face: `five`, (5, 2), and `dense`, (68, 2) in iBUG order where the models give them."""

    five: Points
    dense: Points | None = None


@dataclass(frozen=True, slots=True)
class LiveEvidence:
    """What is known so far of the tracked person being one, 0 (a picture) to 1 (a person). None: not run, which never passes.

    `reasons` go to the officer and the log, and so do `cues`: what the score rests on, None for one that was not run. `ready` is
    False while a few more frames would tell more.
    """

    score: float | None = None
    reasons: tuple[str, ...] = ()
    ready: bool = True
    cues: tuple[tuple[str, float | None], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a score that is none."""
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score out of range: {self.score}")


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A face embedding, (n,) float32 of unit length, and the model that made it. Lives in the crossing's child process.

    Only templates of one model compare; `cohort` is the site's, if comparisons are seen against one, and stands in the model's name
    (`gate.face.align.space_of`). Has no useful repr; `wipe()` zeroes the array that we own.
    """

    vector: Floats
    model: str
    cohort: Cohort | None = None

    def __post_init__(self) -> None:
        """Refuse what no embedder gives: another shape, another length than one, not a number."""
        if self.vector.ndim != 1 or not abs(float(np.linalg.norm(self.vector)) - 1.0) < 1e-3:
            raise ValueError("a template is one vector of unit length")

    def __repr__(self) -> str:
        """Never shows the numbers."""
        return f"Template(model={self.model})"

    def __reduce__(self) -> str:
        """Refuse pickling: a template leaves its process in no form."""
        raise TypeError("a template does not leave its process")

    def wipe(self) -> None:
        """Zero the array."""
        self.vector.fill(0.0)


class FaceError(Exception):
    """Any failure to get from a picture to a face."""


class NoFaceError(FaceError):
    """A picture without a face."""


class SeveralFacesError(FaceError):
    """A picture with several faces where one person must be alone."""


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
