"""What each order of an officer does in each state of the lane, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
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
    ordered,
    overruling,
    ready,
    recording,
    referred,
    said,
)

from gate.passage import machine, officer_commands, records, states
from gate.passage.door_state import PendingOrder
from gate.passage.effects import (
    Answer,
    Effect,
    Grant,
    Write,
)
from gate.passage.events import DocumentPresented, NotRecorded, Recorded, SiteSeen, Tick
from gate.passage.lane import LaneContext
from gate.passage.names import ClosedAs, Disposition, IncidentKind, Outcome, RecordKind
from gate.passage.open_referrals import WAITING_MAX, follow, left
from gate.passage.orders import Admit, BePresent, Command, HandOver, LaneOrder, Missing
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Screen

OPEN = replace(AT_REST, closed=False, grants_left=1)
FIRE = replace(AT_REST, fire=True, emergency_open=True, closed=False)
TAKEN_OVER = HandOver(CROSSING, Disposition.TAKEN_OVER)


def written(effects: list[Effect]) -> list[records.Record]:
    return [effect.record for effect in effects if isinstance(effect, Write)]


def answer(effects: list[Effect]) -> Answer:
    (only,) = [effect for effect in effects if isinstance(effect, Answer)]
    return only


# ── presence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_presence_is_written_when_it_changes_something_or_after_a_minute() -> None:
    run = ready()  # officer-1 was written at the start
    assert written(run.order(BePresent())) == []
    assert written(run.order(BePresent(), after_ms=59_000)) == []
    assert written(run.order(BePresent(), after_ms=1_000)) == [records.Presence(said())]
    assert written(run.order(BePresent(), "officer-2")) == [records.Presence(said("officer-2"))]
    assert written(run.order(BePresent())) == []
    assert run.order(BePresent()) == [Answer(1, Outcome.DONE, "officer-1 is present")]
    run.order(BePresent(), after_ms=60_000)
    assert run.lane.recorded == (("officer-2", run.now_ms - 60_000), ("officer-1", run.now_ms))


def test_six_officers_who_take_turns_are_each_written_once_a_minute() -> None:
    run = ready()
    count = sum(len(written(run.order(BePresent(), f"officer-{number % 6}", after_ms=100))) for number in range(590))
    assert count == 5  # officer-1 was written by `ready`
    assert len(run.lane.recorded) == 6


def test_of_many_officers_the_last_few_are_remembered() -> None:
    run = ready()
    for number in range(50):
        run.order(BePresent(), f"officer-{number}")
    assert len(run.lane.recorded) == officer_commands.REMEMBERED_MAX


def test_presence_counts_from_when_it_was_said_however_often_it_comes() -> None:
    run = ready()
    run.order(BePresent(), after_ms=100_000)
    order = BePresent(age_ms=30_000)
    run.order(order)
    assert run.lane.site_evidence(run.now_ms).officer_seen_ago_s == 0
    run.now_ms += 30_000
    run.order(order)
    assert run.lane.site_evidence(run.now_ms).officer_seen_ago_s == 30
    fresh = Run()
    fresh.order(BePresent(age_ms=800))
    assert fresh.lane.site_evidence(fresh.now_ms).officer_seen_ago_s == 0.8


# ── admit ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_officer_overrules_lists_clock_and_an_absence_that_the_order_ends() -> None:
    run = referred()
    run.lane = replace(run.lane, trust_age_days=None, clock_sure=False, officer_seen_ms=None)
    run.order(Admit(CROSSING))
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    assert Grant(CROSSING, 10_000) in run.feed(AT_REST)
    assert run.lane.officer_seen_ms == run.now_ms


# ── freeing people ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_release_lacked_stands_in_its_record() -> None:
    run = Run()
    order = ordered(LaneOrder.RELEASE, version=9)
    order = replace(order, said=replace(order.said, missing=(Missing.SHIFT_OVER,)))
    record, alarm = written(run.feed(order))
    assert record == records.Released(None, said(missing=(Missing.SHIFT_OVER, Missing.VERSION)))
    assert isinstance(alarm, records.Incident)
    assert (alarm.incident, alarm.count) == (IncidentKind.EXPIRED_KEY_USED, 1)
    assert run.lane.officer_seen_ms is None  # freeing people is no presence: it admits nobody


# ── referrals that wait ──────────────────────────────────────────────────────────────────────────────────────────────


def waiting(run: Run) -> list[str]:
    return [one.crossing for one in run.lane.waiting]


def over(run: Run) -> list[Effect]:
    """The fire is out, and an officer ends the emergency."""
    run.feed(replace(FIRE, fire=False))
    run.order(LaneOrder.END_EMERGENCY)
    return run.feed(AT_REST)


@pytest.mark.parametrize("make", [inspecting, recording, looking, granted, overruling, granted_by_officer])
def test_a_crossing_that_an_emergency_ended_waits_for_an_officer_afterwards(make: Callable[[], Run]) -> None:
    run = make()
    run.feed(FIRE)
    over(run)
    assert isinstance(run.state, states.Referred)
    assert run.state.crossing == CROSSING
    assert Reason.EMERGENCY in [one.reason for one in run.state.objections]
    effects = run.order(TAKEN_OVER)
    assert written(effects) == [records.Settled(CROSSING, said(), Disposition.TAKEN_OVER)]
    assert (waiting(run), run.state) == ([], states.Idle(Screen.WELCOME))


def restarted(open_crossings: tuple[str, ...], referrals: tuple[str, ...]) -> Run:
    state, effects = machine.start(open_crossings, referrals)
    run = Run(state=state, effects=list(effects), lane=LaneContext(waiting=left(referrals, effects)))
    run.feed(AT_REST, ordered(BePresent()), SiteSeen(1.0, clock_sure=True))
    return run


def test_everybody_who_waited_before_a_restart_waits_after_it_and_each_is_closed_once() -> None:
    run = restarted(("open-1", "open-2"), ("old-1", "old-2"))
    closings = [one for one in written(run.effects) if isinstance(one, records.Closed)]
    assert [one.crossing for one in closings] == ["open-1", "open-2"]
    assert waiting(run) == ["old-1", "old-2", "open-1", "open-2"]
    settled = []
    while isinstance(run.state, states.Referred):
        settled.append(run.state.crossing)
        run.order(HandOver(run.state.crossing, Disposition.WALKED_BACK))
    assert settled == ["open-2", "open-1", "old-2", "old-1"]
    assert run.state == states.Idle(Screen.WELCOME)


def test_any_of_those_who_wait_can_be_settled_or_admitted_and_the_others_wait_on() -> None:
    run = restarted((), ("old-1", "old-2", "old-3"))
    assert answer(run.order(HandOver("old-1", Disposition.TAKEN_OVER))).outcome is Outcome.DONE
    assert isinstance(run.state, states.Referred)
    assert run.state.crossing == "old-3"
    run.order(Admit("old-2"))
    assert states.crossing_of(run.state) == "old-2"
    assert answer(run.order(Admit("old-3"))).detail == "another crossing is under way"
    assert answer(run.order(HandOver("old-2", Disposition.TAKEN_OVER))).detail == "already decided by officer-1"
    run.feed(Recorded("old-2", RecordKind.OVERRULED), AT_REST, replace(OPEN, bodies=1))
    passed = replace(AT_REST, passages_entry=1)
    run.feed(replace(passed, closed=False, bodies=1), passed)
    assert records.Settled("old-2", said(), Disposition.ADMITTED_BY_OFFICER) in written(run.effects)
    assert isinstance(run.state, states.Referred)
    assert run.state.crossing == "old-3"
    assert waiting(run) == ["old-3"]


def test_an_admission_that_failed_waits_on_with_its_reason_beside_the_others() -> None:
    run = restarted((), ("old-1", "old-2"))
    run.order(Admit("old-1"))
    run.feed(NotRecorded("old-1", RecordKind.OVERRULED))
    assert isinstance(run.state, states.Referred)
    assert (run.state.crossing, waiting(run)) == ("old-1", ["old-1", "old-2"])
    assert [one.reason for one in run.lane.waiting[0].objections] == [Reason.LANE_RESTARTED, Reason.LOG_UNAVAILABLE]
    assert run.state.objections == run.lane.waiting[0].objections
    assert [one.reason for one in run.lane.waiting[1].objections] == [Reason.LANE_RESTARTED]
    run.order(Admit("old-2"))
    run.feed(NotRecorded("old-2", RecordKind.OVERRULED))
    assert [one.reason for one in run.lane.waiting[0].objections] == [Reason.LANE_RESTARTED, Reason.LOG_UNAVAILABLE]


def test_settling_another_leaves_the_lane_with_the_one_it_stands_for() -> None:
    run = restarted((), ("old-1", "old-2", "old-3"))
    run.order(Admit("old-1"))
    run.feed(NotRecorded("old-1", RecordKind.OVERRULED))
    run.order(HandOver("old-2", Disposition.TAKEN_OVER))
    assert states.crossing_of(run.state) == "old-1"


def test_while_somebody_waits_no_document_opens_a_crossing() -> None:
    run = restarted((), ("old-1",))
    assert run.feed(DocumentPresented("c9"), AT_REST, Tick()) == []


def test_of_very_many_the_latest_are_remembered() -> None:
    run = restarted(tuple(f"c{number}" for number in range(100)), ())
    assert len(run.lane.waiting) == WAITING_MAX
    run.feed(Tick())
    assert waiting(run)[-1] == "c99"
    more = (Write(records.Closed("c100", ClosedAs.REFERRED)),)
    assert [one.crossing for one in follow(run.lane.waiting, more)] == [f"c{number}" for number in range(69, 101)]


# ── what records and answers say ─────────────────────────────────────────────────────────────────────────────────────


def test_of_a_crossing_that_was_decided_twice_the_last_officer_is_remembered() -> None:
    run = overruling()
    run.feed(NotRecorded(CROSSING, RecordKind.OVERRULED))
    run.order(TAKEN_OVER, "officer-2")
    assert run.lane.decided == ((CROSSING, "officer-2"),)


@pytest.mark.parametrize("command", [LaneOrder.RELEASE, LaneOrder.OPEN_EMERGENCY])
def test_what_an_officer_opens_is_wanted_and_explains_passages_from_then_on(command: Command) -> None:
    run = ready()
    run.order(command, after_ms=700)
    assert (run.lane.last.released_ms, run.lane.last.freeing) == (run.now_ms, PendingOrder(run.now_ms, run.now_ms))
