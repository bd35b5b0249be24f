"""Values passed between the stages, and their errors besides `gate.picture`'s BadPictureError. Values that show a person redact themselves.

Pictures are (height, width, 3) uint8 BGR; positions are in pixels of the picture in which they were found, from its top left.
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
    """A rectangle; may extend beyond the picture's edge."""

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
    """The points of one face: `five`, (5, 2), and `dense`, (68, 2) in iBUG order if the models give them."""

    five: Points
    dense: Points | None = None


@dataclass(frozen=True, slots=True)
class LiveEvidence:
    """The liveness of the tracked person so far, 0 (a picture) to 1 (a person). None: not run, which never passes.

    `reasons` are shown to the officer and logged, as are `cues`: the score's basis, None for one that was not run.
    `ready`: False while more frames would improve it.
    """

    score: float | None = None
    reasons: tuple[str, ...] = ()
    ready: bool = True
    cues: tuple[tuple[str, float | None], ...] = ()

    def __post_init__(self) -> None:
        """Refuse an invalid score."""
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score out of range: {self.score}")


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A face embedding, (n,) float32 of unit length, and the model that made it. Exists only in the crossing's child process.

    Only templates of one model compare; `cohort`: the site's, if comparisons are relative to one; the model's name then
    contains it (`gate.face.align.space_of`). Has no useful repr; `wipe()` zeroes the array that we own.
    """

    vector: Floats
    model: str
    cohort: Cohort | None = None

    def __post_init__(self) -> None:
        """Refuse values that no embedder gives: another shape, a length other than one, not a number."""
        if self.vector.ndim != 1 or not abs(float(np.linalg.norm(self.vector)) - 1.0) < 1e-3:
            raise ValueError("a template is one vector of unit length")

    def __repr__(self) -> str:
        """Never shows the numbers."""
        return f"Template(model={self.model})"

    def __reduce__(self) -> str:
        """Refuse pickling: a template never leaves its process."""
        raise TypeError("a template does not leave its process")

    def wipe(self) -> None:
        """Zero the array."""
        self.vector.fill(0.0)


class FaceError(Exception):
    """Any failure between a picture and a face."""


class NoFaceError(FaceError):
    """A picture without a face."""


class SeveralFacesError(FaceError):
    """A picture with several faces where one person must be alone."""


PITCH_FRONTAL: Final = 0.52  # people differ by 0.05 and more


@dataclass(frozen=True, slots=True)
class Pose:
    """The head's rotation, from five points; only roll as an angle, because five points do not determine the others.

    `yaw`: distance of the nose from the middle between the eyes, in eye distances; 0 faces the camera. `pitch`:
    position of the nose between eyes (0) and mouth (1). `roll_degrees`: tilt of the eyes.
    """

    yaw: float
    pitch: float
    roll_degrees: float

    def within(self, most: Pose) -> bool:
        """True if the head is turned no further; pitch counts from its frontal value, in both directions."""
        return (
            abs(self.yaw) <= most.yaw
            and abs(self.pitch - PITCH_FRONTAL) <= most.pitch
            and abs(self.roll_degrees) <= most.roll_degrees
        )


@dataclass(frozen=True, slots=True)
class Measures:
    """Measures of one face. Parts are of the frame's sides, levels are grey values of the aligned face.

    `x_part`, `y_part`: the middle between the eyes. `sharpness`: variance of the Laplacian. `balance`: difference in
    brightness between the halves of the face, as a part of the whole. `clipped`: part of fully white or black pixels.
    `covered`: part of eye band and lower face that differs in colour from nose and cheeks. `background`: standard
    deviation beside the head. `motion`: movement of the eyes since the frame before, in eye distances a second. The
    angles, the probability `eyes_open` and the ratio `mouth_open` are from `gate.face.attitude`. None: not measured.
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
