"""A lane of two doors with people in it, outside `machine.step`: boards, sensors, a camera, a log, officers and a clock, each with faults.

`Crowd.run` sends events to the machine and carries out its effects. Faults come in spells. When the machine orders or records something,
`Crowd` often sends a rare event in the same moment: an officer's order, a fire, a lost line, a restart. Written from docs/safety.md and
docs/lane.md alone; `fakes.lane_promises` judges every step.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

from fakes.lane_promises import Promises

from gate.passage import effects, events, lasting_state, machine, open_referrals, records
from gate.passage.door_state import DoorState
from gate.passage.interior import Interior
from gate.passage.lane import LaneContext, Timing
from gate.passage.names import ClosedAs, Concern, Disposition, RecordKind, TrackChange, Wish
from gate.passage.orders import (
    Admit,
    BePresent,
    Command,
    HandOver,
    Hold,
    LaneOrder,
    Ordered,
    RaiseFlag,
    Said,
    ViewTraveller,
)
from gate.passage.policy import Policy
from gate.passage.states import Rules, crossing_of
from gate_core.evidence.crossing import (
    Alarm,
    CameraTrouble,
    Check,
    CheckId,
    CheckResult,
    DocumentEvidence,
    Door,
    FaceEvidence,
    Score,
)
from gate_core.evidence.names import Role
from gate_core.evidence.registers import Register, RegisterAnswer, RegisterCause, RegisterFinding
from gate_core.evidence.screen import Guidance, Screen

RULES = Rules(
    Policy(
        Score(0.4),
        Score(0.5),
        officer_presence_max_s=60,
        trust_age_max_days=7,
        sensors=True,
        two_doors=True,
        registers=(Register("stolen"),),
    ),
    Timing(),
)
PARTS = {Door.FIRST: events.Part.FIRST_BARRIER, Door.LAST: events.Part.BARRIER}
HELD_MS = 3_000  # a board holds a release so long, and until its zone is empty
SOUND = DocumentEvidence(tuple(Check(one, CheckResult.SUCCESSFUL) for one in CheckId), issuer="UTO", nationality="UTO")


@dataclass
class Board:
    """A door's controller. `obeys`: share of orders that reach it; `slow_ms`: until it carries one out."""

    door: Door
    line: bool = True
    obeys: float = 1.0
    slow_ms: int = 20
    grants: int = 0
    until: int = 0
    held_until: int = 0
    latch: bool = False
    fire: bool = False
    stuck: bool = False
    blind: bool = False
    late: bool = False
    releases: int = 0  # on their way
    entry: int = 0
    exit: int = 0
    power_ups: int = 1
    bodies: int = 0
    alarms: set[Alarm] = field(default_factory=set)
    was_open: bool = False

    def is_open(self, now: int) -> bool:
        """Whether the leaf is open; it never closes on a body."""
        if self.grants and now >= self.until:
            self.grants = 0
        told = self.latch or self.grants > 0 or now < self.held_until or self.stuck
        self.was_open = told or (self.was_open and self.bodies > 0)
        return self.was_open

    def take(self, order: effects.Effect, now: int) -> bool:
        """Carry out an order. False: refused."""
        match order:
            case effects.Grant(ttl_ms=ttl):
                if self.latch or self.grants:
                    return False
                self.grants, self.until = 1, now + ttl
            case effects.Revoke():
                self.grants = self.held_until = 0
            case effects.Release():
                self.held_until = now + HELD_MS
            case effects.EndEmergency():
                self.latch = self.fire
            case effects.ClearAlarms(alarms=cleared):
                self.alarms -= set(cleared)
            case _:
                pass
        return True

    def status(self, now: int) -> events.DoorSeen:
        """What the board reports."""
        self.latch = self.latch or self.fire
        closed = not self.is_open(now) and not self.blind and not self.late
        return events.DoorSeen(
            closed=closed, bodies=self.bodies, passages_entry=self.entry, passages_exit=self.exit, power_ups=self.power_ups,
            grants_left=self.grants, fire=self.fire, emergency_open=self.latch, alarms=tuple(sorted(self.alarms, key=lambda one: one.value)),
            door=self.door, unknown=self.blind or self.late, may_be_old=self.late or self.releases > 0,
        )  # fmt: skip


@dataclass
class Person:
    """`kind`: traveller, companion, child, stayer or forcer. `at`: hall, inside or out; `via`: the door that they are in, if any."""

    kind: str
    at: str = "hall"
    via: Door | None = None
    towards: str = ""


