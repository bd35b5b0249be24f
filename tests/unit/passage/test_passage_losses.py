"""What a lane must not overlook: parts that go, video that is doubted, bodies, emergencies, status that grows old, alarms one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    GENUINE,
    RULES,
    SAME_FACE,
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
)

from gate.passage import records, states
from gate.passage.effects import Effect, Grant, Release, Revoke, Show, Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DoorSeen,
    Event,
    FaceCompared,
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
from gate.passage.lane import Referral
from gate.passage.orders import LaneOrder
from gate_core.evidence.crossing import Alarm, CameraTrouble
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen

FIRE = replace(AT_REST, closed=False, fire=True, emergency_open=True)
OPEN = replace(AT_REST, closed=False, grants_left=1)


def incidents(effects: list[Effect]) -> list[records.IncidentKind]:
    return [e.record.incident for e in effects if isinstance(e, Write) and isinstance(e.record, records.Incident)]


def passed_by(effects: list[Effect]) -> list[records.PassedBy]:
    return [e.record.how for e in effects if isinstance(e, Write) and isinstance(e.record, records.Passed)]


def reasons(run: Run) -> set[Reason]:
    assert isinstance(run.state, states.Referred)
    return {objection.reason for objection in run.state.objections}


def passing() -> Run:
    run = granted()
    run.feed(replace(OPEN, grants_left=0, passages_entry=1))
    assert isinstance(run.state, states.Passing)
    return run


EYES_AND_DOOR = [
    (Part.VISION, Reason.VISION_LOST),
    (Part.CAMERA, Reason.CAMERA_LOST),
    (Part.BARRIER, Reason.BARRIER_LOST),
]


@pytest.mark.parametrize(("part", "reason"), EYES_AND_DOOR)
def test_a_part_that_goes_while_the_receipt_is_awaited_refers(part: Part, reason: Reason) -> None:
    run = recording()
    run.feed(PartLost(part), PartBack(part), Recorded(CROSSING, RecordKind.DECIDED))
    assert reason in reasons(run)


@pytest.mark.parametrize(("part", "reason"), EYES_AND_DOOR)
def test_a_part_that_goes_while_the_lane_is_looked_at_refers(part: Part, reason: Reason) -> None:
    run = looking()
    effects = run.feed(PartLost(part), PartBack(part), AT_REST)
    assert not any(isinstance(effect, Grant) for effect in effects)
    assert reason in reasons(run)


@pytest.mark.parametrize(("part", "reason"), EYES_AND_DOOR)
def test_a_part_that_goes_takes_the_grant_back(part: Part, reason: Reason) -> None:
    run = granted()
    assert run.feed(PartLost(part))[0] == Revoke()
    assert reason in reasons(run)


def test_whoever_is_decided_on_while_no_page_paints_is_referred() -> None:
    run = inspecting()
    assert incidents(run.feed(PartLost(Part.SCREEN))) == [records.IncidentKind.SCREEN_LOST]
    run.feed(DocumentRead(CROSSING, GENUINE), FaceCompared(CROSSING, SAME_FACE))
    assert isinstance(run.state, states.Recording)
    assert run.state.decision.objections == (Objection(Reason.SCREEN_LOST),)


def test_a_page_that_is_back_before_the_decision_refers_nobody() -> None:
    run = inspecting()
    run.feed(PartLost(Part.SCREEN), PartBack(Part.SCREEN))
    run.feed(DocumentRead(CROSSING, GENUINE), FaceCompared(CROSSING, SAME_FACE))
    assert isinstance(run.state, states.Recording)
    assert run.state.decision.objections == ()


@pytest.mark.parametrize("part", [Part.LOG, Part.READER, Part.SCREEN])
def test_log_reader_and_page_are_not_needed_for_the_way_through(part: Part) -> None:
    run = granted()
    assert Revoke() not in run.feed(PartLost(part))
    assert isinstance(run.state, states.Granted)


@pytest.mark.parametrize("part", [Part.VISION, Part.CAMERA, Part.LOG, Part.READER, Part.SCREEN])
def test_an_officer_sees_the_traveller_and_needs_the_barrier_alone(part: Part) -> None:
    run = granted_by_officer()
    assert Revoke() not in run.feed(PartLost(part))
    assert Revoke() in run.feed(PartLost(Part.BARRIER))


@pytest.mark.parametrize("part", list(Part))
def test_a_part_that_is_back_brings_no_other_back(part: Part) -> None:
    run = ready()
    run.feed(*(PartLost(one) for one in Part), *(PartBack(one) for one in Part if one is not part), AT_REST)
    assert run.lane.lost == {part}
    assert run.state == states.Idle(Screen.CLOSED)
    assert Show(Screen.WELCOME) in run.feed(PartBack(part), AT_REST)


@pytest.mark.parametrize("trouble", list(CameraTrouble))
def test_video_that_is_doubted_takes_the_grant_back(trouble: CameraTrouble) -> None:
    run = granted()
    assert run.feed(VideoDoubted(CROSSING, trouble))[0] == Revoke()
    assert reasons(run) == {Reason.CAMERA_TAMPERED}


def test_an_open_leaf_without_a_body_is_nobody_who_entered() -> None:
    """The face left the picture and nobody came into the zone: the grant is nobody's."""
    limit_ms = RULES.timing.track_gap_max_ms
    run = granted()
    run.feed(OPEN, TrackChanged(CROSSING, TrackChange.LOST))
    assert Revoke() not in run.feed(OPEN, Tick(), after_ms=limit_ms)
    assert Revoke() in run.feed(Tick(), after_ms=1)
    assert Reason.TRACK_LOST in reasons(run)


