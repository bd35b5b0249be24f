"""One liveness score from the frames of one tracked face; None: not run, which never counts as passed.

A profile's model is used alone: on held-out classes of artefacts, fusion with other cues was no better (models/cards/liveness_weights.md).
Without a model the score is a logistic regression over the other readings, scaled and bounded (weights: lab/src/gate_lab/train/liveness.py). A
cue that did not run adds nothing, but one must have run: the display's challenge, or enough movement to recognise a sheet.
"""

import enum
import math
import statistics
import tomllib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any, Final

import cv2
import msgspec
import numpy as np

from gate.face.liveness.cues import Flicker, Light, Motion, Pattern, Rgb
from gate.face.liveness.frame_features import extract_features
from gate.face.quality import Observation
from gate.face.values import Box, LiveEvidence, NoFaceError
from gate.picture import Picture
from models.runtime import Session

WEIGHTS: Final = "weights.toml"
REACH: Final = 5.0  # a cue counts for at most so many times its scale


class Cue(enum.Enum):
    """What was measured. Each has its own unit, see docs/liveness.md. Stored; never renamed."""

    PASSIVE = "passive"  # the model's P(live), median over the frames
    MOTION = "motion"  # how far the face changes its shape unlike one flat sheet
    PATTERN = "pattern"  # how far a raster of dots or pixels stands out of the face's spectrum
    FLICKER = "flicker"  # how far bands of light run over the face
    LIGHT = "light"  # how much the face takes on of the display's colours
    SHADING = "shading"  # how unevenly it does


@dataclass(frozen=True, slots=True)
class Reading:
    """One cue's measurement; None if it was not run or had too little data."""

    cue: Cue
    value: float | None

    def __post_init__(self) -> None:
        """Refuse values that no measurement gives."""
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.cue.value} is not a finite number")


class Alone:
    """The model's probability is the score; the other cues are recorded."""

    by_frames = True

    def judge(self, readings: Sequence[Reading]) -> float | None:
        """Return the model's own value; None if liveness counts as not run."""
        return next((reading.value for reading in readings if reading.cue is Cue.PASSIVE), None)


@dataclass(frozen=True, slots=True)
class Weighing:
    """One cue's weight: (value - middle) / scale, bounded, times weight."""

    middle: float
    scale: Annotated[float, msgspec.Meta(gt=0)]
    weight: float

    def push(self, value: float) -> float:
        """Return what the reading adds to the score's logarithm of odds."""
        return self.weight * max(-REACH, min(REACH, (value - self.middle) / self.scale))


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of several cues. The cue `needs` must have run; with a `cap` the score is at most that cue's value."""

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
        """Return the score by the weights for what was run."""
        answered = any(reading.cue is Cue.LIGHT and reading.value is not None for reading in readings)
        return (self.challenged if answered else self.unchallenged).judge(readings)


Judge = (
    Alone | Fused
)  # `judge` gives the score, 0 (a picture) to 1 (a person); `by_frames`: more time between frames adds nothing


@lru_cache(maxsize=2)
def judge_for(*, with_model: bool) -> Judge:
    """Return the judge of a profile with a passive model, or without: the weights in this folder."""
    if with_model:
        return Alone()
    table = tomllib.loads(resources.files(__package__).joinpath(WEIGHTS).read_text(encoding="utf-8"))
    return Fused(parse(table["challenged"]), parse(table["unchallenged"]))


def parse(table: Mapping[str, Any]) -> Weights:
    """Parse one table of weights. Raises ValueError for missing or unknown keys."""
    try:
        return msgspec.convert(table, Weights)
    except msgspec.ValidationError as error:
        raise ValueError(f"no table of liveness weights: {error}") from error


CROP_SCALE = 2.7
LOOK_MS: Final = 1200  # how long a face is looked at before the cues of a sequence are believed, where they count
GAP_MAX_MS: Final = 600  # a longer pause begins anew
PASSIVE_MIN: Final = 5  # scores of the model after which it is believed, where it alone counts
PASSIVE_MAX: Final = 9  # scores that count, the newest


