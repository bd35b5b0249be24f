"""Whose entry or exit a law wants written down: no gate writes it, so an officer serves them, whatever else is in order."""

from __future__ import annotations

import itertools
import json
import string
from dataclasses import replace
from typing import Any

import pytest
from fakes import passage_examples as one
from fakes import two_door_lane as two
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, Run, ordered

from gate.passage.effects import Effect, OpenCamera, Show, Write
from gate.passage.events import DocumentPresented, DocumentRead, FaceCompared, Recorded, RegistersAnswered
from gate.passage.names import RecordKind
from gate.passage.orders import Admit
from gate.passage.policy import Verdict
from gate.passage.records import Decided, EntryDecided
from gate.passage.states import Referred
from gate.programs.lane.records import encode, replay
from gate_core.evidence.crossing import DocumentEvidence
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.registers import Register, RegisterAnswer, RegisterCause, RegisterFinding
from gate_core.evidence.screen import Screen
from gate_core.evidence.service_scope import EU, EVERYBODY, BorderDirection, Travellers
from gate_documents.countries import is_state_code

STATES = [
    code
    for length in (1, 3)
    for letters in itertools.product(string.ascii_uppercase, repeat=length)
    if is_state_code(code := "".join(letters))
]
REGISTER = Register("entry-exit")
# Eligible: registered, with days left to stay. Of nationals whom it is not about, the register is not asked.
ELIGIBLE = RegisterFinding(REGISTER.name, RegisterAnswer.NONE)
NOT_CONCERNED = replace(ELIGIBLE, cause=RegisterCause.NOT_CONCERNED)


def of(nationality: str) -> DocumentEvidence:
    return replace(GENUINE, nationality=nationality)


def is_free(nationality: str) -> bool:
    return nationality in (EU.nationalities or ())


def comes(
    nationality: str,
    *,
    without_record: Travellers = EU,
    served: Travellers = EVERYBODY,
    direction: BorderDirection = BorderDirection.ENTRY,
) -> Run:
    """Whoever it is comes to a lane of one door with nothing against them and is decided on, durably."""
    run = one.ready()
    run.rules = replace(RULES, policy=replace(RULES.policy, without_entry_record=without_record, registers=(REGISTER,)))
    run.lane = replace(run.lane, travellers=served, direction=direction)
    run.feed(AT_REST, DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    finding = NOT_CONCERNED if is_free(nationality) else ELIGIBLE
    run.feed(RegistersAnswered(CROSSING, (finding,)), DocumentRead(CROSSING, of(nationality)))
    run.feed(FaceCompared(CROSSING, SAME_FACE), Recorded(CROSSING, RecordKind.DECIDED))
    return run


def decided(run: Run) -> Decided | EntryDecided:
    found = [effect.record for effect in run.effects if isinstance(effect, Write)]
    return [record for record in found if isinstance(record, Decided | EntryDecided)][-1]


def shown(effects: list[Effect]) -> Screen:
    return [effect.screen for effect in effects if isinstance(effect, Show)][-1]


def body(record: Decided | EntryDecided) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(encode(record))
    return fields


@pytest.mark.parametrize("direction", BorderDirection)
@pytest.mark.parametrize("served", [EVERYBODY, EU], ids=lambda group: group.name)
def test_of_every_state_nobody_is_admitted_but_whose_entry_and_exit_no_law_wants_written(
    served: Travellers, direction: BorderDirection
) -> None:
    verdicts = {state: decided(comes(state, served=served, direction=direction)) for state in STATES}
    admitted = {state for state, record in verdicts.items() if record.decision is Verdict.ADMIT}
    assert admitted == set(EU.nationalities or ())
    assert len(STATES) - len(admitted) > 200
    for state in set(STATES) - admitted:
        mine = Objection(Reason.ENTRY_NOT_WRITTEN, "eu")
        others = () if served.everybody else (Objection(Reason.NOT_SERVED, "eu"),)
        assert verdicts[state].reasons == (*others, mine)


def test_where_no_law_wants_it_everybody_is_admitted_and_no_nationality_is_written() -> None:
    record = decided(comes("CAN", without_record=EVERYBODY))
    assert record.decision is Verdict.ADMIT
    assert record.evidence.document is not None
    assert record.evidence.document.nationality == ""


def test_a_group_of_the_sites_own_may_be_the_one() -> None:
    neighbours = Travellers("neighbours", ("CAN",))
    assert decided(comes("CAN", without_record=neighbours)).decision is Verdict.ADMIT
    assert decided(comes("FRA", without_record=neighbours)).reasons == (
        Objection(Reason.ENTRY_NOT_WRITTEN, "neighbours"),
    )


def test_who_has_no_nationality_may_be_anybody() -> None:
    assert decided(comes("")).reasons == (Objection(Reason.DOCUMENT_CHECK_MISSING, "nationality"),)


def test_they_see_what_every_referred_traveller_sees_and_an_officer_may_admit_them() -> None:
    run = comes("CAN")
    assert isinstance(run.state, Referred)
    assert shown(run.effects) is Screen.OFFICER
    run.feed(ordered(Admit(CROSSING)))
    run.feed(Recorded(CROSSING, RecordKind.OVERRULED))
    run.feed(AT_REST, after_ms=10)
    assert shown(run.effects) is Screen.GO


def test_the_decision_is_taken_again_from_its_record_alone_and_an_older_one_as_it_was() -> None:
    record = decided(comes("CAN"))
    again, same = replay(body(record))
    assert same
    assert again.objections == record.reasons
    older = body(decided(comes("CAN", without_record=EVERYBODY)))
    del older["policy"]["without_entry_record"]
    again, same = replay(older)
    assert (again.verdict, same) == (Verdict.ADMIT, True)


def test_before_two_doors_the_first_one_stays_closed_for_them() -> None:
    run = two.ready()
    run.rules = replace(run.rules, policy=replace(run.rules.policy, without_entry_record=EU))
    run.feed(two.FIRST, two.LAST, two.EMPTY, DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    run.feed(two.FIRST, two.LAST, two.EMPTY, DocumentRead(CROSSING, of("CAN")))
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    assert isinstance(run.state, Referred)
    assert decided(run).reasons == (Objection(Reason.ENTRY_NOT_WRITTEN, "eu"),)
    assert OpenCamera(CROSSING) not in run.effects