def test_a_face_that_is_lost_again_and_again_is_lost_since_the_first_time() -> None:
    """Found by a random walk: each word of it began the time anew."""
    run = granted()
    run.feed(OPEN)
    for _ in range(3):
        run.feed(TrackChanged(CROSSING, TrackChange.LOST), after_ms=1_000)
    assert Revoke() in run.feed(Tick(), after_ms=1)


def test_whoever_is_in_the_zone_has_taken_over_from_the_face() -> None:
    run = granted()
    run.feed(OPEN, replace(OPEN, bodies=1), TrackChanged(CROSSING, TrackChange.LOST))
    assert Revoke() not in run.feed(replace(OPEN, bodies=1), Tick(), after_ms=RULES.timing.track_gap_max_ms + 1)


def test_after_the_passage_nothing_is_granted_any_more() -> None:
    run = granted()
    assert run.feed(replace(OPEN, grants_left=0, passages_entry=1))[0] == Revoke()


STATES: list[Callable[[], Run]] = [
    ready, inspecting, recording, looking, granted, passing, referred, overruling, granted_by_officer,
]  # fmt: skip


@pytest.mark.parametrize("lane_in", STATES)
def test_an_emergency_is_seen_in_every_state_and_nothing_closes(lane_in: Callable[[], Run]) -> None:
    run = lane_in()
    effects = run.feed(FIRE)
    assert isinstance(run.state, states.Emergency)
    assert Show(Screen.EMERGENCY) in effects
    assert Revoke() not in effects


@pytest.mark.parametrize("lane_in", STATES)
@pytest.mark.parametrize("command", [LaneOrder.RELEASE, LaneOrder.OPEN_EMERGENCY])
def test_a_person_is_freed_in_every_state(lane_in: Callable[[], Run], command: LaneOrder) -> None:
    assert Release() in lane_in().feed(ordered(command))
    run = lane_in()
    run.feed(FIRE)
    assert Release() in run.feed(ordered(command, version=run.lane.version))


def test_status_grows_old() -> None:
    limit_ms = RULES.policy.lane_age_max_ms
    for after_ms, old in ((limit_ms, False), (limit_ms + 1, True)):
        run = inspecting()
        run.feed(AT_REST, DocumentRead(CROSSING, GENUINE))
        run.feed(FaceCompared(CROSSING, SAME_FACE), after_ms=after_ms)
        assert isinstance(run.state, states.Recording)
        found = {objection.reason for objection in run.state.decision.objections}
        assert found == ({Reason.LANE_STATUS_OLD} if old else set())


def test_a_release_ends_with_its_time() -> None:
    """Whoever goes through then was let through by nothing."""
    limit_ms = RULES.timing.release_ms
    for after_ms, how in ((limit_ms, records.PassedBy.RELEASE), (limit_ms + 1, records.PassedBy.NOTHING)):
        run = ready()
        run.feed(ordered(LaneOrder.RELEASE), replace(AT_REST, closed=False))
        run.lane = run.lane.with_door_state(
            replace(run.lane.last, freeing=None)
        )  # the leaf was seen open: it is not told again
        assert passed_by(run.feed(replace(AT_REST, passages_entry=1), after_ms=after_ms)) == [how]


