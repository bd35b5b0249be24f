"""The states of a lane, each with what it keeps of its crossing. `gate.passage.machine` has the transitions.

From `Looking` on, a crossing may be admitted by an officer: then `officers` is that admission, and the crossing already
has its verdict, referred.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gate.passage.effects import Effect
from gate.passage.events import Event, TrackChanged
from gate.passage.lane import LaneContext, Timing
from gate.passage.orders import Said
from gate.passage.policy import Decision, Policy
from gate.passage.rule_set import NO_RULES, RuleSet
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
    rule_set: RuleSet = NO_RULES

    @property
    def of_two(self) -> frozenset[Reason]:
        """The reasons that require two officers."""
        by_rule = {Reason.RULE_TWO_OFFICERS} if self.rule_set.asks_for_two else set()
        return self.two_officers_for | by_rule

    def __post_init__(self) -> None:
        if self.policy.rules != self.rule_set.sha256:
            raise ValueError("the policy names other rules")


@dataclass(frozen=True, slots=True)
class Idle:
    """No crossing. `shown`: the screen; `guidance`: how to lay the document."""

    shown: Screen
    guidance: Guidance = Guidance.NONE


@dataclass(frozen=True, slots=True)
class Opening:
    """The crossing is being opened in the log; the chip is not touched yet."""

    crossing: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Before the first of two doors: the chip is read, and lists and registers are queried; the face is checked inside."""

    crossing: str
    since_ms: int
    document: DocumentEvidence | None = None
    document_at_ms: int = 0
    registers: tuple[RegisterFinding, ...] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What admits a traveller at the first of two doors: document and registers' findings; None: an officer does."""

    document: DocumentEvidence | None
    registers: tuple[RegisterFinding, ...] | None = None


@dataclass(frozen=True, slots=True)
class Inspecting:
    """Chip and camera work at the same time. `spoiled`: objections to the face; `more_ms`: extra time that was requested."""

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
    """The decision waits for its receipt. `spoiled`: objections since. With `entry` it is about the first of two doors."""

    crossing: str
    decision: Decision
    since_ms: int
    spoiled: tuple[Objection, ...] = ()
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Referred:
    """Waits for an officer. Ends with the officer's disposition."""

    crossing: str
    objections: tuple[Objection, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """An officer's admission of a traveller whom the machine referred."""

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
    """The decision to open a door is durable; the lane is checked once more. With `entry` it is the first of two doors."""

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
    """One person may pass a door, with `entry` the first of two. `entered`: a person was in its zone."""

    crossing: str
    since_ms: int
    entered: bool = False
    track_lost_ms: int | None = None
    lost: TrackChanged | None = None  # the latest report about it, received at `lost_told_ms`
    lost_told_ms: int = 0
    looked_ms: int | None = None  # the latest status of the door at which nobody had passed
    officers: Admission | None = None
    entry: Entry | None = None

    @property
    def door(self) -> Door:
        """The door of the grant."""
        return Door.LAST if self.entry is None else Door.FIRST


@dataclass(frozen=True, slots=True)
class Entering:
    """The traveller passed the first of two doors: it closes, and one person alone must be inside."""

    crossing: str
    since_ms: int
    entry: Entry
    officers: Admission | None = None


@dataclass(frozen=True, slots=True)
class Passing:
    """The passage was counted; the lane comes to rest. `next_document`: the crossing of a document laid since.
    `in_view`: the camera still sees the grant's holder, so it is unknown whether they are the person who passed.
    """

    crossing: str
    since_ms: int
    incident: bool = False
    officers: Admission | None = None
    next_document: str | None = None
    in_view: bool = False
    lost: bool = False  # the camera lost the holder, who may be seen again
    beside_ms: int = 0  # before the counted passage: from then on the person who passes has come nearer


@dataclass(frozen=True, slots=True)
class Ending:
    """An officer ordered the end of the emergency; the controller has not confirmed it, and got the order last at `told_ms`."""

    said: Said
    since_ms: int
    told_ms: int


@dataclass(frozen=True, slots=True)
class Emergency:
    """The lane is open. `held_ms`: when a controller last got the order; `said`: the officer's order; None: the fire input."""

    ending: Ending | None = None
    held_ms: int | None = None
    said: Said | None = None


Running = Opening | Reading | Entering | Inspecting | Recording | Overruling | Looking | Granted | Passing
State = Idle | Running | Referred | Emergency
Step = tuple[State, tuple[Effect, ...]]
Turned = tuple[LaneContext, tuple[Effect, ...]]


@dataclass(slots=True)
class Turn:
    """One step of `gate.passage.machine`: the lane before the event (`before`), lane and state so far, and each reducer's effects."""

    rules: Rules
    before: LaneContext
    event: Event
    now_ms: int
    lane: LaneContext
    state: State
    effects: dict[str, tuple[Effect, ...]] = field(default_factory=dict)


def crossing_of(state: State) -> str | None:
    """Return the state's crossing, or None."""
    return None if isinstance(state, Idle | Emergency) else state.crossing


def unread_of(state: State) -> str | None:
    """Return the crossing whose document waits to be read, or may; all other documents belong to none."""
    match state:
        case Opening(crossing) | Reading(crossing) | Inspecting(crossing):
            return crossing
        case Passing(next_document=following):
            return following
        case _:
            return None
