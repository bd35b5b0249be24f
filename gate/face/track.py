"""Follows one person over frames, and detects when it is no longer that person (safety invariant 4). Pure; `wants_proof` selects frames to embed.

Evidence keeps the track: a usable frame that agrees with earlier templates or, for a short time, a face in the same place. A face that leaves is
`LOST`; one that disagrees in two consecutive usable frames is `SWITCHED`; partly hidden, turned or blurred ones never are. Among several faces the
person's own must be proved as well; if it is not for a while, the person is `LOST` too.
"""

import enum
from collections import deque
from dataclasses import dataclass

from gate.face.compare import alike
from gate.face.quality import Observation
from gate.face.values import Box, Template

TEMPLATES_MAX = 5  # the newest agreeing templates


class TrackState(enum.Enum):
    """The state of the person's track."""

    EMPTY = "empty"  # no person yet
    HELD = "held"
    LOST = "lost"
    SWITCHED = "switched"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class TrackRules:
    """When a track ends.

    `same_min` is the embedder's (models.manifest.Threshold): it separates two people before one camera within seconds,
    where the same person scores far higher than against a passport.
    """

    same_min: float
    overlap_min: float = 0.3
    lost_after_ms: int = 600
    unverified_max_ms: int = 1500
    strangers_min: int = 2
    several_min: int = 3
    verify_every_ms: int = 200


class Track:
    """One person. LOST and SWITCHED are final: a new person is a new track. `proved_ms` shows whether a lost one was seen again."""

    def __init__(self, rules: TrackRules) -> None:
        self.state = TrackState.EMPTY
        self._rules = rules
        self._templates: deque[Template] = deque(maxlen=TEMPLATES_MAX)
        self._box: Box | None = None
        self._seen_ms = 0
        self.proved_ms = 0  # when the person's face was last proved to be theirs
        self.proved_px = 0.0  # how tall it was then
        self._strangers = 0
        self._several = 0

    def follow(self, seen: Observation) -> TrackState:
        """Take one frame's observation and return the new state."""
        if self.state is TrackState.SWITCHED:
            return self.state
        if self.state is TrackState.LOST:
            if seen.template is not None and self._is_theirs(seen.template):
                self._prove(seen)  # they are there again, or were hidden: `proved_ms` shows it
            return self.state
        if seen.faces == 0:
            self._several = 0
            if self.state is not TrackState.EMPTY and seen.at_ms - self._seen_ms >= self._rules.lost_after_ms:
                self.state = TrackState.LOST
        elif seen.faces > 1:
            self._seen_ms = seen.at_ms
            self._several += 1
            if seen.template is not None and self._is_theirs(seen.template):
                self._prove(seen)
            if self._templates and seen.at_ms - self.proved_ms >= self._rules.unverified_max_ms:
                self.state = TrackState.LOST
            elif self._several >= self._rules.several_min:
                self.state = TrackState.SEVERAL
        else:
            self._several = 0
            self.state = self._follow_one(seen)
        return self.state

    def wants_proof(self, seen: Observation) -> bool:
        """True if a frame must be embedded to verify the person: at intervals, and whenever in doubt."""
        if not self._templates:
            return seen.passable
        stays = (
            self._box is not None and seen.box is not None and self._box.overlap(seen.box) >= self._rules.overlap_min
        )
        late = seen.at_ms - self.proved_ms >= self._rules.verify_every_ms
        if seen.faces > 1:
            return late and seen.quality is not None and seen.quality.passable
        return seen.passable and (late or self._strangers > 0 or not stays)

    def wipe(self) -> None:
        """Zero every template."""
        for template in self._templates:
            template.wipe()
        self._templates.clear()

    def _follow_one(self, seen: Observation) -> TrackState:
        before = self._box
        self._box, self._seen_ms = seen.box, seen.at_ms
        if seen.template is None or not seen.passable:
            return self._unverified(seen, before)
        if self._templates and not self._is_theirs(seen.template):
            self._strangers += 1
            return TrackState.SWITCHED if self._strangers >= self._rules.strangers_min else self.state
        self._strangers = 0
        self._prove(seen)
        self._templates.append(seen.template)
        return TrackState.HELD

    def _prove(self, seen: Observation) -> None:
        self.proved_ms = seen.at_ms
        if seen.box is not None:
            self.proved_px = seen.box.height

    def _is_theirs(self, template: Template) -> bool:
        return max((alike(known, template) for known in self._templates), default=-1.0) >= self._rules.same_min

    def _unverified(self, seen: Observation, before: Box | None) -> TrackState:
        """Keep the track for a short time with a face that cannot be compared, if it is where the last one was."""
        if not self._templates:
            return TrackState.EMPTY
        stays = before is not None and seen.box is not None and before.overlap(seen.box) >= self._rules.overlap_min
        if seen.at_ms - self.proved_ms >= self._rules.unverified_max_ms:
            return TrackState.LOST
        return TrackState.HELD if stays else self.state
