"""Random histories of a lane: whoever was referred waits until settled, and what is wanted of the barrier is told again."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, GENUINE, RULES, SAME_FACE, Run, ready, said

from gate.passage import states
from gate.passage.effects import Effect, Grant, Release, Revoke, Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    DoorSeen,
    Event,
    FaceCompared,
    GrantFailed,
    NotRecorded,
    Part,
    PartBack,
    PartLost,
    Recorded,
    SiteSeen,
    Tick,
    TrackChanged,
)
from gate.passage.names import ClosedAs, Disposition, RecordKind, TrackChange
from gate.passage.orders import Admit, BePresent, Command, HandOver, Hold, LaneOrder, Ordered
from gate.passage.records import Closed, EmergencyEnded, Settled
from gate_core.evidence.crossing import Score

AWAITED = {
    states.Opening: RecordKind.OPENED,
    states.Recording: RecordKind.DECIDED,
    states.Overruling: RecordKind.OVERRULED,
}


class Walk:
    """One lane under random events, most of which carry its crossings on."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.run: Run = ready()
        self.seen = AT_REST
        self.number = 0
        self.opened: set[str] = set()
        self.referred: dict[str, int] = {}
        self.settled: set[str] = set()
        self.emergencies_ended = 0
        self.contradicted_since_ms: int | None = None
        self.met: Counter[str] = Counter()

    def step(self) -> None:
        event = self._event()
        after_ms = self.chance.choice((0, 5, 20, 100, 100, 300))
        effects = self.run.feed(event, after_ms=after_ms)
        self.met[type(self.run.state).__name__] += 1
        self._records(event, effects)
        self._waiting()
        self._barrier(event, effects)

    # ── what may happen ──────────────────────────────────────────────────────────────────────────────────────────────

    def _event(self) -> Event:
        crossing = states.crossing_of(self.run.state) or "c0"
        if self.chance.random() < 0.5:
            return self._next(crossing)
        lane = self._lane()
        command = self.chance.choice(
            (
                Admit(self._any(crossing)),
                HandOver(self._any(crossing), Disposition.TAKEN_OVER),
                Hold(crossing),
                LaneOrder.RELEASE,
                BePresent(),
                LaneOrder.OPEN_EMERGENCY,
                *(LaneOrder.END_EMERGENCY,) * 4,
            )
        )
        return self.chance.choice(
            (
                *(lane,) * 6,
                *(self._order(command),) * 2,
                Tick(),
                self._presented(),
                DocumentRemoved(),
                TrackChanged(crossing, self.chance.choice(list(TrackChange))),
                GrantFailed(crossing),
                NotRecorded(crossing, RecordKind.OVERRULED),
                self.chance.choice([of(part) for of in (PartLost, PartBack, PartBack) for part in Part]),
            )
        )

    def _next(self, crossing: str) -> Event:
        """What carries the lane on."""
        state = self.run.state
        match state:
            case states.Idle():
                return self.chance.choice((self._presented(), SiteSeen(1.0, clock_sure=True), self._order(BePresent())))
            case states.Inspecting() if state.document is None:
                return DocumentRead(crossing, GENUINE)
            case states.Inspecting():
                return FaceCompared(crossing, replace(SAME_FACE, match=Score(self.chance.choice((0.1, 0.9)))))
            case states.Opening() | states.Recording() | states.Overruling():
                return Recorded(crossing, AWAITED[type(state)])
            case states.Referred():
                return self._order(self.chance.choice((Admit(crossing), HandOver(crossing, Disposition.WALKED_BACK))))
            case states.Granted():
                self.seen = replace(self.seen, closed=False, passages_entry=self.seen.passages_entry + 1, grants_left=0)
                return self.seen
            case _:
                self.seen = replace(AT_REST, passages_entry=self.seen.passages_entry)
                return self.seen

    def _any(self, crossing: str) -> str:
        return self.chance.choice((crossing, *(one.crossing for one in self.run.lane.waiting)))

    def _order(self, command: Command) -> Ordered:
        return Ordered(1, self.run.lane.version, said(), command)

    def _presented(self) -> DocumentPresented:
        self.number += 1
        return DocumentPresented(f"c{self.number}")

    def _lane(self) -> DoorSeen:
        fire = self.chance.random() < 0.1
        self.seen = replace(
            self.seen,
            closed=self.chance.random() < 0.7,
            bodies=self.chance.choice((0, 0, 0, 1, 2)),
            grants_left=self.chance.choice((0, 0, 1)),
            fire=fire,
            emergency_open=fire or (self.seen.emergency_open and self.chance.random() < 0.5),
        )
        return self.seen

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────────

    def _records(self, event: Event, effects: list[Effect]) -> None:
        for record in (effect.record for effect in effects if isinstance(effect, Write)):
            match record:
                case Closed(crossing, verdict):
                    assert crossing not in self.opened, "one verdict a crossing"
                    self.opened.add(crossing)
                    if verdict is ClosedAs.REFERRED:
                        self.referred[crossing] = 1
                case Settled(crossing):
                    assert self.referred.pop(crossing, 0), "only who waits is settled, and once"
                    self.settled.add(crossing)
                case EmergencyEnded():
                    assert isinstance(event, DoorSeen)
                    assert (event.fire, event.emergency_open) == (False, False)
                    self.emergencies_ended += 1
                case _:
                    pass

    def _waiting(self) -> None:
        waiting = {one.crossing: one.objections for one in self.run.lane.waiting}
        assert set(waiting) == set(self.referred)
        match self.run.state:
            case states.Idle():
                assert not waiting
            case states.Referred(crossing, objections):
                assert waiting[crossing] == objections
            case _:
                pass

    def _barrier(self, event: Event, effects: list[Effect]) -> None:
        orders = [type(effect) for effect in effects if isinstance(effect, Grant | Revoke | Release)]
        if Revoke in orders and Release in orders:
            assert orders.index(Revoke) < orders.index(Release), "releasing has the last word"
        nobodys = not isinstance(self.run.state, states.Granted | states.Emergency)
        if isinstance(self.run.state, states.Emergency):
            assert Revoke not in orders
        if not isinstance(event, DoorSeen):
            return
        if not (event.grants_left and nobodys) or Revoke in orders:
            self.contradicted_since_ms = None
        elif self.contradicted_since_ms is None:
            self.contradicted_since_ms = self.run.now_ms
        if self.contradicted_since_ms is not None:
            assert self.run.now_ms - self.contradicted_since_ms < RULES.timing.order_again_ms


@pytest.mark.parametrize("seed", range(8))
def test_in_random_histories_nobody_who_waits_is_forgotten_and_no_grant_is_left_alone(seed: int) -> None:
    walk = Walk(seed)
    for _ in range(2_500):
        walk.step()
    of_two_doors = {states.Reading, states.Entering}
    assert set(walk.met) == {state.__name__ for state in states.State.__args__ if state not in of_two_doors}
    assert len(walk.settled) > 20
    assert walk.emergencies_ended
