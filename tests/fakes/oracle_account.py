"""What the lane's oracle keeps account of, and how it complains.

`fakes.lane_oracle` says where it comes from. Here is the account alone: the crossings, the grant that the barrier may hold, what was
asked and is owed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gate.passage.events import Counters, DoorSeen, Part, SiteSeen
from gate.passage.names import ClosedAs
from gate.passage.orders import Command
from gate.passage.policy import Verdict
from gate.passage.states import Rules
from gate_core.evidence.crossing import DocumentEvidence, FaceEvidence
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Screen
from gate_core.ports.values import Direction

FRESH_MS = 300  # older status does not speak for the lane
AGAIN_MS = 1_000  # a status that contradicts an order so long after it has it told again
SOON_MS = 150  # what must be done at once may wait for a tick
AT_REST_MS = 250  # and what is counted in seconds for one of a lane at rest, which looks five times a second
CROSSING_MAX_MS = 120_000  # the sum of all that a crossing may wait for
TRACE_LINES = 80
CROSSINGS_MAX = 40
CALLED = "the traveller asked for an officer"
ADMITTED, REFERRED = ClosedAs.ADMITTED, ClosedAs.REFERRED


class BrokenInvariantError(AssertionError):
    """An invariant was broken: its number or the line that asks for it, what happened, and the last lines of the history."""


@dataclass(slots=True)
class Seen:
    """What is known of one crossing."""

    opened_ms: float
    open_durable: bool = False
    started: bool = False
    erased: bool = False
    session: int | None = None  # of the camera, in which its traveller was seen last
    document: DocumentEvidence | None = None
    face: FaceEvidence | None = None
    lacks_record: bool = False  # one was refused for good
    out_of_view: bool = False  # the camera lost its traveller, or saw another one
    looked_for: bool = True  # they may be seen again: the lane has not said that the passage was theirs
    spoilt: str = ""  # what happened since the comparison that speaks against it
    decided: Verdict | None = None
    durable_ms: float | None = None  # when an admission's receipt came that was not used yet
    officers: bool = False  # the admission is an officer's
    granted: bool = False
    passed: int = 0
    reasons: frozenset[Reason] = frozenset()  # for which it waits
    first: FirstOrder | None = None
    verdict: ClosedAs | None = None
    settled: bool = False

    @property
    def goes_on(self) -> bool:
        """True from its grant to its end."""
        return self.granted and (not self.settled if self.officers else self.verdict is None)

    @property
    def waits(self) -> bool:
        """True while an officer must see to it."""
        return self.verdict is REFERRED and not self.settled


@dataclass(slots=True)
class FirstOrder:
    """The first of two officers' orders to let somebody through: whose, by which keys, for which reasons, since when."""

    officer: str
    keys: frozenset[str]
    reasons: frozenset[Reason]
    at_ms: float
    durable: bool = False


@dataclass(slots=True)
class Outstanding:
    """A grant that the barrier may hold, and why it must be taken back, since when."""

    crossing: str
    at_ms: float
    entered: bool = False
    lost_ms: float | None = None
    must_revoke: str = ""
    since_ms: float = 0.0

    def spoil(self, why: str, now_ms: float) -> None:
        """It must be taken back."""
        if not self.must_revoke:
            self.must_revoke, self.since_ms = why, now_ms


@dataclass(slots=True)
class PendingOrder:
    """An order that no status has borne out: given first and last when, and until when it is wanted."""

    since_ms: float
    at_ms: float
    until_ms: float = 1e15


def _directions() -> dict[Direction, int]:
    return dict.fromkeys(Direction, 0)


@dataclass
class Account:
    """The account. `rules` are those that the lane runs by; time limits and bounds are read from them."""

    rules: Rules
    now_ms: float = 0.0
    crossings: dict[str, Seen] = field(default_factory=dict)
    trace: deque[str] = field(default_factory=lambda: deque(maxlen=TRACE_LINES))
    steps: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    # What the lane was told
    lane: DoorSeen | None = None
    lane_ms: float = -1e9
    lost: set[Part] = field(default_factory=set)
    present_ms: float | None = None
    site: SiteSeen | None = None
    emergency_ms: float | None = None  # since when the status shows one
    end_asked_ms: float | None = None  # an officer said that it is over
    asked: dict[int, tuple[Command, bool, float]] = field(
        default_factory=dict
    )  # orders without an answer: fresh or not, and when
    admits: dict[tuple[str, str], tuple[frozenset[str], bool]] = field(
        default_factory=dict
    )  # the latest order of an officer to let the traveller of a crossing through: by which keys, and whether pictures were shown
    # What it did about it
    grant: Outstanding | None = None
    granted: list[str] = field(default_factory=list)  # recorded as granted in this step
    revoking: PendingOrder | None = None
    freeing: PendingOrder | None = None
    revoked_ms: float = -1e9
    told_ms: float = -1e9  # when an incident last said that the barrier does not show an order
    screen: Screen = Screen.CLOSED
    closed: bool = False  # an officer took the lane out of service
    alarmed: set[str] = field(
        default_factory=set
    )  # alarms that are an officer's to see, and that none has acknowledged
    emergency_recorded: bool = False
    standing: bool = False  # an emergency that a record told of and no record ended, whatever died since
    state_lost: bool = False  # what the lane had written down of its state is gone, and no officer has looked since
    calling_ms: float | None = None  # since when a traveller asks for an officer, and nobody waits for one yet
    asked_often: bool = False  # officers were told that they are called too often, and none has acknowledged it
    # The books: what the controller counted, and what records say
    counted: Counters | None = None
    went: dict[Direction, int] = field(default_factory=_directions)
    written: dict[Direction, int] = field(default_factory=_directions)

    @property
    def emergency(self) -> bool:
        """True while the status shows one."""
        return self.lane is not None and (self.lane.fire or self.lane.emergency_open)

    def broken(self, invariant: str, what: str) -> None:
        """Say which invariant was broken, with what led to it."""
        lines = "\n".join(self.trace)
        raise BrokenInvariantError(f"{invariant}: {what}\nafter {self.steps} steps:\n{lines}")

    def note(self, now_ms: float, line: object) -> None:
        """Keep a line of the history."""
        self.trace.append(f"{now_ms:12.1f}  {line}")

    def count(self, what: str) -> None:
        """Note that something worth reaching was reached: a walk that never grants proves nothing."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def running(self, crossing: str) -> Seen | None:
        """A crossing whose traveller is being looked at, and not decided yet."""
        seen = self.crossings.get(crossing)
        return seen if seen is not None and seen.started and seen.decided is None else None

    def spoil(self, crossing: str, what: str, now_ms: float, *, before: bool = False, of_lane: bool = False) -> None:
        """Something speaks against whoever was compared; `before`: even when it comes before the comparison. An officer sees the
        traveller by themselves, and only what is `of_lane` takes their admission away.
        """
        seen = self.crossings.get(crossing)
        if seen is None or (not of_lane if seen.officers else not seen.started):
            return
        if seen.face is not None or before:
            seen.spoilt = seen.spoilt or what
        if self.grant is not None and self.grant.crossing == crossing:
            self.grant.spoil(what, now_ms)

    def spoil_all(self, what: str, now_ms: float, *, of_lane: bool = False, decided: bool = False) -> None:
        """It speaks against whatever crossing has not come to its end; `decided`: only once it was decided."""
        for crossing, seen in self.crossings.items():
            if (seen.verdict is None or seen.officers) and (seen.decided is not None or not decided):
                self.spoil(crossing, what, now_ms, of_lane=of_lane)
