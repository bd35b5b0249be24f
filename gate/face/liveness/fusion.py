"""One score from the cues: the weights that lab/src/gate_lab/train/liveness.py fitted, and what they rest on.

With the model of a profile its score stands alone: on classes of artefacts that were left out, fusing it with the other cues did
not do better (models/cards/liveness_weights.md). Without a model the score is a logistic regression over the other readings, each
moved to the middle between people and artefacts, scaled and bounded, so that no single cue can drown the others. A cue that was not
run adds nothing, but one of them must have run: the display's challenge, or movement enough to tell a sheet, and unlike one. None means that a cue
was not run, which is a result of its own and never counts as passed.
"""

import enum
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final, Protocol

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


class Judge(Protocol):
    """Makes one score of the readings."""

    @property
    def by_frames(self) -> bool:
        """True when it weighs single frames only: more time between them tells nothing."""

    def judge(self, readings: Sequence[Reading]) -> float | None:
        """The score, from 0 (a picture) to 1 (a person); None when liveness counts as not run."""


@dataclass(frozen=True, slots=True)
class Alone:
    """One cue, a probability, is the score; the others are recorded."""

    cue: Cue

    @property
    def by_frames(self) -> bool:
        """True when the cue is the model's."""
        return self.cue is Cue.PASSIVE

    def judge(self, readings: Sequence[Reading]) -> float | None:
        """The cue's own value."""
        return next((reading.value for reading in readings if reading.cue is self.cue), None)


@dataclass(frozen=True, slots=True)
class Weighing:
    """How one cue counts: (value - middle) / scale, bounded, times weight."""

    middle: float
    scale: float
    weight: float

    def push(self, value: float) -> float:
        """What the reading adds to the score's logarithm of odds."""
        return self.weight * max(-REACH, min(REACH, (value - self.middle) / self.scale))


@dataclass(frozen=True, slots=True)
class Weights:
    """How several cues count together. One of them, `needs`, must have run; with a `cap` the score is no higher than what it says."""

    bias: float
    needs: Cue
    cues: Mapping[Cue, Weighing]
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


def judge_for(*, with_model: bool) -> Judge:
    """What a profile with a passive model, or one without, is judged by."""
    return Alone(Cue.PASSIVE) if with_model else _shipped()


@lru_cache(maxsize=1)
def _shipped() -> Fused:
    """The weights that lie beside this module."""
    table = tomllib.loads(resources.files(__package__).joinpath(WEIGHTS).read_text(encoding="utf-8"))
    return Fused(parse(table["challenged"]), parse(table["unchallenged"]))


def parse(table: Mapping[str, Any]) -> Weights:
    """Read one table of weights. Raises ValueError for one that says less, or other things."""
    try:
        cues = {Cue(name): _weighing(row) for name, row in table["cues"].items()}
        cap = _weighing(table["cap"]) if "cap" in table else None
        weights = Weights(float(table["bias"]), Cue(table["needs"]), cues, cap)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no table of liveness weights: {error}") from error
    if not cues or any(not row.scale > 0 for row in cues.values()):
        raise ValueError("a table of liveness weights needs cues, and scales above 0")
    return weights


def _weighing(row: Mapping[str, Any]) -> Weighing:
    return Weighing(float(row["middle"]), float(row["scale"]), float(row["weight"]))
