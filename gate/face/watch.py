"""One crossing's frames in, events out. Selects the traveller, measures, embeds useful frames, tracks; `capture` draws the conclusions.

Costly work is done once per frame at most: one detection, landmarks of the traveller only, an embedding if quality or the track needs it.
"""

from typing import Protocol

from gate.face.attitude import Attitude
from gate.face.capture import Capture, Event, PortraitProblem
from gate.face.chain import FaceModels, look, with_template
from gate.face.likeness import Likeness
from gate.face.liveness.liveness_aggregate import LivenessAggregate
from gate.face.quality import Observation
from gate.face.subject import ANYWHERE, Chooser, Zone
from gate.face.values import LiveEvidence, Template
from gate.picture import Picture


class LivenessCheck(Protocol):
    """Judges whether the face in a sequence of frames is a person's."""

    def see(self, frame: Picture, seen: Observation) -> LiveEvidence:
        """Take a frame with one face, alone, and return the liveness up to it. Another `seen.subject` is another person."""

    def wipe(self) -> None:
        """Zero data that shows the person."""


class Watch:
    """One crossing. Used by one thread."""

    def __init__(
        self,
        models: FaceModels,
        *,
        zone: Zone = ANYWHERE,
        liveness: LivenessCheck | None = None,
        likeness: Likeness | None = None,
    ) -> None:
        """`likeness` keeps pictures of the person until the comparison."""
        self._models = models
        self._likeness = likeness
        self._chooser = Chooser(zone)
        self._capture = Capture(models.track_rules)
        self._liveness: LivenessCheck = LivenessAggregate(models.liveness) if liveness is None else liveness
        self._attitude = Attitude(models)

    def see(self, frame: Picture, *, at_ms: int) -> tuple[Event, ...]:
        """Take the next frame."""
        choice = self._chooser.choose(self._models.finder.find(frame), frame, at_ms=at_ms)
        if choice.face is None:
            return self._capture.see(Observation(at_ms=at_ms, faces=0))
        seen = look(self._models, frame, choice.face, faces=choice.faces, at_ms=at_ms, subject=choice.subject)
        seen = self._attitude.complete(frame, seen)
        if self._capture.wants_template(seen):
            seen = with_template(self._models, frame, seen)
        if self._likeness is not None and not self._capture.compared:
            self._likeness.see(frame, seen)
        alone = seen.faces == 1 and seen.points is not None
        live = self._liveness.see(frame, seen) if alone and not self._capture.compared else None
        return self._capture.see(seen, live)

    def take_portrait(self, portrait: Template | PortraitProblem) -> tuple[Event, ...]:
        """Take the chip's portrait; the first one counts."""
        return self._capture.take_portrait(portrait)

    def compared_pair(self) -> tuple[Template, Template] | None:
        """Return the compared face and chip portrait; None before the comparison, or if one of them is missing."""
        person, portrait = self._capture.person, self._capture.portrait
        return None if person is None or portrait is None else (person, portrait)

    def wipe(self) -> None:
        """Zero every template of this object, and the liveness check's data."""
        self._capture.wipe()
        self._liveness.wipe()
        if self._likeness is not None:
            self._likeness.wipe()
