"""Maintenance: a technician asks, a supervisor consents, the technician ends it or a supervisor opens the lane."""

from __future__ import annotations

from fakes.passage_examples import CROSSING

from gate.passage import records
from gate.passage.orders import Said
from gate.passage.records import ObeyedVerb
from gate.programs.lane.records import Remembered
from gate_core.evidence.names import Role


def test_a_restart_remembers_maintenance() -> None:
    technician, supervisor = Said("technician-1", Role.TECHNICIAN), Said("supervisor-1", Role.SUPERVISOR)
    told = Remembered().after(records.Obeyed(None, technician, ObeyedVerb.MAINTAIN))
    assert told.maintained_by is None
    told = told.after(records.Obeyed(None, supervisor, ObeyedVerb.CONSENT))
    assert (Remembered.of(told.to_bytes()).maintained_by, told.closed_by) == ("technician-1", "supervisor-1")
    assert told.after(records.Obeyed(None, supervisor, ObeyedVerb.PAUSE)).maintained_by == "technician-1"
    ended = told.after(records.Obeyed(None, technician, ObeyedVerb.CLOSE))
    assert (ended.maintained_by, ended.closed_by) == (None, "technician-1")
    told = told.after(records.Obeyed(CROSSING, supervisor, ObeyedVerb.OPEN))
    assert (told.maintained_by, told.closed_by) == (None, None)