class Crowd:
    """One world; `promises` judges it."""

    def __init__(self, seed: int, *, calm: float = 0.3) -> None:
        self.random = Random(seed)
        self.calm = calm  # 0: rare events all the time; 1: none
        self.promises = Promises(RULES)
        self.now = 1_000_000
        self.order = itertools.count()
        self.due: list[tuple[int, int, Callable[[], object]]] = []
        self.steps = 0
        self.run_number = 0
        self.boards = {door: Board(door) for door in Door}
        self.people: list[Person] = []
        self.bag = self.called = self.sensors_blind = self.sensors_away = False
        self.power = 1
        self.mains, self.cabinet = True, False
        self.log_up, self.log_ms = True, 20
        self.log: list[records.Record] = []  # durable
        self.outbox: list[tuple[records.Record, bool]] = []
        self.screen = Screen.CLOSED
        self.clock_sure = True
        self.session = 0
        self.orders = 0
        self.crossings = 0
        self.lane, self.state = LaneContext(), machine.start(())[0]
        self.begin()
        for door in Door:
            self.every(100, partial(self.report, door))
        self.every(150, self.report_inside)
        self.every(100, lambda: self.tell(events.Tick()))
        self.every(5_000, lambda: self.tell(events.SiteSeen(1.0, self.clock_sure)))
        self.every(20_000, lambda: self.chance(0.9) and self.say(BePresent(self.random.choice((0, 0, 500, 30_000)))))
        self.every(200, self.live)
        self.every(3_000, self.attend)
        self.every(1_000, self.trouble)
        self.every(40, self.write)

    # ── running ──
    def put(self, thing: object, name: str, value: object) -> bool:
        """Set one of a thing's facts."""
        setattr(thing, name, value)
        return True

    def chance(self, share: float) -> bool:
        """True for this share of calls."""
        return self.random.random() < share

    def later(self, ms: int, do: Callable[[], object]) -> bool:
        """Do this in so many milliseconds."""
        heapq.heappush(self.due, (self.now + ms, next(self.order), do))
        return True

    def every(self, ms: int, do: Callable[[], object]) -> None:
        """Do this again and again."""

        def again() -> None:
            do()
            self.later(ms + self.random.randint(0, ms // 10), again)

        self.later(self.random.randint(0, ms), again)

    def run(self, steps: int) -> Crowd:
        """Let the machine take so many steps more."""
        until = self.steps + steps
        while self.steps < until:
            at, _, do = heapq.heappop(self.due)
            self.now = max(self.now, at)
            do()
        return self

    def begin(self, *, unknown: bool = False) -> None:  # noqa: C901, PLR0912 - a case for each record
        """Start the lane program, at first or after its death."""
        opened: list[str] = []
        closed: dict[str, ClosedAs] = {}
        settled: set[str] = set()
        counted: dict[Door, events.Counters | None] = {}
        through: str | None = None
        closed_by: str | None = None
        maintained_by: str | None = None
        called = False
        for one in self.log:
            match one:
                case records.Opened(crossing):
                    opened.append(crossing)
                case records.Closed(crossing, verdict):
                    closed[crossing] = verdict
                case records.Settled(crossing):
                    settled.add(crossing)
                case records.Passed() | records.Counted():
                    counted[one.door] = one.counters or counted.get(one.door)
                    if isinstance(one, records.Passed) and one.how is records.PassedBy.GRANT and one.door is Door.LAST:
                        through = one.crossing
                case records.Incident(incident=incident) if incident.value == "help_called":
                    called = True
                case records.Obeyed(verb=verb, order=said):
                    called = called and verb is not records.ObeyedVerb.ACKNOWLEDGE
                    if verb in {records.ObeyedVerb.CLOSE, records.ObeyedVerb.PAUSE}:
                        closed_by = said.officer
                    elif verb is records.ObeyedVerb.CONSENT:
                        maintained_by = said.reason
                    elif verb is records.ObeyedVerb.OPEN:
                        closed_by = maintained_by = None
                case _:
                    pass
        left_open = tuple(one for one in opened if one not in closed)
        referred = tuple(one for one, verdict in closed.items() if verdict is ClosedAs.REFERRED and one not in settled)
        first = self.run_number == 0
        last = (
            lasting_state.LastingState()
            if first
            else lasting_state.UNKNOWN
            if unknown
            else lasting_state.lasting_of(self.lane, self.state)
        )
        self.run_number += 1
        through = through if through in left_open else None
        state, shown = machine.start(left_open, referred, through, (), last.held_crossings)
        lane = LaneContext(
            doors=tuple(DoorState(door, counted=counted.get(door), unshut_ms=self.now) for door in Door),
            interior=Interior(called=called),
            lost=frozenset({*PARTS.values(), events.Part.SENSORS, events.Part.VISION}),
            waiting=tuple(
                replace(one, since_ms=self.now) for one in open_referrals.left(referred, shown, (), last.held_crossings)
            ),
            shielded=(*left_open, *referred),
            closed_by=closed_by,
            maintained_by=maintained_by,
        )
        self.lane, self.state, found = lasting_state.resume(
            last, lane, state, shown, now_ms=self.now, timing=RULES.timing
        )
        self.promises.restarted(self.now, self.log, through, unknown=last.unknown)
        self.promises.judge(None, found, self.now, self.lane)
        self.running: str | None = None
        self.carry_out(found)
        for part in (events.Part.VISION, events.Part.SENSORS, *PARTS.values()):
            if part is events.Part.SENSORS:
                self.sensors_away = False
            elif part is not events.Part.VISION:
                next(board for door, board in self.boards.items() if PARTS[door] is part).line = True
            self.later(
                self.random.randint(1, 800),
                partial(self.back, part, self.run_number),
            )
        self.later(5, lambda: self.tell(events.SiteSeen(1.0, self.clock_sure)))

    def back(self, part: events.Part, run: int) -> bool:
        """A part answers for the first time in a run."""
        return run == self.run_number and self.tell(events.PartBack(part))

    def tell(self, event: events.Event) -> bool:
        """One step of the machine, judged, and its effects."""
        self.steps += 1
        self.lane, self.state, found = machine.step(RULES, self.lane, self.state, event, self.now)
        self.promises.judge(event, found, self.now, self.lane)
        self.carry_out(found)
        if found and not isinstance(event, Ordered) and not self.chance(self.calm):
            telling = any(
                isinstance(
                    one, effects.Grant | effects.Release | effects.Revoke | effects.LookAtLane | effects.OpenCamera
                )
                or (isinstance(one, effects.Write) and one.awaited)
                for one in found
            )
            if telling and self.chance(0.25):
                self.later(self.random.choice((0, 0, 1, 15, 100, 250, 300, 1_900, 2_050)), self.rare)
        return True

    def carry_out(self, found: tuple[effects.Effect, ...]) -> None:
        """What the lane program would do."""
        for one in found:
            match one:
                case effects.Write(record, awaited):
                    self.outbox.append((record, awaited))
                case effects.StartCrossing(crossing):
                    self.running = crossing
                    self.later(
                        self.random.randint(300, 2_500),
                        partial(self.tell, events.DocumentRead(crossing, self.read())),
                    )
                    self.later(
                        self.random.randint(300, 2_600),
                        partial(self.tell, events.RegistersAnswered(crossing, (self.find(),))),
                    )
                case effects.OpenCamera(crossing):
                    self.session += 1
                    self.look(crossing, self.session)
                case effects.LookAtLane():
                    for door in Door:
                        self.later(self.random.choice((1, 10, 40, 40, 280)), partial(self.report, door))
                    self.later(self.random.choice((1, 10, 60)), self.report_inside)
                case (
                    effects.Grant()
                    | effects.Revoke()
                    | effects.Release()
                    | effects.EndEmergency()
                    | effects.ClearAlarms()
                ):
                    board = self.boards[one.door]
                    if board.line and self.chance(board.obeys):
                        board.releases += isinstance(one, effects.Release)
                        self.later(board.slow_ms, partial(self.ordered, one, board))
                case effects.Show(screen):
                    self.screen = screen
                case effects.Erase(crossing) if crossing == self.running:
                    self.running = None

    def ordered(self, order: effects.Effect, board: Board) -> None:
        """An order reaches a board."""
        board.releases -= isinstance(order, effects.Release)
        if not board.take(order, self.now) and isinstance(order, effects.Grant) and self.chance(0.5):
            self.tell(events.GrantFailed(order.crossing, board.door))

    # ── devices ──
    def report(self, door: Door) -> None:
        """A board's status."""
        if self.boards[door].line:
            self.tell(self.boards[door].status(self.now))

    def report_inside(self) -> None:
        """The sensors' status."""
        if self.sensors_away:
            return
        people = None if self.sensors_blind else sum(one.at == "inside" for one in self.people)
        if people is not None and self.chance(0.002):
            people = self.random.choice((0, 1, 2, None))
        self.tell(
            events.SensorsSeen(
                people,
                None if self.sensors_blind else self.bag,
                self.called,
                self.cabinet,
                self.mains,
                self.power,
                self.random.choice((10, 40, 100)),
            )
        )

    def read(self) -> DocumentEvidence:
        """A document, mostly sound."""
        if self.chance(0.08):
            result = self.random.choice((CheckResult.FAILED, CheckResult.ABORTED, CheckResult.UNDETERMINED))
            return DocumentEvidence.unreadable("", self.random.choice(tuple(CheckId)), result)
        return SOUND

    def find(self) -> RegisterFinding:
        """A register's answer, mostly that it knows nothing."""
        if self.chance(0.05):
            return RegisterFinding("stolen", RegisterAnswer.HIT, RegisterCause.NUMBER_LISTED)
        return RegisterFinding("stolen", RegisterAnswer.NONE)

    def look(self, crossing: str, session: int) -> None:
        """The camera's reports about the traveller inside."""
        spoilt = self.chance(0.2)
        scores = (
            tuple(self.random.choice((None, Score(0.1), Score(0.9))) for _ in "12")
            if spoilt
            else (Score(0.9), Score(0.9))
        )
        faces = self.random.choice((0, 1, 2)) if spoilt else 1
        compared = session + (spoilt and self.chance(0.2))
        face = FaceEvidence(faces, scores[0], scores[1], True, not spoilt or self.chance(0.7), "m", age_ms=0)
        self.later(
            self.random.randint(50, 400), lambda: self.tell(events.FaceSeen(crossing, 1, Guidance.NONE, session))
        )
        self.later(self.random.randint(400, 2_500), lambda: self.tell(events.FaceCompared(crossing, face, compared)))
        if self.chance(0.1):
            change = self.random.choice(tuple(TrackChange))
            self.later(
                self.random.randint(500, 6_000),
                lambda: self.tell(events.TrackChanged(crossing, change, session, 100, 1.0)),
            )

    def write(self) -> None:
        """The log takes what it can, in order."""
        if not self.log_up or not self.chance(20 / max(20, self.log_ms)):
            return
        taken, self.outbox = self.outbox, []
        for record, awaited in taken:
            crossing: Any = getattr(record, "crossing", None)
            if awaited and self.chance(0.01):
                self.tell(events.NotRecorded(crossing, record.kind))
                continue
            if self.chance(0.0005):
                self.tell(events.RecordReplaced(crossing, record.kind))
            self.log.append(record)
            if awaited:
                self.tell(events.Recorded(crossing, record.kind))

    # ── people ──
    def live(self) -> None:  # noqa: C901 - a case for each deed
        """What people do in a fifth of a second."""
        here = [one for one in self.people if one.at != "out"]
        self.people = here
        if self.screen is Screen.WELCOME and len(here) < 3 and self.chance(0.25):
            self.people.append(Person("traveller"))
            if self.chance(0.15):
                self.people.append(Person(self.random.choice(("companion", "child", "stayer", "forcer"))))
            self.crossings += 1
            self.later(10, partial(self.tell, events.DocumentPresented(f"c{self.crossings}")))
        for one in here:
            if one.via is not None:
                if self.chance(0.45):
                    self.arrive(one)
            elif one.at == "hall":
                if self.may(Door.FIRST, one, 0.5 if one.kind in {"traveller", "stayer"} else 0.1):
                    self.step_in(one, Door.FIRST, "inside")
            elif self.may(Door.LAST, one, 0.02 if one.kind == "stayer" else 0.3):
                self.step_in(one, Door.LAST, "out")
            elif self.boards[Door.FIRST].is_open(self.now) and self.chance(0.02 if one.kind == "stayer" else 0.08):
                self.step_in(one, Door.FIRST, "hall")
            elif self.chance(0.002):
                self.called = True
                self.later(700, lambda: self.put(self, "called", False))
        if self.chance(0.0005):
            self.bag = not self.bag
        elif self.bag and self.chance(0.05):
            self.bag = False
        if self.chance(0.01):
            self.people = [one for one in self.people if one.at != "hall" or one.via is not None]

    def may(self, door: Door, one: Person, share: float) -> bool:
        """Whether a person goes through a door now; a forcer goes through a closed one."""
        if self.boards[door].is_open(self.now):
            return self.chance(share)
        if one.kind == "forcer" and self.chance(0.01):
            self.boards[door].alarms.add(Alarm.FORCED)
            self.boards[door].held_until = self.now + 1_000
            return True
        return False

    def step_in(self, one: Person, door: Door, towards: str) -> None:
        """A person enters a door's zone; a child may stay below the beam."""
        one.via, one.towards = door, towards
        self.boards[door].bodies += 1

    def arrive(self, one: Person) -> None:
        """A person leaves the zone, mostly on the other side."""
        assert one.via is not None, "they are in a zone"
        board = self.boards[one.via]
        board.bodies -= 1
        board.is_open(self.now)
        door, one.via = one.via, None
        if self.chance(0.1):
            return
        outwards = one.towards == ("inside" if door is Door.FIRST else "out")
        board.entry += outwards
        board.exit += not outwards
        if outwards and board.grants:
            board.grants = 0
        elif board.grants:
            board.alarms.add(Alarm.REVERSE_PASSAGE)
        elif not board.latch and self.now >= board.held_until:
            board.alarms.add(Alarm.PASSAGE_WITHOUT_GRANT)
        one.at = one.towards

    # ── officers and troubles ──
    def say(self, command: Command, role: Role = Role.OFFICER, version: int | None = None) -> bool:
        """An officer's order; with an unsure clock none admits."""
        if isinstance(command, Admit) and not self.clock_sure:
            return False
        self.orders += 1
        who = self.random.choice(("ada", "bo"))
        said = Said(who if role is not Role.SUPERVISOR else f"sup-{who}", role)
        self.tell(
            Ordered(
                self.orders, self.lane.version if version is None else version, said, command, frozenset({said.officer})
            )
        )
        return True

    def attend(self) -> None:
        """An officer does what is to be done, in time or not."""
        if not self.chance(0.6):
            return
        if self.promises.emergency:
            if not any(board.fire for board in self.boards.values()) or self.chance(0.2):
                self.say(LaneOrder.END_EMERGENCY)
            return
        if self.lane.state_unknown:
            self.say(self.random.choice((LaneOrder.END_EMERGENCY, LaneOrder.OPEN_EMERGENCY)))
        if self.lane.closed_by is not None:
            self.say(LaneOrder.OPEN)
        self.say(LaneOrder.ACKNOWLEDGE)
        for one in self.lane.waiting[:1]:
            pick = self.random.random()
            if pick < 0.35:
                self.say(Admit(one.crossing, self.chance(0.5)))
            elif pick < 0.9:
                self.say(HandOver(one.crossing, self.random.choice((Disposition.WALKED_BACK, Disposition.TAKEN_OVER))))
            else:
                self.say(ViewTraveller(one.crossing))

    def rare(self) -> None:
        """One rare event."""
        crossing = crossing_of(self.state) or next((one.crossing for one in self.lane.waiting), "c0")
        board = self.boards[self.random.choice(tuple(Door))]
        # fmt: off
        deeds: tuple[tuple[float, Callable[[], object]], ...] = (
            (3, lambda: self.say(self.random.choice((LaneOrder.RELEASE, LaneOrder.RELEASE, LaneOrder.PAUSE, LaneOrder.CLOSE, LaneOrder.ACKNOWLEDGE)))),
            (1, lambda: self.say(LaneOrder.OPEN_EMERGENCY)),
            (1, lambda: self.say(LaneOrder.END_EMERGENCY)),
            (2, lambda: self.say(Admit(crossing))),
            (1, lambda: (self.say(Admit(crossing)), self.say(Admit(crossing)))),
            (2, lambda: self.say(Hold(crossing))),
            (1, lambda: self.say(HandOver(crossing, Disposition.TAKEN_OVER))),
            (1, lambda: self.say(RaiseFlag(crossing, Concern.CHILD))),
            (1, lambda: self.say(Admit(crossing), version=self.lane.version - 1)),
            (1, lambda: (self.put(board, "fire", True), board.line and self.tell(board.status(self.now)))),
            (2, lambda: self.cut(board)),
            (2, lambda: self.begin(unknown=self.chance(0.15)) if self.chance(0.4) else None),
            (2, lambda: self.tell(events.TravellerAsked(f"a{self.steps}", self.random.choice(tuple(Wish))))),
            (2, lambda: self.tell(events.DocumentPresented(f"d{self.steps}"))),
            (1, lambda: self.tell(events.DocumentRemoved())),
            (2, lambda: self.tell(events.TrackChanged(crossing, self.random.choice(tuple(TrackChange)), self.session, 50, 1.1))),
            (1, lambda: self.tell(events.VideoDoubted(crossing, self.random.choice(tuple(CameraTrouble))))),
            (1, lambda: self.tell(events.Recorded(crossing, self.random.choice((RecordKind.OPENED, RecordKind.CLOSED, RecordKind.VIEWED))))),
            (1, lambda: self.tell(events.PartLost(self.random.choice((events.Part.CAMERA, events.Part.VISION, events.Part.SCREEN, events.Part.READER))))),
            (1, lambda: [self.tell(events.PartBack(part)) for part in (events.Part.CAMERA, events.Part.VISION, events.Part.SCREEN, events.Part.READER)]),
            (2, lambda: board.alarms.add(self.random.choice(tuple(Alarm)))),
            (1, lambda: self.tell(events.GrantFailed(crossing, board.door))),
            (1, lambda: self.put(self, "now", self.now + self.random.choice((280, 301, 2_001, 9_990, 11_500, 60_000)))),
            (3, lambda: (self.put(self, "clock_sure", False), self.tell(events.SiteSeen(1.0, False)), self.later(9_000, lambda: self.put(self, "clock_sure", True)))),
            (1, lambda: (self.put(self, "called", True), self.later(900, lambda: self.put(self, "called", False)))),
            (1, lambda: self.tell(events.RecordReplaced(crossing, RecordKind.DECIDED))),
            (1, lambda: board.line and self.tell(replace(board.status(self.now), bodies=2))),
        )
        # fmt: on
        self.random.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()

    def cut(self, board: Board) -> None:
        """A board's line fails for a while."""
        if not board.line:
            return
        board.line = False
        self.tell(events.PartLost(PARTS[board.door]))

        def back() -> None:
            if not board.line:
                board.line = True
                self.tell(events.PartBack(PARTS[board.door]))

        self.later(self.random.choice((200, 1_500, 6_000, 20_000)), back)

    def trouble(self) -> None:  # noqa: C901, PLR0912 - a case for each fault
        """Spells of faults begin and end."""
        for board in self.boards.values():
            calm = self.chance(0.1)
            if calm:
                board.obeys, board.slow_ms, board.stuck, board.blind, board.late = 1.0, 20, False, False, False
                board.fire = False
                board.alarms -= {one for one in board.alarms if self.chance(0.5)}
        if self.chance(0.1):
            self.log_ms, self.sensors_blind, self.mains, self.cabinet = 20, False, True, False
            if not self.log_up:
                self.log_up = True
                self.tell(events.PartBack(events.Part.LOG))
            if self.sensors_away:
                self.sensors_away = False
                self.tell(events.PartBack(events.Part.SENSORS))
        if self.promises.emergency and self.chance(0.3):
            self.boards[self.random.choice(tuple(Door))].alarms.add(Alarm.OBSTRUCTED)
            self.tell(events.TravellerAsked(f"a{self.steps}", self.random.choice(tuple(Wish))))
        if self.chance(self.calm):
            return
        board = self.boards[self.random.choice(tuple(Door))]
        pick = self.random.randint(0, 60)
        if pick == 0:
            board.obeys = self.random.choice((0.0, 0.3, 0.7))
        elif pick == 1:
            board.slow_ms = self.random.choice((200, 900, 2_500))
        elif pick == 2:
            board.stuck = True
        elif pick == 3:
            board.blind = True
        elif pick == 4:
            board.late = True
        elif pick == 5:
            self.log_ms = self.random.choice((500, 1_900, 5_000))
        elif pick == 6 and self.log_up:
            self.log_up = False
            self.tell(events.PartLost(events.Part.LOG))
        elif pick == 7:
            self.sensors_blind = True
        elif pick == 8 and not self.sensors_away:
            self.sensors_away = True
            self.tell(events.PartLost(events.Part.SENSORS))
        elif pick == 9:
            self.power += 1
        elif pick == 10:
            board.entry = board.exit = board.grants = board.held_until = 0
            board.power_ups += 1
        elif pick == 11:
            self.mains = self.chance(0.5)
            self.cabinet = not self.mains
        elif pick < 16:
            self.rare()
