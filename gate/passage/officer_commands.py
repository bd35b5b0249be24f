"""The effect of each officer's order in each state of the lane, and its answer.

Orders arrive here authentic and permitted (`gate_core.orders`, `gate.programs.lane.officers`); this module considers the lane. An
order that changes something raises `LaneContext.version`, which makes every order for an older challenge stale: so none
is carried out twice, and only the first of two officers' orders counts. Presence is idempotent. Orders to free people
and emergencies are carried out in every state, at any version (safety invariants 2 and 8).

An officer overrules objections to a traveller, never those to the lane.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from gate.passage import misuse, orders, records, states, two_officers
from gate.passage.alarms import acknowledged
from gate.passage.crossing_end import begin_emergency, go_on, incident, keeps_closed, rest, revoke
from gate.passage.decision_stage import end_crossing, found
from gate.passage.door_state import PendingOrder
from gate.passage.effects import Answer, Effect, EndEmergency, LookAtLane, Release, Revoke, Write
from gate.passage.events import Part
from gate.passage.interior import Waits
from gate.passage.lane import FirstWord, LaneContext, Referral
from gate.passage.names import Disposition, IncidentKind, Outcome
from gate.passage.officer_views import NOT_ANSWERED, view
from gate.passage.orders import LaneOrder, Ordered
from gate.passage.records import ObeyedVerb
from gate.passage.states import (
    State,
    Turn,
    crossing_of,
)
from gate_core.evidence.crossing import Door
from gate_core.evidence.names import Head, Role
from gate_core.evidence.reasons import Objection, Reason

OCCUPIED: Final = "somebody is in the lane, or waits for an officer"
NOT_SHUT: Final = "a door is not seen closed with nobody in its way"
REMEMBERED_MAX: Final = 32  # officers and referrals; the oldest is forgotten

Obeying = tuple[LaneContext, State, tuple[Effect, ...]]


def obey(turn: Turn, ordered: Ordered) -> Obeying:
    """Carry out an officer's order, or answer why not."""
    command = ordered.command
    if command in {LaneOrder.RELEASE, LaneOrder.OPEN_EMERGENCY}:
        return _open_up(turn, ordered)
    if not isinstance(command, orders.BePresent) and (refusal := _refusal(turn, ordered)) is not None:
        return turn.lane, turn.state, (refusal,)
    match command:
        case orders.BePresent():
            return _present(turn, ordered, command)
        case orders.Admit():
            return _admit(turn, ordered, command)
        case orders.HandOver(crossing, disposition):
            return _settle(turn, ordered, crossing, disposition)
        case orders.Hold(crossing):
            return _hold(turn, ordered, crossing)
        case orders.ViewTraveller(crossing):
            return _view(turn, ordered, crossing)
        case orders.RaiseFlag():
            return _flag(turn, ordered, command)
        case orders.ServeDirection() | orders.ServeTravellers():
            return _switch(turn, ordered, command)
        case LaneOrder():  # pragma: no branch - the type checker proves the match complete
            return _OF_THE_LANE[command](turn, ordered)


def _refusal(turn: Turn, ordered: Ordered) -> Answer | None:
    """Return why an order is not considered: its crossing does not wait, or the lane has changed since."""
    command = ordered.command
    if isinstance(command, orders.Admit | orders.HandOver | orders.ViewTraveller):
        crossing = command.crossing
        is_under_way = crossing_of(turn.state) == crossing and not isinstance(turn.state, states.Referred)
        if turn.lane.waits(crossing) is None or is_under_way:
            officer = turn.lane.decided_by(crossing)
            why = "this crossing does not wait for an officer" if officer is None else f"already decided by {officer}"
            return Answer(ordered.number, Outcome.IMPOSSIBLE, why)
    if ordered.version != turn.lane.version:
        return Answer(ordered.number, Outcome.STALE, "the lane moved on: look again")
    return None


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _done(
    turn: Turn,
    ordered: Ordered,
    *effects: Effect,
    lane: LaneContext | None = None,
    state: State | None = None,
    outcome: Outcome = Outcome.DONE,
) -> Obeying:
    """Return the result of an order that is done, with the lane and state after it."""
    lane = lane or turn.lane
    return replace(lane, version=lane.version + 1), state or turn.state, (*effects, Answer(ordered.number, outcome))


