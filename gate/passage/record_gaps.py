"""A crossing of which a record could not be kept: nobody is let through on it, neither by the machine nor by an officer.

A small record stands where the refused one belongs, so the books say that something is missing and how long it was. Whoever is
known to be through stays so. An officer lets such a traveller pass by other means than the gate (`gate.passage.officer_commands` says so).
"""

from __future__ import annotations

from gate.passage.crossing_end import refer, revoke
from gate.passage.states import (
    Emergency,
    Entering,
    Granted,
    Idle,
    Inspecting,
    Looking,
    Opening,
    Overruling,
    Passing,
    Reading,
    Recording,
    Referred,
    State,
    Step,
    crossing_of,
)
from gate_core.evidence.reasons import Objection, Reason


def without_record(state: State, crossing: str | None) -> Step:
    """What becomes of the lane when a record of this crossing was refused for good."""
    if crossing is None or crossing_of(state) != crossing:
        return state, ()
    objections = (Objection(Reason.RECORD_REPLACED),)
    match state:
        case Granted() | Passing(in_view=True):
            return revoke(state, objections)
        case Opening() | Reading() | Inspecting() | Recording() | Overruling() | Looking() | Entering():
            return refer(state, objections)
        case (
            Idle() | Referred() | Passing() | Emergency()
        ):  # pragma: no branch - the type checker proves the match complete
            return state, ()
