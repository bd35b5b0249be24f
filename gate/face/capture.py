"""One crossing's look at the traveller: which frames count, when to compare, changes afterwards. Pure.

Two inputs arrive in any order: the best `GOOD_FRAMES_MAX` frames of the tracked person, as templates, and the portrait's template, or why it is
unusable. With both, the last frame showing one person alone and `GOOD_FRAMES_MIN` frames, `Compared` is given once: the portrait against the frames'
mean, weighted by sharpness. A track that ended before takes its frames with it. If several faces stay, `Compared` states so without a match. Frames
without a hint come first; after `PATIENCE_MS` also those whose hints may be measuring errors (`EXCUSABLE`): quality selects frames, it rejects none.
"""

import enum
import math
from dataclasses import dataclass, replace

from gate.face.compare import alike, fused
from gate.face.quality import HINTS, Observation, conditions
from gate.face.track import Track, TrackRules, TrackState
from gate.face.values import LiveEvidence, Template
from gate_core.evidence.screen import Guidance

GOOD_FRAMES_MIN = 3
GOOD_FRAMES_MAX = 5
PATIENCE_MS = 3000
SEVERAL_STAY_MS = 2000
LIVE_WAIT_MS = 2000  # for liveness, once enough frames are there; then it is what it is
STEADY_FRAMES = 2  # a new count or hint is shown after this many consecutive frames
STEADY_FRAMES_BLINK = 7  # long enough to ignore a blink or a spoken word


class PortraitProblem(enum.Enum):
    """Why the chip's portrait cannot be compared."""

    UNREADABLE = "portrait_unreadable"
    NO_FACE = "portrait_without_face"
    SEVERAL_FACES = "portrait_with_several_faces"


@dataclass(frozen=True, slots=True)
class Guided:
    """The number of faces, the traveller's guidance, and the share of frames for a comparison that exist, in tenths;
    given when it changes.
    """

    faces: int
    hint: Guidance | None
    progress: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison. `match` and `liveness` are None if unavailable; `reasons` explains it."""

    faces: int
    portrait_usable: bool
    good_frame_ms: int
    reasons: tuple[str, ...]
    match: float | None = None
    liveness: float | None = None
    model: str = ""
    frames: int = 0
    cues: tuple[tuple[str, float | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """After the comparison the tracked person was lost or switched, or several came. Each is given once; the loss again
    whenever their face is proved afterwards.
    """

    change: TrackState
    proved_ms: int | None = None  # when the face was last proved to be theirs
    grown: float | None = None  # how many times as tall it was then as when it was compared


Event = Guided | Compared | Changed


@dataclass(frozen=True, slots=True, eq=False)
class _GoodFrame:
    template: Template
    clean: bool  # nothing was left to wish for
    worth: float
    weight: float
    at_ms: int

    @property
    def rank(self) -> tuple[bool, float]:
        """The order of frames by usefulness."""
        return self.clean, self.worth


class Guide:
    """The traveller's guidance: the first condition, once it is stable."""

    def __init__(self) -> None:
        self._held: frozenset[Guidance] = frozenset()
        self.told: Guided | None = None
        self._wanted: Guided | None = None
        self._steady = 0

    def see(self, seen: Observation) -> tuple[Guided, ...]:
        """Take one frame and return new guidance, if any."""
        self._held = frozenset() if seen.quality is None else conditions(seen.quality.measures, self._held)
        wished = self._held | {Guidance.ONE_PERSON} if seen.faces > 1 else self._held
        now = Guided(seen.faces, next((hint for hint in HINTS if hint in wished), None))
        self._steady = self._steady + 1 if now == self._wanted else 1
        self._wanted = now
        steady = STEADY_FRAMES_BLINK if now.hint in (Guidance.OPEN_EYES, Guidance.CLOSE_MOUTH) else STEADY_FRAMES
        if now == self.told or (self.told is not None and self._steady < steady):
            return ()
        self.told = now
        return (now,)


