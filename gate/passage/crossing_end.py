"""How crossings end before their traveller is through: referred, revoked, in an emergency; and how a lane comes to rest.

Shared by `machine` and `officer_commands`. A crossing that was opened gets its one verdict here (safety invariant 10). One that an officer
admitted has it already, referred: then what fails is the admission, the reasons are recorded as `revoked`, and the referral waits again.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records, states
from gate.passage.conditions import Facts
from gate.passage.effects import Effect, Erase, Revoke, Show, Shown, Write
from gate.passage.lane import LaneContext
from gate.passage.orders import Disposition
from gate.passage.policy import Policy, head_objections, lane_objections, site_objections
from gate.passage.records import ClosedAs, IncidentKind
from gate.passage.states import (
    Rules,
    Running,
    State,
    Step,
    crossing_of,
)
from gate_core.evidence.crossing import Door, LaneEvidence
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.screen import Screen


def incident(crossing: str | None, kind: IncidentKind) -> Write:
    """The record of an incident."""
    return Write(records.Incident(crossing, kind))


def closed(crossing: str, verdict: ClosedAs, objections: tuple[Objection, ...] = ()) -> Write:
    """The record of a crossing's one verdict."""
    return Write(records.Closed(crossing, verdict, objections))


def officers_of(state: State) -> states.Admission | None:
    """The officer's admission that goes on, if one does."""
    if isinstance(state, states.Overruling | states.Looking | states.Granted | states.Entering | states.Passing):
        return state.officers
    return None


def refer(state: Running, objections: tuple[Objection, ...]) -> Step:
    """An officer must help, and hears what was found before that, too."""
    unique = tuple(dict.fromkeys((*_found(state), *objections)))
    if (officers := officers_of(state)) is not None:
        known = officers.referral.objections
        again = states.Referred(state.crossing, tuple(dict.fromkeys((*known, *unique))))
        return again, (Show(Screen.OFFICER), Write(records.Revoked(state.crossing, unique)))
    return states.Referred(state.crossing, unique), (
        Show(_screen_of(unique)),
        Erase(state.crossing, _shown_of(unique)),
        closed(state.crossing, ClosedAs.REFERRED, unique),
    )


def _found(state: Running) -> tuple[Objection, ...]:
    """What speaks against a traveller of whom nothing is closed yet."""
    match state:
        case states.Recording(decision=decision, spoiled=spoiled):
            return (*decision.objections, *spoiled)
        case states.Inspecting(trouble=trouble, spoiled=spoiled):
            return (*spoiled, *(Objection(Reason.CAMERA_TAMPERED, one.value) for one in trouble))
        case _:
            return ()


def _shown_of(objections: tuple[Objection, ...]) -> Shown:
    """What an officer must see who looks at this referral: nothing of whom a gate that only watches would have admitted."""
    if all(one.reason is Reason.SHADOW_MODE for one in objections):
        return Shown.NOTHING
    doubted = any(one.reason in {Reason.LIVENESS_BELOW_BOUND, Reason.CAMERA_TAMPERED} for one in objections)
    return Shown.ALARM if doubted else Shown.PICTURES


def _screen_of(objections: tuple[Objection, ...]) -> Screen:
    """What whoever is referred sees: that another lane serves them, whatever else is found, is no secret of theirs (safety invariant 13)."""
    is_anothers = any(one.reason is Reason.NOT_SERVED for one in objections)
    return Screen.OTHER_LANE if is_anothers else Screen.OFFICER


def revoke(state: states.Granted | states.Passing, objections: tuple[Objection, ...]) -> Step:
    """Take the grant back first, then write it down (safety invariant 2); one that was used, the controller has no more."""
    referred, effects = refer(state, objections)
    written = () if state.officers is not None else (Write(records.Revoked(state.crossing, objections)),)
    incidents = (incident(state.crossing, IncidentKind.of_reason(o.reason)) for o in objections)
    door = Door.LAST if isinstance(state, states.Passing) else state.door
    return referred, (Revoke(door), *written, *incidents, *effects)


