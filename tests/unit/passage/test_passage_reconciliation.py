"""Every passage is in the books, whatever the lane does meanwhile, and the controller's counters bear them out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    Run,
    granted,
    inspecting,
    looking,
    overruling,
    ready,
    recording,
    referred,
)
from hypothesis import given
from hypothesis import strategies as st

from gate.passage import records, states
from gate.passage.door_state import COUNTS, begins_anew, passages_between
from gate.passage.effects import Effect, Write
from gate.passage.events import Counters, DocumentPresented, DoorSeen, Part, PartBack, PartLost
from gate.passage.names import IncidentKind
from gate.passage.orders import LaneOrder
from gate.passage.records import PassedBy
from gate_core.ports.values import Direction

OPEN = replace(AT_REST, closed=False, grants_left=0)
FIRE = replace(OPEN, fire=True, emergency_open=True)
LAST = COUNTS - 1


def written(effects: list[Effect]) -> list[records.Record]:
    return [effect.record for effect in effects if isinstance(effect, Write)]


def passed(effects: list[Effect]) -> list[tuple[int, PassedBy, Direction]]:
    return [(one.count, one.how, one.direction) for one in written(effects) if isinstance(one, records.Passed)]


def beyond(effects: list[Effect]) -> list[int | None]:
    return [
        one.count
        for one in written(effects)
        if isinstance(one, records.Incident) and one.incident is IncidentKind.PASSAGE_BEYOND_GRANT
    ]


def passing() -> Run:
    run = granted()
    run.feed(replace(OPEN, passages_entry=1))
    assert isinstance(run.state, states.Passing)
    return run


def opening() -> Run:
    run = ready()
    run.feed(DocumentPresented(CROSSING))
    return run


def emergency() -> Run:
    run = ready()
    run.feed(FIRE)
    return run


STATES = (ready, opening, inspecting, recording, looking, referred, overruling, passing, emergency)


def more(run: Run, *, entry: int = 0, left: int = 0, **changes: object) -> DoorSeen:
    """The latest status, with so many more passages."""
    lane = run.lane.last.seen
    assert lane is not None
    more = {"passages_entry": lane.passages_entry + entry, "passages_exit": lane.passages_exit + left}
    return replace(lane, **(more | changes))  # type: ignore[arg-type]


# ── in every state ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", STATES)
def test_everybody_who_goes_through_in_either_direction_is_in_the_books_in_every_state(make: object) -> None:
    run: Run = make()  # type: ignore[operator]
    how = PassedBy.EMERGENCY if isinstance(run.state, states.Emergency) else PassedBy.NOTHING
    effects = run.feed(more(run, entry=3, left=2, closed=False))
    assert passed(effects) == [(3, how, Direction.ENTRY), (2, how, Direction.EXIT)]
    assert beyond(effects) == ([] if how is PassedBy.EMERGENCY else [3, 2])


# ── outages, restarts, power-ups, wraps ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("before", "now", "passages"),
    [
        (Counters(5, 2, 1), Counters(3, 2, 1), (3, 2)),
        (Counters(5, 2, 1), Counters(9, 0, 1), (9, 0)),
        (Counters(0, 0, 1), Counters(0, 0, 1), (0, 0)),
        (Counters(0, 0, 0xFFFF), Counters(0, 0, 1), (0, 0)),
    ],
)
def test_counters_that_were_set_back_begin_anew(before: Counters, now: Counters, passages: tuple[int, int]) -> None:
    assert passages_between(before, now) == passages
    assert begins_anew(before, now) is (before != now)


# ── whatever happens ─────────────────────────────────────────────────────────────────────────────────────────────────

looks = st.lists(
    st.tuples(
        st.sampled_from(["pass", "leave", "power up", "lose", "back", "release", "fire", "clear", "end", "document"]),
        st.integers(1, 5),
    ),
    max_size=40,
)


class Controller:
    """A controller that counts, a cable to it, and what it counted in all."""

    def __init__(self, run: Run, start: int) -> None:
        self.run = run
        self.status = replace(AT_REST, passages_entry=start, passages_exit=start, power_ups=2)
        self.counted = {Direction.ENTRY: 0, Direction.EXIT: 0}
        self.is_reachable = True

    def count(self, entry: int, left: int) -> None:
        status = self.status
        self.status = replace(
            status,
            passages_entry=(status.passages_entry + entry) % COUNTS,
            passages_exit=(status.passages_exit + left) % COUNTS,
        )
        self.counted[Direction.ENTRY] += entry
        self.counted[Direction.EXIT] += left

    def power_up(self) -> None:
        if self.is_reachable:  # else what was counted before it is known to nobody
            self.status = replace(self.status, passages_entry=0, passages_exit=0, power_ups=self.status.power_ups + 1)

    def befall(self, what: str, count: int) -> None:
        match what:
            case "pass":
                self.count(count, 0)
            case "leave":
                self.count(0, count)
            case "power up":
                self.power_up()
            case "lose" | "back":
                self.is_reachable = what == "back"
                self.run.feed(PartBack(Part.BARRIER) if self.is_reachable else PartLost(Part.BARRIER))
            case "release" | "end":
                self.run.order(LaneOrder.RELEASE if what == "release" else LaneOrder.END_EMERGENCY)
            case "fire" | "clear":
                self.status = replace(self.status, fire=what == "fire")
            case _:
                self.run.feed(DocumentPresented(f"c{count}"))
        if self.is_reachable:
            self.run.feed(self.status, after_ms=count * 100)


@given(history=looks, start=st.sampled_from([0, LAST - 1, LAST]), make=st.sampled_from([*STATES, granted]))
def test_the_books_are_what_the_controller_counted(history: list[tuple[str, int]], start: int, make: object) -> None:
    controller = Controller(make(), start)  # type: ignore[operator]
    run = controller.run
    run.feed(controller.status)
    began = len(run.effects)
    for what, count in history:
        controller.befall(what, count)
    run.feed(controller.status)
    booked = written(run.effects[began:])
    for direction, count in controller.counted.items():
        assert (
            sum(one.count for one in booked if isinstance(one, records.Passed) and one.direction is direction) == count
        )
    carried = [one.counters for one in booked if isinstance(one, records.Passed | records.Counted)]
    assert carried[-1:] in ([], [controller.status.counters])


@pytest.mark.parametrize(("entry", "anew"), [(COUNTS // 2 - 1, False), (COUNTS // 2, True)])
def test_a_counter_that_grew_by_half_of_all_it_can_was_set_back(entry: int, *, anew: bool) -> None:
    assert begins_anew(Counters(0, 0, 1), Counters(entry, 0, 1)) is anew
    assert begins_anew(Counters(0, 0, 1), Counters(0, entry, 1)) is anew
