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
from gate_core.evidence.evidence import Door
from gate_core.evidence.names import Head
from gate_core.evidence.reasons import Objection, Reason

REMEMBERED_MAX = 32  # officers and referrals; the oldest is forgotten

Obeying = tuple[LaneContext, State, tuple[Effect, ...]]


def obey(rules: Rules, around: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
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
        case Admit(crossing) | HandOver(crossing) | View(crossing) if not _waits(around, state, crossing):
            return around, state, (_not_waiting(around, ordered, crossing),)
        case _ if stale:
            return around, state, (Answer(ordered.number, Outcome.STALE, "the lane moved on: look again"),)
        case Admit() | HandOver() | Hold() | View() | RaiseFlag() as command:
            return _about_somebody(rules, around, state, ordered, command, now_ms=now_ms)
        case EndEmergencyNow():
            return _end_emergency(around, state, ordered, now_ms)
        case AcknowledgeAlarms():
            return _acknowledge(around, state, ordered, now_ms)
        case AcceptHead():
            return _accept_head(around, state, ordered)
        case (  # pragma: no branch - the type checker proves the match complete
            CloseLane() | PauseLane() | Maintain() | Consent() | OpenLane() | ServeDirection() | ServeTravellers()
        ):
            return _serve_or_not(rules, around, state, ordered, now_ms)


def _about_somebody(
    rules: Rules,
    around: LaneContext,
    state: State,
    ordered: Ordered,
    command: Admit | HandOver | Hold | View | RaiseFlag,
    *,
    now_ms: int,
) -> Obeying:
    match command:
        case Admit():
            return _admit(rules, around, state, ordered, command, now_ms=now_ms)
        case HandOver(crossing, disposition):
            return _settle(around, state, ordered, crossing, disposition, now_ms=now_ms)
        case Hold(crossing):
            return _hold(rules, around, state, ordered, crossing)
        case View(crossing):
            return _view(around, state, ordered, crossing)
        case RaiseFlag(person, concern):  # pragma: no branch - the type checker proves the match complete
            return _flag(around, state, ordered, person, concern)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _done(around: LaneContext, state: State, ordered: Ordered, *effects: Effect) -> Obeying:
    around = replace(around, version=around.version + 1)
    return around, state, (*effects, Answer(ordered.number, Outcome.DONE))


def _on_its_way(around: LaneContext, state: State, ordered: Ordered, *effects: Effect) -> Obeying:
    """The lane began to do it; whoever asks is told what the sensors show."""
    around = replace(around, version=around.version + 1)
    return around, state, (*effects, Answer(ordered.number, Outcome.ORDERED))


def _impossible(around: LaneContext, state: State, ordered: Ordered, why: str) -> Obeying:
    return around, state, (Answer(ordered.number, Outcome.IMPOSSIBLE, why),)


def _not_waiting(around: LaneContext, ordered: Ordered, crossing: str) -> Answer:
    officer = around.decided_by(crossing)
    why = "this crossing does not wait for an officer" if officer is None else f"already decided by {officer}"
    return Answer(ordered.number, Outcome.IMPOSSIBLE, why)


def _decided(around: LaneContext, crossing: str, officer: str) -> LaneContext:
    others = tuple(one for one in around.decided if one[0] != crossing)
    return replace(around, decided=(*others, (crossing, officer))[-REMEMBERED_MAX:])


def _waits(around: LaneContext, state: State, crossing: str) -> bool:
    """True for a referral that nobody has decided, whatever the lane does meanwhile."""
    is_under_way = crossing_of(state) == crossing and not isinstance(state, Referred)
    return around.waits(crossing) is not None and not is_under_way


# ── presence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _present(
    rules: Rules, around: LaneContext, ordered: Ordered, age_ms: int, now_ms: int
) -> tuple[LaneContext, tuple[Effect, ...]]:
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


