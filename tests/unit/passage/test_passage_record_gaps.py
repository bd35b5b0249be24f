"""A crossing of which a record was refused for good is granted to nobody, and the officer hears of it once."""

from __future__ import annotations

import pytest
from fakes.passage_examples import (
    AT_REST,
    CROSSING,
    Run,
    granted,
    granted_by_officer,
    inspecting,
    looking,
    overruling,
    ready,
    recording,
    referred,
    said,
)

from gate.passage import machine, records, states
from gate.passage.effects import Answer, Effect, Grant, Revoke, Write
from gate.passage.events import DocumentPresented, Recorded, RecordReplaced
from gate.passage.lane import REPLACED_MAX, LaneContext
from gate.passage.names import Disposition, IncidentKind, Outcome, RecordKind
from gate.passage.orders import Admit
from gate.programs.lane.records import REPLACED_MAX as REMEMBERED_MAX
from gate.programs.lane.records import Remembered
from gate_core.evidence.reasons import Reason

REPLACED = RecordReplaced(CROSSING, RecordKind.INCIDENT)


def opening() -> Run:
    run = ready()
    run.feed(DocumentPresented(CROSSING))
    return run


def alarms(effects: list[Effect]) -> list[str | None]:
    written = [effect.record for effect in effects if isinstance(effect, Write)]
    return [
        record.crossing
        for record in written
        if isinstance(record, records.Incident) and record.incident is IncidentKind.RECORD_REFUSED
    ]


@pytest.mark.parametrize("make", [opening, inspecting, recording, looking, overruling, granted, granted_by_officer])
def test_a_running_crossing_of_which_a_record_is_missing_is_referred(make: object) -> None:
    run: Run = make()  # type: ignore[operator]
    was_granted = isinstance(run.state, states.Granted)
    effects = run.feed(REPLACED)
    assert (effects[0] == Revoke()) is was_granted
    assert isinstance(run.state, states.Referred)
    assert Reason.RECORD_REPLACED in {one.reason for one in run.state.objections}
    assert alarms(effects) == [CROSSING]


@pytest.mark.parametrize("make", [opening, inspecting, recording, looking, overruling, referred, granted])
def test_neither_the_machine_nor_an_officer_grants_it_whatever_comes_afterwards(make: object) -> None:
    run: Run = make()  # type: ignore[operator]
    run.feed(REPLACED)
    later = [*run.feed(*(Recorded(CROSSING, kind) for kind in RecordKind), AT_REST), *run.order(Admit(CROSSING))]
    assert later[-1] == Answer(1, Outcome.IMPOSSIBLE, "a record of this crossing could not be kept")
    later += run.feed(Recorded(CROSSING, RecordKind.OVERRULED), AT_REST)
    assert not any(isinstance(effect, Grant) for effect in later)


def test_an_earlier_runs_crossing_of_which_a_record_is_missing_is_granted_to_nobody_either() -> None:
    run = Run(lane=LaneContext(replaced=(CROSSING,)), state=machine.start((CROSSING,))[0])
    run.feed(AT_REST)
    (answer,) = run.order(Admit(CROSSING))
    assert isinstance(answer, Answer)
    assert answer.outcome is Outcome.IMPOSSIBLE


def test_so_many_crossings_are_remembered() -> None:
    run = ready()
    run.feed(*(RecordReplaced(f"c{number}", RecordKind.INCIDENT) for number in range(REPLACED_MAX + 1)))
    assert run.lane.replaced == tuple(f"c{number}" for number in range(1, REPLACED_MAX + 1))


def test_a_crossing_that_waits_is_never_forgotten_however_many_records_the_log_refuses() -> None:
    """A log that refused 32 records made the lane forget it: an officer's admission of it was granted."""
    run = referred()
    run.feed(RecordReplaced(CROSSING, RecordKind.INCIDENT))
    run.feed(*(RecordReplaced(f"c{number}", RecordKind.INCIDENT) for number in range(2 * REPLACED_MAX)))
    assert len(run.lane.replaced) == REPLACED_MAX
    run.feed(AT_REST)
    assert run.order(Admit(CROSSING))[-1] == Answer(
        1, Outcome.IMPOSSIBLE, "a record of this crossing could not be kept"
    )


def test_a_crossing_of_which_many_records_are_refused_takes_one_place() -> None:
    run = ready()
    run.feed(RecordReplaced("first", RecordKind.INCIDENT))
    run.feed(*(RecordReplaced("again", RecordKind.INCIDENT) for _ in range(REPLACED_MAX)))
    assert run.lane.replaced == ("first", "again")
    known = Remembered().without_record("first")
    for _ in range(REMEMBERED_MAX):
        known = known.without_record("again")
    assert known.replaced == ("first", "again")


def test_the_log_forgets_a_settled_crossing_so_that_one_that_waits_keeps_its_place() -> None:
    """Six places: after six settled crossings a new start forgot the one that waited, and its officer's admission was granted."""
    known = Remembered().without_record(CROSSING)
    for number in range(2 * REMEMBERED_MAX):
        known = known.without_record(f"other{number}")
        known = known.after(records.Settled(f"other{number}", said("officer-1"), Disposition.TAKEN_OVER))
    assert known.replaced == (CROSSING,)
