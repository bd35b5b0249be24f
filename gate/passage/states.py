"""The states of a lane: what each remembers of the crossing that it belongs to. What follows what is `gate.passage.machine`'s.

From `Looking` on, a crossing may be an officer's: then `officers` is the admission that goes on, and the crossing has its verdict,
referred, already.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gate.passage.effects import Effect
from gate.passage.events import Event, TrackChanged
from gate.passage.lane import LaneContext, Timing
from gate.passage.orders import Said
from gate.passage.policy import Decision, Policy
from gate.passage.rulebook import NO_RULES, RuleBook
from gate_core.evidence.crossing import CameraTrouble, DocumentEvidence, Door, FaceEvidence
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.registers import RegisterFinding
from gate_core.evidence.screen import Guidance, Screen
from gate_core.evidence.service_scope import USUAL_SERVICE, Service


@dataclass(frozen=True, slots=True)
class Rules:
    """What a lane is run by. Raises ValueError for written rules that the policy does not name."""

    policy: Policy
    timing: Timing
    service: Service = USUAL_SERVICE
    two_officers_for: frozenset[Reason] = frozenset()
    book: RuleBook = NO_RULES

    @property
    def of_two(self) -> frozenset[Reason]:
        """The reasons for which two officers admit."""
        by_rule = {Reason.RULE_TWO_OFFICERS} if self.book.asks_for_two else set()
        return self.two_officers_for | by_rule

    def __post_init__(self) -> None:
        if self.policy.rules != self.book.sha256:
            raise ValueError("the policy names other rules")


@dataclass(frozen=True, slots=True)
class Idle:
    """Nobody is being served. `shown` is what the screen says, `guidance` how to lay the document."""

    shown: Screen
    guidance: Guidance = Guidance.NONE


@dataclass(frozen=True, slots=True)
class Opening:
    """The crossing is being opened in the log; the chip is not touched yet."""

    crossing: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Before the first of two doors: the chip is read, and lists and registers are asked; the face is looked at inside."""

    crossing: str
    since_ms: int
    document: DocumentEvidence | None = None
    document_at_ms: int = 0
    registers: tuple[RegisterFinding, ...] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What lets a traveller in at the first of two doors: document and registers' findings; None: an officer does."""

    document: DocumentEvidence | None
    registers: tuple[RegisterFinding, ...] | None = None


@dataclass(frozen=True, slots=True)
class Inspecting:
    """Chip and camera work side by side and meet here. `spoiled` speaks against the face, `more_ms` was asked for."""

    crossing: str
    since_ms: int
    document: DocumentEvidence | None = None
    document_at_ms: int = 0
    registers: tuple[RegisterFinding, ...] | None = None
    face: FaceEvidence | None = None
    face_at_ms: int = 0
    faces: int = 0
    removed: bool = False
    trouble: tuple[CameraTrouble, ...] = ()
    spoiled: tuple[Objection, ...] = ()
    more_ms: int = 0


@dataclass(frozen=True, slots=True)
class Recording:
    """The decision waits for its receipt. `spoiled` collects what happened meanwhile. With `entry` it is about the first of two doors."""

    crossing: str
    decision: Decision
    since_ms: int
    spoiled: tuple[Objection, ...] = ()
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Referred:
    """An officer helps. Ends with the officer's disposition."""

    crossing: str
    objections: tuple[Objection, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """An officer lets the traveller through whom the machine referred."""

    referral: Referred
    said: Said


@dataclass(frozen=True, slots=True)
class Overruling:
    """An officer's admission waits for its receipt. With `entry` it is about the first of two doors, as the officer saw the lane."""

    crossing: str
    officers: Admission
    since_ms: int
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Looking:
    """The decision to open a door is durable; the lane is looked at once more. With `entry` it is the first of two doors."""

    crossing: str
    since_ms: int
    officers: Admission | None = None
    entry: Entry | None = None

    @property
    def door(self) -> Door:
        """The door that will open."""
        return Door.LAST if self.entry is None else Door.FIRST


@dataclass(frozen=True, slots=True)
class Granted:
    """One person may pass through a door, with `entry` the first of two. `entered` once somebody was in its zone."""

    crossing: str
    since_ms: int
    entered: bool = False
    track_lost_ms: int | None = None
    lost: TrackChanged | None = None  # what was told of it last, at `lost_told_ms`
    lost_told_ms: int = 0
    looked_ms: int | None = None  # at the latest status of the door before which nobody had passed
    officers: Admission | None = None
    entry: Entry | None = None

    @property
    def door(self) -> Door:
        """The door that this is about."""
        return Door.LAST if self.entry is None else Door.FIRST


@dataclass(frozen=True, slots=True)
class Entering:
    """Through the first of two doors: it closes behind them, and one person alone must be inside."""

    crossing: str
    since_ms: int
    entry: Entry
    officers: Admission | None = None


@dataclass(frozen=True, slots=True)
class Passing:
    """The passage was counted; the lane comes to rest. `next_document` is the crossing of one that was laid meanwhile. `in_view`: the camera has
    not lost the holder of the grant yet, so it is not known that they are the one who passed.
    """

    crossing: str
    since_ms: int
    incident: bool = False
    officers: Admission | None = None
    next_document: str | None = None
    in_view: bool = False
    lost: bool = False  # the camera lost the holder, who may be seen again
    beside_ms: int = 0  # before the counted passage: from then on whoever passes has come nearer


@dataclass(frozen=True, slots=True)
class Ending:
    """An officer said that the emergency is over; the controller has not agreed yet, and was told so last at `told_ms`."""

    said: Said
    since_ms: int
    told_ms: int


@dataclass(frozen=True, slots=True)
class Emergency:
    """The lane stands open. `held_ms`: when a controller was last told; `said`: the order; None: the fire input."""

    ending: Ending | None = None
    held_ms: int | None = None
    said: Said | None = None


Running = Opening | Reading | Entering | Inspecting | Recording | Overruling | Looking | Granted | Passing
State = Idle | Running | Referred | Emergency
Step = tuple[State, tuple[Effect, ...]]
Turned = tuple[LaneContext, tuple[Effect, ...]]


@dataclass(slots=True)
class Turn:
    """One step of `gate.passage.machine` under way: how the event found the lane (`before`), what lane and state are by now, and each reducer's effects."""

    rules: Rules
    before: LaneContext
    event: Event
    now_ms: int
    lane: LaneContext
    state: State
    effects: dict[str, tuple[Effect, ...]] = field(default_factory=dict)


def crossing_of(state: State) -> str | None:
    """The crossing that a state belongs to."""
    return None if isinstance(state, Idle | Emergency) else state.crossing


def unread_of(state: State) -> str | None:
    """The crossing whose document waits to be read, or may: every other document is nobody's."""
    match state:
        case Opening(crossing) | Reading(crossing) | Inspecting(crossing):
            return crossing
        case Passing(next_document=following):
            return following
        case _:
            return None
