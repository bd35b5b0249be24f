"""Views are answered when their record is durable, and a flag changes nothing but the record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    Run,
    granted_by_officer,
    inspecting,
    ordered,
    ready,
    referred,
    said,
)
from fakes.two_door_lane import entering

from gate.passage import records, states
from gate.passage.effects import Answer, Effect, Write
from gate.passage.events import DocumentPresented, NotRecorded, Part, PartLost, Recorded, RecordKind, Tick
from gate.passage.officer_views import NOT_ANSWERED, NOT_RECORDED, VIEWING_MAX
from gate.passage.orders import Admit, Concern, Disposition, HandOver, Outcome, RaiseFlag, ViewTraveller

VIEWED = Recorded(CROSSING, RecordKind.VIEWED)


def answers(effects: list[Effect]) -> list[Answer]:
    return [effect for effect in effects if isinstance(effect, Answer)]


# ── views ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_view_is_a_record_first_and_answered_by_its_receipt() -> None:
    run = referred()
    before = run.state
    written = run.feed(ordered(ViewTraveller(CROSSING), version=run.lane.version, number=7))
    assert written == [Write(records.Viewed(CROSSING, said()), awaited=True)]
    assert answers(run.feed(Tick(), AT_REST, PartLost(Part.LOG), after_ms=60_000)) == []
    assert run.feed(VIEWED) == [Answer(7, Outcome.DONE)]
    assert run.state == before
    assert run.feed(VIEWED) == []  # once


def test_a_view_that_the_log_refuses_is_answered_no() -> None:
    run = referred()
    run.order(ViewTraveller(CROSSING))
    assert answers(run.feed(NotRecorded(CROSSING, RecordKind.VIEWED))) == [Answer(1, Outcome.IMPOSSIBLE, NOT_RECORDED)]
    assert run.lane.viewing == ()
    assert isinstance(run.state, states.Referred)


@pytest.mark.parametrize("of", [kind for kind in RecordKind if kind is not RecordKind.VIEWED])
def test_the_receipt_of_another_record_answers_no_view(of: RecordKind) -> None:
    run = referred()
    run.order(ViewTraveller(CROSSING))
    assert answers(run.feed(Recorded(CROSSING, of), NotRecorded(CROSSING, of))) == []
    assert answers(run.feed(Recorded("another", RecordKind.VIEWED))) == []
    assert run.lane.viewing == ((CROSSING, 1),)


def test_while_the_log_is_silent_nobody_else_views_that_crossing_and_a_late_receipt_answers_the_first() -> None:
    run = referred()
    run.order(ViewTraveller(CROSSING))
    assert run.order(ViewTraveller(CROSSING), "officer-2") == [Answer(1, Outcome.IMPOSSIBLE, NOT_ANSWERED)]
    run.feed(VIEWED, after_ms=60_000)
    assert run.order(ViewTraveller(CROSSING), "officer-2") == [
        Write(records.Viewed(CROSSING, said("officer-2")), awaited=True)
    ]


def test_only_who_waits_is_viewed() -> None:
    for run in (ready(), inspecting(), granted_by_officer()):
        assert run.order(ViewTraveller(CROSSING)) == [Answer(1, Outcome.IMPOSSIBLE, _why(run))]
    run = referred()
    run.order(HandOver(CROSSING, Disposition.WALKED_BACK), "officer-2")
    assert run.order(ViewTraveller(CROSSING)) == [Answer(1, Outcome.IMPOSSIBLE, "already decided by officer-2")]


def _why(run: Run) -> str:
    officer = run.lane.decided_by(CROSSING)
    return f"already decided by {officer}" if officer else "this crossing does not wait for an officer"


def test_a_view_answers_one_challenge_and_takes_its_own_away() -> None:
    run = referred()
    version = run.lane.version
    run.feed(ordered(ViewTraveller(CROSSING), version=version), VIEWED)
    assert run.lane.version == version + 1
    assert answers(run.feed(ordered(ViewTraveller(CROSSING), version=version)))[0].outcome is Outcome.STALE


def test_whoever_waits_is_viewed_in_an_emergency_too() -> None:
    run = referred()
    run.feed(replace(AT_REST, fire=True))
    assert isinstance(run.state, states.Emergency)
    run.order(ViewTraveller(CROSSING))
    assert run.feed(VIEWED) == [Answer(1, Outcome.DONE)]


def test_the_memory_of_views_has_an_end() -> None:
    run = referred()
    run.lane = replace(run.lane, viewing=tuple((f"c-{number}", number) for number in range(VIEWING_MAX)))
    run.order(ViewTraveller(CROSSING))
    assert len(run.lane.viewing) == VIEWING_MAX
    assert run.lane.viewing[0] == ("c-1", 1)
    assert run.lane.viewing[-1] == (CROSSING, 1)


def test_a_view_whose_receipt_comes_late_admits_nobody() -> None:
    run = referred()
    run.order(ViewTraveller(CROSSING))
    run.order(Admit(CROSSING))
    assert isinstance(run.state, states.Overruling)
    run.feed(VIEWED)
    assert isinstance(run.state, states.Overruling)


# ── flags ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("concern", Concern)
def test_a_flag_is_a_record_and_nothing_else(concern: Concern) -> None:
    for run, crossing in (
        (referred(), CROSSING),
        (inspecting(), CROSSING),
        (entering(), CROSSING),
        (ready(), None),
    ):
        before, version = run.state, run.lane.version
        effects = run.order(RaiseFlag(crossing, concern))
        assert effects == [Write(records.Flagged(crossing, said(), concern)), Answer(1, Outcome.DONE)]
        assert run.state == before
        assert run.lane.version == version + 1


def test_a_flag_over_a_crossing_that_is_over_is_none() -> None:
    run = ready()
    run.feed(DocumentPresented(CROSSING))
    assert run.order(RaiseFlag("another", Concern.CHILD)) == [
        Answer(1, Outcome.IMPOSSIBLE, "this crossing neither runs nor waits")
    ]


def test_whoever_waits_behind_an_emergency_can_be_flagged() -> None:
    run = referred()
    run.feed(replace(AT_REST, fire=True))
    assert answers(run.order(RaiseFlag(CROSSING, Concern.TRAFFICKING)))[0].outcome is Outcome.DONE
