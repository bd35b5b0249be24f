"""One crossing's look at the traveller: which frames count, when to compare, what changed afterwards.

Pure: observations and the portrait in, events out. Two sides meet here in any order. Frames: each usable frame of the
tracked person is kept, the newest `GOOD_FRAMES_MAX` of them. Portrait: its template, or why it is unusable. As soon as
both are there, the last frame showed one person alone and `GOOD_FRAMES_MIN` frames agree, `Compared` is given, once: the
median over the frames of similarity and of liveness. A track that broke before takes its frames with it. When several
faces stay, or nothing usable comes, nothing is claimed: `Compared` then says so for several faces, and the lane's own
time limit ends the rest.
"""

from __future__ import annotations

import enum
import statistics
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gate.face.compare import alike_over_frames
from gate.face.track import Track, TrackRules, TrackState
from gate.face.values import Template

if TYPE_CHECKING:
    from gate.face.chain import Observation
    from gate.face.quality import Hint

GOOD_FRAMES_MIN = 3
GOOD_FRAMES_MAX = 5
SEVERAL_STAY_MS = 2000
STEADY_FRAMES = 2  # a new count or hint is told when it shows in so many frames running


class PortraitProblem(enum.Enum):
    """Why the chip's portrait cannot be compared."""

    UNREADABLE = "portrait_unreadable"
    NO_FACE = "portrait_without_face"
    SEVERAL_FACES = "portrait_with_several_faces"


@dataclass(frozen=True, slots=True)
class Guided:
    """How many faces there are and what the traveller could do better; given when it changes."""

    faces: int
    hint: Hint | None


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison. `match` and `liveness` are None when they could not be had; `reasons` say why."""

    faces: int
    match: float | None
    liveness: float | None
    portrait_usable: bool
    model: str
    frames: int
    good_frame_ms: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """After the comparison the tracked person was lost or switched, or several came. Each is given once."""

    change: TrackState


Event = Guided | Compared | Changed


@dataclass(frozen=True, slots=True, eq=False)
class _GoodFrame:
    template: Template
    liveness: float | None
    at_ms: int


class Capture:
    """The state of one crossing. `compared` tells the caller that liveness need not run any more."""

    def __init__(self, rules: TrackRules) -> None:
        self.compared = False
        self._rules = rules
        self._track = Track(rules)
        self._good: deque[_GoodFrame] = deque(maxlen=GOOD_FRAMES_MAX)
        self._enough_at_ms: int | None = None
        self._portrait: Template | PortraitProblem | None = None
        self._several_since_ms: int | None = None
        self._last_ms = 0
        self._alone = False
        self._told: Guided | None = None
        self._wanted: Guided | None = None
        self._steady = 0
        self._changes_told: set[TrackState] = set()

    def see(self, seen: Observation) -> tuple[Event, ...]:
        """Take one frame's observation."""
        self._last_ms = seen.at_ms
        state = self._track.follow(seen)
        events = list(self._guide(seen))
        if self.compared:
            events += self._watch(state)
        else:
            self._collect(seen, state)
            events += self._compare_when_ready()
        return tuple(events)

    def take_portrait(self, portrait: Template | PortraitProblem) -> tuple[Event, ...]:
        """Take the chip's portrait; the first one counts."""
        if self._portrait is not None:
            return ()
        self._portrait = portrait
        return tuple(self._compare_when_ready())

    def wipe(self) -> None:
        """Zero every template we own."""
        self._track.wipe()
        for frame in self._good:
            frame.template.wipe()
        if isinstance(self._portrait, Template):
            self._portrait.wipe()

    def _guide(self, seen: Observation) -> list[Event]:
        now = Guided(seen.faces, next(iter(seen.hints), None))
        self._steady = self._steady + 1 if now == self._wanted else 1
        self._wanted = now
        if now == self._told or (self._told is not None and self._steady < STEADY_FRAMES):
            return []
        self._told = now
        return [now]

    def _collect(self, seen: Observation, state: TrackState) -> None:
        if state in (TrackState.LOST, TrackState.SWITCHED):
            self._start_over()
            state = self._track.follow(seen)
        self._alone = seen.faces == 1 and state is TrackState.HELD
        if seen.faces < 2:
            self._several_since_ms = None
        elif self._several_since_ms is None:
            self._several_since_ms = seen.at_ms
        if self._alone and seen.usable and seen.template is not None:
            self._good.append(_GoodFrame(seen.template, seen.liveness, seen.at_ms))
            if self._enough_at_ms is None and len(self._good) == GOOD_FRAMES_MIN:
                self._enough_at_ms = seen.at_ms

    def _start_over(self) -> None:
        """Another person, or none: what was collected belongs to nobody."""
        self._track.wipe()
        self._track = Track(self._rules)
        self._good.clear()
        self._enough_at_ms = None

    def _compare_when_ready(self) -> list[Event]:
        if self.compared or self._portrait is None:
            return []
        since = self._several_since_ms
        if since is not None and self._last_ms - since >= SEVERAL_STAY_MS:
            self.compared = True
            return [self._several()]
        if not self._alone or len(self._good) < GOOD_FRAMES_MIN:
            return []
        self.compared = True
        return [self._comparison(self._portrait)]

    def _several(self) -> Compared:
        return Compared(
            faces=self._wanted.faces if self._wanted is not None else 2,
            match=None,
            liveness=None,
            portrait_usable=isinstance(self._portrait, Template),
            model="",
            frames=0,
            good_frame_ms=self._last_ms,
            reasons=("several_faces_stay",),
        )

    def _comparison(self, portrait: Template | PortraitProblem) -> Compared:
        live = [frame.template for frame in self._good]
        liveness = [frame.liveness for frame in self._good if frame.liveness is not None]
        problem = portrait if isinstance(portrait, PortraitProblem) else None
        assert self._enough_at_ms is not None, "enough frames came at some time"
        return Compared(
            faces=1,
            match=alike_over_frames(portrait, live) if isinstance(portrait, Template) else None,
            liveness=statistics.median(liveness) if liveness else None,
            portrait_usable=problem is None,
            model=live[0].model,
            frames=len(live),
            good_frame_ms=self._enough_at_ms,
            reasons=(() if problem is None else (problem.value,)) + (() if liveness else ("liveness_not_run",)),
        )

    def _watch(self, state: TrackState) -> list[Event]:
        if state in (TrackState.HELD, TrackState.EMPTY) or state in self._changes_told:
            return []
        self._changes_told.add(state)
        return [Changed(state)]
