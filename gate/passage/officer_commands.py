"""What each order of an officer does in each state of the lane, and how it is answered.

An order comes here authentic and judged (`gate_core.orders`, the lane's desk); what matters here is the lane. An order that changes something
raises `LaneContext.version`, and with it every order that answers an older challenge is stale: so none is obeyed twice, and of two
officers' only the first. Presence is idempotent. Freeing people and emergencies are obeyed in every state, at any version
(safety invariants 2 and 8).

An officer overrules what was found about a traveller, never what the lane says of itself.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import misuse, records, two_officers
from gate.passage.alarms import acknowledged
from gate.passage.crossing_end import Running, begin_emergency, go_on, incident, keeps_closed, refer, rest, revoke
from gate.passage.decision_stage import found
from gate.passage.door_state import PendingOrder
from gate.passage.effects import Answer, Effect, EndEmergency, LookAtLane, Release, Revoke, Write
from gate.passage.events import Part
from gate.passage.interior import Waits
from gate.passage.lane import FirstWord, LaneContext, Referral
from gate.passage.officer_views import NOT_ANSWERED, view
from gate.passage.orders import (
    AcceptHead,
    AcknowledgeAlarms,
    Admit,
    BeginEmergency,
    BePresent,
    CloseLane,
    Concern,
    Consent,
    Disposition,
    EndEmergencyNow,
    Free,
    HandOver,
    Hold,
    Maintain,
    Missing,
    OpenLane,
    Ordered,
    Outcome,
    PauseLane,
    RaiseFlag,
    ServeDirection,
    ServeTravellers,
    View,
)
from gate.passage.records import IncidentKind, ObeyedVerb
from gate.passage.service_change import OCCUPIED, may_be_inside, switch
from gate.passage.states import (
    Admission,
    Emergency,
    Ending,
    Entering,
    Entry,
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
    Rules,
    State,
    Step,
    crossing_of,
)
from gate_core.evidence.crossing import Door
from gate_core.evidence.names import Head
from gate_core.evidence.reasons import Objection, Reason

REMEMBERED_MAX = 32  # officers and referrals; the oldest is forgotten

Obeying = tuple[LaneContext, State, tuple[Effect, ...]]


def obey(rules: Rules, lane: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Do what an officer ordered, or say why not."""
    stale = ordered.version != lane.version
    match ordered.command:
        case BePresent(age_ms):
            lane, effects = _present(rules, lane, ordered, age_ms, now_ms)
            return lane, state, effects
        case Free() | BeginEmergency():
            if stale:
                missing = (*ordered.said.missing, Missing.VERSION)
                ordered = replace(ordered, said=replace(ordered.said, missing=missing))
            return _open_up(rules, lane, state, ordered, now_ms)
        case Admit(crossing) | HandOver(crossing) | View(crossing) if not _waits(lane, state, crossing):
            return lane, state, (_not_waiting(lane, ordered, crossing),)
        case _ if stale:
            return lane, state, (Answer(ordered.number, Outcome.STALE, "the lane moved on: look again"),)
        case Admit() | HandOver() | Hold() | View() | RaiseFlag() as command:
            return _about_somebody(rules, lane, state, ordered, command, now_ms=now_ms)
        case EndEmergencyNow():
            return _end_emergency(lane, state, ordered, now_ms)
        case AcknowledgeAlarms():
            return _acknowledge(lane, state, ordered, now_ms)
        case AcceptHead():
            return _accept_head(lane, state, ordered)
        case (  # pragma: no branch - the type checker proves the match complete
            CloseLane() | PauseLane() | Maintain() | Consent() | OpenLane() | ServeDirection() | ServeTravellers()
        ):
            return _serve_or_not(rules, lane, state, ordered, now_ms)


