"""The eyes of one crossing: frames in, events out. Chooses the traveller, looks, embeds what is worth it, follows.

Joins the stages and their memory; what to conclude is `gate.face.capture`'s. Liveness comes from a witness of the same frames and
is passed on as it is. Dear work is done once a frame at most: one detection, landmarks of the traveller only, and an embedding only
for frames that quality chose or that must prove the track.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from gate.face.capture import GOOD_FRAMES_MAX, Capture, PortraitProblem
from gate.face.chain import Observation, look, with_template
from gate.face.expression import Fused, eye_opening, mouth_opening
from gate.face.liveness.passive import live_probability
from gate.face.quality import Quality
from gate.face.subject import ANYWHERE, Chooser, Zone
from gate.face.values import LiveEvidence

if TYPE_CHECKING:
    from gate.face.capture import Event
    from gate.face.chain import FaceModels
    from gate.face.quality import Measures
    from gate.face.values import Landmarks, Picture, Template
    from models.runtime import Session

STEP_MS_MAX = 400  # two frames further apart tell no speed


class Witness(Protocol):
    """Judges whether the face of a sequence of frames is a person's."""

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Take a frame with one face, alone, and return what is known up to it. Another `seen.subject` is another person."""

    def wipe(self) -> None:
        """Zero whatever shows the person."""


class Watch:
    """One crossing. Used by one thread."""

    def __init__(self, models: FaceModels, *, zone: Zone = ANYWHERE, witness: Witness | None = None) -> None:
        self._models = models
        self._chooser = Chooser(zone)
        self._capture = Capture(models.track_rules)
        self._witness = PassiveWitness(models.liveness) if witness is None else witness
        self._before = _Before()

    def see(self, frame: Picture, *, at_ms: int) -> tuple[Event, ...]:
        """Take the next frame."""
        choice = self._chooser.choose(self._models.finder.find(frame), frame, at_ms=at_ms)
        if choice.face is None:
            return self._capture.see(Observation(at_ms=at_ms, faces=0))
        seen = look(self._models, frame, choice.face, faces=choice.faces, at_ms=at_ms, subject=choice.subject)
        seen = self._before.complete(seen)
        if self._capture.wants_template(seen):
            seen = with_template(self._models, frame, seen)
        alone = seen.faces == 1 and seen.points is not None
        live = self._witness.see(frame, seen) if alone and not self._capture.compared else None
        return self._capture.see(seen, live)

    def take_portrait(self, portrait: Template | PortraitProblem) -> tuple[Event, ...]:
        """Take the chip's portrait; the first one counts."""
        return self._capture.take_portrait(portrait)

    def wipe(self) -> None:
        """Zero every template that we own, and what the witness keeps."""
        self._capture.wipe()
        self._witness.wipe()


class PassiveWitness:
    """The passive model alone: the median of its scores over the newest frames of one person."""

    def __init__(self, session: Session | None) -> None:
        self._session = session
        self._scores: deque[float] = deque(maxlen=GOOD_FRAMES_MAX)
        self._subject = 0

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Ask the model about a frame that may be compared; a profile without one leaves liveness not run."""
        if seen.subject != self._subject:
            self._subject = seen.subject
            self._scores.clear()
        if self._session is not None and seen.box is not None and seen.passable:
            self._scores.append(live_probability(self._session, frame, seen.box))
        return LiveEvidence(statistics.median(self._scores) if self._scores else None)

    def wipe(self) -> None:
        """Scores show nobody."""


@dataclass(slots=True, eq=False)
class _Before:
    """What the frames before tell of this one: how fast the eyes move, and how far eyes and mouth are open."""

    subject: int = 0
    at_ms: int = 0
    eyes: tuple[float, float] = (0.0, 0.0)
    opening: tuple[Fused, Fused] = field(default_factory=lambda: (Fused(), Fused()))

    def complete(self, seen: Observation) -> Observation:
        """The observation with the measures that need more than its own frame."""
        if seen.points is None or seen.quality is None:
            return seen
        if seen.subject != self.subject:
            self.opening = (Fused(), Fused())
        measures = seen.quality.measures
        x, y = seen.points.five[:2].mean(axis=0)
        motion = self._motion(seen, (float(x), float(y)), measures.eye_distance_px)
        self.subject, self.at_ms, self.eyes = seen.subject, seen.at_ms, (float(x), float(y))
        return replace(seen, quality=Quality.of(self._with_expression(replace(measures, motion=motion), seen.points)))

    def _motion(self, seen: Observation, eyes: tuple[float, float], eye_distance_px: float) -> float | None:
        step_ms = seen.at_ms - self.at_ms
        if seen.subject != self.subject or not 0 < step_ms <= STEP_MS_MAX or not eye_distance_px > 0.0:
            return None
        return math.dist(eyes, self.eyes) / eye_distance_px / step_ms * 1000

    def _with_expression(self, measures: Measures, points: Landmarks) -> Measures:
        dense = points.dense
        eyes, mouth = self.opening
        return replace(
            measures,
            eyes_open=eyes.take(None if dense is None else eye_opening(dense)),
            mouth_open=mouth.take(None if dense is None else mouth_opening(dense)),
        )
