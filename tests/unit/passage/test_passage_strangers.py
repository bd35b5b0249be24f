"""What belongs to another crossing means nothing to the one that runs: no receipt, face, track, document or failure of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import two_door_lane
from fakes.passage_examples import (
    CROSSING,
    Run,
    overruling,
    ready,
    recording,
    referred,
)

from gate.passage.draws import Draw
from gate.passage.events import DocumentPresented, DrawDue, Event, Recorded
from gate.passage.names import RecordKind
from gate.passage.orders import Admit, Command, ViewTraveller
from gate_core.evidence.reasons import Reason

# Every state that stands still for a receipt, and the one that ends it. Whether it goes on shows in the state, or in an answer to an officer.
WAITS: dict[str, tuple[Callable[[], Run], RecordKind]] = {
    "opening": (lambda: fed(ready(), DocumentPresented(CROSSING)), RecordKind.OPENED),
    "opening, two doors": (lambda: fed(two_door_lane.ready(), DocumentPresented(CROSSING)), RecordKind.OPENED),
    "recording, the first of two doors": (two_door_lane.let_in, RecordKind.ENTRY_DECIDED),
    "recording, the last of two doors": (two_door_lane.deciding, RecordKind.DECIDED),
    "recording": (recording, RecordKind.DECIDED),
    "overruling": (overruling, RecordKind.OVERRULED),
    "the first of two officers": (lambda: told(of_two(), Admit(CROSSING, seen=True)), RecordKind.WOULD_ADMIT),
    "viewing": (lambda: told(referred(), ViewTraveller(CROSSING)), RecordKind.VIEWED),
    "drawing": (lambda: fed(ready(), DrawDue(Draw("2026-12-01", 10, bytes(32)))), RecordKind.DRAW_COMMITTED),
}


def fed(run: Run, *events: Event) -> Run:
    run.feed(*events)
    return run


def told(run: Run, command: Command) -> Run:
    run.order(command)
    return run


def of_two() -> Run:
    run = referred()
    run.rules = replace(run.rules, two_officers_for=frozenset({Reason.FACE_BELOW_THRESHOLD}))
    return run


def standing(run: Run) -> tuple[object, ...]:
    """What goes on with a receipt, wherever it is kept."""
    lane = run.lane
    return run.state, lane.viewing, lane.first_words, lane.drawing, lane.unanswered


def _of(wait: str) -> str:
    return "" if wait == "drawing" else CROSSING


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("kind", RecordKind)
def test_no_receipt_of_another_record_is_taken_for_the_one_that_is_waited_for(wait: str, kind: RecordKind) -> None:
    """Among them a second one of what was written before: an opening's is no decision's."""
    lane, awaited = WAITS[wait]
    run = lane()
    before = standing(run)
    effects = run.feed(Recorded(_of(wait), kind))
    # Of one crossing the log answers one officer's admission at a time (`LaneContext.unanswered`): no other is on its way.
    admits = {RecordKind.OVERRULED, RecordKind.WOULD_ADMIT}
    if kind is awaited:
        assert standing(run) != before
    elif not {kind, awaited} <= admits:
        assert (effects, standing(run)) == ([], before)
    else:
        assert (effects, run.state, run.lane.first_words) == ([], before[0], before[2])


@pytest.mark.parametrize("wait", WAITS)
def test_a_receipt_that_comes_twice_says_nothing_the_second_time(wait: str) -> None:
    lane, awaited = WAITS[wait]
    run = lane()
    run.feed(Recorded(_of(wait), awaited))
    before = standing(run)
    assert run.feed(Recorded(_of(wait), awaited)) == []
    assert standing(run) == before
