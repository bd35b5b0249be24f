"""What a lane must not overlook: parts that go, video that is doubted, bodies, emergencies, status that grows old, alarms one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import (
    AT_REST,
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
)

from gate.passage import records, states
from gate.passage.effects import Effect, Release, Revoke, Show, Write
from gate.passage.events import (
    DocumentPresented,
    Part,
    PartBack,
    PartLost,
)
from gate.passage.lane import Referral
from gate.passage.orders import LaneOrder
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen

FIRE = replace(AT_REST, closed=False, fire=True, emergency_open=True)
OPEN = replace(AT_REST, closed=False, grants_left=1)


def passed_by(effects: list[Effect]) -> list[records.PassedBy]:
    return [e.record.how for e in effects if isinstance(e, Write) and isinstance(e.record, records.Passed)]


def passing() -> Run:
    run = granted()
    run.feed(replace(OPEN, grants_left=0, passages_entry=1))
    assert isinstance(run.state, states.Passing)
    return run


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


PASSED = replace(OPEN, grants_left=0, passages_entry=1)


def test_a_document_that_was_laid_early_waits_behind_whoever_waits_for_an_officer() -> None:
    run = granted()
    run.feed(PASSED, DocumentPresented("c2"))
    run.lane = replace(run.lane, waiting=(Referral("c0", (Objection(Reason.EMERGENCY),)),))
    effects = run.feed(replace(AT_REST, passages_entry=1))
    assert run.state == states.Referred("c0", (Objection(Reason.EMERGENCY),))
    assert not any(isinstance(one, Write) and isinstance(one.record, records.Opened) for one in effects)
