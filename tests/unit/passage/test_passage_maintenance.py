"""Maintenance: a technician asks, a supervisor consents, an officer opens the lane again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, Run, granted, inspecting, ready, referred
from fakes.two_door_lane import ALONE, EMPTY
from fakes.two_door_lane import ready as two_doors_ready

from gate.passage import records, states
from gate.passage.effects import Answer, Effect, Write
from gate.passage.events import DocumentPresented
from gate.passage.orders import LaneOrder, Outcome, Said
from gate.passage.records import IncidentKind, ObeyedVerb
from gate.programs.lane.records import Remembered
from gate_core.evidence.crossing import Alarm
from gate_core.evidence.names import Role
from gate_core.evidence.screen import Screen


def answer(effects: list[Effect]) -> Outcome:
    """How an order was answered."""
    (said,) = (effect for effect in effects if isinstance(effect, Answer))
    return said.outcome


def maintained() -> Run:
    """A lane on which a technician works."""
    run = ready()
    assert answer(run.order(LaneOrder.MAINTAIN, "technician-1")) is Outcome.DONE
    assert answer(run.order(LaneOrder.CONSENT, "supervisor-1")) is Outcome.DONE
    return run


def test_a_technician_asks_and_a_supervisor_consents() -> None:
    run = ready()
    run.order(LaneOrder.MAINTAIN, "technician-1")
    assert run.state == states.Idle(Screen.WELCOME), "to ask closes nothing"
    run.order(LaneOrder.CONSENT, "supervisor-1")
    assert run.state == states.Idle(Screen.CLOSED)
    assert (run.lane.maintained_by, run.lane.closed_by) == ("technician-1", "supervisor-1")
    run.feed(DocumentPresented("c2"))
    assert run.state == states.Idle(Screen.CLOSED)
    verbs = [e.record.verb for e in run.effects if isinstance(e, Write) and isinstance(e.record, records.Obeyed)]
    assert verbs == [ObeyedVerb.MAINTAIN, ObeyedVerb.CONSENT]


def test_nobody_consents_to_what_was_not_asked_or_long_ago_or_to_their_own_wish() -> None:
    run = ready()
    assert answer(run.order(LaneOrder.CONSENT, "supervisor-1")) is Outcome.IMPOSSIBLE
    run.order(LaneOrder.MAINTAIN, "technician-1")
    assert answer(run.order(LaneOrder.CONSENT, "technician-1")) is Outcome.IMPOSSIBLE
    after_ms = run.rules.timing.consent_max_ms + 1
    assert answer(run.order(LaneOrder.CONSENT, "supervisor-1", after_ms=after_ms)) is Outcome.IMPOSSIBLE
    assert run.lane.maintained_by is None


def test_a_consent_in_time_is_a_consent() -> None:
    run = ready()
    run.order(LaneOrder.MAINTAIN, "technician-1")
    assert (
        answer(run.order(LaneOrder.CONSENT, "supervisor-1", after_ms=run.rules.timing.consent_max_ms)) is Outcome.DONE
    )


@pytest.mark.parametrize("stage", [inspecting, granted, referred])
def test_no_lane_is_maintained_while_somebody_is_in_it_or_waits(stage: object) -> None:
    assert callable(stage)
    run: Run = stage()
    assert answer(run.order(LaneOrder.MAINTAIN, "technician-1")) is Outcome.IMPOSSIBLE


def test_no_lane_of_two_doors_is_maintained_while_somebody_may_be_inside() -> None:
    for seen, outcome in (
        (EMPTY, Outcome.DONE),
        (ALONE, Outcome.IMPOSSIBLE),
        (replace(EMPTY, people=None), Outcome.IMPOSSIBLE),
    ):
        run = two_doors_ready()
        run.feed(seen)
        assert answer(run.order(LaneOrder.MAINTAIN, "technician-1")) is outcome


def test_a_lane_that_is_maintained_is_not_maintained_twice() -> None:
    assert answer(maintained().order(LaneOrder.MAINTAIN, "technician-2")) is Outcome.IMPOSSIBLE


def test_alarms_of_a_maintained_lane_are_written_and_wait_for_nobody() -> None:
    forced = replace(AT_REST, alarms=(Alarm.FORCED,))
    for run, waits in ((maintained(), False), (ready(), True)):
        effects = run.feed(forced)
        written = [e.record for e in effects if isinstance(e, Write) and isinstance(e.record, records.Incident)]
        assert [(one.incident, one.waits) for one in written] == [(IncidentKind.FORCED, waits)]


def test_a_technician_may_open_the_cabinet() -> None:
    opened = replace(EMPTY, cabinet_open=True)
    for run, said in ((maintained(), []), (ready(), [IncidentKind.CABINET_OPEN])):
        effects = run.feed(opened)
        written = [e.record for e in effects if isinstance(e, Write) and isinstance(e.record, records.Incident)]
        assert [one.incident for one in written] == said


@pytest.mark.parametrize("command", [LaneOrder.OPEN, LaneOrder.CLOSE])
def test_maintenance_ends_when_the_lane_is_opened_again(command: LaneOrder) -> None:
    run = maintained()
    outcome = answer(run.order(command, "officer-1"))
    assert outcome is (Outcome.DONE if (command is LaneOrder.OPEN) else Outcome.IMPOSSIBLE)
    assert (run.lane.maintained_by is None) is (command is LaneOrder.OPEN)


def test_a_restart_remembers_maintenance() -> None:
    technician, supervisor = Said("technician-1", Role.TECHNICIAN), Said("supervisor-1", Role.SUPERVISOR)
    told = Remembered().after(records.Obeyed(None, technician, ObeyedVerb.MAINTAIN))
    assert told.maintained_by is None
    told = told.after(records.Obeyed(None, supervisor, ObeyedVerb.CONSENT))
    assert (Remembered.of(told.to_bytes()).maintained_by, told.closed_by) == ("technician-1", "supervisor-1")
    told = told.after(records.Obeyed(CROSSING, supervisor, ObeyedVerb.OPEN))
    assert (told.maintained_by, told.closed_by) == (None, None)
