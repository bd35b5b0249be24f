"""Unsafe control actions that no other test covers: rows of docs/hazards.toml."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import two_door_lane as two
from fakes.passage_examples import AT_REST, Run, ready
from mutants.hazards import BOOK, Death
from unit.passage.test_passage_table import OF_DOORS

from gate.passage import lasting_state, machine, open_referrals, records, states
from gate.passage.crossing_end import officers_of
from gate.passage.effects import Answer, ClearAlarms, EndEmergency, Grant, Release, Revoke, Show, Write
from gate.passage.events import Event, Part, PartLost, Recorded, Tick, TravellerAsked
from gate.passage.names import Disposition, IncidentKind, Outcome, RecordKind, Wish
from gate.passage.officer_commands import NOT_SHUT
from gate.passage.orders import Admit, HandOver, LaneOrder
from gate_core.evidence.crossing import Alarm, Door
from gate_core.evidence.screen import Screen

FIRE = replace(AT_REST, closed=False, fire=True, emergency_open=True)
OUT = replace(FIRE, fire=False)  # the controller still holds its door open


def maintained() -> Run:
    """A lane on which a technician works."""
    run = ready()
    run.order(LaneOrder.MAINTAIN, "technician-1")
    run.order(LaneOrder.CONSENT, "supervisor-1")
    return run


def test_a_second_fire_takes_another_order_to_end() -> None:
    """The officer ordered the end before the second fire. That order ended the second emergency as well."""
    run = ready()
    run.feed(FIRE, OUT)
    run.order(LaneOrder.END_EMERGENCY)
    effects = run.feed(FIRE, after_ms=300)
    assert Write(records.Incident(None, IncidentKind.EMERGENCY_NOT_ENDED)) in effects
    assert run.feed(OUT, AT_REST, after_ms=300) == []
    assert isinstance(run.state, states.Emergency)
    run.order(LaneOrder.END_EMERGENCY)
    assert Show(Screen.WELCOME) in run.feed(AT_REST, after_ms=50)


def test_the_other_door_is_held_open_in_a_fire_that_comes_back_while_an_emergency_ends() -> None:
    """For three seconds the host did not repeat its order. A board closes its leaf after that time."""
    run = two.ready()
    burning = replace(two.LAST, closed=False, fire=True, emergency_open=True)
    run.feed(burning)
    run.feed(replace(burning, fire=False), replace(two.FIRST, closed=False))
    run.order(LaneOrder.END_EMERGENCY)
    released = [run.now_ms for _ in range(30) if Release(Door.FIRST) in run.feed(burning, Tick(), after_ms=100)]
    assert len(released) == 3


def test_no_officer_admits_anybody_while_a_technician_works_on_the_lane() -> None:
    """A call for help on the page made a referral, and an officer's admission of it moved the leaf."""
    run = maintained()
    run.feed(TravellerAsked("c9", Wish.HELP))
    (refused,) = run.order(Admit("c9"))
    assert refused == Answer(1, Outcome.IMPOSSIBLE, "technician-1 works on this lane")
    effects = run.feed(Recorded("c9", RecordKind.OVERRULED), AT_REST, after_ms=10)
    assert not any(isinstance(effect, Grant) for effect in effects)
    run.order(HandOver("c9", Disposition.TAKEN_OVER))
    assert isinstance(run.state, states.Idle)
    assert Release() in run.order(LaneOrder.RELEASE), "a person is freed all the same"


@pytest.mark.parametrize(
    "seen",
    [
        replace(AT_REST, bodies=1),
        replace(AT_REST, closed=False),
        replace(AT_REST, closed=False, unknown=True),
        PartLost(Part.BARRIER),
    ],
    ids=["a body", "an open leaf", "an unknown leaf", "no status"],
)
def test_nobody_begins_work_at_a_door_that_is_not_seen_shut_and_empty(seen: Event) -> None:
    """With one door, only an idle lane was asked for: a person stood in the zone, or the leaf was open."""
    run = ready()
    run.feed(seen)
    refused = [Answer(1, Outcome.IMPOSSIBLE, NOT_SHUT)]
    assert run.order(LaneOrder.MAINTAIN, "technician-1") == refused
    run.feed(AT_REST)
    run.order(LaneOrder.MAINTAIN, "technician-1")
    run.feed(seen)
    assert run.order(LaneOrder.CONSENT, "supervisor-1") == refused
    assert run.lane.maintained_by is None


@pytest.mark.parametrize("alarm", Alarm)
def test_no_controller_is_told_anything_by_itself_while_a_technician_works_on_the_lane(alarm: Alarm) -> None:
    """The technician pushes the leaf: the lane cleared the alarm, and a controller that is cleared may move its leaf."""
    run = maintained()
    effects = run.feed(replace(AT_REST, alarms=(alarm,)), *(Tick() for _ in range(3)), after_ms=1_000)
    assert not any(isinstance(effect, ClearAlarms) for effect in effects)
    run.order(LaneOrder.OPEN, "supervisor-1")
    assert ClearAlarms((alarm,)) in run.feed(replace(AT_REST, alarms=(alarm,)), after_ms=300)


