"""A lane of two doors among people, in steps of 50 ms: leaves, controllers, sensors and travellers with minds of their own, and a judge who knows
what truly happens. It plays against the pure machine and shares nothing with it but its events and effects.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fakes.passage_examples import GENUINE, SAME_FACE, Run, ordered
from fakes.two_door_lane import lane

from gate.passage import machine, records
from gate.passage.effects import (
    ClearAlarms,
    Effect,
    EndEmergency,
    Grant,
    OpenCamera,
    Release,
    Revoke,
    StartCrossing,
    Write,
)
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DoorSeen,
    Event,
    FaceCompared,
    FaceSeen,
    NotRecorded,
    Part,
    PartBack,
    PartLost,
    Recorded,
    SensorsSeen,
    SiteSeen,
    Tick,
)
from gate.passage.evidence import Door, Score
from gate.passage.orders import (
    AcknowledgeAlarms,
    Admit,
    BeginEmergency,
    BePresent,
    Disposition,
    EndEmergencyNow,
    Free,
    HandOver,
    OpenLane,
    PauseLane,
)
from gate.passage.policy import Verdict
from gate.passage.screen import Guidance, Screen

STEP_MS = 50
RELEASE_MS = 3_000
LOCKED_MS = 150_000  # nobody waits between two doors for longer without having been offered a way out
SILENT_MS = 900
SETTLED_MS = 200  # what has been so for that long, controllers and sensors have told


class WrongError(AssertionError):
    """What the judge saw."""


@dataclass
class Person:
    """Somebody: where they are, and whether document and face are what they must be."""

    name: str
    good: bool
    place: str = "hall"
    walks: float = 0.3  # how likely they go through an open leaf that is theirs, a step
    bag: bool = False
    inside_ms: int = 0  # how long between the doors with no open leaf


@dataclass
class Leaf:
    """A door with its controller. Orders come late; some are lost."""

    door: Door
    grant_until: int = -1
    release_until: int = -1
    closes_at: int = -1
    entry: int = 0
    exit: int = 0
    power_ups: int = 1
    fire: bool = False
    mute_until: int = -1
    lost: bool = False
    heard_ms: int = 0
    orders: list[tuple[int, Effect]] = field(default_factory=list)

    def is_open(self, now_ms: int) -> bool:
        """Where it truly is."""
        return self.fire or now_ms < max(self.grant_until, self.release_until, self.closes_at)

    def seen(self, now_ms: int) -> DoorSeen:
        """What its controller says."""
        return DoorSeen(
            closed=not self.is_open(now_ms),
            bodies=0,
            passages_entry=self.entry,
            passages_exit=self.exit,
            power_ups=self.power_ups,
            grants_left=int(now_ms < self.grant_until),
            fire=self.fire,
            emergency_open=self.fire,
            alarms=(),
            door=self.door,
        )


class World:
    """One hall. `step` plays 50 ms. Raises WrongError."""

    def __init__(self, seed: int, *, officers: bool = True) -> None:
        """Without `officers` nobody answers a referral."""
        self.officers = officers
        self.rng = random.Random(seed)
        self.run: Run = lane()
        self.leaves = {door: Leaf(door) for door in Door}
        self.people: list[Person] = []
        self.by_crossing: dict[str, Person] = {}
        self.later: list[tuple[int, Callable[[], Event]]] = []
        self.blind_until = -1
        self.session = 1
        self.bag_inside = False
        self.counted_ms = 0  # since when as many are inside as now
        self.durable: set[tuple[str, str]] = set()
        self.closed: set[str] = set()
        self.opened: set[str] = set()
        self.freed_ms = -RELEASE_MS * 3
        self.emergency_ms = -RELEASE_MS * 3
        self.met: set[str] = set()
        self.moved: set[tuple[str, str]] = set()
        self.through: list[Person] = []
        self.by_officer = 0
        self.admitted_by_officer: set[str] = set()
        self.ways_back = 0
        self.numbers = 0
        self.tell(SiteSeen(1.0, clock_sure=True), ordered(BePresent()))

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self) -> None:
        """50 ms."""
        self.run.now_ms += STEP_MS
        now_ms, rng = self.run.now_ms, self.rng
        for due in [one for one in self.later if one[0] <= now_ms]:
            self.later.remove(due)
            self.tell(due[1]())
        for leaf in self.leaves.values():
            self._carry_out(leaf)
        self._trouble()
        self._people()
        self._controllers()
        self._sensors()
        if self.officers and rng.random() < 0.015:
            self._officer()
        if rng.random() < 0.3:
            self.tell(SiteSeen(1.0, clock_sure=True), ordered(BePresent()))
        self.tell(Tick())
        self._judge()

    def tell(self, *events: Event) -> None:
        """Tell the machine, and do what it wants."""
        for event in events:
            before = type(self.run.state).__name__
            for effect in self.run.feed(event):
                self._done(event, effect)
            self.run.effects.clear()
            after = type(self.run.state).__name__
            self.met.add(after)
            self.moved.add((before, after))

    def after(self, ms: int, event: Callable[[], Event]) -> None:
        """Tell it then."""
        self.later.append((self.run.now_ms + ms, event))

    # ── what the machine wants ───────────────────────────────────────────────────────────────────────────────────────

    def _done(self, event: Event, effect: Effect) -> None:
        rng, now_ms = self.rng, self.run.now_ms
        match effect:
            case Write(record, awaited):
                self._written(record, awaited=awaited)
            case StartCrossing(crossing):
                person = self.by_crossing[crossing]
                document = GENUINE if person.good or rng.random() < 0.7 else replace(GENUINE, checks=GENUINE.checks[2:])
                self.after(rng.randrange(300, 1_500), lambda: DocumentRead(crossing, document))
            case OpenCamera(crossing):
                self._look_at(crossing)
            case Grant(crossing, _, door):
                self.may_grant(crossing, door)
                self._order(door, effect)
            case Revoke(door):
                if isinstance(self.run.state, machine.Emergency):
                    raise WrongError("something is taken back in an emergency")
                self._order(door, effect)
            case Release(door):
                self._may_release(event, door)
                self._order(door, effect)
            case EndEmergency(door) | ClearAlarms(_, door):
                self._order(door, effect)
            case _:
                pass
        if isinstance(self.run.state, machine.Emergency):
            self.emergency_ms = now_ms

    def _order(self, door: Door, effect: Effect) -> None:
        if self.rng.random() > 0.05:
            self.leaves[door].orders.append((self.run.now_ms + self.rng.choice([0, 50, 100]), effect))

    def _written(self, record: records.Record, *, awaited: bool) -> None:
        crossing = records.crossing_of(record) or ""
        match record:
            case records.Opened():
                self.opened.add(crossing)
            case records.Closed():
                if crossing in self.closed:
                    raise WrongError("a second verdict")
                self.closed.add(crossing)
            case _:
                pass
        if not awaited:
            return
        fate = self.rng.random()

        def durable() -> Event:
            if not isinstance(record, records.EntryDecided | records.Decided) or record.decision is Verdict.ADMIT:
                self.durable.add((crossing, record.kind.value))
            return Recorded(crossing, record.kind)

        if fate < 0.97:
            self.after(20, durable)
        elif fate < 0.985:
            self.after(20, lambda: NotRecorded(crossing, record.kind))

    def _look_at(self, crossing: str) -> None:
        inside = [one for one in self.people if one.place == "inside"]
        person = self.by_crossing[crossing]
        good = inside == [person] and person.good
        face = SAME_FACE if good else replace(SAME_FACE, match=Score(0.1))
        self.after(200, lambda: FaceSeen(crossing, max(1, len(inside)), Guidance.NONE, 7))
        self.after(self.rng.randrange(300, 2_000), lambda: FaceCompared(crossing, face, 7))

    # ── what the judge allows ────────────────────────────────────────────────────────────────────────────────────────

    def may_grant(self, crossing: str, door: Door) -> None:
        """Hold a grant against what is durable and what truly stands in the lane. Raises WrongError."""
        admitted = (crossing, "overruled") in self.durable
        decided = (crossing, "entry_decided" if door is Door.FIRST else "decided") in self.durable
        if not (decided or admitted):
            raise WrongError(f"the {door.value} door is granted before that is durable")
        if admitted:
            self.admitted_by_officer.add(self.by_crossing[crossing].name)
        for leaf in self.leaves.values():
            if leaf.lost or self.run.now_ms - leaf.heard_ms > 300:
                raise WrongError("granted while nobody knew of a door")
        other = self.leaves[Door.LAST if door is Door.FIRST else Door.FIRST]
        if other.is_open(self.run.now_ms - SETTLED_MS) and other.is_open(self.run.now_ms):
            raise WrongError(f"the {door.value} door is granted while the other is open")
        settled = self.run.now_ms - self.counted_ms > SETTLED_MS and self.run.now_ms > self.blind_until
        if settled and self._inside() != int(door is Door.LAST):
            raise WrongError(f"the {door.value} door is granted with {self._inside()} inside")
        if any(isinstance(effect, Grant) for _, effect in other.orders):
            raise WrongError("both doors are granted")

    def _may_release(self, event: Event, door: Door) -> None:
        ordered_now = type(event).__name__ == "Ordered" or isinstance(self.run.state, machine.Emergency)
        if ordered_now:
            self.freed_ms = self.run.now_ms
        elif door is Door.LAST:
            raise WrongError("the last door is opened for somebody who goes back")
        else:
            self.ways_back += 1

    def _judge(self) -> None:
        now_ms = self.run.now_ms
        open_doors = [leaf for leaf in self.leaves.values() if leaf.is_open(now_ms)]
        excused = now_ms - max(self.freed_ms, self.emergency_ms) < RELEASE_MS * 3 or any(
            leaf.fire for leaf in self.leaves.values()
        )
        if len(open_doors) > 1 and not excused:
            raise WrongError("both doors are open")
        for person in self.people:
            if person.place == "inside" and not open_doors:
                person.inside_ms += STEP_MS
                if person.inside_ms > LOCKED_MS:
                    raise WrongError(f"{person.name} is locked in while {self.run.state}")
            else:
                person.inside_ms = 0

    def _passed_last(self, person: Person) -> None:
        now_ms = self.run.now_ms
        leaf = self.leaves[Door.LAST]
        free = leaf.fire or now_ms < leaf.release_until or now_ms - self.emergency_ms < RELEASE_MS * 2
        if free:
            return
        self.through.append(person)
        if person.name in self.admitted_by_officer:
            self.by_officer += 1
        elif not person.good:
            raise WrongError(f"{person.name} went through, whom nobody verified")

    # ── controllers and sensors ──────────────────────────────────────────────────────────────────────────────────────

    def _carry_out(self, leaf: Leaf) -> None:
        now_ms = self.run.now_ms
        for due in [one for one in leaf.orders if one[0] <= now_ms]:
            leaf.orders.remove(due)
            match due[1]:
                case Grant(_, ttl_ms):
                    leaf.grant_until = now_ms + ttl_ms
                case Revoke():
                    leaf.grant_until = -1
                case Release():
                    leaf.release_until = now_ms + RELEASE_MS
                case _:
                    pass

    def _controllers(self) -> None:
        for leaf in self.leaves.values():
            if self.run.now_ms < leaf.mute_until:
                if not leaf.lost and self.run.now_ms - leaf.heard_ms > SILENT_MS:
                    leaf.lost = True
                    self.tell(PartLost(Part.FIRST_BARRIER if leaf.door is Door.FIRST else Part.BARRIER))
                continue
            if leaf.lost:
                leaf.lost = False
                self.tell(PartBack(Part.FIRST_BARRIER if leaf.door is Door.FIRST else Part.BARRIER))
            leaf.heard_ms = self.run.now_ms
            self.tell(leaf.seen(self.run.now_ms))

    def _sensors(self) -> None:
        people = None if self.run.now_ms < self.blind_until else self._inside()
        calls = any(one.place == "inside" for one in self.people) and self.rng.random() < 0.001
        self.tell(
            SensorsSeen(
                people=people,
                object_left=self.bag_inside,
                call_pressed=calls,
                cabinet_open=False,
                mains_present=True,
                session=self.session,
                age_ms=self.rng.choice([0, 40, 80]),
            )
        )

    def _inside(self) -> int:
        return sum(one.place == "inside" for one in self.people)

    def _trouble(self) -> None:
        rng, now_ms = self.rng, self.run.now_ms
        chance = rng.random()
        if chance < 0.002:
            rng.choice(list(self.leaves.values())).mute_until = now_ms + rng.choice([200, 700, 2_500])
        elif chance < 0.003:
            self.blind_until = now_ms + rng.choice([200, 2_000, 8_000])
        elif chance < 0.004:
            self.session += 1
        elif chance < 0.0042:
            leaf = rng.choice(list(self.leaves.values()))
            leaf.fire = True
        elif chance < 0.02:
            for leaf in self.leaves.values():
                leaf.fire = False
        if self.bag_inside and rng.random() < 0.05 and not self._inside():
            self.bag_inside = False  # staff carries it out

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _people(self) -> None:
        rng = self.rng
        state = self.run.state
        if isinstance(state, machine.Idle) and state.shown is Screen.WELCOME and rng.random() < 0.2:
            self._come()
        before = self._inside()
        for person in list(self.people):
            self._walk(person)
        if self._inside() != before:
            self.counted_ms = self.run.now_ms

    def _come(self) -> None:
        self.numbers += 1
        crossing = f"c{self.numbers}"
        person = Person(f"p{self.numbers}", good=self.rng.random() < 0.7, walks=self.rng.choice([0.02, 0.2, 0.5]))
        person.bag = self.rng.random() < 0.1
        self.people = [one for one in self.people if one.place == "inside"]
        self.people.append(person)
        if self.rng.random() < 0.15:
            self.people.append(Person(f"f{self.numbers}", good=False, walks=self.rng.choice([0.02, 0.1])))
        self.by_crossing[crossing] = person
        self.tell(DocumentPresented(crossing))

    def _walk(self, person: Person) -> None:
        first, last, now_ms = self.leaves[Door.FIRST], self.leaves[Door.LAST], self.run.now_ms
        if self.rng.random() > person.walks:
            return
        if person.place == "hall" and first.is_open(now_ms):
            if now_ms >= first.release_until or self.rng.random() < 0.1:
                first.entry += 1
                first.closes_at, first.grant_until = now_ms + 200, -1
                person.place = "inside"
        elif person.place == "inside" and last.is_open(now_ms):
            last.entry += 1
            last.closes_at, last.grant_until = now_ms + 200, -1
            person.place = "beyond"
            self.bag_inside |= person.bag
            self._passed_last(person)
        elif person.place == "inside" and first.is_open(now_ms) and now_ms < first.release_until:
            first.exit += 1
            person.place = "hall"

    def _officer(self) -> None:
        rng = self.rng
        waiting = self.run.around.waiting
        chance = rng.random()
        if waiting and chance < 0.4:
            crossing = waiting[-1].crossing
            inside = [one for one in self.people if one.place == "inside"]
            person = self.by_crossing.get(crossing)
            sure = person is not None and inside in ([person], [])
            self._say(Admit(crossing) if sure and rng.random() < 0.4 else HandOver(crossing, Disposition.WALKED_BACK))
        elif chance < 0.45:
            self._say(Free())
        elif chance < 0.5:
            self._say(PauseLane())
        elif chance < 0.52:
            self._say(BeginEmergency())
        elif isinstance(self.run.state, machine.Emergency):
            self._say(EndEmergencyNow())
        else:
            self._say(OpenLane())
            self._say(AcknowledgeAlarms())

    def _say(
        self,
        command: Admit | HandOver | Free | PauseLane | BeginEmergency | EndEmergencyNow | OpenLane | AcknowledgeAlarms,
    ) -> None:
        self.tell(ordered(command, version=self.run.around.version))
