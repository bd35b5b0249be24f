"""Views are answered when their record is durable, and a flag changes nothing but the record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import (
    CROSSING,
    Run,
    granted_by_officer,
    inspecting,
    ready,
    referred,
    said,
)
from fakes.two_door_lane import entering

from gate.passage import records
from gate.passage.effects import Answer, Effect, Write
from gate.passage.events import NotRecorded, Recorded
from gate.passage.names import Concern, Disposition, Outcome, RecordKind
from gate.passage.officer_views import VIEWING_MAX
from gate.passage.orders import HandOver, RaiseFlag, ViewTraveller


def answers(effects: list[Effect]) -> list[Answer]:
    return [effect for effect in effects if isinstance(effect, Answer)]


# ── views ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("of", [kind for kind in RecordKind if kind is not RecordKind.VIEWED])
def test_the_receipt_of_another_record_answers_no_view(of: RecordKind) -> None:
    run = referred()
    run.order(ViewTraveller(CROSSING))
    assert answers(run.feed(Recorded(CROSSING, of), NotRecorded(CROSSING, of))) == []
    assert answers(run.feed(Recorded("another", RecordKind.VIEWED))) == []
    assert run.lane.viewing == ((CROSSING, 1),)


def test_only_who_waits_is_viewed() -> None:
    for run in (ready(), inspecting(), granted_by_officer()):
        assert run.order(ViewTraveller(CROSSING)) == [Answer(1, Outcome.IMPOSSIBLE, _why(run))]
    run = referred()
    run.order(HandOver(CROSSING, Disposition.WALKED_BACK), "officer-2")
    assert run.order(ViewTraveller(CROSSING)) == [Answer(1, Outcome.IMPOSSIBLE, "already decided by officer-2")]


def _why(run: Run) -> str:
    officer = run.lane.decided_by(CROSSING)
    return f"already decided by {officer}" if officer else "this crossing does not wait for an officer"


def test_the_memory_of_views_has_an_end() -> None:
    run = referred()
    run.lane = replace(run.lane, viewing=tuple((f"c-{number}", number) for number in range(VIEWING_MAX)))
    run.order(ViewTraveller(CROSSING))
    assert len(run.lane.viewing) == VIEWING_MAX
    assert run.lane.viewing[0] == ("c-1", 1)
    assert run.lane.viewing[-1] == (CROSSING, 1)


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
