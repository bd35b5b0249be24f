"""What a step orders, shows and writes, whole and in order: every field of every record, and nothing beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import two_door_lane as two
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    GENUINE,
    RULES,
    Run,
    decided_record,
    inspecting,
    ready,
    referred,
    said,
)
from fakes.two_door_lane import ALONE, EMPTY, FIRST, LAST, TWO

from gate.passage import machine, open_referrals, records, states
from gate.passage.crossing_end import keeps_closed
from gate.passage.door_state import DoorState, PendingOrder, Raised
from gate.passage.effects import (
    Answer,
    Effect,
    Erase,
    Release,
    Revoke,
    Show,
    Write,
)
from gate.passage.events import (
    DocumentRead,
    DoorSeen,
    FaceSeen,
    SiteSeen,
    Tick,
)
from gate.passage.interior import Interior, Waits
from gate.passage.lane import LaneContext, Referral
from gate.passage.names import ClosedAs, Disposition, IncidentKind, Outcome
from gate.passage.orders import Admit, HandOver, LaneOrder
from gate.passage.passage_reconciliation import in_order
from gate.passage.records import GrantEnd, ObeyedVerb, PassedBy
from gate_core.evidence.crossing import Alarm, Door, FaceEvidence
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Guidance, Screen
from gate_core.ports.values import Direction

TIMING = RULES.timing
PASSED_FIRST: DoorSeen = replace(FIRST, passages_entry=1)


def incident(kind: IncidentKind, crossing: str | None = CROSSING) -> Write:
    return Write(records.Incident(crossing, kind))


# ── up to the decision ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_face_that_was_never_compared_has_no_age() -> None:
    run = inspecting()
    run.feed(DocumentRead(CROSSING, GENUINE))
    effects = run.feed(Tick(), after_ms=TIMING.face_max_ms + 1)
    (record,) = (one.record for one in effects if isinstance(one, Write))
    assert isinstance(record, records.Decided)
    assert record.evidence.face == FaceEvidence(faces=0)


def test_a_lane_of_one_door_says_nothing_of_a_first_one() -> None:
    assert decided_record().evidence.first is None


def test_at_the_start_every_open_crossing_has_its_verdict_and_who_is_through_is_admitted() -> None:
    state, effects = machine.start(("c1", "c2"), ("c0",), through="c2")
    restarted = (Objection(Reason.LANE_RESTARTED),)
    closings = (
        Write(records.Closed("c1", ClosedAs.REFERRED, restarted)),
        Write(records.Closed("c2", ClosedAs.ADMITTED)),
    )
    assert (state, effects) == (states.Referred("c1", restarted), (*closings, Show(Screen.OFFICER)))
    assert open_referrals.left(("c0",), closings) == (Referral("c0", restarted), Referral("c1", restarted))


# ── from the decision to the passage ─────────────────────────────────────────────────────────────────────────────────


def passed(crossing: str | None, seen: DoorSeen, how: PassedBy = PassedBy.GRANT, count: int = 1) -> Write:
    return Write(records.Passed(crossing, count, how, Direction.ENTRY, seen.counters, seen.door))


# ── what takes it back ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_door_that_was_told_to_open_keeps_the_other_one_closed_and_is_named() -> None:
    run = two.referred_inside()
    assert run.feed(Tick(), after_ms=TIMING.way_back_ms) == [Release(Door.FIRST), incident(IncidentKind.WAY_BACK)]
    run.feed(PASSED_FIRST, LAST, ALONE, ALONE)
    against = keeps_closed(run.rules.policy, run.lane, Door.LAST, now_ms=run.now_ms, by_officer=True)
    assert against == (Objection(Reason.LANE_NOT_CLOSED, "first was told to open"),)


# ── alarms ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_alarm_that_an_officer_has_seen_waits_no_more() -> None:
    run = ready()
    began_ms = run.now_ms
    run.feed(replace(AT_REST, alarms=(Alarm.FORCED,)))
    assert run.lane.alarms == (Raised(Alarm.FORCED, began_ms, standing=True, waits=True),)
    run.order(LaneOrder.ACKNOWLEDGE)
    assert run.lane.alarms == (Raised(Alarm.FORCED, began_ms, standing=True, waits=False),)


def test_a_call_that_an_officer_has_acknowledged_is_none_any_more() -> None:
    run = two.ready()
    run.feed(replace(EMPTY, call_pressed=True))
    run.order(LaneOrder.ACKNOWLEDGE)
    assert run.lane.interior is not None
    assert run.lane.interior.called is False


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def done(*effects: Effect) -> list[Effect]:
    """These, and what is said to whoever ordered."""
    return [*effects, Answer(1, Outcome.DONE)]


def obeyed(verb: ObeyedVerb, officer: str = "officer-1", crossing: str | None = None) -> Write:
    return Write(records.Obeyed(crossing, said(officer), verb))


def test_a_referral_that_is_settled_says_whose_and_by_whom() -> None:
    settled = Write(records.Settled(CROSSING, said(), Disposition.TAKEN_OVER))
    run = referred()
    assert run.order(HandOver(CROSSING, Disposition.TAKEN_OVER)) == done(settled, Show(Screen.WELCOME))
    assert run.lane.waiting == ()
    assert run.lane.decided == ((CROSSING, "officer-1"),)


@pytest.mark.parametrize("command", [LaneOrder.PAUSE, HandOver(CROSSING, Disposition.TAKEN_OVER)])
def test_whoever_is_between_two_doors_then_is_offered_the_way_back_at_once(command: LaneOrder | HandOver) -> None:
    run = two.referred_inside()
    run.order(command, after_ms=10)
    assert run.lane.interior is not None
    assert run.lane.interior.waits == Waits(run.now_ms, offered_ms=run.now_ms, at_once=True)


def test_an_officer_who_admits_beside_a_gate_that_only_watches_leaves_nobody_between_its_doors() -> None:
    run = two.referred_inside()
    run.rules = replace(run.rules, policy=replace(run.rules.policy, shadow=True))
    run.order(Admit(CROSSING), after_ms=10)
    assert run.lane.interior is not None
    assert run.lane.interior.waits == Waits(run.now_ms, offered_ms=run.now_ms, at_once=True)


def test_nobody_waits_for_a_way_back_in_a_lane_of_one_door() -> None:
    run = Run(lane=LaneContext(interior=Interior()))
    run.feed(AT_REST, ALONE)
    run.order(LaneOrder.PAUSE)
    assert run.lane.interior is not None
    assert run.lane.interior.waits is None


def test_maintenance_is_asked_for_and_consented_to() -> None:
    run = ready()
    assert run.order(LaneOrder.MAINTAIN, "technician-1") == done(obeyed(ObeyedVerb.MAINTAIN, "technician-1"))
    assert run.lane.asked == ("technician-1", run.now_ms)
    assert run.order(LaneOrder.CONSENT, "supervisor-1") == done(
        Show(Screen.CLOSED), obeyed(ObeyedVerb.CONSENT, "supervisor-1")
    )
    assert run.lane.asked is None


# ── the books ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_counted_stands_behind_the_orders_and_before_what_is_written_of_it() -> None:
    counted, ended = passed(CROSSING, LAST), Write(records.GrantEnded(CROSSING, GrantEnd.PASSAGE))
    assert in_order((Revoke(), ended, Erase(CROSSING)), (counted,)) == (Revoke(), counted, ended, Erase(CROSSING))
    assert in_order((Revoke(), Show(Screen.WAIT)), (counted,)) == (Revoke(), Show(Screen.WAIT), counted)


# ── what is known of doors and inside ────────────────────────────────────────────────────────────────────────────────


def test_a_doorway_without_news_is_as_it_was() -> None:
    known = DoorState(seen=AT_REST, seen_ms=5)
    assert replace(known, just_passed=2, just_left=1, new_alarms=(Alarm.FORCED,)).calm() == known


@pytest.mark.parametrize(
    ("known", "seen", "unshut_ms"),
    [
        (DoorState(), AT_REST, None),
        (DoorState(unshut_ms=1), AT_REST, None),
        (DoorState(), replace(AT_REST, closed=False), 5),
        (DoorState(), replace(AT_REST, grants_left=1), 5),
        (DoorState(granting=PendingOrder(1, 1)), AT_REST, 5),
        (DoorState(unshut_ms=1), replace(AT_REST, closed=False, unknown=True), 1),
        (DoorState(), replace(AT_REST, closed=False, unknown=True), 5),
        (DoorState(unshut_ms=1), replace(AT_REST, closed=False, unknown=True, grants_left=1), 5),
        (DoorState(unshut_ms=1, granting=PendingOrder(1, 1)), replace(AT_REST, closed=False, unknown=True), 5),
    ],
)
def test_since_when_a_door_may_have_been_open(known: DoorState, seen: DoorSeen, unshut_ms: int | None) -> None:
    assert known.observe(seen, 5).unshut_ms == unshut_ms


def test_what_was_said_last_blocks_nobody_however_long_ago() -> None:
    run = two.ready()
    assert run.feed(SiteSeen(1.0, clock_sure=True), after_ms=10_000) == []
    assert run.lane.blockers == ()
    assert run.state == states.Idle(Screen.WELCOME)


def test_another_look_is_the_latest_events_alone() -> None:
    run = inspecting()
    run.feed(FaceSeen(CROSSING, 1, Guidance.NONE, session=1), FaceSeen(CROSSING, 1, Guidance.NONE, session=2))
    assert run.lane.another_look is True
    run.feed(Tick())
    assert run.lane.another_look is False


def test_a_status_brings_its_own_news_and_no_older() -> None:
    known = DoorState(counted=AT_REST.counters, just_passed=3, just_left=2, new_alarms=(Alarm.FORCED,))
    assert known.observe(AT_REST, 5) == DoorState(seen=AT_REST, seen_ms=5, counted=AT_REST.counters)
    seen = replace(AT_REST, passages_entry=1, passages_exit=2)
    assert known.observe(seen, 5) == DoorState(seen=seen, seen_ms=5, counted=seen.counters, just_passed=1, just_left=2)


def test_a_door_of_one_counts_nobody_into_the_space_between_two() -> None:
    run = Run(lane=LaneContext(interior=Interior()))
    run.feed(AT_REST, replace(AT_REST, passages_exit=1))
    assert run.lane.interior is not None
    assert run.lane.interior.went_in == 0


def test_a_door_that_fell_silent_open_may_be_passed_to_the_end_of_the_longest_grant() -> None:
    silent = DoorState(unshut_ms=1_000)
    assert silent.may_be_passed(11_000, 10_000)
    assert not silent.may_be_passed(11_001, 10_000)


def test_a_look_that_may_be_the_one_before_is_no_second_look() -> None:
    known = Interior().observe(ALONE, 1_000)
    assert known.observe(replace(ALONE, age_ms=40), 1_040).looks == 1
    assert known.observe(replace(ALONE, age_ms=39), 1_040).looks == 2


def test_sensors_that_fell_silent_have_seen_nothing() -> None:
    known = Interior().observe(TWO, 0).observe(TWO, 40)
    assert known.looks == 2
    assert known.unseen() == replace(known, seen=None, looks=0)