class Capture:
    """The state of one crossing. With `compared`, liveness need not run any more."""

    def __init__(self, rules: TrackRules) -> None:
        self.compared = False
        self._rules = rules
        self._track = Track(rules)
        self._guide = Guide()
        self._good: list[_GoodFrame] = []
        self._enough_at_ms: int | None = None
        self._since_ms: int | None = None
        self._portrait: Template | PortraitProblem | None = None
        self._live = LiveEvidence()
        self._several_since_ms: int | None = None
        self._faces = 0
        self._last_ms = 0
        self._alone = False
        self._changes_told: dict[TrackState, int] = {}  # and when the face had last been proved by then
        self.person: Template | None = None  # the compared person
        self._compared_px = 0.0
        self._progress = 0

    def wants_template(self, seen: Observation) -> bool:
        """True if the frame is worth an embedding: it would be among the best, or the track must be verified."""
        if seen.quality is None:
            return False
        if self._track.wants_proof(seen):
            return True
        return seen.faces == 1 and not self.compared and self._counts(seen) and self._is_better(seen)

    def see(self, seen: Observation, live: LiveEvidence | None = None) -> tuple[Event, ...]:
        """Take one frame's observation, and the liveness known up to it; None: nothing new."""
        self._last_ms, self._faces = seen.at_ms, seen.faces
        self._live = live if live is not None else self._live
        state = self._track.follow(seen)
        is_news = bool(self._guide.see(seen))
        if self.compared:
            return (*self._guided(is_news=is_news), *self._watch(state))
        self._collect(seen, state)
        return (*self._guided(is_news=is_news), *self._compare_when_ready())

    def _guided(self, *, is_news: bool) -> tuple[Guided, ...]:
        """Return the guidance if it is new or another frame counts."""
        progress = min(10, round(10 * len(self._good) / GOOD_FRAMES_MIN))
        if self._guide.told is None or not (is_news or progress != self._progress):
            return ()
        self._progress = progress
        return (replace(self._guide.told, progress=progress),)

    def take_portrait(self, portrait: Template | PortraitProblem) -> tuple[Event, ...]:
        """Take the chip's portrait; the first one counts."""
        if self._portrait is not None:
            return ()
        self._portrait = portrait
        return tuple(self._compare_when_ready())

    @property
    def portrait(self) -> Template | None:
        """The chip's portrait, if it is usable."""
        return self._portrait if isinstance(self._portrait, Template) else None

    def wipe(self) -> None:
        """Zero every template of this object."""
        self._track.wipe()
        for frame in self._good:
            frame.template.wipe()
        for template in (self.person, self._portrait):
            if isinstance(template, Template):
                template.wipe()

    def _collect(self, seen: Observation, state: TrackState) -> None:
        if state in (TrackState.LOST, TrackState.SWITCHED):
            # Another person, or none: the collected frames belong to nobody.
            self._track.wipe()
            self._track = Track(self._rules)
            self._good.clear()
            self._enough_at_ms = self._since_ms = None
            state = self._track.follow(seen)
        self._alone = seen.faces == 1 and state is TrackState.HELD
        if seen.faces < 2:
            self._several_since_ms = None
        elif self._several_since_ms is None:
            self._several_since_ms = seen.at_ms
        if self._since_ms is None and seen.quality is not None:
            self._since_ms = seen.at_ms
        if self._alone and self._counts(seen):
            self._keep(seen)

    def _counts(self, seen: Observation) -> bool:
        """True if the frame may be compared: at once without a hint, later with hints that may be wrong."""
        if seen.quality is None:
            return False
        waited = self._since_ms is not None and seen.at_ms - self._since_ms >= PATIENCE_MS
        return seen.quality.usable or (waited and seen.quality.passable)

    def _keep(self, seen: Observation) -> None:
        """Store the frame if it is among the best."""
        if seen.template is None or seen.quality is None or not self._is_better(seen):
            return
        sharpness = seen.quality.measures.sharpness
        kept = _GoodFrame(
            template=seen.template,
            clean=seen.quality.usable,
            worth=seen.quality.worth,
            weight=math.sqrt(max(sharpness, 1.0)),
            at_ms=seen.at_ms,
        )
        self._good = sorted([*self._good, kept], key=lambda frame: frame.rank, reverse=True)[:GOOD_FRAMES_MAX]
        if self._enough_at_ms is None and len(self._good) == GOOD_FRAMES_MIN:
            self._enough_at_ms = seen.at_ms

    def _is_better(self, seen: Observation) -> bool:
        assert seen.quality is not None, "only what was measured is ranked"
        if len(self._good) < GOOD_FRAMES_MAX:
            return True
        return (seen.quality.usable, seen.quality.worth) > self._good[-1].rank

    def _compare_when_ready(self) -> list[Event]:
        if self.compared or self._portrait is None:
            return []
        since = self._several_since_ms
        if since is not None and self._last_ms - since >= SEVERAL_STAY_MS:
            self.compared = True
            usable = self.portrait is not None
            return [Compared(self._faces, usable, good_frame_ms=self._last_ms, reasons=("several_faces_stay",))]
        if not self._alone or self._enough_at_ms is None:
            return []
        if not self._live.ready and self._last_ms - self._enough_at_ms < LIVE_WAIT_MS:
            return []
        self.compared = True
        return [self._comparison(self._portrait)]

    def _comparison(self, portrait: Template | PortraitProblem) -> Compared:
        person = fused([frame.template for frame in self._good], [frame.weight for frame in self._good])
        assert self._enough_at_ms is not None, "enough frames came"
        self.person, self._compared_px = person, self._track.proved_px
        match = alike(portrait, person) if isinstance(portrait, Template) else None
        reasons = (portrait.value,) if isinstance(portrait, PortraitProblem) else ()
        return Compared(
            faces=1,
            match=match,
            liveness=self._live.score,
            portrait_usable=match is not None,
            model=person.model,
            frames=len(self._good),
            good_frame_ms=self._enough_at_ms,
            reasons=reasons + self._live.reasons + (() if self._live.score is not None else ("liveness_not_run",)),
            cues=self._live.cues,
        )

    def _watch(self, state: TrackState) -> list[Event]:
        if state in (TrackState.HELD, TrackState.EMPTY):
            return []
        told_ms = self._changes_told.get(state)
        if told_ms is not None and (state is not TrackState.LOST or self._track.proved_ms <= told_ms):
            return []
        self._changes_told[state] = self._track.proved_ms
        grown = self._track.proved_px / self._compared_px if self._compared_px else None
        return [Changed(state, self._track.proved_ms, grown)]
