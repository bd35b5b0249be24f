"""One lane for minutes in moments: the real machine, the simulated barrier, and people with minds of their own, in virtual time.

What lies between (drivers, channels, chip, faces) is left out: a status is the controller's registers, a document is read and a face
compared after as long as that takes. People tell the simulated world's stories, and there are those whom no story has: who follow too close,
walk into the zone and out of it, come out against the direction, or take their time in the leaf. No fault is injected: the barrier, the
line, the log and vision are well all the while.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace

from fakes.passage_examples import GENUINE, RULES, SAME_FACE, said

from gate.passage import machine, records, states
from gate.passage.effects import (
    Answer,
    ClearAlarms,
    Effect,
    EndEmergency,
    Erase,
    Grant,
    LookAtLane,
    OpenCamera,
    Release,
    Revoke,
    Show,
    StartCrossing,
    Write,
)
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    DoorSeen,
    Event,
    FaceCompared,
    FaceSeen,
    Recorded,
    SiteSeen,
    TrackChanged,
)
from gate.passage.lane import LaneContext
from gate.passage.names import Disposition, TrackChange
from gate.passage.orders import BePresent, Command, HandOver, LaneOrder, Ordered
from gate_core.evidence.crossing import Alarm, Score
from gate_core.evidence.screen import Guidance
from hardware_sim.barrier import controller as board
from hardware_sim.barrier.device import Barrier
from hardware_sim.barrier.registers import CLEAR_ALARMS, GRANT_ENTRY, TTL, BarrierRegisters
from hardware_sim.barrier.zone import Place
from hardware_sim.scenario import Deed, Moment, Owner, Scenario, Sight, Step, Verdict
from hardware_sim.story import Await, LookUp, Move, Pause, Present, Seen, Stand, TakeBack, Traveller, TurnBack, Walk

STEP_MS = 20
POLL_MS = 100
READ_MS, COMPARE_MS, RECORD_MS = 900, 600, 10

GENUINE_ONE = Scenario("genuine", "", Verdict.ADMITTED, (), 1)
SWAP = (Step(Moment.GO, Deed.SWAP_PERSON),)
AGAIN = (Step(Moment.GO, Deed.PRESENT_AGAIN),)
FOLLOWED = (Step(Moment.WALKING, Deed.TAILGATE),)
CROWDED = (Step(Moment.LOOK, Deed.TAILGATE),)
STORIES = (
    *(GENUINE_ONE,) * 6,
    replace(GENUINE_ONE, hesitates_ms=4_000),
    replace(GENUINE_ONE, hesitates_ms=15_000),
    replace(GENUINE_ONE, document=Owner.OTHER),
    replace(GENUINE_ONE, sight=Sight.NOBODY),
    replace(GENUINE_ONE, hesitates_ms=3_000, steps=SWAP),
    replace(GENUINE_ONE, hesitates_ms=3_000, steps=AGAIN),
    *(replace(GENUINE_ONE, steps=FOLLOWED),) * 3,
    replace(GENUINE_ONE, steps=CROWDED),
)


@dataclass
class Habits:
    """What people and officers do besides their stories."""

    strangers: bool = True
    acknowledges: bool = True


@dataclass
class PeopledLane:
    """The lane; `run` lets time pass."""

    seed: int
    habits: Habits = field(default_factory=Habits)
    now_ms: int = 1_000_000
    context: LaneContext = field(default_factory=LaneContext)
    state: states.State = field(default_factory=lambda: machine.start(())[0])
    records: list[records.Record] = field(default_factory=list)
    passed: list[tuple[str, str]] = field(default_factory=list)  # who went through in fact, and which way
    holders: dict[str, str] = field(default_factory=dict)  # whose document opened a crossing
    welcomed_with_alarm: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.barrier = Barrier(self._happened)
        self.board = self.barrier._controller
        self.registers = BarrierRegisters(self.board)
        self.screen = "closed"
        self.unseen: deque[str] = deque()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._crossings = itertools.count(1)
        self._before_camera: str | None = None
        self._polled_ms = self._said_ms = self._helped_ms = 0
        self._visitor: Visitor | None = None
        self._names = itertools.count(1)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, ms: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass, or as much of it as it takes."""
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms:
            if until():
                return True
            self.now_ms += STEP_MS
            self.barrier.tick(self.now_ms)
            while self._due and self._due[0][0] <= self.now_ms:
                heapq.heappop(self._due)[2]()
            if self.now_ms - self._polled_ms >= POLL_MS:
                self._polled_ms = self.now_ms
                self.board.host_spoke()
                self.feed(self.seen())
                self._be_an_officer()
            if self._visitor is not None and self._visitor.goes_on():
                self._visitor = None
        return until()

    def later(self, ms: float, act: Callable[[], None]) -> None:
        """Do something in a while."""
        heapq.heappush(self._due, (self.now_ms + ms, next(self._numbers), act))

    def tell(self, ms: float, event: Event) -> None:
        """Let the machine hear of something in a while."""
        self.later(ms, lambda: self.feed(event))

    # ── the machine ──────────────────────────────────────────────────────────────────────────────────────────────────

    def seen(self) -> DoorSeen:
        """The barrier's status, from its registers."""
        one = self.registers.read_input(0, 17)
        return DoorSeen(
            closed=one[2] == 1,
            bodies=one[4],
            passages_entry=one[5] << 16 | one[6],
            passages_exit=one[7] << 16 | one[8],
            grants_left=one[12] + one[13],
            fire=bool(one[10]),
            emergency_open=bool(one[11]),
            power_ups=one[15],
            alarms=tuple(alarm for alarm in Alarm if one[9] & board.Alarm[alarm.name]),
        )

    def feed(self, *events: Event) -> None:
        """Have the machine answer events, and carry out what it wants."""
        for event in events:
            if isinstance(event, DocumentPresented) and self.screen == "welcome" and self.context.alarms:
                self.welcomed_with_alarm += 1
            self.context, self.state, effects = machine.step(RULES, self.context, self.state, event, self.now_ms)
            for effect in effects:
                self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Write(record, awaited):
                self.records.append(record)
                if awaited:
                    self.tell(RECORD_MS, Recorded(records.crossing_of(record) or "", record.kind))
            case StartCrossing(crossing):
                self._inspect(crossing)
            case LookAtLane():
                self.later(RECORD_MS, lambda: self.feed(self.seen()))
            case Grant(_, ttl_ms):
                self.registers.write_holding(TTL, [ttl_ms, 1, 0])
            case Revoke():
                self.registers.write_holding(GRANT_ENTRY, [0, 0])
            case ClearAlarms(alarms):
                self.registers.write_holding(CLEAR_ALARMS, [sum(board.Alarm[alarm.name] for alarm in alarms)])
            case Show(screen, _) if screen.value != self.screen:
                self.screen = screen.value
                self.unseen.append(screen.value)
            case Release() | EndEmergency() | OpenCamera():
                raise AssertionError("nobody orders that here")
            case Show() | Answer() | Erase():
                pass

    def _inspect(self, crossing: str) -> None:
        holder = self.holders[crossing]

        def compare() -> None:
            face = self._before_camera
            if face is None:
                self.later(COMPARE_MS, compare)
                return
            same = SAME_FACE if face == holder else replace(SAME_FACE, match=Score(0.1))
            self.feed(FaceSeen(crossing, 1, Guidance.NONE), FaceCompared(crossing, same))

        self.tell(READ_MS, DocumentRead(crossing, GENUINE))
        self.later(READ_MS + COMPARE_MS, compare)

    # ── the officer ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _be_an_officer(self) -> None:
        if self.now_ms - self._said_ms >= 30_000:
            self._said_ms = self.now_ms
            self.order(BePresent())
            self.feed(SiteSeen(1.0, clock_sure=True))
        waiting = self.habits.acknowledges and any(one.waits for one in self.context.alarms)
        referred = isinstance(self.state, states.Referred)
        if not waiting and not referred:
            self._helped_ms = self.now_ms
        elif self.now_ms - self._helped_ms > 2_000:
            self._helped_ms = self.now_ms
            if waiting:
                self.order(LaneOrder.ACKNOWLEDGE)
            if isinstance(self.state, states.Referred):
                self.order(HandOver(self.state.crossing, Disposition.TAKEN_OVER))

    def order(self, command: Command) -> None:
        """An officer's order."""
        self.feed(Ordered(next(self._numbers), self.context.version, said(), command))

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _happened(self, event: str, *, at_ms: int, **fields: object) -> None:  # noqa: ARG002 - the world stamps what it tells
        if event == "passed":
            self.passed.append((str(fields["traveller"]), str(fields["direction"])))

    def present(self, by: str) -> None:
        """Somebody lays their document on the reader."""
        crossing = f"c{next(self._crossings)}"
        self.holders[crossing] = by
        self.tell(150, DocumentPresented(crossing))

    def stand(self, who: str | None) -> None:
        """Somebody else, or nobody, is before the camera from now on."""
        before, self._before_camera = self._before_camera, who
        if before is not None and before != who:
            change = TrackChange.LOST if who is None else TrackChange.SWITCHED
            crossing = states.crossing_of(self.state)
            if crossing is not None:
                self.tell(200, TrackChanged(crossing, change))

    def visit(self, scenario: Scenario) -> str:
        """A traveller comes; returns their name."""
        name = f"t{next(self._names)}"
        self._visitor = Visitor(self, name, scenario)
        return name

    @property
    def is_visited(self) -> bool:
        """Whether somebody's story goes on."""
        return self._visitor is not None

    def stranger(self) -> None:
        """Somebody whom no story has does something."""
        name = f"s{next(self._names)}"
        ways = (self._stroll, self._push_after, self._come_out)
        self.dice.choice(ways)(name)
        self.later(self.dice.uniform(8_000, 30_000), lambda: self.barrier.forget(name))

    def _stroll(self, name: str) -> None:
        """Into the zone, a look around, and out again."""
        self.barrier.walk_in(name)
        self.later(self.dice.uniform(300, 4_000), lambda: self.barrier.turn_back(name))

    def _push_after(self, name: str) -> None:
        """In whenever the leaf is open, a bit quicker or slower than others; back when it is not."""
        self.barrier.walk_in(name)
        self.barrier._bodies[-1].speed_m_s *= self.dice.uniform(0.3, 1.5)
        self.later(self.dice.uniform(2_000, 6_000), lambda: self.barrier.turn_back(name))

    def _come_out(self, name: str) -> None:
        """Against the direction, if the leaf lets them."""
        self.barrier.walk_out(name)
        self.later(self.dice.uniform(1_500, 6_000), lambda: self.barrier.turn_back(name))


