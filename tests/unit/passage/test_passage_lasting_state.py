"""What survives a death of the lane: emergencies, releases, pauses and holds are taken up again, and a lost state closes and opens nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, RULES, Run, granted, ready, said

from gate.passage import lasting_state, machine, records, states
from gate.passage.effects import Effect, Grant, Release, Revoke, Show, Write
from gate.passage.events import Part, PartBack
from gate.passage.lane import LaneContext
from gate.passage.lasting_state import UNKNOWN, LastingEmergency, LastingState, lasting_of
from gate.passage.names import IncidentKind
from gate.passage.orders import Hold, LaneOrder
from gate_core.evidence.crossing import Door, Notice
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen

OPEN = replace(AT_REST, closed=False)
FIRE = replace(AT_REST, closed=False, fire=True, emergency_open=True)


def written(effects: list[Effect]) -> list[records.Record]:
    return [one.record for one in effects if isinstance(one, Write)]


def restarted(run: Run, *, last: LastingState | None = None, after_ms: int = 2_000) -> list[Effect]:
    """Kill the lane and start it anew on what its state file holds; returns its first effects."""
    last = lasting_of(run.lane, run.state) if last is None else last
    opened = () if states.crossing_of(run.state) is None else (CROSSING,)
    run.now_ms += after_ms
    state, effects = machine.start(opened, held=last.held_crossings)
    doors = LaneContext().doors
    run.lane, run.state, effects = lasting_state.resume(
        last, LaneContext(doors=doors), state, effects, now_ms=run.now_ms, timing=RULES.timing
    )
    return list(effects)


def test_an_emergency_that_an_officer_ordered_is_opened_again_as_soon_as_there_is_a_line_and_held() -> None:
    run = granted()
    run.order(LaneOrder.OPEN_EMERGENCY)
    effects = restarted(run)
    assert effects[0] == Show(Screen.EMERGENCY)
    assert run.feed(PartBack(Part.BARRIER))[0] == Release()
    assert records.EmergencyBegan(None, said()) in written(effects)
    assert run.state == states.Emergency(held_ms=run.now_ms, said=said())
    run.feed(OPEN)
    assert Release() in run.feed(AT_REST, after_ms=RULES.timing.emergency_hold_ms)
    assert not {Revoke(), Grant(CROSSING, 1)} & set(run.feed(replace(AT_REST, grants_left=1)))


def test_it_ends_by_an_officers_word_alone_however_often_the_lane_dies() -> None:
    run = ready()
    run.order(LaneOrder.OPEN_EMERGENCY)
    for _ in range(5):
        restarted(run)
        run.feed(OPEN)
        assert isinstance(run.state, states.Emergency)
    run.order(LaneOrder.END_EMERGENCY)
    assert isinstance(run.feed(OPEN), list)
    assert lasting_of(run.lane, run.state).emergency is None
    assert Show(Screen.EMERGENCY) not in restarted(run)


def test_an_emergency_of_the_fire_input_goes_on_and_its_door_is_ordered_open_only_when_it_stays_shut() -> None:
    run = ready()
    run.feed(FIRE)
    effects = restarted(run)
    assert Show(Screen.EMERGENCY) in effects
    assert Release() not in effects
    assert run.state == states.Emergency()
    assert all(isinstance(one, Write) for one in run.feed(OPEN, AT_REST, after_ms=5_000))
    assert run.feed(AT_REST, after_ms=RULES.timing.order_again_ms) == [Release()]


def test_a_release_that_ran_is_ordered_again_and_one_that_is_over_is_not() -> None:
    run = ready()
    run.order(LaneOrder.RELEASE)
    restarted(run)
    assert run.lane.last.released(run.now_ms, RULES.timing.release_ms)
    assert Release() in run.feed(AT_REST, after_ms=RULES.timing.order_again_ms)
    run = ready()
    run.order(LaneOrder.RELEASE)
    restarted(run, after_ms=RULES.timing.release_ms + 1)
    assert Release() not in run.feed(AT_REST, after_ms=RULES.timing.order_again_ms)


def test_a_release_is_ordered_again_when_the_computers_clock_began_anew() -> None:
    run = ready()
    last = LastingState(releases=((Door.LAST, run.now_ms + 1_000_000),))
    restarted(run, last=last)
    assert Release() in run.feed(AT_REST, after_ms=RULES.timing.order_again_ms)


@pytest.mark.parametrize("command", [LaneOrder.CLOSE, LaneOrder.PAUSE])
def test_a_lane_that_was_closed_or_paused_stays_so(command: LaneOrder) -> None:
    run = ready()
    run.order(command, "bert")
    restarted(run)
    assert run.lane.closed_by == "bert"


def test_a_crossing_that_an_officer_held_says_so_after_a_death_that_came_before_its_record() -> None:
    run = granted()
    run.order(Hold(CROSSING), "bert")
    last = lasting_of(run.lane, run.state)
    assert last.held_crossings == ((CROSSING, "bert"),)
    (closed,) = written(restarted(run, last=last))
    assert isinstance(closed, records.Closed)
    assert closed.reasons == (Objection(Reason.LANE_RESTARTED), Objection(Reason.HELD_BY_OFFICER, "bert"))


def test_a_lost_state_closes_nothing_opens_nothing_and_calls_an_officer() -> None:
    run = ready()
    effects = restarted(run, last=UNKNOWN)
    assert not [one for one in effects if isinstance(one, Release | Revoke)]
    assert Show(Screen.CLOSED) in effects
    assert records.Incident(None, IncidentKind.STATE_UNKNOWN) in written(effects)
    for seen in (replace(AT_REST, grants_left=1), OPEN, AT_REST, AT_REST):
        assert all(isinstance(one, Write) for one in run.feed(seen, after_ms=3_000))
    assert Notice.STATE_UNKNOWN in run.lane.notices()
    assert lasting_of(run.lane, run.state) == UNKNOWN


def test_after_a_lost_state_an_officer_says_that_there_is_no_emergency_or_opens() -> None:
    run = ready()
    restarted(run, last=UNKNOWN)
    run.feed(AT_REST)
    run.order(LaneOrder.END_EMERGENCY)
    assert records.EmergencyEnded(said()) in written(run.feed(AT_REST))
    assert Notice.STATE_UNKNOWN not in run.lane.notices()
    run = ready()
    restarted(run, last=UNKNOWN)
    assert run.order(LaneOrder.OPEN_EMERGENCY)[0] == Release()
    assert lasting_of(run.lane, run.state).emergency == LastingEmergency(said(), held=True)
    assert Notice.STATE_UNKNOWN not in run.lane.notices()


def test_a_fire_after_a_lost_state_shows_the_way_out() -> None:
    run = ready()
    restarted(run, last=UNKNOWN)
    assert Show(Screen.EMERGENCY) in run.feed(FIRE)
    assert Show(Screen.EMERGENCY) not in run.feed(FIRE)
    assert not run.lane.state_unknown


def test_a_lane_without_anything_left_starts_as_it_always_did() -> None:
    run = ready()
    assert restarted(run) == [Show(Screen.CLOSED)]
    assert isinstance(run.state, states.Idle)
