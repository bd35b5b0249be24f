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
    granted_by_officer,
    inspecting,
    looking,
    overruling,
    recording,
    referred,
)

from gate.passage import records, states
from gate.passage.effects import Answer, Effect, Grant, Revoke, Write
from gate.passage.events import DocumentRead, Event, FaceCompared, Recorded, RecordKind, Tick, TrackChange, TrackChanged
from gate.passage.orders import Admit, Outcome
from gate.passage.policy import lane_objections
from gate.passage.records import IncidentKind
from gate.programs.lane.records import fields_of, replay
from gate_core.evidence.crossing import DoorEvidence, LaneEvidence
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen

OPEN = replace(AT_REST, closed=False, grants_left=1)
IN_ZONE = replace(OPEN, bodies=1)
INSIDE = replace(RULES, policy=replace(RULES.policy, camera_inside_zone=True))


def reasons(effects: list[Effect], kind: type[records.Closed | records.Revoked | records.Decided]) -> list[Reason]:
    (record,) = (one.record for one in effects if isinstance(one, Write) and isinstance(one.record, kind))
    return [one.reason for one in record.reasons]


def incidents(effects: list[Effect]) -> list[IncidentKind]:
    found = [one.record for one in effects if isinstance(one, Write) and isinstance(one.record, records.Incident)]
    return [record.incident for record in found]


def inside(run: Run) -> Run:
    """The same lane at a site whose camera stands within the beams."""
    run.rules = INSIDE
    return run


# ── the body that stepped in is the one that goes on ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lane", [granted, granted_by_officer])
def test_one_who_stepped_in_and_walked_back_loses_the_grant_at_once_and_nobody_passes_on_it(lane: Any) -> None:
    run = lane()
    run.feed(IN_ZONE, after_ms=50)
    effects = run.feed(OPEN, after_ms=50)
    assert effects[0] == Revoke()
    assert reasons(effects, records.Revoked) == [Reason.WALKED_BACK]
    assert isinstance(run.state, states.Referred)
    somebody = run.feed(replace(IN_ZONE, grants_left=0), replace(IN_ZONE, passages_entry=1, grants_left=0))
    assert IncidentKind.PASSAGE_BEYOND_GRANT in incidents(somebody)


def test_nobody_who_walks_back_while_the_camera_still_sees_a_face_keeps_the_grant() -> None:
    """The camera held the face all the while, so only the beams could tell."""
    run = granted()
    run.feed(IN_ZONE)
    assert IncidentKind.WALKED_BACK in incidents(run.feed(OPEN))


def test_one_who_goes_through_leaves_the_zone_by_a_passage_and_is_admitted() -> None:
    run = granted()
    run.feed(IN_ZONE, IN_ZONE)
    run.feed(replace(OPEN, passages_entry=1, grants_left=0))
    assert isinstance(run.state, states.Passing)


def test_one_quicker_than_the_poll_is_seen_by_the_counter_alone_and_is_admitted() -> None:
    run = granted()
    run.feed(replace(AT_REST, closed=False, passages_entry=1))
    assert isinstance(run.state, states.Passing)


def test_one_who_has_not_stepped_in_yet_may_take_their_time() -> None:
    run = granted()
    assert run.feed(OPEN, Tick(), OPEN, after_ms=5_000) == []


# ── the zone is empty, or the traveller's own ────────────────────────────────────────────────────────────────────────


def test_somebody_in_the_zone_at_the_decision_refers() -> None:
    run = inspecting()
    run.feed(replace(AT_REST, bodies=1), DocumentRead(CROSSING, recorded().evidence.document))
    effects = run.feed(FaceCompared(CROSSING, recorded().evidence.face))
    assert reasons(effects, records.Decided) == [Reason.ZONE_NOT_EMPTY]


def recorded() -> Any:
    return decided_record()


def test_somebody_who_stepped_in_after_the_decision_refers_at_the_look() -> None:
    effects = looking().feed(replace(AT_REST, bodies=1))
    assert reasons(effects, records.Closed) == [Reason.ZONE_NOT_EMPTY]
    assert not any(isinstance(effect, Grant) for effect in effects)


def test_where_the_camera_stands_inside_one_body_is_the_travellers_and_must_stay() -> None:
    run = inside(recording())
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    assert any(isinstance(effect, Grant) for effect in run.feed(replace(AT_REST, bodies=1)))
    assert run.state == states.Granted(CROSSING, run.now_ms, entered=True)
    effects = run.feed(OPEN)
    assert reasons(effects, records.Revoked) == [Reason.WALKED_BACK]


def test_where_the_camera_stands_inside_two_bodies_still_refer_and_one_waiting_closes_no_lane() -> None:
    run = inside(looking())
    assert reasons(run.feed(replace(AT_REST, bodies=2)), records.Closed) == [Reason.BODIES_SEVERAL]
    for rules, screen in ((INSIDE, Screen.WELCOME), (RULES, Screen.CLOSED)):
        run = inspecting()
        run.state, run.rules = states.Idle(Screen.WELCOME), rules
        run.feed(replace(AT_REST, bodies=1))
        assert run.state == states.Idle(screen)


def test_an_officer_admits_one_who_stands_in_the_zone_but_not_two() -> None:
    run = referred()
    run.feed(replace(AT_REST, bodies=2))
    assert outcome(run.order(Admit(CROSSING))) is Outcome.IMPOSSIBLE
    run.feed(replace(AT_REST, bodies=1))
    assert outcome(run.order(Admit(CROSSING))) is Outcome.ORDERED
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    assert any(isinstance(effect, Grant) for effect in run.feed(replace(AT_REST, bodies=1)))
    assert reasons(run.feed(OPEN), records.Revoked) == [Reason.WALKED_BACK]


def outcome(effects: list[Effect]) -> Outcome:
    return next(effect for effect in effects if isinstance(effect, Answer)).outcome


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


# ── somebody comes the other way ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lane", [granted, granted_by_officer])
def test_somebody_who_comes_out_takes_the_grant_back(lane: Any) -> None:
    run = lane()
    effects = run.feed(replace(IN_ZONE, passages_exit=1))
    assert effects[0] == Revoke()
    assert reasons(effects, records.Revoked) == [Reason.REVERSE_PASSAGE]
    assert IncidentKind.REVERSE_PASSAGE in incidents(effects)


@pytest.mark.parametrize("lane", [recording, looking, overruling])
def test_somebody_who_comes_out_before_the_grant_takes_the_admission_away(lane: Any) -> None:
    run = lane()
    run.feed(replace(AT_REST, passages_exit=1))
    run.feed(Recorded(CROSSING, RecordKind.DECIDED), replace(AT_REST, passages_exit=1))
    assert isinstance(run.state, states.Referred)
    assert Objection(Reason.REVERSE_PASSAGE) in run.state.objections
    assert not any(isinstance(effect, Grant) for effect in run.effects)


def test_every_objection_of_the_beams_is_told_together() -> None:
    run = granted()
    effects = run.feed(replace(OPEN, bodies=2, passages_exit=1))
    assert reasons(effects, records.Revoked) == [Reason.REVERSE_PASSAGE, Reason.BODIES_SEVERAL]


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
