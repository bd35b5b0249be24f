"""Evidence has an age and a session: what was seen of another moment, or by a camera that went away meanwhile, admits nobody."""

from __future__ import annotations

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
    recording,
)

from gate.passage import records, states
from gate.passage.effects import Effect, Grant, Revoke, Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    Event,
    FaceCompared,
    FaceSeen,
    Part,
    PartBack,
    PartLost,
    Recorded,
    RecordKind,
    SiteSeen,
    TrackChange,
    TrackChanged,
)
from gate.passage.policy import Verdict, decide
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance

DAY_MS = 24 * 3600 * 1000


def seen(faces: int, session: int = 0) -> FaceSeen:
    return FaceSeen(CROSSING, faces, Guidance.NONE, session)


def decided(effects: list[Effect]) -> records.Decided:
    (record,) = (one.record for one in effects if isinstance(one, Write) and isinstance(one.record, records.Decided))
    return record


def reasons(record: records.Decided) -> set[Reason]:
    return {objection.reason for objection in record.reasons}


# What happened between the comparison and now, and what it is called.
SINCE_THE_COMPARISON: list[tuple[tuple[Event, ...], Reason]] = [
    ((PartLost(Part.VISION), PartBack(Part.VISION)), Reason.VISION_LOST),
    ((PartLost(Part.CAMERA), PartBack(Part.CAMERA)), Reason.CAMERA_LOST),
    ((seen(2), seen(1)), Reason.FACES_SEVERAL),
    ((seen(0), seen(1)), Reason.FACE_MISSING),
    ((DocumentPresented("c2"),), Reason.DOCUMENT_PRESENTED_AGAIN),
    ((seen(1, session=8),), Reason.TRACK_SWITCHED),
    ((TrackChanged(CROSSING, TrackChange.LOST, session=8),), Reason.TRACK_SWITCHED),
    ((FaceCompared(CROSSING, SAME_FACE, session=8),), Reason.TRACK_SWITCHED),
]


@pytest.mark.parametrize(("since", "reason"), SINCE_THE_COMPARISON)
def test_what_happens_between_comparison_and_decision_refers(since: tuple[Event, ...], reason: Reason) -> None:
    run = inspecting()
    run.feed(FaceCompared(CROSSING, SAME_FACE, session=7 if any(getattr(one, "session", 0) for one in since) else 0))
    run.feed(*since)
    record = decided(run.feed(DocumentRead(CROSSING, GENUINE)))
    assert record.decision is Verdict.REFER
    assert reason in reasons(record)


@pytest.mark.parametrize(("since", "reason"), SINCE_THE_COMPARISON)
@pytest.mark.parametrize("receipt", [None, AT_REST], ids=["before the receipt", "before the look"])
def test_what_happens_between_decision_and_grant_refers(
    since: tuple[Event, ...], reason: Reason, receipt: Event | None
) -> None:
    run = inspecting()
    session = 7 if any(getattr(one, "session", 0) for one in since) else 0
    run.feed(FaceCompared(CROSSING, SAME_FACE, session), DocumentRead(CROSSING, GENUINE))
    if receipt is None:
        effects = run.feed(*since, Recorded(CROSSING, RecordKind.DECIDED), AT_REST)
    else:
        effects = run.feed(Recorded(CROSSING, RecordKind.DECIDED), *since, AT_REST)
    assert not any(isinstance(effect, Grant) for effect in effects)
    assert isinstance(run.state, states.Referred)
    assert reason in {objection.reason for objection in run.state.objections}


def test_before_the_comparison_the_number_of_faces_may_change_and_a_page_be_read_again() -> None:
    run = inspecting()
    run.feed(seen(2), seen(0), DocumentPresented("c2"), seen(1), DocumentRead(CROSSING, GENUINE))
    assert decided(run.feed(FaceCompared(CROSSING, SAME_FACE))).decision is Verdict.ADMIT


def test_a_camera_that_went_away_before_the_comparison_counts_as_well() -> None:
    """It may have been somebody else's turn: nobody looked meanwhile."""
    run = inspecting()
    run.feed(seen(1), PartLost(Part.VISION), PartBack(Part.VISION), DocumentRead(CROSSING, GENUINE))
    assert isinstance(run.state, states.Recording)
    assert Reason.VISION_LOST in {objection.reason for objection in run.state.decision.objections}


def test_what_another_crossings_child_still_says_changes_nothing() -> None:
    run = inspecting()
    run.feed(
        FaceCompared(CROSSING, SAME_FACE, 7),
        FaceSeen("old", 2, Guidance.NONE, 3),
        TrackChanged("old", TrackChange.LOST, 3),
    )
    run.feed(seen(1, 7))
    assert decided(run.feed(DocumentRead(CROSSING, GENUINE))).decision is Verdict.ADMIT