def _about_somebody(
    rules: Rules,
    lane: LaneContext,
    state: State,
    ordered: Ordered,
    command: Admit | HandOver | Hold | View | RaiseFlag,
    *,
    now_ms: int,
) -> Obeying:
    match command:
        case Admit():
            return _admit(rules, lane, state, ordered, command, now_ms=now_ms)
        case HandOver(crossing, disposition):
            return _settle(lane, state, ordered, crossing, disposition, now_ms=now_ms)
        case Hold(crossing):
            return _hold(rules, lane, state, ordered, crossing)
        case View(crossing):
            return _view(lane, state, ordered, crossing)
        case RaiseFlag(person, concern):  # pragma: no branch - the type checker proves the match complete
            return _flag(lane, state, ordered, person, concern)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _done(lane: LaneContext, state: State, ordered: Ordered, *effects: Effect) -> Obeying:
    lane = replace(lane, version=lane.version + 1)
    return lane, state, (*effects, Answer(ordered.number, Outcome.DONE))


def _on_its_way(lane: LaneContext, state: State, ordered: Ordered, *effects: Effect) -> Obeying:
    """The lane began to do it; whoever asks is told what the sensors show."""
    lane = replace(lane, version=lane.version + 1)
    return lane, state, (*effects, Answer(ordered.number, Outcome.ORDERED))


def _impossible(lane: LaneContext, state: State, ordered: Ordered, why: str) -> Obeying:
    return lane, state, (Answer(ordered.number, Outcome.IMPOSSIBLE, why),)


def _not_waiting(lane: LaneContext, ordered: Ordered, crossing: str) -> Answer:
    officer = lane.decided_by(crossing)
    why = "this crossing does not wait for an officer" if officer is None else f"already decided by {officer}"
    return Answer(ordered.number, Outcome.IMPOSSIBLE, why)


def _decided(lane: LaneContext, crossing: str, officer: str) -> LaneContext:
    others = tuple(one for one in lane.decided if one[0] != crossing)
    return replace(lane, decided=(*others, (crossing, officer))[-REMEMBERED_MAX:])


def _waits(lane: LaneContext, state: State, crossing: str) -> bool:
    """True for a referral that nobody has decided, whatever the lane does meanwhile."""
    is_under_way = crossing_of(state) == crossing and not isinstance(state, Referred)
    return lane.waits(crossing) is not None and not is_under_way


# ── presence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _present(
    rules: Rules, lane: LaneContext, ordered: Ordered, age_ms: int, now_ms: int
) -> tuple[LaneContext, tuple[Effect, ...]]:
    """Presence counts from when it was said. Written when nobody was present, or this officer was not written for a minute."""
    officer, seen_ms, said_ms = ordered.said.officer, lane.officer_seen_ms, now_ms - age_ms
    lapsed = seen_ms is None or now_ms - seen_ms > rules.policy.officer_presence_max_s * 1000
    recorded_ms = dict(lane.recorded).get(officer)
    due = lapsed or recorded_ms is None or now_ms - recorded_ms >= rules.timing.presence_record_ms
    lane = replace(lane, officer_seen_ms=said_ms if seen_ms is None else max(seen_ms, said_ms))
    answer = Answer(ordered.number, Outcome.DONE, f"{officer} is present")
    if not due:
        return lane, (answer,)
    others = tuple(one for one in lane.recorded if one[0] != officer)
    lane = replace(lane, recorded=(*others, (officer, now_ms))[-REMEMBERED_MAX:])
    return lane, (Write(records.Presence(ordered.said)), answer)


