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
    inspecting,
    recording,
)

from gate.passage import records, states
from gate.passage.effects import Effect, Grant, Write
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
    TrackChanged,
)
from gate.passage.names import RecordKind, TrackChange
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