def admitted(state: states.Passing) -> Write:
    """The last record of a crossing whose traveller is through."""
    if (officers := state.officers) is not None:
        return Write(records.Settled(state.crossing, officers.said, Disposition.ADMITTED_BY_OFFICER))
    return closed(state.crossing, ClosedAs.ADMITTED)


def begin_emergency(state: State, began: records.EmergencyBegan) -> tuple[states.Emergency, tuple[Effect, ...]]:
    """Show the way out and end the crossing. No closing command: not even `Revoke` (safety invariant 7)."""
    effects: tuple[Effect, ...] = (Show(Screen.EMERGENCY), Write(began))
    objections = (Objection(Reason.EMERGENCY),)
    match state:
        case states.Idle() | states.Referred() | states.Emergency():
            pass
        case states.Passing(in_view=False):
            effects += (admitted(state),)  # who is through is through
        case _ if officers_of(state) is not None:
            effects += (Write(records.Revoked(state.crossing, objections)),)
        case _:
            effects += (Erase(state.crossing), closed(state.crossing, ClosedAs.REFERRED, objections))
    return states.Emergency(said=began.order), effects


def go_on(lane: LaneContext, but: str | None = None) -> Step:
    """What follows a crossing or an emergency: the latest referral that waits, `but` for one that is settled now; else rest."""
    for one in reversed(lane.waiting):
        if one.crossing != but:
            return states.Referred(one.crossing, one.objections), (Show(_screen_of(one.objections)),)
    return rest(lane)


def rest(lane: LaneContext) -> tuple[states.Idle, tuple[Effect, ...]]:
    """Back to idle, with the screen that fits."""
    screen = Screen.WELCOME if lane.in_service() else Screen.CLOSED
    return states.Idle(screen), (Show(screen),)


def find_blockers(rules: Rules, lane: LaneContext, now_ms: int) -> tuple[Objection, ...]:
    """What would refer everybody who came now, whoever it is. An officer who is away is called by the referral: no reason to close."""
    evidence = lane.site_evidence(now_ms)
    found = lane_objections(_as_last_said(lane.lane_evidence(now_ms)), rules.policy, door=lane.doors[0].door)
    site = site_objections(evidence, rules.policy)
    closed_by_rule = rules.book.closings(Facts(direction=lane.direction, local=evidence.local))
    return (*found, *(one for one in site if one.reason is not Reason.OFFICER_ABSENT), *closed_by_rule)


def keeps_closed(
    policy: Policy, lane: LaneContext, door: Door, *, now_ms: int, by_officer: bool
) -> tuple[Objection, ...]:
    """What speaks against opening a door now: the lane, the other door freeing somebody, and for officers the log."""
    found = lane_objections(lane.lane_evidence(now_ms), policy, door=door, by_officer=by_officer)
    freeing = (one for one in lane.doors if one.door is not door and one.freeing is not None)
    told = (Objection(Reason.LANE_NOT_CLOSED, f"{one.door.value} was told to open") for one in freeing)
    return (*found, *told, *(head_objections(lane.site_evidence(now_ms), policy) if by_officer else ()))


def _as_last_said(evidence: LaneEvidence) -> LaneEvidence:
    """However long ago: a barrier or a sensor that falls silent is a lost part."""
    last = None if evidence.last is None else replace(evidence.last, age_ms=0)
    first = None if evidence.first is None else replace(evidence.first, age_ms=0)
    return LaneEvidence(last, first, None if evidence.inside is None else replace(evidence.inside, age_ms=0))


def without_record(state: State, crossing: str | None) -> Step:
    """A record of this crossing was refused for good: nobody is let through on it, neither by the machine nor by an officer.

    A small record stands where the refused one belongs, so the books say that something is missing and how long it was. Whoever is known to be
    through stays so. An officer lets such a traveller pass by other means than the gate (`gate.passage.officer_commands` says so).
    """
    if crossing is None or crossing_of(state) != crossing:
        return state, ()
    objections = (Objection(Reason.RECORD_REPLACED),)
    match state:
        case states.Granted() | states.Passing(in_view=True):
            return revoke(state, objections)
        case states.Idle() | states.Referred() | states.Passing() | states.Emergency():
            return state, ()
        case _:
            return refer(state, objections)
