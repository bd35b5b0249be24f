"""A controller's alarms: each begins, ends, and some wait for an officer; with one the lane says that it is closed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, Run, inspecting, ready

from gate.passage import alarms, records, states
from gate.passage.door_state import Raised
from gate.passage.effects import ClearAlarms, Effect, Show, Write
from gate.passage.events import Part, PartBack, PartLost, SiteSeen, Tick
from gate.passage.lane import LaneContext
from gate.passage.names import IncidentKind
from gate.passage.orders import LaneOrder
from gate_core.evidence.crossing import Alarm
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Screen

BY_THEMSELVES = (Alarm.OBSTRUCTED, Alarm.OPEN_TOO_LONG, Alarm.HOST_LOST)
FOR_AN_OFFICER = (Alarm.FORCED, Alarm.REVERSE_PASSAGE, Alarm.PASSAGE_WITHOUT_GRANT, Alarm.MOTOR_FAULT)
OPEN = replace(AT_REST, closed=False)


def written(effects: list[Effect], kind: type[records.Record]) -> list[records.Record]:
    return [effect.record for effect in effects if isinstance(effect, Write) and isinstance(effect.record, kind)]


def begun(effects: list[Effect]) -> list[IncidentKind]:
    return [record.incident for record in written(effects, records.Incident) if isinstance(record, records.Incident)]


def test_every_alarm_is_one_or_the_other() -> None:
    assert sorted(alarm.value for alarm in (*BY_THEMSELVES, *FOR_AN_OFFICER)) == sorted(alarm.value for alarm in Alarm)


@pytest.mark.parametrize("alarm", Alarm)
def test_an_alarm_closes_the_lane_in_every_way_and_is_never_welcome(alarm: Alarm) -> None:
    run = ready()
    effects = run.feed(replace(OPEN, alarms=(alarm,)))
    assert Show(Screen.CLOSED) in effects
    assert begun(effects) == [IncidentKind(alarm.value)]
    assert not run.lane.in_service()
    assert Reason.BARRIER_ALARM in {one.reason for one in run.lane.blockers}
    assert run.feed(replace(OPEN, alarms=(alarm,)), Tick(), after_ms=100) == [], "it began once"


@pytest.mark.parametrize("alarm", BY_THEMSELVES)
def test_what_tells_of_nobody_is_cleared_by_the_lane_once_it_is_at_rest_and_the_lane_is_back(alarm: Alarm) -> None:
    run = ready()
    for busy in (OPEN, replace(AT_REST, bodies=1), replace(AT_REST, grants_left=1)):
        assert not any(isinstance(effect, ClearAlarms) for effect in run.feed(replace(busy, alarms=(alarm,)))), busy
    assert ClearAlarms((alarm,)) in run.feed(replace(AT_REST, alarms=(alarm,)), after_ms=100)
    assert run.state == states.Idle(Screen.CLOSED), "the controller has not said so yet"
    effects = run.feed(AT_REST, after_ms=50)
    assert written(effects, records.AlarmEnded) == [records.AlarmEnded(alarm, 150)]
    assert Show(Screen.WELCOME) in effects
    assert run.lane.alarms == ()


@pytest.mark.parametrize("alarm", FOR_AN_OFFICER)
def test_what_tells_of_somebody_waits_for_an_officer_and_then_the_lane_is_back(alarm: Alarm) -> None:
    run = ready()
    standing = replace(AT_REST, alarms=(alarm,))
    for _ in range(100):
        assert not any(isinstance(effect, ClearAlarms) for effect in run.feed(standing, after_ms=1_000))
    run.order(LaneOrder.ACKNOWLEDGE)
    effects = run.feed(AT_REST, after_ms=1)
    assert written(effects, records.AlarmEnded) == [records.AlarmEnded(alarm, 99_001)]
    run.feed(SiteSeen(1.0, clock_sure=True))
    assert run.state == states.Idle(Screen.WELCOME)


def test_an_alarm_that_the_controller_forgot_waits_all_the_same_and_admits_nobody() -> None:
    run = ready()
    run.feed(replace(AT_REST, alarms=(Alarm.FORCED,)), PartLost(Part.BARRIER), PartBack(Part.BARRIER), AT_REST)
    assert run.state == states.Idle(Screen.CLOSED)
    assert [one.alarm for one in run.lane.alarms] == [Alarm.FORCED]
    evidence = run.lane.lane_evidence(run.now_ms).last
    assert evidence is not None
    assert evidence.alarms == (Alarm.FORCED,), "a decision holds it against whoever comes"
    effects = run.order(LaneOrder.ACKNOWLEDGE, after_ms=10)
    assert not any(isinstance(effect, ClearAlarms) for effect in effects), "there is nothing to clear"
    assert written(effects, records.AlarmEnded) == [records.AlarmEnded(Alarm.FORCED, 10)]
    assert Show(Screen.WELCOME) in run.feed(AT_REST)


def test_an_alarm_that_keeps_coming_back_waits_and_fills_no_log() -> None:
    run = ready()
    flapping = replace(AT_REST, alarms=(Alarm.OBSTRUCTED,))
    effects = [effect for _ in range(1_000) for effect in run.feed(flapping, AT_REST, after_ms=100)]
    assert len(begun(effects)) == run.rules.timing.alarm_again_max
    assert len(written(effects, records.AlarmEnded)) == run.rules.timing.alarm_again_max - 1
    assert not run.lane.in_service()
    assert len(run.lane.last.begun) <= len(Alarm) * run.rules.timing.alarm_again_max
    run.order(LaneOrder.ACKNOWLEDGE)
    assert Show(Screen.WELCOME) in run.feed(AT_REST, SiteSeen(1.0, clock_sure=True))


def test_one_that_comes_now_and_then_never_waits() -> None:
    run = ready()
    for _ in range(50):
        run.feed(replace(AT_REST, alarms=(Alarm.OBSTRUCTED,)), AT_REST, after_ms=5_001)
        assert run.lane.alarms == ()


def test_several_that_come_once_each_do_not_wait() -> None:
    run = ready()
    for alarm in (*BY_THEMSELVES, *BY_THEMSELVES):
        run.feed(replace(AT_REST, alarms=(alarm,)), AT_REST, after_ms=100)
        assert run.lane.alarms == ()


def test_an_officers_word_begins_the_counting_anew_and_is_not_repeated_at_once() -> None:
    run = ready()
    flapping = replace(AT_REST, alarms=(Alarm.OBSTRUCTED,))
    for _ in range(run.rules.timing.alarm_again_max):
        run.feed(flapping, AT_REST, after_ms=100)
    run.feed(flapping)
    run.order(LaneOrder.ACKNOWLEDGE)
    again_ms = run.rules.timing.order_again_ms
    assert run.feed(flapping, after_ms=again_ms - 1) == [], "the officer's word cleared it just now"
    assert run.feed(flapping, after_ms=1) == [ClearAlarms((Alarm.OBSTRUCTED,))]
    run.feed(AT_REST, flapping, after_ms=1)
    assert not run.lane.alarms[0].waits


@pytest.mark.parametrize("part", Part)
def test_a_lane_without_one_of_its_parts_says_closed_and_comes_back(part: Part) -> None:
    run = ready()
    assert Show(Screen.CLOSED) in run.feed(PartLost(part))
    run.feed(AT_REST, Tick())
    assert run.state == states.Idle(Screen.CLOSED)
    assert Show(Screen.WELCOME) in run.feed(PartBack(part), AT_REST)


def test_a_lane_of_which_nothing_is_known_is_not_in_service() -> None:
    assert not LaneContext().in_service()
    assert not Run().lane.in_service()


def test_an_alarm_that_ends_in_the_middle_of_a_crossing_is_written_without_it_and_blocks_no_decision() -> None:
    run = inspecting()
    run.feed(replace(AT_REST, alarms=(Alarm.OBSTRUCTED,)))
    effects = run.feed(AT_REST, after_ms=50)
    assert written(effects, records.AlarmEnded) == [records.AlarmEnded(Alarm.OBSTRUCTED, 50)]
    assert run.lane.blockers == ()


@pytest.mark.parametrize(("apart_ms", "waits"), [(4_999, True), (5_000, False)])
def test_what_comes_three_times_within_the_time_waits_and_what_comes_slower_does_not(
    apart_ms: int, *, waits: bool
) -> None:
    run = ready()
    assert (run.rules.timing.alarm_again_ms, run.rules.timing.alarm_again_max) == (10_000, 3)
    run.now_ms = 3_600_000
    for _ in range(3):
        run.feed(replace(OPEN, alarms=(Alarm.OBSTRUCTED,)))
        (raised,) = run.lane.alarms
        run.feed(OPEN, after_ms=1)
        run.now_ms += apart_ms - 1
    assert raised.waits is waits


def test_alarms_that_waited_before_a_restart_wait_after_it_and_count_from_then() -> None:
    assert alarms.left((Alarm.FORCED, Alarm.MOTOR_FAULT), 500) == (
        Raised(Alarm.FORCED, 500, standing=False, waits=True),
        Raised(Alarm.MOTOR_FAULT, 500, standing=False, waits=True),
    )
    assert alarms.left((), 500) == ()