# ── referrals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _admit(rules: Rules, lane: LaneContext, state: State, ordered: Ordered, admit: Admit, *, now_ms: int) -> Obeying:
    """Make it durable that the traveller may pass in spite of everything; the lane is looked at when it is.

    Beside a gate that only watches, the officer admits by their own hand, and nothing is opened for which it would take two.
    """
    crossing = admit.crossing
    if rules.policy.shadow:
        return _settle(lane, state, ordered, crossing, Disposition.ADMITTED_BY_OFFICER, now_ms=now_ms)
    referral = lane.waits(crossing)
    if referral is None or not isinstance(state, Referred):
        why = "an emergency" if isinstance(state, Emergency) else "another crossing is under way"
        return _impossible(lane, state, ordered, why)
    if crossing in lane.replaced:
        return _impossible(lane, state, ordered, "a record of this crossing could not be kept")
    if crossing in lane.unanswered:  # its receipt would pass for that of another officer's word
        return _impossible(lane, state, ordered, "the log has not answered for the admission before this one")
    first = lane.first_word(crossing)
    if two_officers.are_needed(rules, referral) and not (admit.seen and two_officers.is_seconded(first, ordered)):
        return _one_more(lane, state, ordered, admit, referral, now_ms=now_ms)
    door = _next_door(lane)
    objections = keeps_closed(rules.policy, lane, door, now_ms=now_ms, by_officer=True)
    if objections:
        return _impossible(lane, state, ordered, f"the lane: {', '.join(o.reason.value for o in objections)}")
    said = ordered.said
    lane = replace(_decided(lane, referral.crossing, said.officer), officer_seen_ms=now_ms)
    lane = _unanswered(two_officers.end(lane, crossing), crossing)
    overruled = records.Overruled(crossing, said, referral.objections, None if first is None else first.said)
    written = Write(overruled, awaited=True)
    admission = Admission(Referred(referral.crossing, referral.objections), said)
    entry = Entry(None) if door is Door.FIRST else None
    return _on_its_way(lane, Overruling(referral.crossing, admission, now_ms, entry), ordered, written)


def _one_more(
    lane: LaneContext, state: State, ordered: Ordered, admit: Admit, referral: Referral, *, now_ms: int
) -> Obeying:
    """Where it takes two officers: the first one's order is written, answered when that is durable, and the same officer's again changes nothing."""
    if not admit.seen:
        return _impossible(lane, state, ordered, two_officers.NOT_SHOWN)
    if lane.first_word(admit.crossing) is not None:
        return lane, state, (Answer(ordered.number, Outcome.ONE_MORE, two_officers.ONE_MORE),)
    lane, written = two_officers.begin(lane, referral, ordered, now_ms)
    lane = _unanswered(lane, admit.crossing)
    return replace(lane, version=lane.version + 1), state, (written,)


def _unanswered(lane: LaneContext, crossing: str) -> LaneContext:
    return replace(lane, unanswered=(*lane.unanswered, crossing)[-REMEMBERED_MAX:])


def _settle(
    lane: LaneContext,
    state: State,
    ordered: Ordered,
    crossing: str,
    disposition: Disposition,
    *,
    now_ms: int,
) -> Obeying:
    lane = _decided(lane, crossing, ordered.said.officer)
    settled = Write(records.Settled(crossing, ordered.said, disposition))
    following, shown = go_on(lane, crossing) if crossing_of(state) == crossing else (state, ())
    return _done(_leaving(lane, now_ms), following, ordered, settled, *shown)


def _next_door(lane: LaneContext) -> Door:
    """The door before which a traveller stands: of two the first, unless somebody may be inside."""
    outside = lane.two_doors and lane.interior is not None and lane.interior.nobody
    return Door.FIRST if outside else Door.LAST


def _leaving(lane: LaneContext, now_ms: int) -> LaneContext:
    """Whoever is between two doors is offered the way back at once."""
    interior = lane.interior
    if not lane.two_doors or interior is None or interior.is_empty:
        return lane
    return replace(lane, interior=replace(interior, waits=Waits(now_ms, at_once=True)))