def _admit(rules: Rules, around: LaneContext, state: State, ordered: Ordered, admit: Admit, *, now_ms: int) -> Obeying:
    """Make it durable that the traveller may pass in spite of everything; the lane is looked at when it is.

    Beside a gate that only watches, the officer admits by their own hand, and nothing is opened for which it would take two.
    """
    crossing = admit.crossing
    if rules.policy.shadow:
        return _settle(around, state, ordered, crossing, Disposition.ADMITTED_BY_OFFICER, now_ms=now_ms)
    referral = around.waits(crossing)
    if referral is None or not isinstance(state, Referred):
        why = "an emergency" if isinstance(state, Emergency) else "another crossing is under way"
        return _impossible(around, state, ordered, why)
    if crossing in around.replaced:
        return _impossible(around, state, ordered, "a record of this crossing could not be kept")
    if crossing in around.unanswered:  # its receipt would pass for that of another officer's word
        return _impossible(around, state, ordered, "the log has not answered for the admission before this one")
    first = around.first_word(crossing)
    if two_officers.are_needed(rules, referral) and not (admit.seen and two_officers.is_seconded(first, ordered)):
        return _one_more(around, state, ordered, admit, referral, now_ms=now_ms)
    door = _next_door(around)
    objections = keeps_closed(rules.policy, around, door, now_ms=now_ms, by_officer=True)
    if objections:
        return _impossible(around, state, ordered, f"the lane: {', '.join(o.reason.value for o in objections)}")
    said = ordered.said
    around = replace(_decided(around, referral.crossing, said.officer), officer_seen_ms=now_ms)
    around = _unanswered(two_officers.end(around, crossing), crossing)
    overruled = records.Overruled(crossing, said, referral.objections, None if first is None else first.said)
    written = Write(overruled, awaited=True)
    admission = Admission(Referred(referral.crossing, referral.objections), said)
    entry = Entry(None) if door is Door.FIRST else None
    return _on_its_way(around, Overruling(referral.crossing, admission, now_ms, entry), ordered, written)


def _one_more(
    around: LaneContext, state: State, ordered: Ordered, admit: Admit, referral: Referral, *, now_ms: int
) -> Obeying:
    """Where it takes two officers: the first one's order is written, answered when that is durable, and the same officer's again changes nothing."""
    if not admit.seen:
        return _impossible(around, state, ordered, two_officers.NOT_SHOWN)
    if around.first_word(admit.crossing) is not None:
        return around, state, (Answer(ordered.number, Outcome.ONE_MORE, two_officers.ONE_MORE),)
    around, written = two_officers.begin(around, referral, ordered, now_ms)
    around = _unanswered(around, admit.crossing)
    return replace(around, version=around.version + 1), state, (written,)


def _unanswered(around: LaneContext, crossing: str) -> LaneContext:
    return replace(around, unanswered=(*around.unanswered, crossing)[-REMEMBERED_MAX:])


def _settle(
    around: LaneContext,
    state: State,
    ordered: Ordered,
    crossing: str,
    disposition: Disposition,
    *,
    now_ms: int,
) -> Obeying:
    around = _decided(around, crossing, ordered.said.officer)
    settled = Write(records.Settled(crossing, ordered.said, disposition))
    following, shown = go_on(around, crossing) if crossing_of(state) == crossing else (state, ())
    return _done(_leaving(around, now_ms), following, ordered, settled, *shown)


def _next_door(around: LaneContext) -> Door:
    """The door before which a traveller stands: of two the first, unless somebody may be inside."""
    outside = around.two_doors and around.interior is not None and around.interior.nobody
    return Door.FIRST if outside else Door.LAST


def _leaving(around: LaneContext, now_ms: int) -> LaneContext:
    """Whoever is between two doors is offered the way back at once."""
    interior = around.interior
    if not around.two_doors or interior is None or interior.is_empty:
        return around
    return replace(around, interior=replace(interior, waits=Waits(now_ms, at_once=True)))


