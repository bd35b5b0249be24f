"""What each order of an officer does in each state of the lane, and how it is answered.

An order comes here authentic and judged (`gate.orders`, the lane's desk); what matters here is the lane. An order that changes something
raises `Surroundings.version`, and with it every order that answers an older challenge is stale: so none is obeyed twice, and of two
officers' only the first. Presence is idempotent. Freeing people and emergencies are obeyed in every state, at any version
(safety invariants 2 and 8).

An officer overrules what was found about a traveller, never what the lane says of itself.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records
from gate.passage.alarms import acknowledged
from gate.passage.doorway import Told
from gate.passage.effects import (
    Answer,
    Effect,
    EndEmergency,
    LookAtLane,
    Release,
    Write,
)
from gate.passage.endings import begin_emergency, go_on, incident, refer, rest, revoke
from gate.passage.lane import Surroundings
from gate.passage.orders import (
    AcknowledgeAlarms,
    Admit,
    BeginEmergency,
    BePresent,
    CloseLane,
    Disposition,
    EndEmergencyNow,
    Free,
    HandOver,
    Hold,
    Missing,
    OpenLane,
    Ordered,
    Outcome,
)
from gate.passage.policy import lane_objections
from gate.passage.reasons import Objection, Reason
from gate.passage.records import IncidentKind, ObeyedVerb
from gate.passage.states import (
    Admission,
    Emergency,
    Ending,
    Granted,
    Idle,
    Inspecting,
    Looking,
    Opening,
    Overruling,
    Passing,
    Recording,
    Referred,
    Rules,
    State,
    crossing_of,
)

REMEMBERED_MAX = 32  # officers and referrals; the oldest is forgotten

Obeying = tuple[Surroundings, State, tuple[Effect, ...]]


def obey(rules: Rules, around: Surroundings, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Do what an officer ordered, or say why not."""
    stale = ordered.version != around.version
    match ordered.command:
        case BePresent(age_ms):
            around, effects = _present(rules, around, ordered, age_ms, now_ms)
            return around, state, effects
        case Free() | BeginEmergency():
            if stale:
                missing = (*ordered.said.missing, Missing.VERSION)
                ordered = replace(ordered, said=replace(ordered.said, missing=missing))
            return _open_up(rules, around, state, ordered, now_ms)
        case Admit(crossing) | HandOver(crossing) if not _waits(around, state, crossing):
            return around, state, (_not_waiting(around, ordered, crossing),)
        case _ if stale:
            return around, state, (Answer(ordered.number, Outcome.STALE, "the lane moved on: look again"),)
        case Admit(crossing):
            return _admit(rules, around, state, ordered, crossing, now_ms=now_ms)
        case HandOver(crossing, disposition):
            return _settle(around, state, ordered, crossing, disposition)
        case Hold(crossing):
            return _hold(around, state, ordered, crossing)
        case EndEmergencyNow():
            return _end_emergency(around, state, ordered, now_ms)
        case AcknowledgeAlarms():
            return _acknowledge(around, state, ordered, now_ms)
        case CloseLane() | OpenLane():  # pragma: no branch - the type checker proves the match complete
            return _serve_or_not(around, state, ordered)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _done(around: Surroundings, state: State, ordered: Ordered, *effects: Effect) -> Obeying:
    around = replace(around, version=around.version + 1)
    return around, state, (*effects, Answer(ordered.number, Outcome.DONE))


def _on_its_way(around: Surroundings, state: State, ordered: Ordered, *effects: Effect) -> Obeying:
    """The lane began to do it; whoever asks is told what the sensors show."""
    around = replace(around, version=around.version + 1)
    return around, state, (*effects, Answer(ordered.number, Outcome.ORDERED))


def _impossible(around: Surroundings, state: State, ordered: Ordered, why: str) -> Obeying:
    return around, state, (Answer(ordered.number, Outcome.IMPOSSIBLE, why),)


def _not_waiting(around: Surroundings, ordered: Ordered, crossing: str) -> Answer:
    officer = around.decided_by(crossing)
    why = "this crossing does not wait for an officer" if officer is None else f"already decided by {officer}"
    return Answer(ordered.number, Outcome.IMPOSSIBLE, why)


def _decided(around: Surroundings, crossing: str, officer: str) -> Surroundings:
    others = tuple(one for one in around.decided if one[0] != crossing)
    return replace(around, decided=(*others, (crossing, officer))[-REMEMBERED_MAX:])