def _hold(rules: Rules, lane: LaneContext, state: State, ordered: Ordered, crossing: str) -> Obeying:
    if (first := lane.first_word(crossing)) is not None:
        return _take_back(lane, state, ordered, first)
    if crossing_of(state) != crossing:
        return _impossible(lane, state, ordered, "this crossing does not run")
    objections = (Objection(Reason.HELD_BY_OFFICER, ordered.said.officer),)
    obeyed = Write(records.Obeyed(crossing, ordered.said, ObeyedVerb.REFER))
    match state:
        case Granted() | Passing(in_view=True):
            referred, effects = revoke(state, objections)
            return _done(lane, referred, ordered, *effects, obeyed)
        case Opening() | Reading() | Inspecting() | Recording() | Overruling() | Looking() | Entering():
            referred, effects = _ended(rules, lane, state, objections)
            return _done(lane, referred, ordered, *effects, obeyed)
        case Idle() | Referred() | Passing() | Emergency():  # pragma: no branch
            why = "the traveller is through" if isinstance(state, Passing) else "this crossing is referred already"
            return _impossible(lane, state, ordered, why)


def _take_back(lane: LaneContext, state: State, ordered: Ordered, first: FirstWord) -> Obeying:
    """The first of two officers' orders is none any more, whoever takes it back, and whatever the log has said of it."""
    obeyed = Write(records.Obeyed(first.crossing, ordered.said, ObeyedVerb.REFER))
    why = f"taken back by {ordered.said.officer}"
    answer = () if first.number is None else (Answer(first.number, Outcome.IMPOSSIBLE, why),)
    return _done(two_officers.end(lane, first.crossing), state, ordered, obeyed, *answer)


def _ended(rules: Rules, lane: LaneContext, state: Running, objections: tuple[Objection, ...]) -> Step:
    """A crossing that an order ends is referred with what was found by then, too: whoever looks at it next must not take it for a traveller in order."""
    by_then = found(rules, lane, state) if isinstance(state, Inspecting) else ()
    return refer(state, (*by_then, *objections))


def _view(lane: LaneContext, state: State, ordered: Ordered, crossing: str) -> Obeying:
    """Answered when the log has said what became of the record (`gate.passage.officer_views`)."""
    if crossing in dict(lane.viewing):
        return _impossible(lane, state, ordered, NOT_ANSWERED)
    lane, written = view(lane, ordered, crossing)
    return replace(lane, version=lane.version + 1), state, (written,)


def _flag(lane: LaneContext, state: State, ordered: Ordered, crossing: str | None, concern: Concern) -> Obeying:
    """A quiet word between officers: for the traveller nothing changes."""
    if crossing is not None and crossing_of(state) != crossing and lane.waits(crossing) is None:
        return _impossible(lane, state, ordered, "this crossing neither runs nor waits")
    return _done(lane, state, ordered, Write(records.Flagged(crossing, ordered.said, concern)))


# ── freeing people ───────────────────────────────────────────────────────────────────────────────────────────────────


