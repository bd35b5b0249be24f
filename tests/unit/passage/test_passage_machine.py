"""The crossing as a dialogue: events in, effects out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    GENUINE,
    SAME_FACE,
    granted,
    inspecting,
    looking,
    ready,
    recording,
    said,
)

from gate.passage import machine, records, states
from gate.passage.effects import (
    Answer,
    Effect,
    EndEmergency,
    Erase,
    Grant,
    LookAtLane,
    Release,
    Revoke,
    Show,
    Shown,
    StartCrossing,
    Write,
)
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    Event,
    FaceCompared,
    FaceSeen,
    GrantFailed,
    NotRecorded,
    PageGuided,
    Part,
    PartBack,
    PartLost,
    Recorded,
    RecordKind,
    Tick,
    TrackChange,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.orders import BePresent, Disposition, HandOver, LaneOrder
from gate_core.evidence.crossing import Alarm, CameraTrouble, Check, CheckId, CheckResult, Score
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance, Screen

OPEN = replace(AT_REST, closed=False, grants_left=1)


WithReasons = records.Closed | records.Decided | records.Revoked


def written(effects: list[Effect]) -> list[records.Record]:
    return [effect.record for effect in effects if isinstance(effect, Write)]


def kinds(effects: list[Effect]) -> list[RecordKind]:
    return [record.kind for record in written(effects)]


def reasons_of(effects: list[Effect], kind: type[WithReasons] = records.Closed) -> set[str]:
    record = next(record for record in written(effects) if isinstance(record, kind))
    return {objection.reason.value for objection in record.reasons}


def incidents(effects: list[Effect]) -> list[str]:
    return [record.incident.value for record in written(effects) if isinstance(record, records.Incident)]


def test_a_lane_invites_only_when_the_barrier_is_seen_at_rest() -> None:
    run = ready()
    assert run.state == states.Idle(Screen.WELCOME)
    assert Show(Screen.CLOSED) in run.feed(PartLost(Part.BARRIER))
    assert Show(Screen.WELCOME) in run.feed(PartBack(Part.BARRIER), AT_REST)


def test_the_crossing_is_opened_durably_before_the_chip_is_touched() -> None:
    run = ready()
    opening = run.feed(DocumentPresented(CROSSING))
    assert opening == [Write(records.Opened(CROSSING), awaited=True), Show(Screen.WAIT)]
    assert StartCrossing(CROSSING) in run.feed(Recorded(CROSSING, RecordKind.OPENED))


def test_a_genuine_traveller_goes_through_and_the_crossing_is_closed_as_admitted() -> None:
    run = inspecting()
    assert run.feed(FaceSeen(CROSSING, 1, Guidance.HOLD_STILL)) == [Show(Screen.LOOK, Guidance.HOLD_STILL)]
    assert run.feed(FaceCompared(CROSSING, SAME_FACE)) == []
    decided = run.feed(DocumentRead(CROSSING, GENUINE))
    assert kinds(decided) == [RecordKind.DECIDED]
    assert run.feed(Recorded(CROSSING, RecordKind.DECIDED)) == [LookAtLane()]
    assert run.feed(AT_REST)[:2] == [Grant(CROSSING, 10_000), Show(Screen.GO)]
    run.feed(replace(OPEN, bodies=1))
    passed = run.feed(replace(OPEN, passages_entry=1, grants_left=0))
    assert kinds(passed) == [RecordKind.PASSED, RecordKind.GRANT_ENDED]
    assert Erase(CROSSING) in passed
    closed = run.feed(replace(AT_REST, passages_entry=1))
    assert kinds(closed) == [RecordKind.CLOSED]
    assert closed[0] == Write(records.Closed(CROSSING, records.ClosedAs.ADMITTED))
    assert run.state == states.Idle(Screen.WELCOME)


def test_a_grant_is_never_in_the_same_step_as_the_decision() -> None:
    run = recording()
    assert not any(isinstance(effect, Grant) for effect in run.effects)
    run.feed(AT_REST, Tick())
    assert not any(isinstance(effect, Grant) for effect in run.effects)


def test_without_a_receipt_of_the_opening_the_traveller_is_referred() -> None:
    run = ready()
    run.feed(DocumentPresented(CROSSING))
    assert reasons_of(run.feed(NotRecorded(CROSSING, RecordKind.OPENED))) == {"log_unavailable"}
    late = ready()
    late.feed(DocumentPresented(CROSSING))
    assert reasons_of(late.feed(Tick(), after_ms=2_001)) == {"receipt_late"}


def test_a_log_that_goes_away_while_a_receipt_is_waited_for_refers_at_once_and_a_late_receipt_changes_nothing() -> None:
    opening = ready()
    opening.feed(DocumentPresented(CROSSING))
    deciding = recording()
    for run, kind in ((opening, RecordKind.OPENED), (deciding, RecordKind.DECIDED)):
        assert reasons_of(run.feed(PartLost(Part.LOG))) == {"log_unavailable"}
        assert run.feed(PartBack(Part.LOG), Recorded(CROSSING, kind), AT_REST) == []
        assert isinstance(run.state, states.Referred)


def test_without_a_receipt_of_the_decision_nobody_is_admitted() -> None:
    assert reasons_of(recording().feed(NotRecorded(CROSSING, RecordKind.DECIDED))) == {"log_unavailable"}
    assert reasons_of(recording().feed(Tick(), after_ms=2_001)) == {"receipt_late"}
    assert reasons_of(recording().feed(Recorded(CROSSING, RecordKind.DECIDED), after_ms=2_001)) == {"receipt_late"}


def test_a_log_that_takes_its_receipt_back_before_the_grant_admits_nobody() -> None:
    run = recording()
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    assert reasons_of(run.feed(NotRecorded(CROSSING, RecordKind.DECIDED))) == {"log_unavailable"}
    assert not [effect for effect in run.feed(AT_REST) if isinstance(effect, Grant)]


def test_every_reason_of_a_referral_is_collected() -> None:
    bad = tuple(
        replace(check, result=CheckResult.FAILED) if check.id is CheckId.DG_HASHES else check
        for check in GENUINE.checks
    )
    face = replace(SAME_FACE, match=Score(0.1), liveness=None)
    run = recording(replace(GENUINE, checks=bad), face)
    effects = run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    assert reasons_of(effects) == {"document_check_failed", "face_below_threshold", "liveness_not_run"}
    assert effects[:2] == [Show(Screen.OFFICER), Erase(CROSSING, Shown.PICTURES)]


def test_a_missing_face_is_waited_for_and_then_referred() -> None:
    run = inspecting()
    run.feed(DocumentRead(CROSSING, GENUINE))
    assert run.feed(AT_REST, after_ms=8_000) == []
    decided = run.feed(Tick(), after_ms=1)
    assert reasons_of(decided, records.Decided) == {"face_missing", "face_not_compared", "liveness_not_run"}


def test_a_bad_document_waits_for_the_face_only_briefly() -> None:
    run = inspecting()
    run.feed(DocumentRead(CROSSING, replace(GENUINE, checks=())))
    assert run.feed(Tick(), after_ms=1_500) == []
    assert kinds(run.feed(Tick(), after_ms=1)) == [RecordKind.DECIDED]


def test_without_a_camera_the_decision_does_not_wait() -> None:
    run = inspecting()
    run.feed(PartLost(Part.CAMERA))
    decided = run.feed(DocumentRead(CROSSING, GENUINE))
    assert "camera_lost" in reasons_of(decided, records.Decided)


def test_a_barrier_that_went_away_before_the_decision_refers() -> None:
    run = inspecting()
    run.feed(PartLost(Part.BARRIER), DocumentRead(CROSSING, GENUINE))
    assert reasons_of(run.feed(FaceCompared(CROSSING, SAME_FACE)), records.Decided) == {"barrier_lost"}


def test_a_chip_that_never_answers_ends_at_the_crossings_limit() -> None:
    run = inspecting()
    decided = run.feed(Tick(), after_ms=45_001)
    assert {"time_limit", "document_check_missing"} <= reasons_of(decided, records.Decided)


def test_a_document_pulled_away_before_the_decision_refers() -> None:
    run = inspecting()
    run.feed(DocumentRead(CROSSING, GENUINE), DocumentRemoved())
    decided = run.feed(FaceCompared(CROSSING, SAME_FACE))
    assert reasons_of(decided, records.Decided) == {"document_removed"}


@pytest.mark.parametrize("again", [VideoDoubted(CROSSING, CameraTrouble.COVERED), PartLost(Part.CAMERA)])
def test_what_vision_says_without_end_is_written_once_a_second_and_kept_once(again: Event) -> None:
    run = inspecting()
    written = [effect for _ in range(5_000) for effect in run.feed(again, PartBack(Part.CAMERA), after_ms=1)]
    assert len(written) == 5
    assert len(run.lane.incidents) == 1
    assert isinstance(run.state, states.Inspecting)
    assert len(run.state.trouble) <= 1


def test_another_trouble_or_another_crossings_is_written_at_once() -> None:
    run = inspecting()
    said = [VideoDoubted(CROSSING, trouble) for trouble in CameraTrouble]
    assert len(run.feed(*said, *said)) == len(CameraTrouble)


def test_video_that_is_doubted_refers_without_waiting_for_a_face_and_is_an_incident() -> None:
    run = inspecting()
    noted = run.feed(VideoDoubted(CROSSING, CameraTrouble.COVERED))
    assert incidents(noted) == ["camera_covered"]
    decided = run.feed(DocumentRead(CROSSING, GENUINE))
    assert "camera_tampered" in reasons_of(decided, records.Decided)


def test_doubts_about_another_crossings_video_are_nobodys() -> None:
    run = inspecting()
    assert run.feed(VideoDoubted("another", CameraTrouble.LOOPED)) == []


def test_a_face_that_changes_before_the_decision_refers() -> None:
    run = inspecting()
    run.feed(FaceCompared(CROSSING, SAME_FACE), TrackChanged(CROSSING, TrackChange.SWITCHED))
    decided = run.feed(DocumentRead(CROSSING, GENUINE))
    assert reasons_of(decided, records.Decided) == {"track_lost"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (TrackChanged(CROSSING, TrackChange.SWITCHED), "track_switched"),
        (TrackChanged(CROSSING, TrackChange.LOST), "track_lost"),
        (VideoDoubted(CROSSING, CameraTrouble.LOOPED), "camera_tampered"),
        (DocumentRemoved(), "document_removed"),
        (DocumentPresented("c2"), "document_presented_again"),
        (PartLost(Part.VISION), "vision_lost"),
        (replace(AT_REST, passages_entry=1), "passage_beyond_grant"),
    ],
)
def test_what_happens_between_decision_and_grant_takes_the_admission_away(event: Event, reason: str) -> None:
    waiting = recording()
    waiting.feed(event)
    assert reasons_of(waiting.feed(Recorded(CROSSING, RecordKind.DECIDED))) == {reason}
    assert reasons_of(looking().feed(event)) == {reason}


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (replace(AT_REST, closed=False), "lane_not_closed"),
        (replace(AT_REST, grants_left=1), "lane_not_closed"),
        (replace(AT_REST, bodies=2), "bodies_several"),
        (replace(AT_REST, alarms=(Alarm.FORCED,)), "barrier_alarm"),
    ],
)
def test_the_second_look_at_the_lane_can_refer(seen: Event, reason: str) -> None:
    assert reasons_of(looking().feed(seen)) == {reason}


def test_a_lane_that_does_not_answer_the_second_look_is_never_closed() -> None:
    run = looking()
    assert run.feed(Tick(), after_ms=300) == []
    assert reasons_of(run.feed(Tick(), after_ms=1)) == {"lane_status_old"}


def test_an_officer_who_left_meanwhile_takes_the_admission_away() -> None:
    run = looking()
    run.lane = replace(run.lane, officer_seen_ms=run.now_ms - 121_000)
    assert reasons_of(run.feed(AT_REST)) == {"officer_absent"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (TrackChanged(CROSSING, TrackChange.SWITCHED), "track_switched"),
        (TrackChanged(CROSSING, TrackChange.SEVERAL), "faces_several"),
        (VideoDoubted(CROSSING, CameraTrouble.DEAF), "camera_tampered"),
        (replace(OPEN, bodies=2), "bodies_several"),
        (DocumentPresented("c2"), "document_presented_again"),
        (PartLost(Part.BARRIER), "barrier_lost"),
        (PartLost(Part.VISION), "vision_lost"),
        (GrantFailed(CROSSING), "barrier_lost"),
    ],
)
def test_a_grant_belongs_to_one_person_and_one_document(event: Event, reason: str) -> None:
    effects = granted().feed(event)
    assert effects[0] == Revoke()
    assert kinds(effects)[0] is RecordKind.REVOKED
    assert reasons_of(effects) == {reason}
    assert reason in incidents(effects)


def test_the_beams_take_over_when_the_walker_leaves_the_picture() -> None:
    run = granted()
    run.feed(TrackChanged(CROSSING, TrackChange.LOST), replace(OPEN, bodies=1))
    assert run.feed(Tick(), after_ms=3_000) == []
    lost = granted()
    lost.feed(OPEN, TrackChanged(CROSSING, TrackChange.LOST))
    assert reasons_of(lost.feed(Tick(), after_ms=2_001)) == {"track_lost"}


def test_taking_the_document_along_is_no_reason_after_the_grant() -> None:
    assert granted().feed(DocumentRemoved()) == []


def test_a_grant_nobody_uses_ends_and_calls_an_officer() -> None:
    run = granted()
    run.feed(OPEN)
    effects = run.feed(Tick(), after_ms=11_001)
    assert effects[0] == Revoke()
    assert reasons_of(effects) == {"grant_not_used"}


def test_a_tailgater_is_an_incident_and_the_first_traveller_stays_admitted() -> None:
    run = granted()
    effects = run.feed(replace(OPEN, passages_entry=1, bodies=1, grants_left=0))
    effects += run.feed(replace(OPEN, passages_entry=1, bodies=2, grants_left=0))
    effects += run.feed(replace(OPEN, passages_entry=2, bodies=0, grants_left=0))
    assert incidents(effects) == ["bodies_several", "passage_beyond_grant"]
    assert run.feed(replace(AT_REST, passages_entry=2))[0] == Write(records.Closed(CROSSING, records.ClosedAs.ADMITTED))


def test_two_passages_at_once_are_an_incident() -> None:
    effects = granted().feed(replace(OPEN, passages_entry=2, bodies=2, grants_left=0))
    assert incidents(effects) == ["passage_beyond_grant", "bodies_several"]


def test_a_lane_that_does_not_come_to_rest_is_an_incident_of_the_lane() -> None:
    run = granted()
    run.feed(replace(OPEN, passages_entry=1, grants_left=0))
    effects = run.feed(Tick(), after_ms=15_001)
    assert incidents(effects) == ["lane_not_closed"]
    assert run.state == states.Idle(Screen.CLOSED)


def test_a_passage_nobody_was_granted_is_an_incident() -> None:
    assert incidents(ready().feed(replace(AT_REST, passages_entry=1))) == ["passage_beyond_grant"]


def test_a_passage_after_a_release_belongs_to_the_release() -> None:
    run = ready()
    assert run.order(LaneOrder.RELEASE)[0] == Release()
    assert kinds(run.feed(replace(AT_REST, passages_entry=1))) == [RecordKind.PASSED]


def test_a_release_comes_before_its_record_in_every_state() -> None:
    for run in (ready(), inspecting(), recording(), looking()):
        effects = run.order(LaneOrder.RELEASE)
        assert effects[0] == Release()
        assert RecordKind.RELEASE in kinds(effects)
    run = granted()
    effects = run.order(LaneOrder.RELEASE)
    assert [type(e) for e in effects if isinstance(e, Revoke | Release)] == [Revoke, Release]
    assert reasons_of(effects) == {"released_by_officer"}


def test_a_referral_ends_with_the_officers_disposition() -> None:
    run = recording(face=replace(SAME_FACE, match=None))
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    assert run.feed(Tick(), DocumentPresented("c2")) == []
    effects = run.order(HandOver(CROSSING, Disposition.WALKED_BACK))
    assert kinds(effects) == [RecordKind.DISPOSITION]
    assert run.state == states.Idle(Screen.WELCOME)


def test_fire_ends_everything_without_a_closing_command() -> None:
    fire = replace(AT_REST, fire=True, closed=False, emergency_open=True)
    for run in (ready(), inspecting(), recording(), looking(), granted()):
        effects = run.feed(fire)
        assert effects[0] == Show(Screen.EMERGENCY)
        assert not any(isinstance(effect, Revoke | Grant) for effect in effects)
        assert run.state == states.Emergency()


def test_an_emergency_ends_only_with_a_clear_input_and_an_officer() -> None:
    run = ready()
    run.feed(replace(AT_REST, fire=True, emergency_open=True))
    assert [type(effect) for effect in run.order(LaneOrder.END_EMERGENCY)] == [Answer]
    run.feed(replace(AT_REST, emergency_open=True), Tick())
    assert isinstance(run.state, states.Emergency)
    assert run.order(LaneOrder.END_EMERGENCY)[0] == EndEmergency()
    run.feed(replace(AT_REST, emergency_open=True))
    assert isinstance(run.state, states.Emergency)
    assert run.feed(AT_REST) == [Write(records.EmergencyEnded(said())), Show(Screen.WELCOME)]


def test_an_emergency_that_the_controller_does_not_leave_goes_on_and_is_never_written_as_ended() -> None:
    """EMERGENCY_ENDED was written with the order, whatever the controller made of it."""
    run = ready()
    stays = replace(AT_REST, emergency_open=True)
    run.feed(replace(AT_REST, fire=True), stays)
    run.order(LaneOrder.END_EMERGENCY)
    told = 0
    for _ in range(30):
        effects = run.feed(stays, after_ms=100)
        assert kinds(effects) == []
        told += effects.count(EndEmergency())
    assert told == 10  # again until the controller shows it, but at every third status only
    assert incidents(run.feed(Tick(), after_ms=1)) == ["emergency_not_ended"]
    assert run.state == states.Emergency()
    assert run.feed(AT_REST) == []  # only an officer ends it
    assert run.order(LaneOrder.END_EMERGENCY)[0] == LookAtLane()
    assert kinds(run.feed(AT_REST)) == [RecordKind.EMERGENCY_ENDED]


def test_a_fire_that_comes_back_while_an_emergency_ends_is_not_told_to_end() -> None:
    run = ready()
    run.feed(replace(AT_REST, fire=True), replace(AT_REST, emergency_open=True))
    run.order(LaneOrder.END_EMERGENCY)
    for _ in range(30):
        assert EndEmergency() not in run.feed(replace(AT_REST, fire=True, emergency_open=True), after_ms=100)
    assert kinds(run.effects).count(RecordKind.EMERGENCY_ENDED) == 0


def test_crossings_left_open_by_an_earlier_run_are_closed_as_referred() -> None:
    state, effects = machine.start(("a", "b"))
    assert isinstance(state, states.Referred)
    assert state.crossing == "b"
    assert reasons_of(list(effects)) == {"lane_restarted"}
    assert kinds(list(effects)) == [RecordKind.CLOSED, RecordKind.CLOSED]
    assert effects[-1] == Show(Screen.OFFICER)


def test_presence_and_lost_parts_are_written_down() -> None:
    run = ready()
    assert kinds(run.order(BePresent(), "officer-2")) == [RecordKind.PRESENCE]
    assert incidents(run.feed(PartLost(Part.READER))) == ["reader_lost"]
    assert incidents(run.feed(replace(AT_REST, alarms=(Alarm.FORCED,)))) == ["forced"]
    assert incidents(run.feed(replace(AT_REST, alarms=(Alarm.FORCED,)))) == []


def test_a_document_without_chip_authentication_refers() -> None:
    checks = tuple(
        Check(check.id, CheckResult.NOT_SUPPORTED) if check.id is CheckId.CHIP_AUTHENTICITY else check
        for check in GENUINE.checks
    )
    run = recording(replace(GENUINE, checks=checks))
    effects = run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    assert reasons_of(effects) == {Reason.CHIP_AUTHENTICATION_ABSENT.value}


def test_the_invitation_says_how_to_lay_the_document_and_forgets_it_with_the_crossing() -> None:
    run = ready()
    assert run.feed(PageGuided(Guidance.PAGE_TURN)) == [Show(Screen.WELCOME, Guidance.PAGE_TURN)]
    assert run.feed(PageGuided(Guidance.PAGE_TURN), Tick()) == []
    assert run.state == states.Idle(Screen.WELCOME, Guidance.PAGE_TURN)
    assert run.feed(PageGuided(Guidance.NONE)) == [Show(Screen.WELCOME)]
    run.feed(PageGuided(Guidance.PAGE_GLARE), DocumentPresented(CROSSING))
    assert run.feed(PageGuided(Guidance.PAGE_STILL)) == [], "how a page lies is no matter once there is a crossing"


def test_a_grant_that_somebody_has_is_left_alone_and_so_is_any_in_an_emergency() -> None:
    run = granted()
    assert run.feed(OPEN, after_ms=5_000) == []
    assert Revoke() not in run.feed(replace(OPEN, fire=True))
    assert Revoke() not in run.feed(replace(OPEN, emergency_open=True), after_ms=5_000)
