"""What belongs to another crossing means nothing to the one that runs: no receipt, face, track, document or failure of it."""

from __future__ import annotations

import pytest
from fakes.passage_examples import CROSSING, GENUINE, SAME_FACE, granted, inspecting, looking, ready, recording

from gate.passage import machine
from gate.passage.effects import Grant, Revoke, StartCrossing
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    FaceCompared,
    GrantFailed,
    Recorded,
    RecordKind,
)

ANOTHER = "another"


@pytest.mark.parametrize("kind", [kind for kind in RecordKind if kind is not RecordKind.OPENED])
def test_only_the_receipt_of_the_opening_touches_the_chip(kind: RecordKind) -> None:
    run = ready()
    run.feed(DocumentPresented(CROSSING))
    assert StartCrossing(CROSSING) not in run.feed(Recorded(CROSSING, kind))
    assert isinstance(run.state, machine.Opening)


@pytest.mark.parametrize("kind", [kind for kind in RecordKind if kind is not RecordKind.DECIDED])
def test_only_the_receipt_of_the_decision_looks_at_the_lane(kind: RecordKind) -> None:
    run = recording()
    assert run.feed(Recorded(CROSSING, kind)) == []
    assert isinstance(run.state, machine.Recording)


def test_a_document_and_a_face_of_two_crossings_are_no_evidence_of_one() -> None:
    run = inspecting()
    run.feed(DocumentRead(ANOTHER, GENUINE), FaceCompared(CROSSING, SAME_FACE))
    assert isinstance(run.state, machine.Inspecting)
    assert run.state.document is None
    run = inspecting()
    run.feed(DocumentRead(CROSSING, GENUINE), FaceCompared(ANOTHER, SAME_FACE))
    assert isinstance(run.state, machine.Inspecting)
    assert run.state.face is None


def test_the_failure_of_another_grant_takes_none_back() -> None:
    run = granted()
    assert Revoke() not in run.feed(GrantFailed(ANOTHER))
    assert Revoke() in run.feed(GrantFailed(CROSSING))


def test_a_look_answers_nobody_elses_receipt() -> None:
    run = looking()
    assert not [one for one in run.feed(Recorded(ANOTHER, RecordKind.DECIDED)) if isinstance(one, Grant)]
    assert isinstance(run.state, machine.Looking)