def test_a_face_seen_in_another_session_takes_the_grant_back() -> None:
    for event in (seen(1, 8), TrackChanged(CROSSING, TrackChange.LOST, 8), FaceCompared(CROSSING, SAME_FACE, 8)):
        run = granted()
        run.feed(seen(1, 0))
        assert run.feed(event)[0] == Revoke()
        assert isinstance(run.state, states.Referred)


def test_who_else_is_seen_on_the_way_through_is_for_the_track_to_say() -> None:
    run = granted()
    assert run.feed(seen(2), seen(0)) == []
    assert isinstance(run.state, states.Granted)
    by_officer = granted_by_officer()
    assert by_officer.feed(seen(1, 7), seen(1, 8)) == []
    assert isinstance(by_officer.state, states.Granted)


@pytest.mark.parametrize("change", list(TrackChange))
def test_another_comparison_finds_no_lost_track_again(change: TrackChange) -> None:
    """Found by a random walk: vision compared once more, and the track counted as held."""
    run = inspecting()
    run.feed(FaceCompared(CROSSING, SAME_FACE), TrackChanged(CROSSING, change), FaceCompared(CROSSING, SAME_FACE))
    record = decided(run.feed(DocumentRead(CROSSING, GENUINE)))
    assert reasons(record) == {Reason.TRACK_LOST}


def test_a_comparison_has_an_age_limit() -> None:
    limit_ms = RULES.policy.face_age_max_ms
    for after_ms, verdict in ((limit_ms, Verdict.ADMIT), (limit_ms + 1, Verdict.REFER)):
        run = inspecting()
        run.feed(FaceCompared(CROSSING, SAME_FACE))
        run.feed(AT_REST, after_ms=after_ms)
        record = decided(run.feed(DocumentRead(CROSSING, GENUINE)))
        assert record.decision is verdict
        assert record.evidence.face is not None
        assert record.evidence.face.age_ms == after_ms
    assert reasons(record) == {Reason.FACE_NOT_COMPARED}


def test_what_was_seen_of_lists_and_clock_a_day_ago_admits_nobody() -> None:
    """The lane's look at its lists had died: lists of a day ago, and the word of a clock that nobody had asked since."""
    limit_ms = RULES.policy.site_age_max_s * 1000
    for after_ms, verdict in ((limit_ms, Verdict.ADMIT), (limit_ms + 1, Verdict.REFER), (DAY_MS, Verdict.REFER)):
        run = inspecting()
        run.lane = replace(run.lane, officer_seen_ms=run.now_ms + after_ms)
        run.state = states.Inspecting(CROSSING, run.now_ms + after_ms)
        run.feed(AT_REST, FaceCompared(CROSSING, SAME_FACE), after_ms=after_ms)
        record = decided(run.feed(DocumentRead(CROSSING, GENUINE)))
        assert record.decision is verdict
        assert record.evidence.site.age_s == after_ms / 1000
    assert reasons(record) == {Reason.LISTS_STALE, Reason.CLOCK_UNSURE}


def test_a_look_at_lists_and_clock_makes_them_new_again() -> None:
    run = inspecting()
    run.lane = replace(run.lane, site_at_ms=run.now_ms - DAY_MS)
    run.feed(SiteSeen(1.0, clock_sure=True), FaceCompared(CROSSING, SAME_FACE))
    assert decided(run.feed(DocumentRead(CROSSING, GENUINE))).decision is Verdict.ADMIT


def test_lists_and_clock_that_grow_old_while_the_receipt_comes_refer() -> None:
    run = looking()
    run.lane = replace(run.lane, site_at_ms=run.now_ms - DAY_MS)
    assert not any(isinstance(effect, Grant) for effect in run.feed(AT_REST))
    assert isinstance(run.state, states.Referred)


def test_a_decision_older_than_these_ages_is_taken_again_as_it_was() -> None:
    run = recording()
    (record,) = (
        one.record for one in run.effects if isinstance(one, Write) and isinstance(one.record, records.Decided)
    )
    evidence = record.evidence
    assert evidence.face is not None
    old = replace(evidence, face=replace(evidence.face, age_ms=None), site=replace(evidence.site, age_s=None))
    assert decide(old, record.policy).verdict is Verdict.ADMIT


def test_a_lane_that_never_looked_has_no_age_and_admits_nobody() -> None:
    run = Run()
    assert run.lane.site_evidence(1_000).age_s is None
    assert run.lane.site_evidence(1_000).trust_age_days is None
