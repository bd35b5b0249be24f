"""Passage reconciliation against the truth: five minutes of people before a lane whose cable, power and program fail and return.

The barrier and its beams are the simulator's, the truth is what it tells, and the log is every record that the machine wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest
from fakes.peopled_lane import STORIES, PeopledLane

from gate.passage import machine, open_referrals, records, states
from gate.passage.door_state import DoorState
from gate.passage.effects import ClearAlarms, Effect, EndEmergency, Grant, LookAtLane, Release, Revoke, Write
from gate.passage.events import DoorSeen, Event, Part, PartBack, PartLost
from gate.passage.lane import LaneContext
from gate.passage.names import ClosedAs
from gate.passage.orders import LaneOrder
from gate.programs.lane.records import Remembered, fields_of
from hardware_sim.barrier.registers import END_EMERGENCY, RELEASE, RELEASE_CODE
from hardware_sim.decision_log import Entry
from hardware_sim.reconciliation import Different, differences
from hardware_sim.truth import Happening

QUICK, MANY = range(4), range(4, 150)
pytestmark = pytest.mark.no_cover

OF_THE_BARRIER = Grant | Revoke | Release | EndEmergency | ClearAlarms | LookAtLane


@dataclass
class TroubledLane(PeopledLane):
    """The lane, whose cable is cut, whose controller is powered up anew, which is killed, released and on fire now and then."""

    truth: list[Happening] = field(default_factory=list)
    log: list[Entry] = field(default_factory=list)
    troubles: dict[str, int] = field(default_factory=dict)
    cut: bool = False
    dead: bool = False
    _power_ups: int | None = None

    def _happened(self, event: str, *, at_ms: int, **fields: object) -> None:
        super()._happened(event, at_ms=at_ms, **fields)
        self.truth.append(Happening(at_ms, event, fields))

    def feed(self, *events: Event) -> None:
        for event in events:
            if self.dead or (self.cut and isinstance(event, DoorSeen)):
                continue
            if isinstance(event, DoorSeen) and event.power_ups != (self._power_ups or event.power_ups):
                super().feed(PartLost(Part.BARRIER), PartBack(Part.BARRIER))  # as the driver has it: hello is due
            if isinstance(event, DoorSeen):
                self._power_ups = event.power_ups
            super().feed(event)

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, Write):
            record = effect.record
            self.log.append(Entry(self.now_ms, record.kind.value, records.crossing_of(record), fields_of(record)))
        if self.cut and isinstance(effect, OF_THE_BARRIER):
            return
        match effect:
            case Release():
                self.registers.write_holding(RELEASE, [RELEASE_CODE])
            case EndEmergency() if not self.board.fire:
                self.registers.write_holding(END_EMERGENCY, [1])
            case EndEmergency():
                pass
            case _:
                super()._carry_out(effect)

    def _be_an_officer(self) -> None:
        super()._be_an_officer()
        if isinstance(self.state, states.Emergency) and not self.board.fire:
            self.order(LaneOrder.END_EMERGENCY)

    # ── troubles ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def trouble(self) -> None:
        """Something befalls the lane."""
        ways = (self._cut_cable, self._power_cycle, self._kill, self._free, self._burn)
        way = self.dice.choice(ways)
        self.troubles[way.__name__] = self.troubles.get(way.__name__, 0) + 1
        way()

    def _cut_cable(self) -> None:
        if self.cut or self.dead:
            return
        self.cut = True
        self.truth.append(Happening(self.now_ms, "barrier_unplugged", {}))
        self.later(1_000, lambda: self.feed(PartLost(Part.BARRIER)))
        self.later(self.dice.uniform(1_200, 9_000), self._mend_cable)

    def _mend_cable(self) -> None:
        self.cut = False
        self.truth.append(Happening(self.now_ms, "barrier_plugged", {}))
        self.feed(PartBack(Part.BARRIER))

    def _power_cycle(self) -> None:
        self.barrier.power_cycle()

    def _free(self) -> None:
        self.order(LaneOrder.RELEASE)

    def _burn(self) -> None:
        self.barrier.set_fire(active=True)
        self.later(self.dice.uniform(500, 6_000), lambda: self.barrier.set_fire(active=False))

    def _kill(self) -> None:
        """The lane program dies, and starts anew with what the log tells it."""
        if self.dead or self.cut:
            return
        self.dead = True
        self.later(self.dice.uniform(500, 4_000), self._start)

    def _start(self) -> None:
        self.dead, self._power_ups = False, None
        ended = {records.crossing_of(one) for one in self.records if one.ends_crossing}
        opened = [one.crossing for one in self.records if isinstance(one, records.Opened)]
        left = tuple(crossing for crossing in opened if crossing not in ended)
        settled = {one.crossing for one in self.records if isinstance(one, records.Settled)}
        closed = [one for one in self.records if isinstance(one, records.Closed) and one.crossing not in settled]
        referred = tuple(one.crossing for one in closed if one.verdict is ClosedAs.REFERRED)
        remembered = Remembered()
        for record in self.records:
            remembered = remembered.after(record)
        self.state, effects = machine.start(left, referred, remembered.through)
        self.context = LaneContext(
            doors=(DoorState(counted=remembered.counted),), waiting=open_referrals.left(referred, effects)
        )
        for effect in effects:
            self._carry_out(effect)


def five_troubled_minutes(seed: int) -> TroubledLane:
    lane = TroubledLane(seed)
    lane.run(1_000)
    end_ms = lane.now_ms + 300_000
    stranger_ms = trouble_ms = float(lane.now_ms)
    while lane.now_ms < end_ms:
        if not lane.is_visited:
            lane.visit(lane.dice.choice(STORIES))
        if lane.now_ms >= stranger_ms:
            lane.stranger()
            stranger_ms = lane.now_ms + lane.dice.uniform(3_000, 40_000)
        if lane.now_ms >= trouble_ms:
            lane.trouble()
            trouble_ms = lane.now_ms + lane.dice.uniform(1_000, 12_000)
        lane.run(lane.dice.uniform(100, 700))
    lane.run(180_000, until=lambda: not lane.is_visited)
    lane.run(20_000)  # longer than any trouble lasts
    return lane


def judged(seed: int) -> list[Different]:
    lane = five_troubled_minutes(seed)
    assert len(lane.troubles) == 5, "else nothing was tried"
    assert any(direction == "exit" for _, direction in lane.passed) or len(lane.passed) > 3
    return differing(lane, lane.log)


def differing(lane: TroubledLane, log: Iterable[Entry]) -> list[Different]:
    truth = tuple(sorted(lane.truth, key=lambda happening: happening.at_ms))
    return [one.kind for one in differences(truth, tuple(log))]


@pytest.fixture(scope="module")
def lanes() -> tuple[TroubledLane, ...]:
    return tuple(map(five_troubled_minutes, QUICK))


@pytest.mark.parametrize("seed", QUICK)
def test_whatever_befalls_a_lane_its_books_say_what_happened(seed: int) -> None:
    assert judged(seed) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", MANY)
def test_whatever_befalls_very_many_lanes_their_books_say_what_happened(seed: int) -> None:
    assert judged(seed) == []


def is_neglected(entry: Entry, neglect: str) -> bool:
    return entry.kind == "passed" and neglect in {entry.body["how"], entry.body["direction"]}


def is_admitted(entry: Entry) -> bool:
    return entry.kind == "closed" and entry.body["verdict"] == "admitted"


@pytest.mark.parametrize("neglect", ["unseen", "exit", "emergency"])
def test_of_books_that_leave_passages_out_the_judge_finds_what_is_missing(
    lanes: tuple[TroubledLane, ...], neglect: str
) -> None:
    kept = ((lane, [one for one in lane.log if not is_neglected(one, neglect)]) for lane in lanes)
    assert Different.PASSAGE_MISSING in {kind for lane, log in kept for kind in differing(lane, log)}


def test_a_lane_that_calls_referred_whoever_was_through_is_found(lanes: tuple[TroubledLane, ...]) -> None:
    def told(entry: Entry) -> Entry:
        return replace(entry, body={**entry.body, "verdict": "referred"}) if is_admitted(entry) else entry

    assert Different.VERDICT in {kind for lane in lanes for kind in differing(lane, map(told, lane.log))}
