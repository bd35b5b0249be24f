"""How long each step may take, to the millisecond, and that every reason which came together is kept until the crossing is closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, Run, ordered

from gate.passage import records, states
from gate.passage.effects import Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    FaceCompared,
    FaceSeen,
    Part,
    PartBack,
    PartLost,
    Recorded,
    SiteSeen,
    Tick,
)
from gate.passage.names import RecordKind
from gate.passage.orders import Admit, BePresent
from gate_core.evidence.crossing import Check, CheckId, CheckResult, Score
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Guidance

LONG_AGO_MS = 3_000_000  # the lane has run for long: a sum of two moments is none
TIMING = RULES.timing


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


# ── every reason is kept ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("part", [part for part in Part if part is not Part.LOG])
@pytest.mark.parametrize("lane_in", [opening, recording])
def test_only_the_log_is_needed_while_a_receipt_is_awaited(lane_in: Callable[[], Run], part: Part) -> None:
    run = lane_in()
    run.feed(PartLost(part))
    assert not isinstance(run.state, states.Referred)
    run.feed(PartBack(part), PartLost(Part.LOG))
    assert Reason.LOG_UNAVAILABLE in reasons(run)
