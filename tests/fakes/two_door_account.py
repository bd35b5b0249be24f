"""The state of a lane of two doors in a hostile world: events received, durable records, open grants, expected records. `fakes.two_door_oracle`
compares the lane's effects with it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from gate.passage import records
from gate.passage.effects import Effect
from gate.passage.events import (
    DoorSeen,
    Event,
    GrantFailed,
    Part,
    PartBack,
    PartLost,
    RecordReplaced,
    SensorsSeen,
    SiteSeen,
    TravellerAsked,
)
from gate.passage.names import ClosedAs, Wish
from gate.passage.orders import BePresent, Command, Hold, LaneOrder, Ordered
from gate.passage.states import Rules
from gate.programs.lane.records import Remembered
from gate_core.evidence.crossing import Alarm, Door
from gate_core.evidence.screen import Screen
from gate_core.ports.values import Direction

OTHER = {Door.FIRST: Door.LAST, Door.LAST: Door.FIRST}
PART = {Door.FIRST: Part.FIRST_BARRIER, Door.LAST: Part.BARRIER}
STRANGERS = {Alarm.FORCED, Alarm.REVERSE_PASSAGE, Alarm.PASSAGE_WITHOUT_GRANT}
TICK_MS = 60
TRACE_LINES = 120


class BrokenPromiseError(AssertionError):
    """Which promise, and the last lines of the history."""


ASKED = "somebody asks for an officer"


@dataclass(slots=True)
class Crossing:
    """What is known of one."""

    open_durable: bool = False
    lacks_record: bool = False
    started: bool = False
    erased: bool = False
    camera: bool = False
    let_in: bool = False  # a passage of the first door on its grant
    verdict: ClosedAs | None = None
    settled: bool = False
    through: bool = False

    @property
    def waits(self) -> bool:
        """True while an officer must see to it."""
        return self.verdict is ClosedAs.REFERRED and not self.settled


@dataclass(slots=True)
class Word:
    """A record that lets somebody through a door, once it is durable and the lane was told so, at `told_ms`."""

    record: records.Record
    door: Door | None  # an officer's: either
    told_ms: int | None = None
    used: bool = False


@dataclass(slots=True)
class Look:
    """One answer of the sensors."""

    said: SensorsSeen
    heard_ms: int

    @property
    def measured_ms(self) -> int:
        return self.heard_ms - self.said.age_ms


@dataclass(slots=True)
class Outstanding:
    """The grant that is somebody's."""

    crossing: str
    door: Door
    at_ms: int
    officers: bool
    entered: bool
    shown: bool = False


