"""Every passage is in the books, whatever the lane does meanwhile, and the controller's counters bear them out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    Run,
    granted,
    granted_by_officer,
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
from gate.passage.effects import Effect, Erase, Revoke, Write
from gate.passage.events import Counters, DocumentPresented, DoorSeen, Part, PartBack, PartLost, RecordKind
from gate.passage.orders import Disposition, LaneOrder
from gate.passage.records import ClosedAs, IncidentKind, PassedBy
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


@pytest.mark.parametrize("make", [granted, granted_by_officer])
def test_the_first_in_entry_direction_has_the_grant_and_the_others_have_nothing(make: object) -> None:
    run: Run = make()  # type: ignore[operator]
    effects = run.feed(more(run, entry=3, left=1, closed=False))
    nothing = PassedBy.NOTHING
    assert passed(effects) == [
        (1, PassedBy.GRANT, Direction.ENTRY),
        (2, nothing, Direction.ENTRY),
        (1, nothing, Direction.EXIT),
    ]
    assert beyond(effects) == [2, 1]
    assert effects[0] == Revoke(), "taking the grant back comes before every record"


def test_four_who_leave_by_a_release_are_four() -> None:
    run = ready()
    run.order(LaneOrder.RELEASE)
    effects = run.feed(more(run, entry=4, left=1, closed=False))
    assert passed(effects) == [(4, PassedBy.RELEASE, Direction.ENTRY), (1, PassedBy.RELEASE, Direction.EXIT)]
    assert beyond(effects) == []


def test_long_after_a_release_nobody_goes_through_by_it() -> None:
    run = ready()
    run.order(LaneOrder.RELEASE)
    assert passed(run.feed(more(run, entry=1), after_ms=15_001)) == [(1, PassedBy.NOTHING, Direction.ENTRY)]


def test_a_passage_in_the_status_that_shows_the_fire_is_the_emergencys() -> None:
    run = ready()
    effects = run.feed(replace(FIRE, passages_entry=1))
    assert passed(effects) == [(1, PassedBy.EMERGENCY, Direction.ENTRY)]
    assert written(effects)[-1] == records.EmergencyBegan(None)


def test_a_passage_in_the_status_that_shows_the_end_of_the_emergency_is_the_emergencys() -> None:
    run = emergency()
    run.order(LaneOrder.END_EMERGENCY)
    run.feed(replace(FIRE, fire=False))
    run.order(LaneOrder.END_EMERGENCY)
    effects = run.feed(replace(AT_REST, passages_exit=2))
    assert not run.lane.emergency()
    assert passed(effects) == [(2, PassedBy.EMERGENCY, Direction.EXIT)]


def test_every_record_of_a_passage_carries_what_the_controller_has_counted() -> None:
    run = ready()
    effects = run.feed(replace(AT_REST, passages_entry=2, passages_exit=1))
    carried = [one.counters for one in written(effects) if isinstance(one, records.Passed)]
    assert carried == [Counters(2, 1, 1)] * 2


def test_a_passage_is_of_the_crossing_that_was_under_way() -> None:
    effects = inspecting().feed(replace(AT_REST, passages_entry=1))
    assert [one.crossing for one in written(effects) if isinstance(one, records.Passed | records.Incident)] == [
        "c1"
    ] * 2


def test_the_passage_stands_before_what_was_written_because_of_it() -> None:
    kinds = [record.kind for record in written(granted().feed(replace(AT_REST, passages_entry=1)))]
    assert kinds == [RecordKind.PASSED, RecordKind.GRANT_ENDED]


# ── outages, restarts, power-ups, wraps ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", [ready, referred])
def test_who_went_through_while_the_controller_was_out_of_reach_is_in_the_books_when_it_is_back(make: object) -> None:
    run: Run = make()  # type: ignore[operator]
    back = more(run, entry=2, left=1)
    run.feed(PartLost(Part.BARRIER))
    effects = run.feed(PartBack(Part.BARRIER), back, after_ms=60_000)
    assert passed(effects) == [(2, PassedBy.UNSEEN, Direction.ENTRY), (1, PassedBy.UNSEEN, Direction.EXIT)]
    assert beyond(effects) == [2, 1]
    assert passed(run.feed(back)) == []


def test_a_grant_on_which_somebody_passed_while_the_cable_was_out_is_no_admission() -> None:
    run = granted()
    run.feed(PartLost(Part.BARRIER))
    effects = run.feed(PartBack(Part.BARRIER), replace(AT_REST, passages_entry=1))
    assert passed(effects) == [(1, PassedBy.UNSEEN, Direction.ENTRY)]
    assert isinstance(run.state, states.Referred)


def test_after_a_power_up_the_counters_begin_at_nought_and_whoever_passed_since_is_in_the_books() -> None:
    run = ready()
    run.feed(replace(AT_REST, passages_entry=7, passages_exit=3))
    run.feed(PartLost(Part.BARRIER))
    effects = run.feed(PartBack(Part.BARRIER), replace(AT_REST, passages_entry=2, passages_exit=1, power_ups=2))
    assert records.Counted(Counters(2, 1, 2), Counters(7, 3, 1)) in written(effects)
    assert passed(effects) == [(2, PassedBy.UNSEEN, Direction.ENTRY), (1, PassedBy.UNSEEN, Direction.EXIT)]


def test_after_a_power_up_more_than_before_is_not_taken_for_the_difference() -> None:
    run = ready()
    run.feed(replace(AT_REST, passages_entry=1))
    effects = run.feed(replace(AT_REST, passages_entry=3, power_ups=2))
    assert passed(effects) == [(3, PassedBy.NOTHING, Direction.ENTRY)]


def test_a_power_up_without_a_passage_begins_the_books_anew() -> None:
    run = ready()
    run.feed(replace(AT_REST, passages_entry=1))
    assert written(run.feed(replace(AT_REST, power_ups=2))) == [records.Counted(Counters(0, 0, 2), Counters(1, 0, 1))]


def test_a_counter_that_wraps_goes_on() -> None:
    run = ready()
    run.feed(replace(AT_REST, passages_entry=LAST, passages_exit=LAST, power_ups=2))
    effects = run.feed(replace(AT_REST, passages_entry=1, passages_exit=0, power_ups=2))
    assert passed(effects) == [(2, PassedBy.NOTHING, Direction.ENTRY), (1, PassedBy.NOTHING, Direction.EXIT)]
    assert not any(isinstance(record, records.Counted) for record in written(effects))


def test_the_books_begin_with_what_the_controller_says_at_the_first_look() -> None:
    run = Run()
    effects = run.feed(replace(AT_REST, passages_entry=1_000))
    assert written(effects) == [records.Counted(Counters(1_000, 0, 1))]
    assert written(run.feed(replace(AT_REST, passages_entry=1_000))) == []


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


# ── who is through was admitted ──────────────────────────────────────────────────────────────────────────────────────


def closings(effects: list[Effect]) -> list[records.Record]:
    return [one for one in written(effects) if isinstance(one, records.Closed | records.Settled | records.Revoked)]


@pytest.mark.parametrize("order", [LaneOrder.RELEASE, LaneOrder.OPEN_EMERGENCY], ids=lambda order: order.name)
def test_whoever_is_through_stays_admitted_whatever_an_officer_orders(order: LaneOrder) -> None:
    run = passing()
    effects = [*run.order(order), *run.feed(more(run, entry=2)), *run.feed(more(run, closed=True), after_ms=20_000)]
    assert closings(effects) == [records.Closed(CROSSING, ClosedAs.ADMITTED)]
    assert passed(effects)[0][0] == 2


def test_whoever_is_through_stays_admitted_in_a_fire() -> None:
    run = passing()
    assert closings(run.feed(more(run, fire=True))) == [records.Closed(CROSSING, ClosedAs.ADMITTED)]


@pytest.mark.parametrize("make", [granted, granted_by_officer])
def test_whoever_the_status_with_the_fire_shows_to_be_through_on_their_grant_was_admitted(make: object) -> None:
    run: Run = make()  # type: ignore[operator]
    settled = isinstance(run.state, states.Granted) and run.state.officers is not None
    effects = run.feed(replace(FIRE, passages_entry=2, passages_exit=1))
    assert passed(effects) == [
        (1, PassedBy.GRANT, Direction.ENTRY),
        (1, PassedBy.EMERGENCY, Direction.ENTRY),
        (1, PassedBy.EMERGENCY, Direction.EXIT),
    ]
    (ending,) = closings(effects)
    if settled:
        assert isinstance(ending, records.Settled)
        assert ending.disposition is Disposition.ADMITTED_BY_OFFICER
    else:
        assert ending == records.Closed(CROSSING, ClosedAs.ADMITTED)
    assert effects.count(Erase(CROSSING)) == 1
    assert Revoke() not in effects, "nothing closes in an emergency"
    assert isinstance(run.state, states.Emergency)


def test_a_grant_that_nobody_used_when_the_fire_came_is_no_admission() -> None:
    (ending,) = closings(granted().feed(replace(FIRE, passages_exit=1)))
    assert isinstance(ending, records.Closed)
    assert ending.verdict is ClosedAs.REFERRED


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