def live_probability(session: Session, picture: Picture, box: Box) -> float:
    """Return the model's value for the face in `box`, 0 (a picture) to 1 (a person). Raises NoFaceError for a box outside the picture.

    A weak signal (models/cards/fr_liveness.md): it may refer a traveller and never admits one.
    """
    left, top, right, bottom = context_crop(box, width=picture.shape[1], height=picture.shape[0])
    _, _, height, width = session.model.input.shape
    crop = cv2.resize(picture[top:bottom, left:right], (width, height))
    tensor = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], dtype=np.float32)  # BGR, 0 to 255
    (logits,) = session.run(tensor)
    weights = np.exp(logits[0].astype(np.float64) - float(logits[0].max()))
    return float(weights[0] / weights.sum())


def context_crop(box: Box, *, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the box enlarged 2.7 times, less in a small picture, and shifted inside it: left, top, right, bottom."""
    if box.width < 1 or box.height < 1 or box.right <= 0 or box.bottom <= 0 or box.left >= width or box.top >= height:
        raise NoFaceError("the face lies outside the picture")
    scale = min(CROP_SCALE, width / box.width, height / box.height)
    crop_width, crop_height = min(width, round(box.width * scale)), min(height, round(box.height * scale))
    x, y = box.centre
    left = min(max(0, round(x - crop_width / 2)), width - crop_width)
    top = min(max(0, round(y - crop_height / 2)), height - crop_height)
    return left, top, left + crop_width, top + crop_height


class LivenessAggregate:
    """Checks one face after another. `passive`: the profile's model, None without one.

    `lag_ms`: the camera's measured delay after the painted page, if known.
    """

    def __init__(self, passive: Session | None, judge: Judge | None = None, *, lag_ms: int | None = None) -> None:
        self._judge = judge if judge is not None else judge_for(with_model=passive is not None)
        self._model = passive
        self._subject = 0
        self._since_ms: int | None = None
        self._last_ms = 0
        self._lag_ms = lag_ms
        self._light = Light(lag_ms=lag_ms)
        self._begin()

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Take a frame with one face, alone, and return the liveness up to it."""
        if seen.subject != self._subject or seen.at_ms - self._last_ms > GAP_MAX_MS:
            self.wipe()
        self._subject, self._last_ms = seen.subject, seen.at_ms
        if self._since_ms is None:
            self._since_ms = seen.at_ms
        if seen.box is not None and self._model is not None and seen.passable:
            self._scores.append(live_probability(self._model, frame, seen.box))
        if seen.box is not None and (features := extract_features(frame, seen.box, at_ms=seen.at_ms)) is not None:
            for cue in (self._motion, self._pattern, self._flicker, self._light):
                cue.see(features)
            features.wipe()
        return replace(self.judge(), ready=self._ready)

    def show(self, colour: Rgb, *, at_ms: int) -> None:
        """The display shows a colour."""
        self._light.show(colour, at_ms=at_ms)

    def show_nothing(self) -> None:
        """The display shows nothing; earlier colours no longer count."""
        self._light = Light(lag_ms=self._lag_ms)

    @property
    def judged(self) -> int:
        """The number of this face's frames in the model's score."""
        return len(self._scores)

    def judge(self) -> LiveEvidence:
        """Return the score so far, with its basis."""
        readings = (
            Reading(Cue.PASSIVE, statistics.median(self._scores) if self._scores else None),
            Reading(Cue.MOTION, self._motion.value),
            Reading(Cue.PATTERN, self._pattern.value),
            Reading(Cue.FLICKER, self._flicker.value),
            Reading(Cue.LIGHT, self._light.gain),
            Reading(Cue.SHADING, self._light.shading),
        )
        return LiveEvidence(self._judge.judge(readings), cues=tuple((one.cue.value, one.value) for one in readings))

    def wipe(self) -> None:
        """Zero data that shows the person, and start again; the display's state stays."""
        self._motion.wipe()
        self._flicker.wipe()
        self._begin()

    @property
    def _ready(self) -> bool:
        """True if a longer look would change little: the model has enough frames, or the cues had their time."""
        if self._judge.by_frames and len(self._scores) >= PASSIVE_MIN:
            return True
        return self._since_ms is not None and self._last_ms - self._since_ms >= LOOK_MS

    def _begin(self) -> None:
        self._motion, self._pattern, self._flicker = Motion(), Pattern(), Flicker()
        self._light = Light(self._light.shown, lag_ms=self._lag_ms)
        self._scores: deque[float] = deque(maxlen=PASSIVE_MAX)
        self._since_ms = None