# The lane began to carry it out; the officer is answered with what the sensors show.
_on_its_way = partial(_done, outcome=Outcome.ORDERED)


def _impossible(turn: Turn, ordered: Ordered, why: str) -> Obeying:
    return turn.lane, turn.state, (Answer(ordered.number, Outcome.IMPOSSIBLE, why),)


def _decided(lane: LaneContext, crossing: str, officer: str) -> LaneContext:
    others = tuple(one for one in lane.decided if one[0] != crossing)
    return replace(lane, decided=(*others, (crossing, officer))[-REMEMBERED_MAX:])


# ── presence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _present(turn: Turn, ordered: Ordered, present: orders.BePresent) -> Obeying:
    """Update presence from the time that it was reported for. Recorded if nobody was present, or this officer was not recorded for a minute."""
    lane, rules, now_ms = turn.lane, turn.rules, turn.now_ms
    officer, seen_ms, said_ms = ordered.said.officer, lane.officer_seen_ms, now_ms - present.age_ms
    lapsed = seen_ms is None or now_ms - seen_ms > rules.policy.officer_presence_max_s * 1000
    recorded_ms = dict(lane.recorded).get(officer)
    due = lapsed or recorded_ms is None or now_ms - recorded_ms >= rules.timing.presence_record_ms
    lane = replace(lane, officer_seen_ms=said_ms if seen_ms is None else max(seen_ms, said_ms))
    answer = Answer(ordered.number, Outcome.DONE, f"{officer} is present")
    if not due:
        return lane, turn.state, (answer,)
    others = tuple(one for one in lane.recorded if one[0] != officer)
    lane = replace(lane, recorded=(*others, (officer, now_ms))[-REMEMBERED_MAX:])
    return lane, turn.state, (Write(records.Presence(ordered.said)), answer)


# ── referrals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _admit(turn: Turn, ordered: Ordered, admit: orders.Admit) -> Obeying:
    """Record that the traveller may pass; the lane is checked afterwards. In shadow mode this settles the referral."""
    lane, rules, crossing, said = turn.lane, turn.rules, admit.crossing, ordered.said
    if rules.policy.shadow:
        return _settle(turn, ordered, crossing, Disposition.ADMITTED_BY_OFFICER)
    referral = lane.waits(crossing)
    if referral is None or not isinstance(turn.state, states.Referred):
        why = "an emergency" if isinstance(turn.state, states.Emergency) else "another crossing is under way"
        return _impossible(turn, ordered, why)
    if lane.maintained_by is not None:  # a grant would move the leaf at which they work
        return _impossible(turn, ordered, f"{lane.maintained_by} works on this lane")
    if crossing in lane.replaced:
        return _impossible(turn, ordered, "a record of this crossing could not be kept")
    if crossing in lane.unanswered:  # its receipt would be taken for that of another officer's order
        return _impossible(turn, ordered, "the log has not answered for the admission before this one")
    first = lane.first_word(crossing)
    if two_officers.are_needed(rules, referral) and not (admit.seen and two_officers.is_seconded(first, ordered)):
        return _one_more(turn, ordered, admit, referral)
    # The door where the traveller stands: with two doors the first, unless a person may be inside.
    outside = lane.two_doors and lane.interior is not None and lane.interior.nobody
    door = Door.FIRST if outside else Door.LAST
    objections = keeps_closed(rules.policy, lane, door, now_ms=turn.now_ms, by_officer=True)
    if objections:
        return _impossible(turn, ordered, f"the lane: {', '.join(o.reason.value for o in objections)}")
    lane = replace(_decided(lane, crossing, said.officer), officer_seen_ms=turn.now_ms)
    lane = _unanswered(two_officers.end(lane, crossing), crossing)
    overruled = records.Overruled(crossing, said, referral.objections, None if first is None else first.said)
    written = Write(overruled, awaited=True)
    admission = states.Admission(states.Referred(crossing, referral.objections), said)
    entry = states.Entry(None) if door is Door.FIRST else None
    overruling = states.Overruling(crossing, admission, turn.now_ms, entry)
    return _on_its_way(turn, ordered, written, lane=lane, state=overruling)