class Visitor:
    """A traveller's story, told move by move as time passes."""

    def __init__(self, lane: PeopledLane, name: str, scenario: Scenario) -> None:
        self._lane = lane
        self._name = name
        self._scenario = scenario
        self._walker = name
        self._noticed = lane.screen
        self._lane.unseen.clear()
        self._story = Traveller(scenario, lane.dice).story()
        self._telling = self._tell()

    def goes_on(self) -> bool:
        """Tell as much as now happens; True at the end."""
        return next(self._telling, "end") == "end"

    def name_of(self, who: Owner) -> str:
        return self._name if who is Owner.SELF else f"{self._name}-other"

    def _tell(self) -> Generator[str, None, None]:
        move = next(self._story)
        while True:
            yield from self._carry_out(move)
            try:
                move = self._story.send(Seen(self._noticed, self._lane.barrier.place_of(self._walker)))
            except StopIteration:
                break
        names = {self.name_of(who) for who in Owner}
        end_ms = self._lane.now_ms + 10_000
        while any(self._lane.barrier.place_of(name) is Place.IN_ZONE for name in names):
            if self._lane.now_ms > end_ms:
                break
            yield "leaving"
        for name in names:
            self._lane.barrier.forget(name)

    def _carry_out(self, move: Move) -> Generator[str, None, None]:
        lane = self._lane
        match move:
            case Pause(ms):
                end_ms = lane.now_ms + ms
                while lane.now_ms < end_ms:
                    yield "pausing"
            case Await():
                yield from self._wait(move)
            case LookUp():
                self._noticed = lane.screen
                lane.unseen.clear()
            case Present(by):
                owner = self._scenario.document if by is Owner.SELF else Owner.SELF
                lane.present(self.name_of(owner))
            case TakeBack():
                lane.feed(DocumentRemoved())
            case Stand(sight):
                lane.stand({Sight.SELF: self.name_of(Owner.SELF), Sight.OTHER: self.name_of(Owner.OTHER)}.get(sight))
            case Walk(who, behind_m):
                if not behind_m:
                    self._walker = self.name_of(who)
                lane.barrier.walk_in(self.name_of(who), from_m=-0.6 - behind_m)
            case TurnBack(who):
                lane.barrier.turn_back(self.name_of(who))
            case _:
                raise AssertionError(f"no such move in a lane without faults: {move}")

    def _wait(self, move: Await) -> Generator[str, None, None]:
        end_ms = self._lane.now_ms + move.limit_ms
        while self._lane.now_ms < end_ms:
            while self._noticed not in move.screens and self._lane.unseen:
                self._noticed = self._lane.unseen.popleft()
            if self._noticed in move.screens or self._lane.barrier.place_of(self._walker) in move.places:
                return
            yield "waiting"


def five_minutes(seed: int, habits: Habits | None = None) -> PeopledLane:
    """A lane after five minutes of people."""
    lane = PeopledLane(seed, habits or Habits())
    lane.run(1_000)
    end_ms = lane.now_ms + 300_000
    stranger_ms = float(lane.now_ms)
    while lane.now_ms < end_ms:
        if not lane.is_visited:
            lane.visit(lane.dice.choice(STORIES))
        if lane.habits.strangers and lane.now_ms >= stranger_ms:
            lane.stranger()
            stranger_ms = lane.now_ms + lane.dice.uniform(3_000, 40_000)
        lane.run(lane.dice.uniform(200, 1_000))
    return lane


def serves_again(lane: PeopledLane) -> bool:
    """Whether everybody having left, one more genuine traveller is admitted and goes through."""
    lane.run(180_000, until=lambda: not lane.is_visited)
    lane.run(60_000, until=lambda: lane.screen == "welcome" and lane.context.at_rest())
    name = lane.visit(GENUINE_ONE)
    lane.run(120_000, until=lambda: not lane.is_visited)
    return (name, "entry") in lane.passed