def _waits(around: Surroundings, state: State, crossing: str) -> bool:
    """True for a referral that nobody has decided, whatever the lane does meanwhile."""
    is_under_way = crossing_of(state) == crossing and not isinstance(state, Referred)
    return around.waits(crossing) is not None and not is_under_way


# ── presence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _present(
    rules: Rules, around: Surroundings, ordered: Ordered, age_ms: int, now_ms: int
) -> tuple[Surroundings, tuple[Effect, ...]]:
    """Presence counts from when it was said. Written when nobody was present, or this officer was not written for a minute."""
    officer, seen_ms, said_ms = ordered.said.officer, around.officer_seen_ms, now_ms - age_ms
    lapsed = seen_ms is None or now_ms - seen_ms > rules.policy.officer_presence_max_s * 1000
    recorded_ms = dict(around.recorded).get(officer)
    due = lapsed or recorded_ms is None or now_ms - recorded_ms >= rules.timing.presence_record_ms
    around = replace(around, officer_seen_ms=said_ms if seen_ms is None else max(seen_ms, said_ms))
    answer = Answer(ordered.number, Outcome.DONE, f"{officer} is present")
    if not due:
        return around, (answer,)
    others = tuple(one for one in around.recorded if one[0] != officer)
    around = replace(around, recorded=(*others, (officer, now_ms))[-REMEMBERED_MAX:])
    return around, (Write(records.Presence(ordered.said)), answer)


# ── referrals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _admit(
    rules: Rules, around: Surroundings, state: State, ordered: Ordered, crossing: str, *, now_ms: int
) -> Obeying:
    """Make it durable that the traveller may pass in spite of everything; the lane is looked at when it is.

    Beside a gate that only watches, the officer admits by their own hand.
    """
    if rules.policy.shadow:
        return _settle(around, state, ordered, crossing, Disposition.ADMITTED_BY_OFFICER)
    referral = around.waits(crossing)
    if referral is None or not isinstance(state, Referred):
        why = "an emergency" if isinstance(state, Emergency) else "another crossing is under way"
        return _impossible(around, state, ordered, why)
    if crossing in around.replaced:
        return _impossible(around, state, ordered, "a record of this crossing could not be kept")
    objections = lane_objections(around.lane_evidence(now_ms), rules.policy, by_officer=True)
    if objections:
        return _impossible(around, state, ordered, f"the lane: {', '.join(o.reason.value for o in objections)}")
    said = ordered.said
    around = replace(_decided(around, referral.crossing, said.officer), officer_seen_ms=now_ms)
    written = Write(records.Overruled(referral.crossing, said, referral.objections), awaited=True)
    admission = Admission(Referred(referral.crossing, referral.objections), said)
    return _on_its_way(around, Overruling(referral.crossing, admission, now_ms), ordered, written)


def _settle(around: Surroundings, state: State, ordered: Ordered, crossing: str, disposition: Disposition) -> Obeying:
    around = _decided(around, crossing, ordered.said.officer)
    settled = Write(records.Settled(crossing, ordered.said, disposition))
    following, shown = go_on(around, crossing) if crossing_of(state) == crossing else (state, ())
    return _done(around, following, ordered, settled, *shown)


def _hold(around: Surroundings, state: State, ordered: Ordered, crossing: str) -> Obeying:
    if crossing_of(state) != crossing:
        return _impossible(around, state, ordered, "this crossing does not run")
    objections = (Objection(Reason.HELD_BY_OFFICER, ordered.said.officer),)
    obeyed = Write(records.Obeyed(crossing, ordered.said, ObeyedVerb.REFER))
    match state:
        case Granted():
            referred, effects = revoke(state, objections)
            return _done(around, referred, ordered, *effects, obeyed)
        case Opening() | Inspecting() | Recording() | Overruling() | Looking():
            referred, effects = refer(state, objections)
            return _done(around, referred, ordered, *effects, obeyed)
        case Idle() | Referred() | Passing() | Emergency():  # pragma: no branch
            why = "the traveller is through" if isinstance(state, Passing) else "this crossing is referred already"
            return _impossible(around, state, ordered, why)


# ── freeing people ───────────────────────────────────────────────────────────────────────────────────────────────────


