"""One score from the cues: the weights that lab/src/gate_lab/train/liveness.py fitted. None: not run, which never counts as passed.

The model of a profile stands alone: on classes of artefacts that were left out, fusing it with other cues did no better (models/cards/liveness_weights.md).
Without a model the score is a logistic regression over the other readings, each scaled and bounded, so that none can drown the others. A cue that was
not run adds nothing, but one must have run: the display's challenge, or movement enough to tell a sheet, and unlike one.
"""

import enum
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any, Final

import msgspec

WEIGHTS: Final = "weights.toml"
REACH: Final = 5.0  # a cue counts for at most so many times its scale


class Cue(enum.Enum):
    """What was looked at. Each has a unit of its own, see docs/liveness.md. Stored; never renamed."""

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


class Alone:
    """The model's probability is the score; the other cues are recorded."""

    by_frames = True

    def judge(self, readings: Sequence[Reading]) -> float | None:
        """The model's own value; None when liveness counts as not run."""
        return next((reading.value for reading in readings if reading.cue is Cue.PASSIVE), None)


@dataclass(frozen=True, slots=True)
class Weighing:
    """How one cue counts: (value - middle) / scale, bounded, times weight."""

    middle: float
    scale: Annotated[float, msgspec.Meta(gt=0)]
    weight: float

    def push(self, value: float) -> float:
        """What the reading adds to the score's logarithm of odds."""
        return self.weight * max(-REACH, min(REACH, (value - self.middle) / self.scale))


@dataclass(frozen=True, slots=True)
class Weights:
    """How several cues count together. One of them, `needs`, must have run; with a `cap` the score is no higher than what it says."""

    bias: float
    needs: Cue
    cues: Annotated[dict[Cue, Weighing], msgspec.Meta(min_length=1)]
    cap: Weighing | None = None

    def judge(self, readings: Sequence[Reading]) -> float | None:
        """The weighed sum as a probability."""
        known = {reading.cue: reading.value for reading in readings if reading.value is not None}
        if self.needs not in known:
            return None
        pushes = sum(self.cues[cue].push(value) for cue, value in known.items() if cue in self.cues)
        score = _probability(self.bias + pushes)
        if self.cap is not None:
            return min(score, _probability(self.cap.push(known[self.needs])))
        return score


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


@dataclass(frozen=True, slots=True)
class Fused:
    """The weights for a face under the display's challenge, and those for one without, which must at least have moved."""

    challenged: Weights
    unchallenged: Weights
    by_frames = False

    def judge(self, readings: Sequence[Reading]) -> float | None:
        """By what was run."""
        answered = any(reading.cue is Cue.LIGHT and reading.value is not None for reading in readings)
        return (self.challenged if answered else self.unchallenged).judge(readings)


Judge = (
    Alone | Fused
)  # `judge` gives the score, 0 (a picture) to 1 (a person); `by_frames`: more time between frames tells nothing


@lru_cache(maxsize=2)
def judge_for(*, with_model: bool) -> Judge:
    """What a profile with a passive model is judged by, or one without: the weights that lie beside this module."""
    if with_model:
        return Alone()
    table = tomllib.loads(resources.files(__package__).joinpath(WEIGHTS).read_text(encoding="utf-8"))
    return Fused(parse(table["challenged"]), parse(table["unchallenged"]))


def parse(table: Mapping[str, Any]) -> Weights:
    """Read one table of weights. Raises ValueError for one that says less, or other things."""
    try:
        return msgspec.convert(table, Weights)
    except msgspec.ValidationError as error:
        raise ValueError(f"no table of liveness weights: {error}") from error
