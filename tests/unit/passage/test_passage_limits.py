"""How long each step may take, to the millisecond, and that every reason which came together is kept until the crossing is closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, Run, granted_by_officer, ordered, ready

from gate.passage import records, states
from gate.passage.effects import Effect, Grant, Show, StartCrossing, Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    Event,
    FaceCompared,
    FaceSeen,
    NotRecorded,
    Part,
    PartBack,
    PartLost,
    Recorded,
    RecordKind,
    SiteSeen,
    Tick,
    TrackChange,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.orders import Admit, BePresent
from gate.passage.policy import Verdict
from gate_core.evidence.crossing import CameraTrouble, Check, CheckId, CheckResult, Score
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance, Screen

LONG_AGO_MS = 3_000_000  # the lane has run for long: a sum of two moments is none
TIMING = RULES.timing
SESSION = 7


def begun() -> Run:
    """A lane that invites travellers, long after its start."""
    run = Run(now_ms=LONG_AGO_MS)
    run.feed(AT_REST, ordered(BePresent()), SiteSeen(1.0, clock_sure=True))
    return run


def opening() -> Run:
    run = begun()
    run.feed(DocumentPresented(CROSSING))
    return run


def inspecting() -> Run:
    run = opening()
    run.feed(Recorded(CROSSING, RecordKind.OPENED))
    return run


def recording() -> Run:
    run = inspecting()
    run.feed(FaceCompared(CROSSING, SAME_FACE), DocumentRead(CROSSING, GENUINE))
    return run


def looking() -> Run:
    run = recording()
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    return run


def granted() -> Run:
    run = looking()
    run.feed(AT_REST)
    return run


def overruling() -> Run:
    run = inspecting()
    run.feed(FaceCompared(CROSSING, replace(SAME_FACE, match=Score(0.1))), DocumentRead(CROSSING, GENUINE))
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    run.order(Admit(CROSSING))
    assert isinstance(run.state, states.Overruling)
    return run


def reasons(run: Run) -> set[Reason]:
    """Why the crossing was referred, or is about to be."""
    if isinstance(run.state, states.Recording):
        return {objection.reason for objection in run.state.decision.objections}
    assert isinstance(run.state, states.Referred)
    return {objection.reason for objection in run.state.objections}


def closing_reasons(effects: list[Effect]) -> set[Reason]:
    (closed,) = (one.record for one in effects if isinstance(one, Write) and isinstance(one.record, records.Closed))
    return {objection.reason for objection in closed.reasons}


LIMITS: list[tuple[Callable[[], Run], int, Reason]] = [
    (opening, TIMING.opening_max_ms, Reason.RECEIPT_LATE),
    (inspecting, TIMING.crossing_max_ms, Reason.TIME_LIMIT),
    (recording, TIMING.receipt_max_ms, Reason.RECEIPT_LATE),
    (overruling, TIMING.receipt_max_ms, Reason.RECEIPT_LATE),
    (looking, TIMING.look_max_ms, Reason.LANE_STATUS_OLD),
]


@pytest.mark.parametrize(("lane_in", "limit_ms", "reason"), LIMITS)
def test_a_step_may_take_its_time_and_not_a_millisecond_more(
    lane_in: Callable[[], Run], limit_ms: int, reason: Reason
) -> None:
    run = lane_in()
    before = run.state
    run.feed(Tick(), after_ms=limit_ms)
    assert run.state == before
    run.feed(Tick(), after_ms=1)
    assert reason in reasons(run)


@pytest.mark.parametrize(
    ("lane_in", "kind", "limit_ms"),
    [
        (recording, RecordKind.DECIDED, TIMING.receipt_max_ms),
        (overruling, RecordKind.OVERRULED, TIMING.receipt_max_ms),
    ],
)
def test_a_receipt_that_comes_late_refers_even_if_no_tick_came_before(
    lane_in: Callable[[], Run], kind: RecordKind, limit_ms: int
) -> None:
    run = lane_in()
    run.feed(Recorded(CROSSING, kind), after_ms=limit_ms)
    assert isinstance(run.state, states.Looking)
    run = lane_in()
    run.feed(Recorded(CROSSING, kind), after_ms=limit_ms + 1)
    assert Reason.RECEIPT_LATE in reasons(run)


def test_a_grant_that_nobody_uses_ends_a_moment_after_the_controllers_own_time() -> None:
    run = granted()
    standing = replace(AT_REST, closed=False, grants_left=1)
    limit_ms = TIMING.grant_ttl_ms + TIMING.grant_slack_ms
    run.feed(standing, Tick(), after_ms=limit_ms)
    assert isinstance(run.state, states.Granted)
    run.feed(Tick(), after_ms=1)
    assert reasons(run) == {Reason.GRANT_NOT_USED}


@pytest.mark.parametrize(
    ("document", "limit_ms"), [(True, TIMING.face_max_ms), (False, TIMING.face_after_failure_max_ms)]
)
def test_a_face_is_waited_for_longer_where_nothing_objects_yet(document: bool, limit_ms: int) -> None:  # noqa: FBT001 - a case
    run = inspecting()
    checks = GENUINE.checks if document else (Check(CheckId.MRZ, CheckResult.FAILED), *GENUINE.checks[1:])
    run.feed(FaceSeen(CROSSING, 2, Guidance.ONE_PERSON), after_ms=1_000)
    run.feed(DocumentRead(CROSSING, replace(GENUINE, checks=checks)))
    run.feed(Tick(), after_ms=limit_ms)
    assert isinstance(run.state, states.Inspecting)
    (record,) = (
        one.record
        for one in run.feed(Tick(), after_ms=1)
        if isinstance(one, Write) and isinstance(one.record, records.Decided)
    )
    assert record.evidence.face is not None
    assert record.evidence.face.faces == 2
    assert Reason.FACES_SEVERAL in reasons(run)


def test_who_is_ready_at_the_very_limit_is_not_late() -> None:
    run = inspecting()
    run.feed(
        AT_REST, SiteSeen(1.0, clock_sure=True), FaceCompared(CROSSING, SAME_FACE), after_ms=TIMING.crossing_max_ms
    )
    run.feed(DocumentRead(CROSSING, GENUINE))
    assert reasons(run) == set()
    run = inspecting()
    run.feed(AT_REST, SiteSeen(1.0, clock_sure=True), after_ms=TIMING.crossing_max_ms)
    run.feed(FaceCompared(CROSSING, SAME_FACE), after_ms=1)
    assert Reason.TIME_LIMIT in reasons(run)


# ── what each step does ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_opening_touches_the_chip_and_asks_for_a_look() -> None:
    assert opening().feed(Recorded(CROSSING, RecordKind.OPENED)) == [
        StartCrossing(CROSSING),
        Show(Screen.LOOK, Guidance.LOOK_AT_CAMERA),
    ]


def test_the_decision_is_waited_for_and_shown_as_a_moment() -> None:
    run = inspecting()
    run.feed(FaceCompared(CROSSING, SAME_FACE))
    write, shown = run.feed(DocumentRead(CROSSING, GENUINE))
    assert isinstance(write, Write)
    assert isinstance(write.record, records.Decided)
    assert write == Write(write.record, awaited=True)
    assert shown == Show(Screen.WAIT)


def test_the_grant_is_given_shown_and_written_in_this_order() -> None:
    ttl_ms = TIMING.grant_ttl_ms
    assert looking().feed(AT_REST) == [
        Grant(CROSSING, ttl_ms),
        Show(Screen.GO),
        Write(records.Granted(CROSSING, ttl_ms)),
    ]


# ── every reason is kept ─────────────────────────────────────────────────────────────────────────────────────────────


def test_all_that_spoils_a_face_is_kept_until_the_decision() -> None:
    run = inspecting()
    run.feed(
        FaceCompared(CROSSING, SAME_FACE), FaceSeen(CROSSING, 2, Guidance.NONE), FaceSeen(CROSSING, 0, Guidance.NONE)
    )
    run.feed(*(VideoDoubted(CROSSING, trouble) for trouble in CameraTrouble), PartLost(Part.CAMERA))
    run.feed(DocumentRead(CROSSING, GENUINE))
    assert reasons(run) == {Reason.FACES_SEVERAL, Reason.FACE_MISSING, Reason.CAMERA_TAMPERED, Reason.CAMERA_LOST}
    assert isinstance(run.state, states.Recording)
    tampered = [one.detail for one in run.state.decision.objections if one.reason is Reason.CAMERA_TAMPERED]
    assert tampered == [trouble.value for trouble in CameraTrouble]


@pytest.mark.parametrize("part", [Part.VISION, Part.CAMERA])
def test_a_camera_that_went_before_the_chip_was_touched_is_not_waited_for_and_is_said(part: Part) -> None:
    run = opening()
    run.feed(PartLost(part), Recorded(CROSSING, RecordKind.OPENED), DocumentRead(CROSSING, GENUINE))
    assert Reason[f"{part.name}_LOST"] in reasons(run)


@pytest.mark.parametrize("part", [part for part in Part if part is not Part.LOG])
@pytest.mark.parametrize("lane_in", [opening, recording])
def test_only_the_log_is_needed_while_a_receipt_is_awaited(lane_in: Callable[[], Run], part: Part) -> None:
    run = lane_in()
    run.feed(PartLost(part))
    assert not isinstance(run.state, states.Referred)
    run.feed(PartBack(part), PartLost(Part.LOG))
    assert Reason.LOG_UNAVAILABLE in reasons(run)


def test_an_officers_admission_needs_the_log_while_its_receipt_is_awaited() -> None:
    run = overruling()
    run.feed(PartLost(Part.LOG))
    assert Reason.LOG_UNAVAILABLE in reasons(run)


SPOILING: tuple[Event, ...] = (
    TrackChanged(CROSSING, TrackChange.SWITCHED),
    VideoDoubted(CROSSING, CameraTrouble.LOOPED),
    PartLost(Part.VISION),
)
SPOILT = {Reason.TRACK_SWITCHED, Reason.CAMERA_TAMPERED, Reason.VISION_LOST}


@pytest.mark.parametrize(
    ("end", "after_ms", "more"),
    [
        (Recorded(CROSSING, RecordKind.DECIDED), 0, set()),
        (NotRecorded(CROSSING, RecordKind.DECIDED), 0, {Reason.LOG_UNAVAILABLE}),
        (Tick(), TIMING.receipt_max_ms + 1, {Reason.RECEIPT_LATE}),
    ],
)
def test_all_that_speaks_against_an_admission_is_kept_until_it_is_closed(
    end: Event, after_ms: int, more: set[Reason]
) -> None:
    run = recording()
    run.feed(*SPOILING)
    assert closing_reasons(run.feed(end, after_ms=after_ms)) == SPOILT | more
    # A referral keeps what it was decided for, too.
    run = inspecting()
    run.feed(FaceCompared(CROSSING, replace(SAME_FACE, match=Score(0.1))), DocumentRead(CROSSING, GENUINE), *SPOILING)
    assert closing_reasons(run.feed(end, after_ms=after_ms)) == {Reason.FACE_BELOW_THRESHOLD} | SPOILT | more


def test_a_track_counts_as_held_only_where_every_comparison_says_so() -> None:
    for first, second, verdict in (
        (True, True, Verdict.ADMIT),
        (True, False, Verdict.REFER),
        (False, True, Verdict.REFER),
    ):
        run = inspecting()
        for held in (first, second):
            run.feed(FaceCompared(CROSSING, replace(SAME_FACE, track_held=held)))
        run.feed(DocumentRead(CROSSING, GENUINE))
        assert isinstance(run.state, states.Recording)
        assert run.state.decision.verdict is verdict


def test_a_face_of_another_session_counts_against_a_traveller_who_was_not_compared_yet() -> None:
    run = inspecting()
    run.feed(FaceSeen(CROSSING, 1, Guidance.NONE, SESSION), FaceSeen(CROSSING, 1, Guidance.NONE, SESSION + 1))
    run.feed(FaceCompared(CROSSING, SAME_FACE, SESSION + 1), DocumentRead(CROSSING, GENUINE))
    assert reasons(run) == {Reason.TRACK_SWITCHED}


def test_the_loss_of_a_part_is_written_again_once_a_second_is_over() -> None:
    run = ready()
    for after_ms, written in ((0, 1), (TIMING.incident_again_ms - 1, 0), (1, 1)):
        lost = run.feed(PartLost(Part.CAMERA), after_ms=after_ms)
        assert len([one for one in lost if isinstance(one, Write)]) == written


def test_an_officers_grant_is_not_the_cameras_affair() -> None:
    run = granted_by_officer()
    for session in range(SESSION, SESSION + 3):
        assert run.feed(FaceSeen(CROSSING, 1, Guidance.NONE, session)) == []
        assert run.feed(FaceCompared(CROSSING, SAME_FACE, -session)) == []
    assert isinstance(run.state, states.Granted)