def _one_more(turn: Turn, ordered: Ordered, admit: orders.Admit, referral: Referral) -> Obeying:
    """If two officers are needed, record the first order and answer when it is durable; a repetition by the same officer changes nothing."""
    if not admit.seen:
        return _impossible(turn, ordered, two_officers.NOT_SHOWN)
    if turn.lane.first_word(admit.crossing) is not None:
        return turn.lane, turn.state, (Answer(ordered.number, Outcome.ONE_MORE, two_officers.ONE_MORE),)
    lane, written = two_officers.begin(turn.lane, referral, ordered, turn.now_ms)
    lane = _unanswered(lane, admit.crossing)
    return replace(lane, version=lane.version + 1), turn.state, (written,)


def _unanswered(lane: LaneContext, crossing: str) -> LaneContext:
    return replace(lane, unanswered=(*lane.unanswered, crossing)[-REMEMBERED_MAX:])


def _settle(turn: Turn, ordered: Ordered, crossing: str, disposition: Disposition) -> Obeying:
    lane = _decided(turn.lane, crossing, ordered.said.officer)
    settled = Write(records.Settled(crossing, ordered.said, disposition))
    following, shown = go_on(lane, crossing) if crossing_of(turn.state) == crossing else (turn.state, ())
    return _done(turn, ordered, settled, *shown, lane=_leaving(lane, turn.now_ms), state=following)


def _leaving(lane: LaneContext, now_ms: int) -> LaneContext:
    """Offer the way back at once to people between two doors."""
    interior = lane.interior
    if not lane.two_doors or interior is None or interior.is_empty:
        return lane
    return replace(lane, interior=replace(interior, waits=Waits(now_ms, at_once=True)))


def _hold(turn: Turn, ordered: Ordered, crossing: str) -> Obeying:
    state = turn.state
    if (first := turn.lane.first_word(crossing)) is not None:
        return _take_back(turn, ordered, first)
    if crossing_of(state) != crossing:
        return _impossible(turn, ordered, "this crossing does not run")
    objections = (Objection(Reason.HELD_BY_OFFICER, ordered.said.officer),)
    ended = end_crossing(turn.rules, turn.lane, state, objections)
    if isinstance(state, states.Passing) and state.in_view:
        ended = revoke(state, objections)
    if ended is None:
        why = "the traveller is through" if isinstance(state, states.Passing) else "this crossing is referred already"
        return _impossible(turn, ordered, why)
    referred, effects = ended
    obeyed = Write(records.Obeyed(crossing, ordered.said, ObeyedVerb.REFER))
    return _done(turn, ordered, *effects, obeyed, state=referred)


def _take_back(turn: Turn, ordered: Ordered, first: FirstWord) -> Obeying:
    """End the first of two officers' orders, whoever takes it back and whatever the log has answered."""
    obeyed = Write(records.Obeyed(first.crossing, ordered.said, ObeyedVerb.REFER))
    why = f"taken back by {ordered.said.officer}"
    answer = () if first.number is None else (Answer(first.number, Outcome.IMPOSSIBLE, why),)
    return _done(turn, ordered, obeyed, *answer, lane=two_officers.end(turn.lane, first.crossing))


def _view(turn: Turn, ordered: Ordered, crossing: str) -> Obeying:
    """Record a view; it is answered when the log has answered (`gate.passage.officer_views`)."""
    if crossing in dict(turn.lane.viewing):
        return _impossible(turn, ordered, NOT_ANSWERED)
    lane, written = view(turn.lane, ordered, crossing)
    return replace(lane, version=lane.version + 1), turn.state, (written,)


def _flag(turn: Turn, ordered: Ordered, flag: orders.RaiseFlag) -> Obeying:
    """Pass a quiet message between officers; nothing changes for the traveller."""
    crossing = flag.crossing
    if crossing is not None and crossing_of(turn.state) != crossing and turn.lane.waits(crossing) is None:
        return _impossible(turn, ordered, "this crossing neither runs nor waits")
    return _done(turn, ordered, Write(records.Flagged(crossing, ordered.said, flag.concern)))


