"""The cues that speak for or against a person, and the score that they make together.

Every cue may be missing: None means that it was not run, which is a result of its own and never counts as passed. Values of `Cue`
stand in the audit log and are never renamed.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass


class Cue(enum.Enum):
    """What was looked at. Each has a unit of its own, see docs/liveness.md."""

    PASSIVE = "passive"  # the model's P(live), median over the frames
    MOTION = "motion"  # how far the face changes its shape unlike one flat sheet
    PATTERN = "pattern"  # how far a raster of dots or pixels stands out of the face's spectrum
    FLICKER = "flicker"  # how far bands of light run over the face
    LIGHT = "light"  # how much the face takes on of the display's colours
    SHADING = "shading"  # how unevenly it does


@dataclass(frozen=True, slots=True)
class Reading:
    """What one cue measured; None when it was not run or had too little to go by."""

    cue: Cue
    value: float | None

    def __post_init__(self) -> None:
        """Refuse what no measurement gives."""
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.cue.value} is not a finite number")


@dataclass(frozen=True, slots=True)
class Liveness:
    """A score from 0 (a picture) to 1 (a person), None when too few cues were run, and what it rests on."""

    score: float | None
    readings: tuple[Reading, ...]

    def __post_init__(self) -> None:
        """Refuse a score that is none."""
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score out of range: {self.score}")