def test_a_second_alarm_beside_the_first_is_noted_and_the_first_not_again() -> None:
    run = ready()
    assert incidents(run.feed(replace(AT_REST, alarms=(Alarm.FORCED,)))) == [records.IncidentKind.FORCED]
    both = replace(AT_REST, alarms=(Alarm.FORCED, Alarm.OBSTRUCTED))
    assert incidents(run.feed(both)) == [records.IncidentKind.OBSTRUCTED]
    assert incidents(run.feed(both)) == []


@pytest.mark.parametrize("event", [DocumentPresented("c2"), TrackChanged(CROSSING, TrackChange.SWITCHED), TrackChanged(CROSSING, TrackChange.SEVERAL)])  # fmt: skip
def test_another_document_another_face_and_several_take_the_grant_back(event: Event) -> None:
    assert granted().feed(event)[0] == Revoke()


PASSED = replace(OPEN, grants_left=0, passages_entry=1)
SEVERAL = records.IncidentKind.BODIES_SEVERAL


@pytest.mark.parametrize(
    ("through", "later", "told"),
    [
        (PASSED, PASSED, 0),
        (replace(PASSED, bodies=1), replace(PASSED, bodies=1), 0),  # one who stays behind, or who comes next
        (replace(PASSED, bodies=2), replace(PASSED, bodies=2), 1),
        (PASSED, replace(PASSED, bodies=2), 1),
        (replace(PASSED, passages_entry=2), replace(PASSED, passages_entry=2, bodies=2), 0),  # told as passages already
        (PASSED, replace(PASSED, passages_entry=2, bodies=2), 0),
    ],
)
def test_several_beside_the_passage_are_told_once(through: DoorSeen, later: DoorSeen, told: int) -> None:
    run = granted()
    effects = run.feed(OPEN, through, later, later)
    assert incidents(effects).count(SEVERAL) == told


def test_whoever_does_not_clear_the_lane_in_time_was_admitted_all_the_same() -> None:
    limit_ms = RULES.timing.passing_max_ms
    run = granted()
    run.feed(PASSED)
    assert run.feed(replace(PASSED, bodies=1), Tick(), after_ms=limit_ms) == []
    effects = run.feed(Tick(), after_ms=1)
    assert incidents(effects) == [records.IncidentKind.LANE_NOT_CLOSED]
    (closed,) = (one.record for one in effects if isinstance(one, Write) and isinstance(one.record, records.Closed))
    assert closed.verdict is records.ClosedAs.ADMITTED


def test_who_stands_in_the_way_and_a_lane_that_does_not_close_are_both_told() -> None:
    run = granted()
    run.feed(PASSED)
    effects = run.feed(replace(PASSED, bodies=2), after_ms=RULES.timing.passing_max_ms + 1)
    assert incidents(effects) == [SEVERAL, records.IncidentKind.LANE_NOT_CLOSED]


def test_a_barrier_that_goes_behind_the_traveller_leaves_them_admitted() -> None:
    run = granted()
    run.feed(PASSED)
    effects = run.feed(PartLost(Part.BARRIER))
    assert set(incidents(effects)) == {records.IncidentKind.LANE_NOT_CLOSED, records.IncidentKind.BARRIER_LOST}
    (closed,) = (one.record for one in effects if isinstance(one, Write) and isinstance(one.record, records.Closed))
    assert closed.verdict is records.ClosedAs.ADMITTED


def test_a_document_that_was_laid_early_waits_behind_whoever_waits_for_an_officer() -> None:
    run = granted()
    run.feed(PASSED, DocumentPresented("c2"))
    run.lane = replace(run.lane, waiting=(Referral("c0", (Objection(Reason.EMERGENCY),)),))
    effects = run.feed(replace(AT_REST, passages_entry=1))
    assert run.state == states.Referred("c0", (Objection(Reason.EMERGENCY),))
    assert not any(isinstance(one, Write) and isinstance(one.record, records.Opened) for one in effects)
