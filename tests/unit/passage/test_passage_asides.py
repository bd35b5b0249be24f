"""What happens beside a crossing and needs somebody: a document laid early, a person inside before a closed leaf, a refused lamp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, RULES, Run, granted, inspecting, ready, referred

from gate.passage import states
from gate.passage.effects import Effect, Show, Write
from gate.passage.events import (
    DocumentPresented,
    DocumentRemoved,
    DoorSeen,
    LampAnswered,
    Part,
    PartBack,
    PartLost,
    Tick,
)
from gate.passage.lane import Referral
from gate.passage.orders import LaneOrder
from gate.passage.records import Closed, ClosedAs, Incident, IncidentKind, Opened
from gate_core.evidence.crossing import Notice
from gate_core.evidence.screen import Screen

NEXT = "c2"
THROUGH = replace(AT_REST, passages_entry=1)
INSIDE = replace(AT_REST, bodies=1)
LONG_MS = RULES.timing.inside_max_ms


def incidents(effects: list[Effect]) -> list[IncidentKind]:
    records = [effect.record for effect in effects if isinstance(effect, Write)]
    return [record.incident for record in records if isinstance(record, Incident)]


def passing() -> Run:
    run = granted()
    run.feed(replace(AT_REST, closed=False, grants_left=1), replace(THROUGH, closed=False))
    assert isinstance(run.state, states.Passing)
    return run


# ── a document laid early ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_document_that_is_laid_while_another_passes_is_told_recorded_and_taken_up_afterwards() -> None:
    """It was passed over, and its traveller stood before WELCOME until they laid it once more."""
    run = passing()
    early = run.feed(DocumentPresented(NEXT))
    assert early == [Show(Screen.WAIT), Write(Incident(CROSSING, IncidentKind.DOCUMENT_EARLY))]
    effects = run.feed(THROUGH)
    written = [effect.record for effect in effects if isinstance(effect, Write)]
    assert [type(record) for record in written] == [Closed, Opened]
    assert written[0].verdict is ClosedAs.ADMITTED  # type: ignore[attr-defined]
    assert Write(Opened(NEXT), awaited=True) in effects
    assert isinstance(run.state, states.Opening)
    assert run.state.crossing == NEXT


def test_of_several_documents_laid_early_the_last_one_is_taken_up_and_one_incident_is_written() -> None:
    run = passing()
    effects = run.feed(DocumentPresented("c2"), DocumentPresented("c3"), DocumentPresented("c4"))
    assert incidents(effects) == [IncidentKind.DOCUMENT_EARLY]
    run.feed(THROUGH)
    assert states.crossing_of(run.state) == "c4"


def test_a_document_that_was_laid_early_and_taken_away_again_opens_nothing() -> None:
    run = passing()
    run.feed(DocumentPresented(NEXT), DocumentRemoved(), THROUGH)
    assert run.state == states.Idle(Screen.WELCOME)


def test_a_document_that_was_laid_early_opens_nothing_in_a_lane_that_an_officer_closed() -> None:
    run = passing()
    run.feed(DocumentPresented(NEXT))
    run.order(LaneOrder.CLOSE)
    run.feed(THROUGH)
    assert run.state == states.Idle(Screen.CLOSED)


def test_a_document_that_was_laid_early_is_taken_up_when_the_lane_does_not_come_to_rest_too() -> None:
    """Its crossing meets what is wrong with the lane by itself, and is referred for it."""
    run = passing()
    run.feed(DocumentPresented(NEXT))
    effects = run.feed(Tick(), after_ms=RULES.timing.passing_max_ms + 1)
    assert IncidentKind.LANE_NOT_CLOSED in incidents(effects)
    assert states.crossing_of(run.state) == NEXT


def test_who_waits_for_an_officer_comes_before_a_document_that_was_laid_early() -> None:
    run = passing()
    run.lane = replace(run.lane, waiting=(Referral("c0", ()),))
    run.feed(DocumentPresented(NEXT), THROUGH)
    assert run.state == states.Referred("c0", ())


# ── somebody inside ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("make", "crossing"), [(ready, None), (referred, CROSSING)])
def test_a_person_who_waits_inside_before_a_closed_leaf_is_told_to_an_officer_once(
    make: Callable[[], Run], crossing: str | None
) -> None:
    run = make()
    assert incidents(run.feed(INSIDE)) == []
    assert incidents(run.feed(INSIDE, after_ms=LONG_MS - 1)) == []
    assert run.lane.notices() == ()
    assert Write(Incident(crossing, IncidentKind.PERSON_INSIDE)) in run.feed(INSIDE, after_ms=1)
    assert run.lane.notices() == (Notice.PERSON_INSIDE,)
    assert incidents(run.feed(INSIDE, after_ms=LONG_MS)) == []
    run.feed(AT_REST)
    assert run.lane.notices() == ()
    run.feed(INSIDE)
    assert incidents(run.feed(INSIDE, after_ms=LONG_MS)) == [IncidentKind.PERSON_INSIDE]


def test_a_person_behind_a_leaf_that_stays_closed_in_an_emergency_is_told_too() -> None:
    run = ready()
    locked_in = replace(INSIDE, fire=True)
    run.feed(locked_in)
    assert incidents(run.feed(locked_in, after_ms=LONG_MS)) == [IncidentKind.PERSON_INSIDE]


@pytest.mark.parametrize("seen", [AT_REST, replace(INSIDE, closed=False)])
def test_who_left_or_stands_in_an_open_leaf_does_not_wait_inside(seen: DoorSeen) -> None:
    run = ready()
    run.feed(INSIDE)
    run.feed(seen, after_ms=LONG_MS - 1)
    assert incidents(run.feed(INSIDE, after_ms=1)) == []


def test_nobody_is_told_of_a_person_whom_a_lost_barrier_saw_last() -> None:
    run = ready()
    run.feed(INSIDE, PartLost(Part.BARRIER), PartBack(Part.BARRIER))
    assert incidents(run.feed(INSIDE, after_ms=LONG_MS)) == []


def test_a_running_crossing_has_its_own_time_and_the_referral_that_follows_tells() -> None:
    run = inspecting()
    run.feed(INSIDE)
    assert incidents(run.feed(INSIDE, after_ms=LONG_MS)) == []
    run.feed(Tick(), after_ms=RULES.timing.crossing_max_ms)
    run.feed(PartLost(Part.LOG))
    assert isinstance(run.state, states.Referred)
    assert incidents(run.feed(INSIDE)) == [IncidentKind.PERSON_INSIDE]


# ── the lamp ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refused_lamp_is_recorded_and_told_until_it_obeys() -> None:
    run = ready()
    assert incidents(run.feed(LampAnswered(shown=False))) == [IncidentKind.LAMP_REFUSED]
    assert run.lane.notices() == (Notice.LAMP_REFUSED,)
    assert run.lane.in_service()
    assert incidents(run.feed(LampAnswered(shown=True))) == []
    assert run.lane.notices() == ()