# ── freeing people ───────────────────────────────────────────────────────────────────────────────────────────────────


def _open_up(turn: Turn, ordered: Ordered) -> Obeying:
    """Free the people inside, or open and keep open: at any version; the record states if it is an older one."""
    if ordered.version != turn.lane.version:
        missing = (*ordered.said.missing, orders.Missing.VERSION)
        ordered = replace(ordered, said=replace(ordered.said, missing=missing))
    if turn.rules.policy.shadow:
        return _nothing_to_open(turn, ordered)
    return _free(turn, ordered) if ordered.command is LaneOrder.RELEASE else _begin_emergency(turn, ordered)


def _nothing_to_open(turn: Turn, ordered: Ordered) -> Obeying:
    """Record and answer an order in shadow mode, in which the gate moves no barrier."""
    crossing = crossing_of(turn.state)
    written = (Write(records.Released(crossing, ordered.said)), incident(crossing, IncidentKind.RELEASE_NOT_SHOWN))
    why = "this gate only watches (mode = shadow) and moves no barrier: open it by hand"
    return turn.lane, turn.state, (*written, Answer(ordered.number, Outcome.IMPOSSIBLE, why))


def _free(turn: Turn, ordered: Ordered) -> Obeying:
    """Free the people inside at once, in every state; a running crossing is referred."""
    lane, state, crossing = turn.lane, turn.state, crossing_of(turn.state)
    way_out = lane.doors[0].door  # towards the hall, from which everybody comes
    freed: list[Effect] = [Release(way_out), Write(records.Released(crossing, ordered.said))]
    if lane.two_doors and not (lane.last.at_rest() or isinstance(state, states.Granted | states.Emergency)):
        freed.insert(0, Revoke())
    if _is_empty(lane):
        freed.append(incident(crossing, IncidentKind.RELEASE_OF_NOBODY))
    lane = _releasing(lane, turn.now_ms, way_out)
    ended = end_crossing(turn.rules, lane, state, (Objection(Reason.RELEASED_BY_OFFICER),))
    if ended is None:  # who is through was admitted, and stays so
        return _on_its_way(turn, ordered, *freed, lane=lane)
    referred, effects = ended
    # Revoking closes and releasing opens: the release must have the last effect.
    in_order = (*effects, *freed) if isinstance(state, states.Granted) else (*freed, *effects)
    return _on_its_way(turn, ordered, *in_order, lane=lane, state=referred)


def _is_empty(lane: LaneContext) -> bool:
    """True if nobody is seen whom a release could free."""
    if lane.two_doors:
        return lane.interior is not None and lane.interior.nobody
    return lane.last.seen is not None and lane.last.seen.bodies == 0


def _releasing(lane: LaneContext, now_ms: int, *doors: Door) -> LaneContext:
    for door in doors:
        told = PendingOrder(now_ms, now_ms)
        lane = lane.with_door_state(replace(lane.door_state(door), released_ms=now_ms, freeing=told))
    return lane


def _begin_emergency(turn: Turn, ordered: Ordered) -> Obeying:
    """Open and keep open. Controllers have no emergency by the host, so releases are repeated."""
    state, now_ms = turn.state, turn.now_ms
    doors = tuple(one.door for one in turn.lane.doors)
    lane = _releasing(turn.lane, now_ms, *doors)
    released = tuple(Release(door) for door in doors)
    record = records.EmergencyBegan(crossing_of(state), ordered.said)
    began, effects = begin_emergency(state, record, found(turn.rules, turn.lane, state))
    return _on_its_way(turn, ordered, *released, *effects, lane=lane, state=replace(began, held_ms=now_ms))


def _end_emergency(turn: Turn, ordered: Ordered) -> Obeying:
    """End the emergency, only if the input is known to be clear (safety invariant 7)."""
    state, doors = turn.state, turn.lane.doors
    if not isinstance(state, states.Emergency):
        return _impossible(turn, ordered, "there is no emergency")
    if any(one.seen is None or one.seen.fire for one in doors):
        return _impossible(turn, ordered, "the fire input is active, or nobody knows")
    # It ends, with a record, when a later status shows it. A controller without an emergency confirms with its next status.
    told = tuple(EndEmergency(one.door) for one in doors if one.emergency()) or (LookAtLane(),)
    ending = states.Ending(ordered.said, turn.now_ms, turn.now_ms)
    # A release that is still repeated would open them again meanwhile.
    lane = replace(turn.lane, doors=tuple(replace(one, freeing=None) for one in doors))
    return _on_its_way(turn, ordered, *told, lane=lane, state=replace(state, ending=ending))


