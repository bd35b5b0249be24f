"""A grant follows one body: through an empty zone, into it, and out beyond the leaf (safety invariant 4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    RULES,
    Run,
    decided_record,
    granted,
    inspecting,
    looking,
)

from gate.passage import records, states
from gate.passage.effects import Effect, Write
from gate.passage.events import DocumentRead, Event, FaceCompared, TrackChanged
from gate.passage.names import TrackChange
from gate.passage.policy import lane_objections
from gate.programs.lane.records import fields_of, replay
from gate_core.evidence.crossing import DoorEvidence, LaneEvidence
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Screen

OPEN = replace(AT_REST, closed=False, grants_left=1)
IN_ZONE = replace(OPEN, bodies=1)
INSIDE = replace(RULES, policy=replace(RULES.policy, camera_inside_zone=True))


def reasons(effects: list[Effect], kind: type[records.Closed | records.Revoked | records.Decided]) -> list[Reason]:
    (record,) = (one.record for one in effects if isinstance(one, Write) and isinstance(one.record, kind))
    return [one.reason for one in record.reasons]


def inside(run: Run) -> Run:
    """The same lane at a site whose camera stands within the beams."""
    run.rules = INSIDE
    return run


# ── the zone is empty, or the traveller's own ────────────────────────────────────────────────────────────────────────


def test_somebody_in_the_zone_at_the_decision_refers() -> None:
    run = inspecting()
    run.feed(replace(AT_REST, bodies=1), DocumentRead(CROSSING, recorded().evidence.document))
    effects = run.feed(FaceCompared(CROSSING, recorded().evidence.face))
    assert reasons(effects, records.Decided) == [Reason.ZONE_NOT_EMPTY]


def recorded() -> Any:
    return decided_record()


def test_where_the_camera_stands_inside_two_bodies_still_refer_and_one_waiting_closes_no_lane() -> None:
    run = inside(looking())
    assert reasons(run.feed(replace(AT_REST, bodies=2)), records.Closed) == [Reason.BODIES_SEVERAL]
    for rules, screen in ((INSIDE, Screen.WELCOME), (RULES, Screen.CLOSED)):
        run = inspecting()
        run.state, run.rules = states.Idle(Screen.WELCOME), rules
        run.feed(replace(AT_REST, bodies=1))
        assert run.state == states.Idle(screen)


@pytest.mark.parametrize(
    ("bodies", "camera_inside_zone", "by_officer", "expected"),
    [
        (0, False, False, ()),
        (1, False, False, (Reason.ZONE_NOT_EMPTY,)),
        (1, True, False, ()),
        (1, False, True, ()),
        (2, False, False, (Reason.BODIES_SEVERAL,)),
        (2, True, True, (Reason.BODIES_SEVERAL,)),
    ],
)
def test_how_many_bodies_are_an_objection(
    *, bodies: int, camera_inside_zone: bool, by_officer: bool, expected: tuple[Reason, ...]
) -> None:
    lane = DoorEvidence(0, closed=True, bodies=bodies, grants_left=0, emergency=False)
    policy = replace(RULES.policy, camera_inside_zone=camera_inside_zone)
    assert tuple(one.reason for one in lane_objections(LaneEvidence(lane), policy, by_officer=by_officer)) == expected


def test_a_decision_of_before_this_rule_is_replayed_as_it_was_taken() -> None:
    record = decided_record()
    lane = record.evidence.lane
    assert lane is not None
    body: dict[str, Any] = fields_of(replace(record, evidence=replace(record.evidence, lane=replace(lane, bodies=1))))
    assert replay(body)[1] is False, "today one body in the zone is an objection"
    del body["policy"]["camera_inside_zone"]
    assert replay(body)[1] is True


# ── the attack: somebody else passes ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lost_first", [True, False])
def test_in_whatever_way_the_first_walks_back_the_second_finds_no_grant(*, lost_first: bool) -> None:
    lost: tuple[Event, ...] = (TrackChanged(CROSSING, TrackChange.LOST),) if lost_first else ()
    for gap_ms in (0, 50, 500, 1_999):
        run = granted()
        run.feed(*lost)
        run.feed(IN_ZONE, after_ms=50)
        run.feed(OPEN, after_ms=50)
        run.feed(replace(IN_ZONE, grants_left=0), after_ms=gap_ms)
        effects = run.feed(replace(IN_ZONE, passages_entry=1, grants_left=0), after_ms=300)
        passed = [one.record for one in effects if isinstance(one, Write) and isinstance(one.record, records.Passed)]
        assert [one.how for one in passed] == [records.PassedBy.NOTHING], "nobody passes by this grant"
