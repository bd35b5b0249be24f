"""What happens beside a crossing and needs somebody: a document laid early, a person inside before a closed leaf, a refused lamp."""

from __future__ import annotations

from dataclasses import replace

from fakes.passage_examples import AT_REST, Run, granted

from gate.passage import states
from gate.passage.events import (
    DocumentPresented,
)
from gate.passage.lane import Referral

NEXT = "c2"
THROUGH = replace(AT_REST, passages_entry=1)


def passing() -> Run:
    run = granted()
    run.feed(replace(AT_REST, closed=False, grants_left=1), replace(THROUGH, closed=False))
    assert isinstance(run.state, states.Passing)
    return run


# ── a document laid early ────────────────────────────────────────────────────────────────────────────────────────────


def test_who_waits_for_an_officer_comes_before_a_document_that_was_laid_early() -> None:
    run = passing()
    run.lane = replace(run.lane, waiting=(Referral("c0", ()),))
    run.feed(DocumentPresented(NEXT), THROUGH)
    assert run.state == states.Referred("c0", ())