def _hold(rules: Rules, around: LaneContext, state: State, ordered: Ordered, crossing: str) -> Obeying:
    if (first := around.first_word(crossing)) is not None:
        return _take_back(around, state, ordered, first)
    if crossing_of(state) != crossing:
        return _impossible(around, state, ordered, "this crossing does not run")
    objections = (Objection(Reason.HELD_BY_OFFICER, ordered.said.officer),)
    obeyed = Write(records.Obeyed(crossing, ordered.said, ObeyedVerb.REFER))
    match state:
        case Granted() | Passing(in_view=True):
            referred, effects = revoke(state, objections)
            return _done(around, referred, ordered, *effects, obeyed)
        case Opening() | Reading() | Inspecting() | Recording() | Overruling() | Looking() | Entering():
            referred, effects = _ended(rules, around, state, objections)
            return _done(around, referred, ordered, *effects, obeyed)
        case Idle() | Referred() | Passing() | Emergency():  # pragma: no branch
            why = "the traveller is through" if isinstance(state, Passing) else "this crossing is referred already"
            return _impossible(around, state, ordered, why)


def _take_back(around: LaneContext, state: State, ordered: Ordered, first: FirstWord) -> Obeying:
    """The first of two officers' orders is none any more, whoever takes it back, and whatever the log has said of it."""
    obeyed = Write(records.Obeyed(first.crossing, ordered.said, ObeyedVerb.REFER))
    why = f"taken back by {ordered.said.officer}"
    answer = () if first.number is None else (Answer(first.number, Outcome.IMPOSSIBLE, why),)
    return _done(two_officers.end(around, first.crossing), state, ordered, obeyed, *answer)


def _ended(rules: Rules, around: LaneContext, state: Running, objections: tuple[Objection, ...]) -> Step:
    """A crossing that an order ends is referred with what was found by then, too: whoever looks at it next must not take it for a traveller in order."""
    by_then = found(rules, around, state) if isinstance(state, Inspecting) else ()
    return refer(state, (*by_then, *objections))


def _view(around: LaneContext, state: State, ordered: Ordered, crossing: str) -> Obeying:
    """Answered when the log has said what became of the record (`gate.passage.officer_views`)."""
    if crossing in dict(around.viewing):
        return _impossible(around, state, ordered, NOT_ANSWERED)
    around, written = view(around, ordered, crossing)
    return replace(around, version=around.version + 1), state, (written,)


def _flag(around: LaneContext, state: State, ordered: Ordered, crossing: str | None, concern: Concern) -> Obeying:
    """A quiet word between officers: for the traveller nothing changes."""
    if crossing is not None and crossing_of(state) != crossing and around.waits(crossing) is None:
        return _impossible(around, state, ordered, "this crossing neither runs nor waits")
    return _done(around, state, ordered, Write(records.Flagged(crossing, ordered.said, concern)))


# ── freeing people ───────────────────────────────────────────────────────────────────────────────────────────────────


