"""What each order of an officer does in each state of the lane, and how it is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    RULES,
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
    ClearAlarms,
    Effect,
    EndEmergency,
    Erase,
    Grant,
    LookAtLane,
    Release,
    Revoke,
    Show,
    Write,
)
from gate.passage.events import (
    DocumentPresented,
    DocumentRemoved,
    DoorSeen,
    Event,
    GrantFailed,
    NotRecorded,
    Part,
    PartLost,
    Recorded,
    RecordKind,
    SiteSeen,
    Tick,
    TrackChange,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.lane import LaneContext
from gate.passage.open_referrals import WAITING_MAX, follow, left
from gate.passage.orders import Admit, BePresent, Command, Disposition, HandOver, Hold, LaneOrder, Missing, Outcome
from gate.passage.records import IncidentKind, ObeyedVerb
from gate_core.evidence.evidence import Alarm, CameraTrouble
from gate_core.evidence.reasons import Objection, Reason
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


def test_presence_that_had_lapsed_is_written_at_once() -> None:
    run = Run(rules=replace(RULES, policy=replace(RULES.policy, officer_presence_max_s=5)))
    assert len(written(run.order(BePresent()))) == 1
    assert written(run.order(BePresent(), after_ms=5_000)) == []
    assert len(written(run.order(BePresent(), after_ms=5_001))) == 1


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


def test_an_officer_admits_the_referred_traveller_durably_looked_at_and_counted() -> None:
    run = referred()
    before = run.lane.version
    ordered_now = run.order(Admit(CROSSING))
    assert ordered_now == [
        Write(records.Overruled(CROSSING, said(), run.state.officers.referral.objections), awaited=True),  # type: ignore[union-attr]
        Answer(1, Outcome.ORDERED),
    ]
    assert [one.reason for one in ordered_now[0].record.reasons] == [Reason.FACE_BELOW_THRESHOLD]  # type: ignore[union-attr]
    assert run.lane.version == before + 1
    assert run.feed(Recorded(CROSSING, RecordKind.OVERRULED)) == [LookAtLane()]
    assert run.feed(AT_REST)[:2] == [Grant(CROSSING, 10_000), Show(Screen.GO)]
    run.feed(replace(OPEN, bodies=1))
    passed = run.feed(replace(OPEN, passages_entry=1, grants_left=0))
    assert [record.kind for record in written(passed)] == [RecordKind.PASSED, RecordKind.GRANT_ENDED]
    closed = run.feed(replace(AT_REST, passages_entry=1))
    assert written(closed) == [records.Settled(CROSSING, said(), Disposition.ADMITTED_BY_OFFICER)]
    assert run.state == states.Idle(Screen.WELCOME)


def test_nothing_is_granted_without_the_receipt_of_the_officers_word() -> None:
    run = overruling()
    assert run.feed(AT_REST, Tick(), DocumentRemoved(), Recorded(CROSSING, RecordKind.DECIDED)) == []
    effects = run.feed(NotRecorded(CROSSING, RecordKind.OVERRULED))
    assert [one.reason for one in written(effects)[0].reasons] == [Reason.LOG_UNAVAILABLE]  # type: ignore[attr-defined]
    late = overruling()
    effects = late.feed(Tick(), after_ms=2_001)
    assert [one.reason for one in written(effects)[0].reasons] == [Reason.RECEIPT_LATE]  # type: ignore[attr-defined]


def test_an_admission_that_failed_leaves_the_referral_waiting_with_one_more_reason() -> None:
    run = overruling()
    run.feed(NotRecorded(CROSSING, RecordKind.OVERRULED))
    assert isinstance(run.state, states.Referred)
    assert [one.reason for one in run.state.objections] == [Reason.FACE_BELOW_THRESHOLD, Reason.LOG_UNAVAILABLE]
    assert answer(run.order(Admit(CROSSING), "officer-2")).outcome is Outcome.ORDERED
    assert isinstance(run.state, states.Overruling)


@pytest.mark.parametrize("late", [Recorded, NotRecorded])
def test_a_receipt_that_came_too_late_is_not_that_of_another_officers_word(
    late: type[Recorded | NotRecorded],
) -> None:
    run = overruling()
    run.feed(Tick(), after_ms=2_001)
    run.feed(AT_REST)
    told = answer(run.order(Admit(CROSSING), "officer-2"))
    assert told == Answer(1, Outcome.IMPOSSIBLE, "the log has not answered for the admission before this one")
    run.feed(late(CROSSING, RecordKind.DECIDED))
    assert answer(run.order(Admit(CROSSING), "officer-2")).outcome is Outcome.IMPOSSIBLE
    run.feed(late("another", RecordKind.OVERRULED))
    assert answer(run.order(Admit(CROSSING), "officer-2")).outcome is Outcome.IMPOSSIBLE
    run.feed(late(CROSSING, RecordKind.OVERRULED))
    assert isinstance(run.state, states.Referred)
    assert answer(run.order(Admit(CROSSING), "officer-2")).outcome is Outcome.ORDERED


@pytest.mark.parametrize(
    ("lane", "why"),
    [
        (replace(AT_REST, bodies=2), "bodies_several"),
        (replace(AT_REST, closed=False), "lane_not_closed"),
        (replace(AT_REST, grants_left=1), "lane_not_closed"),
        (replace(AT_REST, alarms=(Alarm.FORCED,)), "barrier_alarm"),
        (PartLost(Part.BARRIER), "barrier_lost"),
    ],
)
def test_an_officer_does_not_overrule_the_lane(lane: Event, why: str) -> None:
    run = referred()
    run.feed(lane)
    told = answer(run.order(Admit(CROSSING)))
    assert told == Answer(1, Outcome.IMPOSSIBLE, f"the lane: {why}")
    assert isinstance(run.state, states.Referred)


@pytest.mark.parametrize("lane", [replace(AT_REST, bodies=2), OPEN, replace(AT_REST, alarms=(Alarm.FORCED,))])
def test_an_officers_admission_is_not_granted_into_a_lane_that_has_changed_since(lane: DoorSeen) -> None:
    run = overruling()
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    assert not any(isinstance(effect, Grant) for effect in run.feed(lane))
    well = overruling()
    well.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    assert any(isinstance(effect, Grant) for effect in well.feed(AT_REST))


def test_an_officer_overrules_lists_clock_and_an_absence_that_the_order_ends() -> None:
    run = referred()
    run.lane = replace(run.lane, trust_age_days=None, clock_sure=False, officer_seen_ms=None)
    run.order(Admit(CROSSING))
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    assert Grant(CROSSING, 10_000) in run.feed(AT_REST)
    assert run.lane.officer_seen_ms == run.now_ms


def test_a_presence_that_lapsed_while_somebody_waits_blocks_nothing() -> None:
    run = referred()
    run.feed(Tick(), after_ms=3_600_000)
    run.feed(AT_REST)
    assert isinstance(run.state, states.Referred)
    assert answer(run.order(Admit(CROSSING))).outcome is Outcome.ORDERED


@pytest.mark.parametrize(
    "event",
    [
        TrackChanged(CROSSING, TrackChange.SWITCHED),
        VideoDoubted(CROSSING, CameraTrouble.COVERED),
        DocumentRemoved(),
        PartLost(Part.VISION),
        PartLost(Part.CAMERA),
    ],
    ids=lambda event: type(event).__name__ + str(getattr(event, "part", "")),
)
def test_what_the_camera_says_does_not_matter_to_an_officers_admission(event: Event) -> None:
    run = overruling()
    run.feed(event)
    assert isinstance(run.state, states.Overruling)
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    run.feed(event)
    assert isinstance(run.state, states.Looking)
    assert isinstance(looking_after(event), states.Referred)  # it does to the machine's own


def looking_after(event: Event) -> states.State:
    run = looking()
    run.feed(event)
    return run.state


def test_a_lost_camera_does_not_end_an_officers_grant_and_a_lost_barrier_does() -> None:
    run = granted_by_officer()
    run.feed(PartLost(Part.VISION), PartLost(Part.CAMERA))
    assert isinstance(run.state, states.Granted)
    assert run.feed(PartLost(Part.BARRIER))[0] == Revoke()
    assert isinstance(run.state, states.Referred)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (replace(OPEN, bodies=2), "bodies_several"),
        (DocumentPresented("c2"), "document_presented_again"),
        (PartLost(Part.BARRIER), "barrier_lost"),
        (GrantFailed(CROSSING), "barrier_lost"),
    ],
)
def test_an_officers_grant_is_for_the_referred_traveller_alone(event: Event, reason: str) -> None:
    run = granted_by_officer()
    effects = run.feed(event)
    assert effects[0] == Revoke()
    assert isinstance(run.state, states.Referred)
    kinds = [record.kind for record in written(effects)]
    assert kinds.count(RecordKind.REVOKED) == 1
    assert RecordKind.CLOSED not in kinds  # it has its one verdict already
    (revoked,) = [record for record in written(effects) if isinstance(record, records.Revoked)]
    assert [one.reason.value for one in revoked.reasons] == [reason]
    assert not [one for one in effects if isinstance(one, Erase)]


def test_an_officers_grant_that_nobody_uses_ends() -> None:
    run = granted_by_officer()
    run.feed(OPEN)
    effects = run.feed(Tick(), after_ms=11_001)
    assert effects[0] == Revoke()
    assert {record.kind for record in written(effects)} == {RecordKind.GRANT_ENDED, RecordKind.REVOKED}
    assert isinstance(run.state, states.Referred)


@pytest.mark.parametrize("event", [replace(AT_REST, passages_entry=1), DocumentPresented("c2"), PartLost(Part.BARRIER)])
def test_what_happens_in_the_lane_takes_an_officers_admission_away(event: Event) -> None:
    run = overruling()
    run.feed(event)
    assert isinstance(run.state, states.Referred)
    looked = overruling()
    looked.feed(Recorded(CROSSING, RecordKind.OVERRULED), event)
    assert isinstance(looked.state, states.Referred)


def test_an_emergency_ends_an_officers_admission_with_its_own_record() -> None:
    for run in (overruling(), granted_by_officer()):
        effects = run.feed(FIRE)
        assert [record.kind for record in written(effects)] == [RecordKind.EMERGENCY_BEGAN, RecordKind.REVOKED]
        assert Revoke() not in effects
    through = granted_by_officer()
    through.feed(replace(OPEN, passages_entry=1, grants_left=0))
    effects = through.feed(replace(FIRE, passages_entry=1))
    assert [record.kind for record in written(effects)] == [RecordKind.EMERGENCY_BEGAN, RecordKind.DISPOSITION]


# ── two officers ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("second", [Admit(CROSSING), TAKEN_OVER], ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("first", [Admit(CROSSING), TAKEN_OVER], ids=lambda command: type(command).__name__)
def test_the_second_of_two_officers_hears_who_decided_already(first: Command, second: Command) -> None:
    run = referred()
    version = run.lane.version
    run.feed(ordered(first, "anna", version=version))
    effects = run.feed(ordered(second, "bert", version=version))
    assert effects == [Answer(1, Outcome.IMPOSSIBLE, "already decided by anna")]


def test_a_crossing_that_nobody_referred_does_not_wait() -> None:
    for run in (ready(), inspecting(), granted()):
        assert answer(run.order(Admit("another"))).detail == "this crossing does not wait for an officer"
    assert answer(referred().order(Admit("another"))).outcome is Outcome.IMPOSSIBLE


def test_of_two_orders_for_one_version_only_the_first_is_obeyed() -> None:
    run = ready()
    assert answer(run.feed(ordered(LaneOrder.CLOSE))).outcome is Outcome.DONE
    assert run.feed(ordered(LaneOrder.CLOSE)) == [Answer(1, Outcome.STALE, "the lane moved on: look again")]
    run.order(LaneOrder.OPEN)
    assert run.feed(ordered(LaneOrder.CLOSE)) == [Answer(1, Outcome.STALE, "the lane moved on: look again")]


# ── refer and hand over ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", [inspecting, recording, looking, granted])
def test_a_running_crossing_is_held_for_the_officer(make: object) -> None:
    run: Run = make()  # type: ignore[operator]
    was_granted = isinstance(run.state, states.Granted)
    effects = run.order(Hold(CROSSING))
    assert (effects[0] == Revoke()) is was_granted
    assert isinstance(run.state, states.Referred)
    assert [one.reason for one in run.state.objections] == [Reason.HELD_BY_OFFICER]
    assert records.Obeyed(CROSSING, said(), ObeyedVerb.REFER) in written(effects)
    assert answer(effects).outcome is Outcome.DONE


def test_an_opening_crossing_and_an_officers_own_can_be_held_too() -> None:
    run = ready()
    run.feed(DocumentPresented(CROSSING))
    assert answer(run.order(Hold(CROSSING))).outcome is Outcome.DONE
    other = granted_by_officer()
    assert other.order(Hold(CROSSING), "bert")[0] == Revoke()
    assert isinstance(other.state, states.Referred)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (ready, "this crossing does not run"),
        (referred, "this crossing is referred already"),
    ],
)
def test_what_does_not_run_cannot_be_held(make: object, why: str) -> None:
    run: Run = make()  # type: ignore[operator]
    assert answer(run.order(Hold(CROSSING))) == Answer(1, Outcome.IMPOSSIBLE, why)


def test_whoever_is_through_cannot_be_held() -> None:
    run = granted()
    run.feed(replace(OPEN, passages_entry=1, grants_left=0))
    assert answer(run.order(Hold(CROSSING))).detail == "the traveller is through"


def test_a_traveller_who_went_along_ends_the_referral() -> None:
    run = referred()
    effects = run.order(TAKEN_OVER)
    assert written(effects) == [records.Settled(CROSSING, said(), Disposition.TAKEN_OVER)]
    assert answer(effects).outcome is Outcome.DONE
    assert run.state == states.Idle(Screen.WELCOME)
    assert Show(Screen.WELCOME) in effects


# ── freeing people ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_release_where_nobody_was_inside_is_an_incident() -> None:
    def incidents(run: Run) -> list[IncidentKind]:
        return [one.incident for one in written(run.order(LaneOrder.RELEASE)) if isinstance(one, records.Incident)]

    assert incidents(ready()) == [IncidentKind.RELEASE_OF_NOBODY]
    occupied = ready()
    occupied.feed(replace(AT_REST, bodies=1))
    assert incidents(occupied) == []
    assert incidents(Run()) == []  # nothing is known


def test_what_a_release_lacked_stands_in_its_record() -> None:
    run = Run()
    order = ordered(LaneOrder.RELEASE, version=9)
    order = replace(order, said=replace(order.said, missing=(Missing.SHIFT_OVER,)))
    record, alarm = written(run.feed(order))
    assert record == records.Released(None, said(missing=(Missing.SHIFT_OVER, Missing.VERSION)))
    assert isinstance(alarm, records.Incident)
    assert (alarm.incident, alarm.count) == (records.IncidentKind.EXPIRED_KEY_USED, 1)
    assert run.lane.officer_seen_ms is None  # freeing people is no presence: it admits nobody


def test_a_release_takes_an_officers_grant_back_and_opens() -> None:
    run = granted_by_officer()
    effects = run.order(LaneOrder.RELEASE, "bert")
    assert [type(effect) for effect in effects if isinstance(effect, Revoke | Release)] == [Revoke, Release]
    assert isinstance(run.state, states.Referred)


# ── emergencies ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_officer_opens_for_an_emergency_and_the_leaf_is_held_open() -> None:
    run = granted()
    effects = run.order(LaneOrder.OPEN_EMERGENCY)
    assert effects[0] == Release()
    assert Revoke() not in effects
    assert Show(Screen.EMERGENCY) in effects
    assert records.EmergencyBegan(CROSSING, said()) in written(effects)
    assert [record.kind for record in written(effects)].count(RecordKind.CLOSED) == 1
    assert run.feed(Tick(), after_ms=999) == []
    assert run.feed(Tick(), after_ms=1) == [Release()]
    assert run.feed(OPEN) == []
    again = run.order(LaneOrder.OPEN_EMERGENCY, "bert")
    assert again == [Release(), Answer(1, Outcome.ORDERED)]


def test_an_ordered_emergency_ends_when_an_officer_says_so() -> None:
    run = ready()
    run.order(LaneOrder.OPEN_EMERGENCY)
    run.feed(replace(AT_REST, closed=False))
    assert run.order(LaneOrder.END_EMERGENCY, "bert") == [LookAtLane(), Answer(1, Outcome.ORDERED)]
    effects = run.feed(replace(AT_REST, closed=False))
    assert written(effects) == [records.EmergencyEnded(said("bert"))]
    assert run.state == states.Idle(Screen.CLOSED)  # until the leaf is seen closed
    assert run.feed(Tick(), after_ms=5_000) == []
    assert Show(Screen.WELCOME) in run.feed(AT_REST)


def test_an_ordered_emergency_that_cannot_be_ended_is_held_on() -> None:
    run = ready()
    run.order(LaneOrder.OPEN_EMERGENCY)
    run.feed(OPEN)
    run.order(LaneOrder.END_EMERGENCY)
    assert run.feed(Tick(), after_ms=3_000) == []
    run.feed(Tick(), after_ms=1)
    assert Release() in run.feed(Tick())
    assert isinstance(run.state, states.Emergency)


def test_an_emergency_that_is_ordered_anew_while_one_ends_goes_on() -> None:
    run = ready()
    run.order(LaneOrder.OPEN_EMERGENCY)
    run.order(LaneOrder.END_EMERGENCY)
    run.order(LaneOrder.OPEN_EMERGENCY, "bert")
    run.feed(OPEN)
    assert run.state == states.Emergency(held_ms=run.now_ms, said=said())


# ── referrals that wait ──────────────────────────────────────────────────────────────────────────────────────────────


def waiting(run: Run) -> list[str]:
    return [one.crossing for one in run.lane.waiting]


def over(run: Run) -> list[Effect]:
    """The fire is out, and an officer ends the emergency."""
    run.feed(replace(FIRE, fire=False))
    run.order(LaneOrder.END_EMERGENCY)
    return run.feed(AT_REST)


def test_a_referral_that_waits_survives_an_emergency() -> None:
    """It was gone: the lane came back with WELCOME, and nobody could settle the crossing any more."""
    run = referred()
    before = run.state
    run.feed(FIRE)
    assert waiting(run) == [CROSSING]
    assert over(run)[-1] == Show(Screen.OFFICER)
    assert run.state == before
    assert answer(run.order(Admit(CROSSING))).outcome is Outcome.ORDERED


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


def test_a_referral_can_be_settled_while_the_emergency_lasts_and_nobody_is_admitted() -> None:
    run = referred()
    run.feed(FIRE)
    assert answer(run.order(Admit(CROSSING))).detail == "an emergency"
    assert answer(run.order(TAKEN_OVER)).outcome is Outcome.DONE
    assert isinstance(run.state, states.Emergency)
    assert over(run)[-1] == Show(Screen.WELCOME)
    assert answer(run.order(TAKEN_OVER)).detail == "already decided by officer-1"


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
    more = (Write(records.Closed("c100", records.ClosedAs.REFERRED)),)
    assert [one.crossing for one in follow(run.lane.waiting, more)] == [f"c{number}" for number in range(69, 101)]


def test_an_ordered_emergency_on_top_of_the_controllers_own_needs_the_controller_to_end_it() -> None:
    run = ready()
    run.feed(FIRE)
    assert records.EmergencyBegan(None, said()) in written(run.order(LaneOrder.OPEN_EMERGENCY))
    assert answer(run.order(LaneOrder.END_EMERGENCY)).detail == "the fire input is active, or nobody knows"
    run.feed(replace(FIRE, fire=False))
    assert run.order(LaneOrder.END_EMERGENCY)[0] == EndEmergency()
    assert run.feed(Tick(), after_ms=2_000) == []  # it is not told to stay open any more


def test_an_emergency_of_which_nothing_is_known_does_not_end() -> None:
    run = Run()
    run.order(LaneOrder.OPEN_EMERGENCY)
    assert answer(run.order(LaneOrder.END_EMERGENCY)).outcome is Outcome.IMPOSSIBLE
    assert answer(ready().order(LaneOrder.END_EMERGENCY)).detail == "there is no emergency"


# ── the lane ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_alarms_are_cleared_by_an_officer_who_saw_them() -> None:
    run = ready()
    assert answer(run.order(LaneOrder.ACKNOWLEDGE)).detail == "there is no alarm"
    assert answer(Run().order(LaneOrder.ACKNOWLEDGE)).detail == "the barrier does not answer"
    run.feed(replace(AT_REST, alarms=(Alarm.FORCED,)))
    effects = run.order(LaneOrder.ACKNOWLEDGE)
    assert effects[0] == ClearAlarms((Alarm.FORCED,))
    assert written(effects) == [records.Obeyed(None, said(), ObeyedVerb.ACKNOWLEDGE, (Alarm.FORCED,))]
    assert answer(effects).outcome is Outcome.ORDERED


def test_a_closed_lane_takes_nobody_until_it_is_opened() -> None:
    run = ready()
    effects = run.order(LaneOrder.CLOSE)
    assert Show(Screen.CLOSED) in effects
    assert written(effects) == [records.Obeyed(None, said(), ObeyedVerb.CLOSE)]
    assert run.feed(DocumentPresented(CROSSING), AT_REST, Tick()) == []
    assert answer(run.order(LaneOrder.CLOSE, "bert")).detail == "closed already by officer-1"
    effects = run.order(LaneOrder.OPEN, "bert")
    assert Show(Screen.WELCOME) in effects
    assert answer(run.order(LaneOrder.OPEN)).detail == "no officer closed this lane"
    run.feed(DocumentPresented(CROSSING))
    assert isinstance(run.state, states.Opening)


def test_closing_lets_a_running_crossing_go_on_to_its_end() -> None:
    run = granted()
    effects = run.order(LaneOrder.CLOSE)
    assert Revoke() not in effects
    run.feed(replace(OPEN, passages_entry=1, grants_left=0), replace(AT_REST, passages_entry=1))
    assert run.state == states.Idle(Screen.CLOSED)


# ── what records and answers say ─────────────────────────────────────────────────────────────────────────────────────


def test_what_was_done_is_answered_so_and_makes_each_older_challenge_stale() -> None:
    run = referred()
    before = run.lane.version
    assert answer(run.order(TAKEN_OVER)) == Answer(1, Outcome.DONE, "")
    assert run.lane.version == before + 1


def test_who_decided_is_remembered_of_each_crossing() -> None:
    run = referred()
    run.order(TAKEN_OVER)
    again(run, "c2")
    run.order(HandOver("c2", Disposition.TAKEN_OVER), "officer-2")
    assert answer(run.order(Admit(CROSSING), "officer-3")).detail == "already decided by officer-1"
    assert answer(run.order(Admit("c2"), "officer-3")).detail == "already decided by officer-2"


def test_of_a_crossing_that_was_decided_twice_the_last_officer_is_remembered() -> None:
    run = overruling()
    run.feed(NotRecorded(CROSSING, RecordKind.OVERRULED))
    run.order(TAKEN_OVER, "officer-2")
    assert run.lane.decided == ((CROSSING, "officer-2"),)


def again(run: Run, crossing: str) -> None:
    """Another traveller is referred."""
    run.feed(DocumentPresented(crossing), Recorded(crossing, RecordKind.OPENED))
    run.order(Hold(crossing))
    assert isinstance(run.state, states.Referred)


def test_an_officer_who_may_not_admit_hears_every_reason() -> None:
    run = referred()
    run.feed(replace(AT_REST, closed=False, bodies=2))
    assert answer(run.order(Admit(CROSSING))).detail == "the lane: lane_not_closed, bodies_several"


def test_an_admission_that_failed_is_of_the_crossing_that_it_was_of() -> None:
    run = overruling()
    assert isinstance(run.state, states.Overruling)
    assert run.state.officers.referral.crossing == CROSSING
    run.feed(NotRecorded(CROSSING, RecordKind.OVERRULED))
    assert states.crossing_of(run.state) == CROSSING


def test_whoever_holds_a_traveller_stands_in_the_reason() -> None:
    run = inspecting()
    held = run.order(Hold(CROSSING), "officer-7")
    (closed,) = [record for record in written(held) if isinstance(record, records.Closed)]
    assert closed.reasons == (Objection(Reason.HELD_BY_OFFICER, "officer-7"),)


def test_a_release_and_its_incident_are_of_the_crossing_that_runs() -> None:
    run = inspecting()
    freed = written(run.order(LaneOrder.RELEASE))
    assert records.Released(CROSSING, said()) in freed
    assert records.Incident(CROSSING, records.IncidentKind.RELEASE_OF_NOBODY) in freed


@pytest.mark.parametrize("command", [LaneOrder.RELEASE, LaneOrder.OPEN_EMERGENCY])
def test_what_an_officer_opens_is_wanted_and_explains_passages_from_then_on(command: Command) -> None:
    run = ready()
    run.order(command, after_ms=700)
    assert (run.lane.last.released_ms, run.lane.last.freeing) == (run.now_ms, PendingOrder(run.now_ms, run.now_ms))


def test_closing_and_opening_are_written_each_as_what_it_is_also_with_a_traveller_inside() -> None:
    run = inspecting()
    assert written(run.order(LaneOrder.CLOSE)) == [records.Obeyed(None, said(), records.ObeyedVerb.CLOSE)]
    assert written(run.order(LaneOrder.OPEN)) == [records.Obeyed(None, said(), records.ObeyedVerb.OPEN)]
    idle = ready()
    assert written(idle.order(LaneOrder.CLOSE)) == [records.Obeyed(None, said(), records.ObeyedVerb.CLOSE)]
    assert written(idle.order(LaneOrder.OPEN)) == [records.Obeyed(None, said(), records.ObeyedVerb.OPEN)]


def test_an_acknowledgement_stands_beside_the_crossing_that_runs() -> None:
    run = inspecting()
    run.feed(replace(AT_REST, alarms=(Alarm.FORCED,)))
    (seen,) = [record for record in written(run.order(LaneOrder.ACKNOWLEDGE)) if isinstance(record, records.Obeyed)]
    assert (seen.crossing, seen.verb, seen.alarms) == (CROSSING, records.ObeyedVerb.ACKNOWLEDGE, (Alarm.FORCED,))