def test_an_acknowledgement_in_an_emergency_tells_no_controller_anything() -> None:
    """The lane's own clearing waited for the end of the emergency, and an officer's acknowledgement did not."""
    for is_fire in (True, False):
        run = ready()
        if is_fire:
            run.feed(FIRE)
        else:
            run.order(LaneOrder.OPEN_EMERGENCY)
        forced = replace(run.lane.last.seen or AT_REST, alarms=(Alarm.FORCED,))
        run.feed(forced)
        assert not any(isinstance(one, ClearAlarms) for one in run.order(LaneOrder.ACKNOWLEDGE))
        run.feed(replace(forced, fire=False))
        run.order(LaneOrder.END_EMERGENCY)
        run.feed(replace(AT_REST, alarms=(Alarm.FORCED,)), after_ms=50)
        effects = run.feed(replace(AT_REST, alarms=(Alarm.FORCED,)), after_ms=300)
        assert ClearAlarms((Alarm.FORCED,)) in effects, "afterwards the lane clears what was acknowledged"


def test_every_order_to_open_in_an_emergency_is_recorded() -> None:
    """The second officer's order left no record."""
    run = ready()
    run.order(LaneOrder.OPEN_EMERGENCY)
    effects = run.order(LaneOrder.OPEN_EMERGENCY, "officer-2")
    (began,) = (
        one.record for one in effects if isinstance(one, Write) and isinstance(one.record, records.EmergencyBegan)
    )
    assert began.order is not None
    assert began.order.officer == "officer-2"
    assert effects[0] == Release()


# ── the loss of each part in each state: the table's [[death]] ───────────────────────────────────────────────────────


STATES = {state.__name__ for state in typing.get_args(states.State)}
LOST = [one for one in BOOK.death if one.part not in {"", "lane"}]
ORDERS = (Grant, EndEmergency, ClearAlarms)


def lost_in(at_rest: Callable[[], Run], state: states.State, part: Part) -> str:
    """Lose a part in a state, try what must hold afterwards, and return the outcome as the table names it."""
    run = at_rest()
    run.state = state
    if isinstance(state, states.Emergency) and state.held_ms is not None:
        run.state = replace(state, held_ms=run.now_ms)
    if isinstance(state, states.Looking):
        run.state = replace(state, since_ms=run.now_ms)
    effects = run.feed(PartLost(part))
    assert not [one for one in effects if isinstance(one, ORDERS)]
    after = run.state
    assert not [one for one in run.feed(Tick(), after_ms=50) if isinstance(one, ORDERS)]
    way_out = Release(run.lane.doors[0].door)
    assert way_out in run.order(LaneOrder.RELEASE)
    assert way_out in run.order(LaneOrder.OPEN_EMERGENCY)
    if type(after) is type(state):
        return "stays"
    if isinstance(after, states.Referred):
        return "revoked and referred" if any(isinstance(one, Revoke) for one in effects) else "referred"
    assert isinstance(after, states.Idle), after
    return "ends: the traveller is through"


def test_the_table_has_every_part_and_every_state() -> None:
    assert {one.part for one in LOST} == {part.value for part in Part}
    for one in BOOK.death:
        assert {state for named in one.outcomes.values() for state in named} == STATES, one.name


@pytest.mark.parametrize("death", LOST, ids=lambda death: death.part)
def test_a_part_that_is_lost_in_any_state_does_what_the_table_says(death: Death) -> None:
    part = Part(death.part)
    seen: dict[str, set[str]] = {}
    for doors, (at_rest, _, crossed) in OF_DOORS.items():
        if doors == "one" and part in {Part.FIRST_BARRIER, Part.SENSORS}:
            continue
        for state in crossed:
            seen.setdefault(lost_in(at_rest, state, part), set()).add(type(state).__name__)
    assert seen == {outcome: set(named) for outcome, named in death.outcomes.items()}


def test_a_lane_that_dies_in_any_state_starts_as_the_table_says() -> None:
    (death,) = (one for one in BOOK.death if one.part == "lane")
    seen: dict[str, set[str]] = {}
    for at_rest, _, crossed in OF_DOORS.values():
        for state in crossed:
            run = at_rest()
            crossing = states.crossing_of(state)
            has_verdict = isinstance(state, states.Referred) or officers_of(state) is not None
            last = lasting_state.lasting_of(run.lane, state)
            opened = () if crossing is None or has_verdict else (crossing,)
            waiting = (crossing,) if crossing is not None and has_verdict else ()
            first, effects = machine.start(opened, waiting)
            lane = replace(run.lane, waiting=open_referrals.left(waiting, effects))
            _, after, effects = lasting_state.resume(
                last, lane, first, effects, now_ms=run.now_ms, timing=run.rules.timing
            )
            assert not [one for one in effects if isinstance(one, (*ORDERS, Revoke))], (
                "a start grants and closes nothing"
            )
            outcome = {states.Idle: "serves again", states.Emergency: "the emergency goes on"}.get(
                type(after), "referred, an officer is called"
            )
            seen.setdefault(outcome, set()).add(type(state).__name__)
    assert seen == {outcome: set(named) for outcome, named in death.outcomes.items()}