def _open_up(rules: Rules, around: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    if rules.policy.shadow:
        return _nothing_to_open(around, state, ordered)
    if isinstance(ordered.command, Free):
        return _free(rules, around, state, ordered, now_ms)
    return _begin_emergency(around, state, ordered, now_ms)


def _nothing_to_open(around: LaneContext, state: State, ordered: Ordered) -> Obeying:
    """A gate that only watches moves no barrier: that is said at once, and the order is on record all the same."""
    crossing = crossing_of(state)
    written = (Write(records.Released(crossing, ordered.said)), incident(crossing, IncidentKind.RELEASE_NOT_SHOWN))
    why = "this gate only watches (mode = shadow) and moves no barrier: open it by hand"
    return around, state, (*written, Answer(ordered.number, Outcome.IMPOSSIBLE, why))


def _free(rules: Rules, around: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Free whoever is inside, at once, in every state; a running crossing goes to the officer."""
    crossing = crossing_of(state)
    way_out = around.doors[0].door  # towards the hall, where everybody comes from
    freed: list[Effect] = [Release(way_out), Write(records.Released(crossing, ordered.said))]
    if around.two_doors and not (around.last.at_rest() or isinstance(state, Granted | Emergency)):
        freed.insert(0, Revoke())
    if _is_empty(around):
        freed.append(incident(crossing, IncidentKind.RELEASE_OF_NOBODY))
    around = _releasing(around, now_ms, way_out)
    objections = (Objection(Reason.RELEASED_BY_OFFICER),)
    match state:
        case Idle() | Referred() | Emergency() | Passing():  # who is through was admitted, and stays so
            return _on_its_way(around, state, ordered, *freed)
        case Granted():
            referred, effects = revoke(state, objections)
            # Revoking closes and releasing opens: the release has the last word.
            return _on_its_way(around, referred, ordered, *effects, *freed)
        case (  # pragma: no branch
            Opening() | Reading() | Inspecting() | Recording() | Overruling() | Looking() | Entering()
        ):
            referred, effects = _ended(rules, around, state, objections)
            return _on_its_way(around, referred, ordered, *freed, *effects)


def _is_empty(around: LaneContext) -> bool:
    """True when nobody is seen whom a release could free."""
    if around.two_doors:
        return around.interior is not None and around.interior.nobody
    return around.last.seen is not None and around.last.seen.bodies == 0


def _releasing(around: LaneContext, now_ms: int, *doors: Door) -> LaneContext:
    for door in doors:
        told = PendingOrder(now_ms, now_ms)
        around = around.with_door_state(replace(around.door_state(door), released_ms=now_ms, freeing=told))
    return around


def _begin_emergency(around: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Open and keep open: a controller has no emergency of the host's, so it is told to release again and again."""
    doors = tuple(one.door for one in around.doors)
    around = _releasing(around, now_ms, *doors)
    released = tuple(Release(door) for door in doors)
    if isinstance(state, Emergency) and state.held_ms is not None:
        return _on_its_way(around, replace(state, ending=None, held_ms=now_ms), ordered, *released)
    began, effects = begin_emergency(state, records.EmergencyBegan(crossing_of(state), ordered.said))
    return _on_its_way(around, replace(began, held_ms=now_ms), ordered, *released, *effects)


def _end_emergency(around: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Only when the input is clear, and that is known (safety invariant 7)."""
    if not isinstance(state, Emergency):
        return _impossible(around, state, ordered, "there is no emergency")
    if any(one.seen is None or one.seen.fire for one in around.doors):
        return _impossible(around, state, ordered, "the fire input is active, or nobody knows")
    # It is over, and written, when a status from now on says so. One that the controller knows nothing of, it agrees on with its next.
    told = tuple(EndEmergency(one.door) for one in around.doors if one.emergency()) or (LookAtLane(),)
    return _on_its_way(around, replace(state, ending=Ending(ordered.said, now_ms, now_ms)), ordered, *told)


# ── the lane ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _acknowledge(around: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    if any(one.seen is None for one in around.doors):
        return _impossible(around, state, ordered, "the barrier does not answer")
    interior = around.interior
    misused = any(one.stands for one in around.misuses)
    if not (around.alarms or misused or around.asked_often or (interior is not None and interior.called)):
        return _impossible(around, state, ordered, "there is no alarm")
    if interior is not None:
        around = replace(around, interior=replace(interior, called=False))
    around = misuse.acknowledged(replace(around, calls=(), asked_often=False))
    seen = tuple(one.alarm for one in around.alarms)
    obeyed = Write(records.Obeyed(crossing_of(state), ordered.said, ObeyedVerb.ACKNOWLEDGE, seen))
    around, effects = acknowledged(around, now_ms)
    return _on_its_way(around, state, ordered, *effects, obeyed)


def _accept_head(around: LaneContext, state: State, ordered: Ordered) -> Obeying:
    """Written, and it counts when the log says that it does. What a log that is away cannot take is not promised: who answers for a head sees it first."""
    if Part.LOG in around.lost:
        return _impossible(around, state, ordered, "the log takes no records now")
    if around.head is None:
        return _impossible(around, state, ordered, "the log has not said yet what it found")
    found, _ = around.head
    if found.head is not Head.UNCONFIRMED:
        return _impossible(around, state, ordered, f"the log's head is {found.head.value} already")
    written = Write(records.HeadAccepted(ordered.said, found.entries, found.root))
    return _on_its_way(around, state, ordered, written)


def _serve_or_not(rules: Rules, around: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Take the lane out of service, or back in, or have it serve others. Who is inside goes on to the end, unless it is to pause."""
    if isinstance(ordered.command, PauseLane):
        return _pause(rules, around, state, ordered, now_ms)
    if isinstance(ordered.command, Maintain | Consent):
        return _maintain(rules, around, state, ordered, now_ms)
    if isinstance(ordered.command, ServeDirection | ServeTravellers):
        switched = switch(rules, around, state, ordered.said, ordered.command)
        if isinstance(switched, str):
            return _impossible(around, state, ordered, switched)
        around, obeyed = switched
        return _done(around, state, ordered, obeyed)
    close = isinstance(ordered.command, CloseLane)
    if close is (around.closed_by is not None):
        why = f"closed already by {around.closed_by}" if close else "no officer closed this lane"
        return _impossible(around, state, ordered, why)
    around = replace(around, closed_by=ordered.said.officer if close else None, maintained_by=None)
    obeyed = Write(records.Obeyed(None, ordered.said, ObeyedVerb.CLOSE if close else ObeyedVerb.OPEN))
    if isinstance(state, Idle):
        resting, shown = rest(around)
        return _done(around, resting, ordered, *shown, obeyed)
    return _done(around, state, ordered, obeyed)


def _maintain(rules: Rules, around: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """Two persons take a lane that serves nobody out of service, for one of them to work on it: a technician asks, a supervisor consents."""
    officer = ordered.said.officer
    if not isinstance(state, Idle) or may_be_inside(around):
        return _impossible(around, state, ordered, OCCUPIED)
    if around.maintained_by is not None:
        return _impossible(around, state, ordered, f"{around.maintained_by} works on this lane already")
    if isinstance(ordered.command, Maintain):
        around = replace(around, asked=(officer, now_ms))
        return _done(around, state, ordered, Write(records.Obeyed(None, ordered.said, ObeyedVerb.MAINTAIN)))
    if around.asked is None or now_ms - around.asked[1] > rules.timing.consent_max_ms:
        return _impossible(around, state, ordered, "no technician has asked for it lately")
    technician, _ = around.asked
    if technician == officer:
        return _impossible(around, state, ordered, "who asks cannot consent")
    around = replace(around, asked=None, maintained_by=technician, closed_by=officer)
    resting, shown = rest(around)
    return _done(around, resting, ordered, *shown, Write(records.Obeyed(None, ordered.said, ObeyedVerb.CONSENT)))


def _pause(rules: Rules, around: LaneContext, state: State, ordered: Ordered, now_ms: int) -> Obeying:
    """No new travellers. A crossing whose traveller is not let through yet goes to the officer, with the way back open."""
    around = _leaving(replace(around, closed_by=ordered.said.officer), now_ms)
    obeyed = Write(records.Obeyed(crossing_of(state), ordered.said, ObeyedVerb.PAUSE))
    objections = (Objection(Reason.LANE_PAUSED, ordered.said.officer),)
    match state:
        case Idle():
            resting, shown = rest(around)
            return _done(around, resting, ordered, *shown, obeyed)
        case Opening() | Reading() | Inspecting() | Recording() | Overruling() | Looking() | Entering():
            referred, effects = _ended(rules, around, state, objections)
            return _done(around, referred, ordered, *effects, obeyed)
        case Granted(entry=Entry()):  # let into the lane, not through it
            referred, effects = revoke(state, objections)
            return _done(around, referred, ordered, *effects, obeyed)
        case Granted() | Referred() | Passing() | Emergency():  # pragma: no branch
            return _done(around, state, ordered, obeyed)