def _open_up(rules: Rules, around: Surroundings, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    if rules.policy.shadow:
        return _nothing_to_open(around, state, ordered)
    opens = _free if isinstance(ordered.command, Free) else _begin_emergency
    return opens(around, state, ordered, now_ms)


def _nothing_to_open(around: Surroundings, state: State, ordered: Ordered) -> Obeying:
    """A gate that only watches moves no barrier: that is said at once, and the order is on record all the same."""
    crossing = crossing_of(state)
    written = (Write(records.Released(crossing, ordered.said)), incident(crossing, IncidentKind.RELEASE_NOT_SHOWN))
    why = "this gate only watches (mode = shadow) and moves no barrier: open it by hand"
    return around, state, (*written, Answer(ordered.number, Outcome.IMPOSSIBLE, why))


def _free(around: Surroundings, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Free whoever is inside, at once, in every state; a running crossing goes to the officer."""
    crossing = crossing_of(state)
    freed: list[Effect] = [Release(), Write(records.Released(crossing, ordered.said))]
    if around.last.seen is not None and around.last.seen.bodies == 0:
        freed.append(incident(crossing, IncidentKind.RELEASE_OF_NOBODY))
    around = _releasing(around, now_ms)
    objections = (Objection(Reason.RELEASED_BY_OFFICER),)
    match state:
        case Idle() | Referred() | Emergency() | Passing():  # who is through was admitted, and stays so
            return _on_its_way(around, state, ordered, *freed)
        case Granted():
            referred, effects = revoke(state, objections)
            # Revoking closes and releasing opens: the release has the last word.
            return _on_its_way(around, referred, ordered, *effects, *freed)
        case Opening() | Inspecting() | Recording() | Overruling() | Looking():  # pragma: no branch
            referred, effects = refer(state, objections)
            return _on_its_way(around, referred, ordered, *freed, *effects)


def _releasing(around: Surroundings, now_ms: int) -> Surroundings:
    return around.with_doorway(replace(around.last, released_ms=now_ms, freeing=Told(now_ms, now_ms)))


def _begin_emergency(around: Surroundings, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Open and keep open: a controller has no emergency of the host's, so it is told to release again and again."""
    around = _releasing(around, now_ms)
    if isinstance(state, Emergency) and state.held_ms is not None:
        return _on_its_way(around, Emergency(held_ms=now_ms), ordered, Release())
    _, effects = begin_emergency(state, records.EmergencyBegan(crossing_of(state), ordered.said))
    return _on_its_way(around, Emergency(held_ms=now_ms), ordered, Release(), *effects)


def _end_emergency(around: Surroundings, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Only when the input is clear, and that is known (safety invariant 7)."""
    if not isinstance(state, Emergency):
        return _impossible(around, state, ordered, "there is no emergency")
    if around.last.seen is None or around.last.seen.fire:
        return _impossible(around, state, ordered, "the fire input is active, or nobody knows")
    # It is over, and written, when a status from now on says so. One that the controller knows nothing of, it agrees on with its next.
    told = EndEmergency() if around.emergency() else LookAtLane()
    return _on_its_way(around, replace(state, ending=Ending(ordered.said, now_ms, now_ms)), ordered, told)


# ── the lane ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _acknowledge(around: Surroundings, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    if around.last.seen is None:
        return _impossible(around, state, ordered, "the barrier does not answer")
    if not around.alarms:
        return _impossible(around, state, ordered, "there is no alarm")
    seen = tuple(one.alarm for one in around.alarms)
    obeyed = Write(records.Obeyed(crossing_of(state), ordered.said, ObeyedVerb.ACKNOWLEDGE, seen))
    around, effects = acknowledged(around, now_ms)
    return _on_its_way(around, state, ordered, *effects, obeyed)


def _serve_or_not(around: Surroundings, state: State, ordered: Ordered) -> Obeying:
    """Take the lane out of service, or back in. Who is inside goes on to the end."""
    close = isinstance(ordered.command, CloseLane)
    if close is (around.closed_by is not None):
        why = f"closed already by {around.closed_by}" if close else "no officer closed this lane"
        return _impossible(around, state, ordered, why)
    around = replace(around, closed_by=ordered.said.officer if close else None)
    obeyed = Write(records.Obeyed(None, ordered.said, ObeyedVerb.CLOSE if close else ObeyedVerb.OPEN))
    if isinstance(state, Idle):
        resting, shown = rest(around)
        return _done(around, resting, ordered, *shown, obeyed)
    return _done(around, state, ordered, obeyed)