@dataclass
class Account:
    """The account. `hears` comes before the lane answers an event."""

    rules: Rules
    now_ms: int = 0
    crossings: dict[str, Crossing] = field(default_factory=dict)
    words: dict[str, Word] = field(default_factory=dict)
    doors: dict[Door, tuple[DoorSeen, int]] = field(default_factory=dict)
    looks: deque[Look] = field(default_factory=lambda: deque(maxlen=2))
    called: bool = False
    asked_often: bool = False
    asking: Wish | None = None  # with the latest event somebody asks for an officer
    lost: set[Part] = field(default_factory=set)
    site: tuple[SiteSeen, int] | None = None
    present_ms: int | None = None
    alarmed: dict[Door, set[Alarm]] = field(default_factory=lambda: {door: set() for door in Door})
    counted: dict[tuple[Door, Direction], int] = field(default_factory=Counter)
    written: dict[tuple[Door, Direction], int] = field(default_factory=Counter)
    counters: dict[Door, DoorSeen] = field(default_factory=dict)
    grant: Outstanding | None = None
    met: Outstanding | None = None  # the one that the latest event met
    must_end: str = ""
    releasing: dict[Door, int] = field(default_factory=dict)  # told to open since, and not seen open
    revoking_ms: dict[Door, int] = field(default_factory=dict)  # told to take back since, and not seen gone
    freed_ms: int = -(10**9)
    maintained: bool = False
    offered: bool = False  # a way back, since a crossing was opened last
    offered_ms: int = -(10**9)  # when one opened the door last; it is told again for a while
    emergency: bool = False
    asked: dict[int, Command] = field(default_factory=dict)
    screen: Screen = Screen.CLOSED
    new: list[Effect] = field(default_factory=list)
    reached: Counter[str] = field(default_factory=Counter)
    trace: deque[str] = field(default_factory=lambda: deque(maxlen=TRACE_LINES))

    def broken(self, what: str) -> None:
        """Say so."""
        raise BrokenPromiseError(what + "\n" + "\n".join(self.trace))

    # ── what the lane is told ────────────────────────────────────────────────────────────────────────────────────────

    def hears(self, event: Event, now_ms: int, *, fresh: bool) -> None:
        """An event that comes now; of an order, whether it answers a fresh challenge."""
        self.now_ms = now_ms
        self.new, self.met = [], self.grant
        self.trace.append(f"{now_ms:9d}  {event}"[:300])
        match event:
            case DoorSeen():
                self._door(event)
            case SensorsSeen():
                self.looks.append(Look(event, now_ms))
                self.called |= event.call_pressed
            case PartLost(part):
                self.lost.add(part)
                for door in Door:
                    if PART[door] is part:
                        self.doors.pop(door, None)
                if part is Part.SENSORS:
                    self.looks.clear()
            case PartBack(part):
                self.lost.discard(part)
            case SiteSeen():
                self.site = (event, now_ms)
            case RecordReplaced(crossing) if crossing in self.crossings:
                self.crossings[crossing].lacks_record = True
            case Ordered(number, _, _, command):
                self._ordered(number, command)
            case _:
                pass
        self.asking = event.wish if isinstance(event, TravellerAsked) and event.wish is not Wish.MORE_TIME else None
        self.must_end = "" if self.grant is None else self._ends(self.grant, event, fresh=fresh)

    def _ordered(self, number: int, command: Command) -> None:
        self.asked[number] = command
        if isinstance(command, BePresent):
            self.present_ms = max(self.present_ms or 0, self.now_ms - command.age_ms)
        if command is LaneOrder.RELEASE:
            self.freed_ms = self.now_ms

    def told(self, record: records.Record, now_ms: int) -> None:
        """The lane is told now that this very record is durable."""
        self.now_ms = now_ms
        crossing = records.crossing_of(record) or ""
        if isinstance(record, records.Opened):
            self.crossings[crossing].open_durable = True
        word = self.words.get(crossing)
        if word is not None and word.record is record:
            word.told_ms = self.now_ms

    def _door(self, seen: DoorSeen) -> None:
        door, before = seen.door, self.counters.get(seen.door)
        self.doors[door], self.counters[door] = (seen, self.now_ms), seen
        if not self.maintained:
            new = set(seen.alarms) - set(before.alarms if before else ())
            self.alarmed[door] |= new & {*STRANGERS, Alarm.MOTOR_FAULT}
        anew = before is not None and before.power_ups != seen.power_ups
        for direction, now, then in (
            (Direction.ENTRY, seen.passages_entry, before.passages_entry if before else None),
            (Direction.EXIT, seen.passages_exit, before.passages_exit if before else None),
        ):
            more = 0 if then is None else now if anew else now - then
            self.counted[door, direction] += more
        if not seen.closed:
            self.releasing.pop(door, None)
        if not seen.grants_left:
            self.revoking_ms.pop(door, None)

    def _ends(self, grant: Outstanding, event: Event, *, fresh: bool) -> str:  # noqa: C901, PLR0911, PLR0912 - a list of grounds
        """Why the outstanding grant must be over when this event was answered."""
        match event:
            case DoorSeen(door=grant.door):
                grant.shown |= bool(event.grants_left) or not event.closed
                if event.bodies > 1 or set(event.alarms) & STRANGERS:
                    return "somebody else is in its zone"
                if grant.entered and not event.bodies and grant.door is Door.FIRST:
                    return "they walked back"
                grant.entered = event.bodies > 0
            case DoorSeen() if not event.closed or event.grants_left or set(event.alarms) & STRANGERS:
                return "the other door is open, granted or forced"
            case SensorsSeen() if (event.people or 0) > 1 or self.called:
                return "two are inside, or somebody calls"
            case PartLost(Part.BARRIER | Part.FIRST_BARRIER | Part.SENSORS):
                return "nobody knows of the lane"
            case PartLost(Part.VISION | Part.CAMERA) if not grant.officers:
                return "nobody sees the traveller"
            case RecordReplaced(grant.crossing):
                return "a record is missing"
            case GrantFailed(grant.crossing, grant.door):
                return "it failed"
            case TravellerAsked(wish=Wish.PROTECTION):
                return ASKED
            case TravellerAsked(wish=Wish.HELP) if not self.asked_often:
                return ASKED
            case Ordered(_, _, _, LaneOrder.RELEASE):
                return "somebody is freed"
            case Ordered(_, _, _, Hold(grant.crossing)) if fresh:
                return "an officer refers"
            case _:
                pass
        timing = self.rules.timing
        if self.now_ms - grant.at_ms > timing.grant_ttl_ms + timing.grant_slack_ms + TICK_MS:
            return "its time is over"
        if not grant.shown and self.now_ms - grant.at_ms > timing.order_shown_max_ms + TICK_MS:
            return "no status shows it"
        return ""

    def starts(self, kept: Sequence[records.Record], told: Remembered, now_ms: int) -> None:
        """The lane program starts anew with what is in the log and in its state file: what else it knew is gone, and nobody has a grant of its any
        more. An emergency goes on.
        """
        self.now_ms, self.new = now_ms, []
        self.trace.append(f"{now_ms:9d}  ==== a new start")
        self.words, self.doors, self.grant, self.must_end, self.asked = {}, {}, None, "", {}
        self.looks.clear()
        self.releasing, self.revoking_ms, self.called, self.asked_often = {}, {}, told.called, False
        self.alarmed = {one: set(told.alarms_at(one)) for one in Door}
        self.maintained = told.maintained_by is not None
        self.lost, self.site, self.present_ms, self.offered = {Part.SENSORS}, None, None, False
        self.screen = Screen.CLOSED
        kinds = {(type(one), records.crossing_of(one)) for one in kept}
        left = {crossing for kind, crossing in kinds if kind in {records.Opened, records.Closed}}
        self.crossings = {crossing: known for crossing, known in self.crossings.items() if crossing in left}
        for crossing, known in self.crossings.items():
            known.erased = True
            known.settled = (records.Settled, crossing) in kinds
            known.through = any(
                isinstance(one, records.Passed) and one.how is records.PassedBy.GRANT and one.door is Door.LAST
                for one in kept
                if records.crossing_of(one) == crossing
            )
            known.verdict = known.verdict if (records.Closed, crossing) in kinds else None
        books = [one for one in kept if isinstance(one, records.Passed | records.Counted)]
        self.written, self.counted, self.counters = Counter(), Counter(), {}
        for one in books:
            self.counters_of(one)

    def counters_of(self, one: records.Passed | records.Counted) -> None:
        """Where the books of a door stand."""
        assert one.counters is not None
        self.counters[one.door] = DoorSeen(
            closed=True, bodies=0, grants_left=0, fire=False, emergency_open=False, alarms=(), door=one.door,
            passages_entry=one.counters.entry, passages_exit=one.counters.exit, power_ups=one.counters.power_ups,
        )  # fmt: skip