def _open_up(rules: Rules, lane: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    if rules.policy.shadow:
        return _nothing_to_open(lane, state, ordered)
    if isinstance(ordered.command, Free):
        return _free(rules, lane, state, ordered, now_ms)
    return _begin_emergency(lane, state, ordered, now_ms)


def _nothing_to_open(lane: LaneContext, state: State, ordered: Ordered) -> Obeying:
    """A gate that only watches moves no barrier: that is said at once, and the order is on record all the same."""
    crossing = crossing_of(state)
    written = (Write(records.Released(crossing, ordered.said)), incident(crossing, IncidentKind.RELEASE_NOT_SHOWN))
    why = "this gate only watches (mode = shadow) and moves no barrier: open it by hand"
    return lane, state, (*written, Answer(ordered.number, Outcome.IMPOSSIBLE, why))


def _free(rules: Rules, lane: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Free whoever is inside, at once, in every state; a running crossing goes to the officer."""
    crossing = crossing_of(state)
    way_out = lane.doors[0].door  # towards the hall, where everybody comes from
    freed: list[Effect] = [Release(way_out), Write(records.Released(crossing, ordered.said))]
    if lane.two_doors and not (lane.last.at_rest() or isinstance(state, Granted | Emergency)):
        freed.insert(0, Revoke())
    if _is_empty(lane):
        freed.append(incident(crossing, IncidentKind.RELEASE_OF_NOBODY))
    lane = _releasing(lane, now_ms, way_out)
    objections = (Objection(Reason.RELEASED_BY_OFFICER),)
    match state:
        case Idle() | Referred() | Emergency() | Passing():  # who is through was admitted, and stays so
            return _on_its_way(lane, state, ordered, *freed)
        case Granted():
            referred, effects = revoke(state, objections)
            # Revoking closes and releasing opens: the release has the last word.
            return _on_its_way(lane, referred, ordered, *effects, *freed)
        case (  # pragma: no branch
            Opening() | Reading() | Inspecting() | Recording() | Overruling() | Looking() | Entering()
        ):
            referred, effects = _ended(rules, lane, state, objections)
            return _on_its_way(lane, referred, ordered, *freed, *effects)


def _is_empty(lane: LaneContext) -> bool:
    """True when nobody is seen whom a release could free."""
    if lane.two_doors:
        return lane.interior is not None and lane.interior.nobody
    return lane.last.seen is not None and lane.last.seen.bodies == 0


def _releasing(lane: LaneContext, now_ms: int, *doors: Door) -> LaneContext:
    for door in doors:
        told = PendingOrder(now_ms, now_ms)
        lane = lane.with_door_state(replace(lane.door_state(door), released_ms=now_ms, freeing=told))
    return lane


def _begin_emergency(lane: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Open and keep open: a controller has no emergency of the host's, so it is told to release again and again."""
    doors = tuple(one.door for one in lane.doors)
    lane = _releasing(lane, now_ms, *doors)
    released = tuple(Release(door) for door in doors)
    if isinstance(state, Emergency) and state.held_ms is not None:
        return _on_its_way(lane, replace(state, ending=None, held_ms=now_ms), ordered, *released)
    began, effects = begin_emergency(state, records.EmergencyBegan(crossing_of(state), ordered.said))
    return _on_its_way(lane, replace(began, held_ms=now_ms), ordered, *released, *effects)


def _end_emergency(lane: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Only when the input is clear, and that is known (safety invariant 7)."""
    if not isinstance(state, Emergency):
        return _impossible(lane, state, ordered, "there is no emergency")
    if any(one.seen is None or one.seen.fire for one in lane.doors):
        return _impossible(lane, state, ordered, "the fire input is active, or nobody knows")
    # It is over, and written, when a status from now on says so. One that the controller knows nothing of, it agrees on with its next.
    told = tuple(EndEmergency(one.door) for one in lane.doors if one.emergency()) or (LookAtLane(),)
    return _on_its_way(lane, replace(state, ending=Ending(ordered.said, now_ms, now_ms)), ordered, *told)


# ── the lane ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _acknowledge(lane: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    if any(one.seen is None for one in lane.doors):
        return _impossible(lane, state, ordered, "the barrier does not answer")
    interior = lane.interior
    misused = any(one.stands for one in lane.misuses)
    if not (lane.alarms or misused or lane.asked_often or (interior is not None and interior.called)):
        return _impossible(lane, state, ordered, "there is no alarm")
    if interior is not None:
        lane = replace(lane, interior=replace(interior, called=False))
    lane = misuse.acknowledged(replace(lane, calls=(), asked_often=False))
    seen = tuple(one.alarm for one in lane.alarms)
    obeyed = Write(records.Obeyed(crossing_of(state), ordered.said, ObeyedVerb.ACKNOWLEDGE, seen))
    lane, effects = acknowledged(lane, now_ms)
    return _on_its_way(lane, state, ordered, *effects, obeyed)


def _accept_head(lane: LaneContext, state: State, ordered: Ordered) -> Obeying:
    """Written, and it counts when the log says that it does. What a log that is away cannot take is not promised: who answers for a head sees it first."""
    if Part.LOG in lane.lost:
        return _impossible(lane, state, ordered, "the log takes no records now")
    if lane.head is None:
        return _impossible(lane, state, ordered, "the log has not said yet what it found")
    found, _ = lane.head
    if found.head is not Head.UNCONFIRMED:
        return _impossible(lane, state, ordered, f"the log's head is {found.head.value} already")
    written = Write(records.HeadAccepted(ordered.said, found.entries, found.root))
    return _on_its_way(lane, state, ordered, written)


def _serve_or_not(rules: Rules, lane: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Take the lane out of service, or back in, or have it serve others. Who is inside goes on to the end, unless it is to pause."""
    if isinstance(ordered.command, PauseLane):
        return _pause(rules, lane, state, ordered, now_ms)
    if isinstance(ordered.command, Maintain | Consent):
        return _maintain(rules, lane, state, ordered, now_ms)
    if isinstance(ordered.command, ServeDirection | ServeTravellers):
        switched = switch(rules, lane, state, ordered.said, ordered.command)
        if isinstance(switched, str):
            return _impossible(lane, state, ordered, switched)
        lane, obeyed = switched
        return _done(lane, state, ordered, obeyed)
    close = isinstance(ordered.command, CloseLane)
    if close is (lane.closed_by is not None):
        why = f"closed already by {lane.closed_by}" if close else "no officer closed this lane"
        return _impossible(lane, state, ordered, why)
    lane = replace(lane, closed_by=ordered.said.officer if close else None, maintained_by=None)
    obeyed = Write(records.Obeyed(None, ordered.said, ObeyedVerb.CLOSE if close else ObeyedVerb.OPEN))
    if isinstance(state, Idle):
        resting, shown = rest(lane)
        return _done(lane, resting, ordered, *shown, obeyed)
    return _done(lane, state, ordered, obeyed)


def _maintain(rules: Rules, lane: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Two persons take a lane that serves nobody out of service, for one of them to work on it: a technician asks, a supervisor consents."""
    officer = ordered.said.officer
    if not isinstance(state, Idle) or may_be_inside(lane):
        return _impossible(lane, state, ordered, OCCUPIED)
    if lane.maintained_by is not None:
        return _impossible(lane, state, ordered, f"{lane.maintained_by} works on this lane already")
    if isinstance(ordered.command, Maintain):
        lane = replace(lane, asked=(officer, now_ms))
        return _done(lane, state, ordered, Write(records.Obeyed(None, ordered.said, ObeyedVerb.MAINTAIN)))
    if lane.asked is None or now_ms - lane.asked[1] > rules.timing.consent_max_ms:
        return _impossible(lane, state, ordered, "no technician has asked for it lately")
    technician, _ = lane.asked
    if technician == officer:
        return _impossible(lane, state, ordered, "who asks cannot consent")
    lane = replace(lane, asked=None, maintained_by=technician, closed_by=officer)
    resting, shown = rest(lane)
    return _done(lane, resting, ordered, *shown, Write(records.Obeyed(None, ordered.said, ObeyedVerb.CONSENT)))


def _pause(rules: Rules, lane: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """No new travellers. A crossing whose traveller is not let through yet goes to the officer, with the way back open."""
    lane = _leaving(replace(lane, closed_by=ordered.said.officer), now_ms)
    obeyed = Write(records.Obeyed(crossing_of(state), ordered.said, ObeyedVerb.PAUSE))
    objections = (Objection(Reason.LANE_PAUSED, ordered.said.officer),)
    match state:
        case Idle():
            resting, shown = rest(lane)
            return _done(lane, resting, ordered, *shown, obeyed)
        case Opening() | Reading() | Inspecting() | Recording() | Overruling() | Looking() | Entering():
            referred, effects = _ended(rules, lane, state, objections)
            return _done(lane, referred, ordered, *effects, obeyed)
        case Granted(entry=Entry()):  # let into the lane, not through it
            referred, effects = revoke(state, objections)
            return _done(lane, referred, ordered, *effects, obeyed)
        case Granted() | Referred() | Passing() | Emergency():  # pragma: no branch
            return _done(lane, state, ordered, obeyed)
