"""How crossings end before the passage: referred, revoked, or by an emergency; and how a lane comes to rest.

Used by `machine` and `officer_commands`. A crossing that was opened gets its one verdict here (safety invariant 10). A crossing admitted by an
officer has its verdict, referred, already: if the admission fails, its reasons are recorded as `revoked`, and the referral waits again.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records, states
from gate.passage.conditions import Facts
from gate.passage.effects import Effect, Erase, Revoke, Show, Shown, Write
from gate.passage.lane import LaneContext
from gate.passage.names import ClosedAs, Disposition, IncidentKind
from gate.passage.policy import Policy, head_objections, lane_objections, site_objections
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
    """Return the officer's admission in progress, or None."""
    if isinstance(state, states.Overruling | states.Looking | states.Granted | states.Entering | states.Passing):
        return state.officers
    return None


def refer(state: Running, objections: tuple[Objection, ...]) -> Step:
    """Refer the crossing, with these objections and those found before."""
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
    """Return the objections of a crossing that has no verdict yet."""
    match state:
        case states.Recording(decision=decision, spoiled=spoiled):
            return (*decision.objections, *spoiled)
        case states.Inspecting(trouble=trouble, spoiled=spoiled, removed=removed):
            taken = (Objection(Reason.DOCUMENT_REMOVED),) if removed else ()
            return (*spoiled, *(Objection(Reason.CAMERA_TAMPERED, one.value) for one in trouble), *taken)
        case _:
            return ()


def _shown_of(objections: tuple[Objection, ...]) -> Shown:
    """Return what an officer must see of this referral; nothing if only shadow mode prevented the admission."""
    if all(one.reason is Reason.SHADOW_MODE for one in objections):
        return Shown.NOTHING
    doubted = any(one.reason in {Reason.LIVENESS_BELOW_BOUND, Reason.CAMERA_TAMPERED} for one in objections)
    return Shown.ALARM if doubted else Shown.PICTURES


def _screen_of(objections: tuple[Objection, ...]) -> Screen:
    """Return the screen for a referred traveller. That another lane serves them is no secret, whatever else was found (safety invariant 13)."""
    is_anothers = any(one.reason is Reason.NOT_SERVED for one in objections)
    return Screen.OTHER_LANE if is_anothers else Screen.OFFICER


def revoke(state: states.Granted | states.Passing, objections: tuple[Objection, ...]) -> Step:
    """Take the grant back, then record it (safety invariant 2). If it was used, the controller has none left."""
    referred, effects = refer(state, objections)
    written = () if state.officers is not None else (Write(records.Revoked(state.crossing, objections)),)
    incidents = (incident(state.crossing, IncidentKind.of_reason(o.reason)) for o in objections)
    door = Door.LAST if isinstance(state, states.Passing) else state.door
    return referred, (Revoke(door), *written, *incidents, *effects)


def admitted(state: states.Passing) -> Write:
    """Return the last record of a crossing whose traveller has passed."""
    if (officers := state.officers) is not None:
        return Write(records.Settled(state.crossing, officers.said, Disposition.ADMITTED_BY_OFFICER))
    return closed(state.crossing, ClosedAs.ADMITTED)


def begin_emergency(
    state: State, began: records.EmergencyBegan, found: tuple[Objection, ...]
) -> tuple[states.Emergency, tuple[Effect, ...]]:
    """Show the way out and end the crossing. No closing command: not even `Revoke` (safety invariant 7).

    `found`: the objections of document, registers and face so far. An officer must know them afterwards.
    """
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
            unique = tuple(dict.fromkeys((*found, *_found(state), *objections)))
            effects += (Erase(state.crossing), closed(state.crossing, ClosedAs.REFERRED, unique))
    return states.Emergency(said=began.order), effects


def go_on(lane: LaneContext, but: str | None = None) -> Step:
    """Return the next state after a crossing or an emergency: the latest waiting referral (except `but`, which is being settled), else rest."""
    for one in reversed(lane.waiting):
        if one.crossing != but:
            return states.Referred(one.crossing, one.objections), (Show(_screen_of(one.objections)),)
    return rest(lane)


def rest(lane: LaneContext) -> tuple[states.Idle, tuple[Effect, ...]]:
    """Return to idle, with the appropriate screen."""
    screen = Screen.WELCOME if lane.in_service() else Screen.CLOSED
    return states.Idle(screen), (Show(screen),)


def find_blockers(rules: Rules, lane: LaneContext, now_ms: int) -> tuple[Objection, ...]:
    """Return the objections to every traveller at present. An absent officer is none of them: a referral calls one."""
    evidence = lane.site_evidence(now_ms)
    found = lane_objections(_as_last_said(lane.lane_evidence(now_ms)), rules.policy, door=lane.doors[0].door)
    site = site_objections(evidence, rules.policy)
    closed_by_rule = rules.rule_set.closings(Facts(direction=lane.direction, local=evidence.local))
    return (*found, *(one for one in site if one.reason is not Reason.OFFICER_ABSENT), *closed_by_rule)


def keeps_closed(
    policy: Policy, lane: LaneContext, door: Door, *, now_ms: int, by_officer: bool
) -> tuple[Objection, ...]:
    """Return the objections to opening a door now: the lane's, another door that is freeing a person, and for officers the log's."""
    found = lane_objections(lane.lane_evidence(now_ms), policy, door=door, by_officer=by_officer)
    freeing = (one for one in lane.doors if one.door is not door and one.freeing is not None)
    told = (Objection(Reason.LANE_NOT_CLOSED, f"{one.door.value} was told to open") for one in freeing)
    return (*found, *told, *(head_objections(lane.site_evidence(now_ms), policy) if by_officer else ()))


def _as_last_said(evidence: LaneEvidence) -> LaneEvidence:
    """Return the evidence with age 0: a silent barrier or sensor is reported as a lost part."""
    last = None if evidence.last is None else replace(evidence.last, age_ms=0)
    first = None if evidence.first is None else replace(evidence.first, age_ms=0)
    return LaneEvidence(last, first, None if evidence.inside is None else replace(evidence.inside, age_ms=0))


def without_record(state: State, crossing: str | None, found: tuple[Objection, ...]) -> Step:
    """A record of this crossing was refused permanently: no machine and no officer admits its traveller.

    A small record replaces the refused one: it states that a record is missing, and its length. A traveller known to have passed
    stays admitted. An officer lets others pass by other means than the gate (`gate.passage.officer_commands` states so).
    `found`: the objections of document, registers and face so far.
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
            return refer(state, (*found, *objections))
