"""Unsafe control actions that no other test covers: rows of docs/hazards.toml."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import two_door_lane as two
from fakes.passage_examples import AT_REST, Run, ready

from gate.passage import records, states
from gate.passage.effects import Answer, ClearAlarms, Grant, Release, Show, Write
from gate.passage.events import Recorded, Tick, TravellerAsked
from gate.passage.names import Disposition, IncidentKind, Outcome, RecordKind, Wish
from gate.passage.orders import Admit, HandOver, LaneOrder
from gate_core.evidence.crossing import Alarm, Door
from gate_core.evidence.screen import Screen

FIRE = replace(AT_REST, closed=False, fire=True, emergency_open=True)
OUT = replace(
    AT_REST, closed=False, emergency_open=True
)  # the input is clear, the controller still holds its door open


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


@pytest.mark.parametrize("alarm", Alarm)
def test_no_controller_is_told_anything_by_itself_while_a_technician_works_on_the_lane(alarm: Alarm) -> None:
    """The technician pushes the leaf: the lane cleared the alarm, and a controller that is cleared may move its leaf."""
    run = maintained()
    effects = run.feed(replace(AT_REST, alarms=(alarm,)), *(Tick() for _ in range(3)), after_ms=1_000)
    assert not any(isinstance(effect, ClearAlarms) for effect in effects)
    run.order(LaneOrder.OPEN)
    assert ClearAlarms((alarm,)) in run.feed(replace(AT_REST, alarms=(alarm,)), after_ms=300)


def test_an_acknowledgement_in_an_emergency_tells_no_controller_anything() -> None:
    """The lane's own clearing waited for the end of the emergency, and an officer's acknowledgement did not."""
    for begins in (lambda run: run.feed(FIRE), lambda run: run.order(LaneOrder.OPEN_EMERGENCY)):
        run = ready()
        begins(run)
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