# ── the lane ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _acknowledge(turn: Turn, ordered: Ordered) -> Obeying:
    lane, interior = turn.lane, turn.lane.interior
    if any(one.seen is None for one in lane.doors):
        return _impossible(turn, ordered, "the barrier does not answer")
    misused = any(one.stands for one in lane.misuses)
    if not (lane.alarms or misused or lane.asked_often or (interior is not None and interior.called)):
        return _impossible(turn, ordered, "there is no alarm")
    if interior is not None:
        lane = replace(lane, interior=replace(interior, called=False))
    lane = misuse.acknowledged(replace(lane, calls=(), asked_often=False))
    seen = tuple(one.alarm for one in lane.alarms)
    obeyed = Write(records.Obeyed(crossing_of(turn.state), ordered.said, ObeyedVerb.ACKNOWLEDGE, seen))
    is_emergency = lane.emergency() or isinstance(turn.state, states.Emergency)
    lane, effects = acknowledged(lane, turn.now_ms, emergency=is_emergency)
    return _on_its_way(turn, ordered, *effects, obeyed, lane=lane)


def _accept_head(turn: Turn, ordered: Ordered) -> Obeying:
    """Record the acceptance; it takes effect when the log reports it. If the log is lost, the order is refused: the supervisor sees a head first."""
    if Part.LOG in turn.lane.lost:
        return _impossible(turn, ordered, "the log takes no records now")
    if turn.lane.head is None:
        return _impossible(turn, ordered, "the log has not said yet what it found")
    found, _ = turn.lane.head
    if found.head is not Head.UNCONFIRMED:
        return _impossible(turn, ordered, f"the log's head is {found.head.value} already")
    return _on_its_way(turn, ordered, Write(records.HeadAccepted(ordered.said, found.entries, found.root)))


def _switch(turn: Turn, ordered: Ordered, wanted: orders.ServeDirection | orders.ServeTravellers) -> Obeying:
    """Serve the other direction, or other travellers. Never while a person is in the lane, so that a crossing has one
    direction and one group from its opening to its decisions. In shadow mode a referral does not prevent it.
    """
    lane, state, service = turn.lane, turn.state, turn.rules.service
    between = isinstance(state, states.Idle) or (turn.rules.policy.shadow and isinstance(state, states.Referred))
    in_zone = any(one.seen is not None and one.seen.bodies > 0 for one in lane.doors)
    if not between or in_zone or _may_be_inside(lane):
        return _impossible(turn, ordered, "an emergency" if isinstance(state, states.Emergency) else OCCUPIED)
    if isinstance(wanted, orders.ServeDirection):
        verb, before, after = ObeyedVerb.DIRECTION, lane.direction.value, wanted.direction.value
        allowed = tuple(one.value for one in service.directions)
        changed = replace(lane, direction=wanted.direction)
    else:
        verb, before, after = ObeyedVerb.MODE, lane.travellers.name, wanted.name
        allowed = tuple(one.name for one in service.groups)
        changed = replace(lane, travellers=service.group(after) or lane.travellers)
    if after not in allowed:
        return _impossible(turn, ordered, f"this lane may serve {', '.join(allowed)} ([rules] in gate.toml)")
    if after == before:
        return _impossible(turn, ordered, f"this lane serves {after} already")
    return _done(
        turn, ordered, Write(records.Obeyed(None, ordered.said, verb, before=before, after=after)), lane=changed
    )


def _may_be_inside(lane: LaneContext) -> bool:
    """True unless the space between two doors is known to be empty."""
    return lane.two_doors and not (lane.interior is not None and lane.interior.nobody)


