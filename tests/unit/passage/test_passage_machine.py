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
)

from gate.passage import machine, records, states
from gate.passage.effects import (
    Effect,
    EndEmergency,
    Erase,
    Grant,
    LookAtLane,
    Revoke,
    Show,
    Shown,
    Write,
)
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    Event,
    Part,
    PartBack,
    PartLost,
    Recorded,
    Tick,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.names import RecordKind, TrackChange
from gate.passage.orders import LaneOrder
from gate_core.evidence.crossing import CameraTrouble, CheckId, CheckResult, Score
from gate_core.evidence.screen import Screen

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


def test_a_bad_document_waits_for_the_face_only_briefly() -> None:
    run = inspecting()
    run.feed(DocumentRead(CROSSING, replace(GENUINE, checks=())))
    assert run.feed(Tick(), after_ms=1_500) == []
    assert kinds(run.feed(Tick(), after_ms=1)) == [RecordKind.DECIDED]


@pytest.mark.parametrize("again", [VideoDoubted(CROSSING, CameraTrouble.COVERED), PartLost(Part.CAMERA)])
def test_what_vision_says_without_end_is_written_once_a_second_and_kept_once(again: Event) -> None:
    run = inspecting()
    written = [effect for _ in range(5_000) for effect in run.feed(again, PartBack(Part.CAMERA), after_ms=1)]
    assert len(written) == 5
    assert len(run.lane.incidents) == 1
    assert isinstance(run.state, states.Inspecting)
    assert len(run.state.trouble) <= 1


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


def test_fire_ends_everything_without_a_closing_command() -> None:
    fire = replace(AT_REST, fire=True, closed=False, emergency_open=True)
    for run in (ready(), inspecting(), recording(), looking(), granted()):
        effects = run.feed(fire)
        assert effects[0] == Show(Screen.EMERGENCY)
        assert not any(isinstance(effect, Revoke | Grant) for effect in effects)
        assert run.state == states.Emergency()


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


def test_crossings_left_open_by_an_earlier_run_are_closed_as_referred() -> None:
    state, effects = machine.start(("a", "b"))
    assert isinstance(state, states.Referred)
    assert state.crossing == "b"
    assert reasons_of(list(effects)) == {"lane_restarted"}
    assert kinds(list(effects)) == [RecordKind.CLOSED, RecordKind.CLOSED]
    assert effects[-1] == Show(Screen.OFFICER)