def _close_or_open(turn: Turn, ordered: Ordered) -> Obeying:
    """Take the lane out of service or back in. A running crossing continues to its end.

    Maintenance ends by *close* of the technician who works on the lane, and it stays closed; else by *open* of a supervisor.
    """
    close, closed_by, technician = ordered.command is LaneOrder.CLOSE, turn.lane.closed_by, turn.lane.maintained_by
    has_ended_work = close and technician == ordered.said.officer
    if close is (closed_by is not None) and not has_ended_work:
        why = f"closed already by {closed_by}" if close else "no officer closed this lane"
        return _impossible(turn, ordered, why)
    if technician is not None and not has_ended_work and ordered.said.role is not Role.SUPERVISOR:
        return _impossible(
            turn,
            ordered,
            f"{technician} works on this lane: they *close* it when the work is done, or a supervisor opens it",
        )
    lane = replace(turn.lane, closed_by=ordered.said.officer if close else None, maintained_by=None)
    verb = ObeyedVerb.CLOSE if close else ObeyedVerb.OPEN
    return _at_rest(turn, ordered, lane, Write(records.Obeyed(None, ordered.said, verb)))


def _at_rest(turn: Turn, ordered: Ordered, lane: LaneContext, obeyed: Write) -> Obeying:
    """Finish the order; a lane that serves nobody shows its new state."""
    state, shown = rest(lane) if isinstance(turn.state, states.Idle) else (turn.state, ())
    return _done(turn, ordered, *shown, obeyed, lane=lane, state=state)


def _maintain(turn: Turn, ordered: Ordered) -> Obeying:
    """Two people take an idle lane out of service for one of them to work on it: a technician requests it, a supervisor consents."""
    lane, officer = turn.lane, ordered.said.officer
    if not isinstance(turn.state, states.Idle) or _may_be_inside(lane):
        return _impossible(turn, ordered, OCCUPIED)
    if not all(one.at_rest() for one in lane.doors):
        return _impossible(turn, ordered, NOT_SHUT)
    if lane.maintained_by is not None:
        return _impossible(turn, ordered, f"{lane.maintained_by} works on this lane already")
    if ordered.command is LaneOrder.MAINTAIN:
        written = Write(records.Obeyed(None, ordered.said, ObeyedVerb.MAINTAIN))
        return _done(turn, ordered, written, lane=replace(lane, asked=(officer, turn.now_ms)))
    if lane.asked is None or turn.now_ms - lane.asked[1] > turn.rules.timing.consent_max_ms:
        return _impossible(turn, ordered, "no technician has asked for it lately")
    technician, _ = lane.asked
    if technician == officer:
        return _impossible(turn, ordered, "who asks cannot consent")
    lane = replace(lane, asked=None, maintained_by=technician, closed_by=officer)
    return _at_rest(turn, ordered, lane, Write(records.Obeyed(None, ordered.said, ObeyedVerb.CONSENT)))


def _pause(turn: Turn, ordered: Ordered) -> Obeying:
    """Invite no new travellers. A crossing whose traveller was not admitted yet is referred, with the way back open."""
    state, officer = turn.state, ordered.said.officer
    lane = _leaving(replace(turn.lane, closed_by=officer), turn.now_ms)
    obeyed = Write(records.Obeyed(crossing_of(state), ordered.said, ObeyedVerb.PAUSE))
    let_through = isinstance(state, states.Granted) and state.entry is None  # else into the lane, not through it
    ended = None if let_through else end_crossing(turn.rules, lane, state, (Objection(Reason.LANE_PAUSED, officer),))
    if ended is None:
        return _at_rest(turn, ordered, lane, obeyed)
    referred, effects = ended
    return _done(turn, ordered, *effects, obeyed, lane=lane, state=referred)


_OF_THE_LANE: Final[Mapping[LaneOrder, Callable[[Turn, Ordered], Obeying]]] = {
    LaneOrder.END_EMERGENCY: _end_emergency,
    LaneOrder.ACKNOWLEDGE: _acknowledge,
    LaneOrder.CLOSE: _close_or_open,
    LaneOrder.OPEN: _close_or_open,
    LaneOrder.PAUSE: _pause,
    LaneOrder.MAINTAIN: _maintain,
    LaneOrder.CONSENT: _maintain,
    LaneOrder.ACCEPT_HEAD: _accept_head,
}
