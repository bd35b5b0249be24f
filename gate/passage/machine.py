"""One crossing after another, as (surroundings, state, event) -> (surroundings, state, effects). With `obeying` and `endings` the
only place that knows the order of effects.

Promises, by number of the safety invariant (docs/safety.md): a grant is only ever the answer to a fresh look at the lane
after the receipt of the decision (1); `Revoke`, `Release` and everything in an emergency come before their records (2);
a grant ends with the track, a second body or the document presented again (4); in an emergency nothing closes (7); every
crossing that was opened is closed with one verdict and all its reasons (10).

An event that a state does not name leaves it as it is: staying put is the safe answer. tests/unit/passage/test_passage_table.py
goes through every pair.

Left to others: what officers order (`gate.passage.obeying`), how crossings end (`gate.passage.endings`), what a record holds
(`gate.passage.records`) and how it is spelt (`gate.programs.lane.records`), whether it is durable (the log program), the wire.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records, waiting, wanting, way_back
from gate.passage.alarms import follow
from gate.passage.books import entries, in_order
from gate.passage.doorway import Doorway
from gate.passage.effects import (
    Effect,
    EndEmergency,
    Erase,
    Grant,
    LookAtLane,
    OpenCamera,
    Release,
    Revoke,
    Show,
    StartCrossing,
    Write,
)
from gate.passage.endings import (
    admitted,
    begin_emergency,
    closed,
    emergency_began,
    go_on,
    hinders,
    incident,
    keeps_closed,
    refer,
    rest,
    revoke,
)
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DocumentRemoved,
    DoorSeen,
    Event,
    FaceCompared,
    FaceSeen,
    GrantFailed,
    LampAnswered,
    NotRecorded,
    PageGuided,
    Part,
    PartLost,
    Recorded,
    RecordKind,
    RecordReplaced,
    SensorsSeen,
    TrackChange,
    TrackChanged,
    VideoDoubted,
)
from gate.passage.evidence import Alarm, DocumentEvidence, Door, Evidence, FaceEvidence
from gate.passage.gaps import without_record
from gate.passage.inside import watch
from gate.passage.interior import LOOKS_MIN
from gate.passage.lane import Surroundings, Timing
from gate.passage.obeying import obey
from gate.passage.orders import Ordered
from gate.passage.policy import (
    Decision,
    Policy,
    Verdict,
    decide,
    decide_entry,
    document_objections,
    site_objections,
)
from gate.passage.reasons import Objection, Reason
from gate.passage.records import ClosedAs, GrantEnd, IncidentKind
from gate.passage.screen import Guidance, Screen
from gate.passage.states import (
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
    unread_of,
)

__all__ = [
    "Emergency",
    "Entering",
    "Entry",
    "Granted",
    "Idle",
    "Inspecting",
    "Looking",
    "Opening",
    "Overruling",
    "Passing",
    "Reading",
    "Recording",
    "Referred",
    "Rules",
    "State",
    "Step",
    "crossing_of",
    "start",
    "step",
    "unread_of",
]


def start(open_crossings: tuple[str, ...], referred: tuple[str, ...] = (), through: str | None = None) -> Step:
    """The state at program start: every crossing that was left open is closed as referred, and whoever waits, waits for an officer
    (safety invariant 10). `referred` are those that had their verdict and were not settled. The surroundings hold all who wait.
    `through` is whose traveller is recorded to be through on their grant: they were admitted, and wait for nobody.
    """
    closings = tuple(
        closed(crossing, ClosedAs.ADMITTED)
        if crossing == through
        else closed(crossing, ClosedAs.REFERRED, waiting.RESTARTED)
        for crossing in open_crossings
    )
    first, shown = go_on(Surroundings(waiting=waiting.left(referred, closings)))
    return first, (*closings, *shown)


def step(
    rules: Rules, around: Surroundings, state: State, event: Event, now_ms: int
) -> tuple[Surroundings, State, tuple[Effect, ...]]:
    """Answer one event. Total: every event is answered in every state."""
    before, around = around, around.observe(event, now_ms).looked(event, crossing_of(state))
    alarmed: tuple[Effect, ...] = ()
    if isinstance(event, DoorSeen):
        around, alarmed = _status(around, event, now_ms, rules.timing)
    around = _fit(rules, before, around, now_ms)
    books = entries(before, around, state, now_ms, rules.timing)
    noted = _notes(around, state)
    around, lost = _losses(around, crossing_of(state), event, now_ms, rules.timing)
    if isinstance(event, Ordered):
        around, state, effects = obey(rules, around, state, event, now_ms)
    elif isinstance(event, RecordReplaced):
        state, effects = without_record(state, event.crossing)
    elif around.emergency() and not isinstance(state, Emergency):
        state, effects = _emergency_begins(around, state, now_ms)
    else:
        was, (state, effects) = state, _dispatch(rules, around, state, event, now_ms)
        if isinstance(was, Emergency) and was.held_ms is not None and not isinstance(state, Emergency):
            around = _nobody_is_freed(around)
    if effects:
        around = replace(around, waiting=waiting.follow(around.waiting, effects, now_ms))
    around, inside = way_back.watch(before.interior, around, state, event, now_ms=now_ms, timing=rules.timing)
    around, zone, again = _barriers(around, state, event, effects, now_ms=now_ms, timing=rules.timing)
    around, late = _late(rules, around, now_ms)
    return around, state, (*in_order((*effects, *again), books), *noted, *lost, *alarmed, *zone, *inside, *late)


def _nobody_is_freed(around: Surroundings) -> Surroundings:
    """An emergency that the host held open is over: what was opened for it, and was not seen open, is opened no more."""
    return replace(around, doors=tuple(replace(one, freeing=None) for one in around.doors))


def _late(rules: Rules, around: Surroundings, now_ms: int) -> tuple[Surroundings, tuple[Effect, ...]]:
    """Referrals that no officer answers; beside a gate that only watches, an officer need not answer any."""
    if rules.policy.shadow or not around.waiting:
        return around, ()
    waits, said = waiting.escalate(around.waiting, now_ms, rules.timing)
    return (replace(around, waiting=waits) if said else around), said


def _status(
    around: Surroundings, seen: DoorSeen, now_ms: int, timing: Timing
) -> tuple[Surroundings, tuple[Effect, ...]]:
    """What a door's status says of the orders that it was given, and of its alarms."""
    doorway = wanting.shown(around.doorway(seen.door), seen)
    doorway, alarmed = follow(doorway, seen, now_ms, timing, around=around)
    return around.with_doorway(doorway), alarmed


def _barriers(
    around: Surroundings, state: State, event: Event, effects: tuple[Effect, ...], *, now_ms: int, timing: Timing
) -> tuple[Surroundings, tuple[Effect, ...], tuple[Effect, ...]]:
    """Hold what every door's status shows against what is wanted of it, the last of a step: who waits inside, and what is told again."""
    is_wanted = any(one.revoking is not None or one.freeing is not None for one in around.doors)
    if not (effects or is_wanted or isinstance(event, DoorSeen)):
        return around, (), ()
    doors: list[Doorway] = []
    inside: tuple[Effect, ...] = ()
    again: tuple[Effect, ...] = ()
    for one in around.doors:
        seen = event if isinstance(event, DoorSeen) and event.door is one.door else None
        doorway = one
        if seen is not None and not around.two_doors:  # between two doors the sensors look
            doorway, waits = watch(doorway, state, seen, now_ms, timing)
            inside += waits
        doorway = wanting.told(doorway, effects, now_ms)
        if seen is not None:
            doorway, insisted = wanting.insist(doorway, state, seen, now_ms=now_ms, timing=timing)
            again += insisted
        doorway, missed = wanting.missed(doorway, state, now_ms=now_ms, timing=timing)
        again += missed
        doors.append(doorway)
    if any(now is not then for now, then in zip(doors, around.doors, strict=True)):
        around = replace(around, doors=tuple(doors))
    return around, inside, again


def _fit(rules: Rules, before: Surroundings, around: Surroundings, now_ms: int) -> Surroundings:
    """The surroundings with what hinders an admission now. Where nothing else has changed, time alone ages what is known of the site."""
    known_ms = None if around.site_at_ms is None or around is not before else now_ms - around.site_at_ms
    if known_ms is not None and known_ms <= rules.policy.site_age_max_s * 1000:
        return around
    found = hinders(rules.policy, around, now_ms)
    return around if found == around.hinders else replace(around, hinders=found)


def _dispatch(rules: Rules, around: Surroundings, state: State, event: Event, now_ms: int) -> Step:
    match state:
        case Idle():
            return _idle(around, state, event, now_ms)
        case Opening():
            return _opening(rules, around, state, event, now_ms)
        case Reading():
            return _reading(rules, around, state, event, now_ms)
        case Inspecting():
            return _inspecting(rules, around, state, event, now_ms)
        case Recording():
            return _recording(rules, around, state, event, now_ms)
        case Referred():
            return _referred(rules, around, state, event, now_ms)
        case Emergency():
            return _emergency(rules, around, state, event, now_ms)
        case _:
            return _let_through(rules, around, state, event, now_ms)


def _let_through(
    rules: Rules,
    around: Surroundings,
    state: Overruling | Looking | Granted | Entering | Passing,
    event: Event,
    now_ms: int,
) -> Step:
    match state:
        case Overruling():
            return _overruling(rules, around, state, event, now_ms)
        case Looking():
            return _looking(rules, around, state, event, now_ms)
        case Granted():
            return _granted(rules, around, state, event, now_ms)
        case Entering():
            return _entering(rules, around, state, event, now_ms)
        case Passing():  # pragma: no branch - the type checker proves the match complete
            return _passing(rules, around, state, event, now_ms)


# ── what is noted in every state ─────────────────────────────────────────────────────────────────────────────────────


def _notes(around: Surroundings, state: State) -> tuple[Effect, ...]:
    """Records of the alarms that came up."""
    if not any(one.new_alarms for one in around.doors):
        return ()
    crossing = crossing_of(state)
    new = ((one.door, raised) for one in around.doors for raised in one.alarms if raised.alarm in one.new_alarms)
    return tuple(
        Write(records.Incident(crossing, IncidentKind.of_alarm(raised.alarm), waits=raised.waits, door=door))
        for door, raised in new
    )


def _losses(
    around: Surroundings, crossing: str | None, event: Event, now_ms: int, timing: Timing
) -> tuple[Surroundings, tuple[Effect, ...]]:
    """Records of lost parts, doubted video and refused records: a program that says the same without end fills no log with it."""
    match event:
        case LampAnswered(shown=False):
            kind = IncidentKind.LAMP_REFUSED
        case PartLost(part):
            kind = IncidentKind.of_loss(part)
        case VideoDoubted(of, trouble) if of == crossing:
            kind = IncidentKind.of_trouble(trouble)
        case RecordReplaced(of):
            kind, crossing = IncidentKind.RECORD_REFUSED, of
        case _:
            return around, ()
    recent = tuple(one for one in around.incidents if now_ms - one[2] < timing.incident_again_ms)
    if any(one[:2] == (kind, crossing) for one in recent):
        return around, ()
    return replace(around, incidents=(*recent, (kind, crossing, now_ms))), (incident(crossing, kind),)


# ── one function a state ─────────────────────────────────────────────────────────────────────────────────────────────


def _idle(around: Surroundings, state: Idle, event: Event, now_ms: int) -> Step:
    if isinstance(event, DocumentPresented) and around.closed_by is None:
        return _open(around, event.crossing, now_ms)
    resting, shown = rest(around)
    if resting.shown is not state.shown:
        return resting, shown
    if isinstance(event, PageGuided) and event.guidance is not state.guidance:
        return Idle(state.shown, event.guidance), (Show(state.shown, event.guidance),)
    return state, ()


def _open(around: Surroundings, crossing: str, now_ms: int) -> Step:
    opened = records.Opened(crossing, around.direction)
    return Opening(crossing, now_ms), (Write(opened, awaited=True), Show(Screen.WAIT))


def _opening(rules: Rules, around: Surroundings, state: Opening, event: Event, now_ms: int) -> Step:
    match event:
        case SensorsSeen() if _calls(around):
            return refer(state, (Objection(Reason.HELP_CALLED),))
        case Recorded(state.crossing, RecordKind.OPENED) if around.two_doors:
            return Reading(state.crossing, now_ms), (StartCrossing(state.crossing),)
        case Recorded(state.crossing, RecordKind.OPENED):
            return Inspecting(state.crossing, now_ms), (
                StartCrossing(state.crossing),
                Show(Screen.LOOK, Guidance.LOOK_AT_CAMERA),
            )
        case NotRecorded(state.crossing) | PartLost(Part.LOG):
            return refer(state, (Objection(Reason.LOG_UNAVAILABLE),))
        case _ if now_ms - state.since_ms > rules.timing.opening_max_ms:
            return refer(state, (Objection(Reason.RECEIPT_LATE),))
        case _:
            return state, ()


def _reading(rules: Rules, around: Surroundings, state: Reading, event: Event, now_ms: int) -> Step:
    """The document decides about the first door. It is taken along then, and a sensor between the doors has the word."""
    match event:
        case SensorsSeen() if _calls(around):
            return refer(state, (Objection(Reason.HELP_CALLED),))
        case DocumentRead(state.crossing, document):
            return _decide_entry(rules, around, state, document, (), now_ms=now_ms)
        case PartLost(part) if part in _REASON_OF_LOSS:
            return refer(state, (Objection(_REASON_OF_LOSS[part]),))
        case _ if now_ms - state.since_ms > rules.timing.crossing_max_ms:
            return _decide_entry(rules, around, state, None, (Objection(Reason.TIME_LIMIT),), now_ms=now_ms)
        case _:
            return state, ()


def _decide_entry(
    rules: Rules,
    around: Surroundings,
    state: Reading,
    document: DocumentEvidence | None,
    more: tuple[Objection, ...],
    *,
    now_ms: int,
) -> Step:
    evidence, policy = _evidence(around, document, None, now_ms), _policy(rules, around)
    decision = decide_entry(evidence, policy)
    more += tuple(dict.fromkeys(Objection(_REASON_OF_LOSS[part]) for part in Part if part in around.lost & _FACE_PARTS))
    if more:
        decision = Decision(Verdict.REFER, (*decision.objections, *more))
    record = records.EntryDecided(state.crossing, decision.verdict, decision.objections, evidence, policy)
    recording = Recording(state.crossing, decision, now_ms, entry=Entry(document))
    return recording, (Write(record, awaited=True), Show(Screen.WAIT))


def _entering(rules: Rules, around: Surroundings, state: Entering, event: Event, now_ms: int) -> Step:
    """Until both doors are closed with one person alone between them; then the face is looked at, by an officer whom an officer let in."""
    interior = around.interior
    if (broken := _breaks_in(around, state, event)) is not None:
        return refer(state, (broken,))
    enclosed = all(one.seen is not None and one.seen.closed and not one.seen.grants_left for one in around.doors)
    if enclosed and interior is not None and interior.people == 1 and interior.looks >= LOOKS_MIN:
        if (officers := state.officers) is not None:
            # An officer's word opens one door: who is inside now, an officer must see.
            return Referred(state.crossing, officers.referral.objections), (Show(Screen.OFFICER),)
        inspecting = Inspecting(state.crossing, now_ms, state.entry.document, now_ms)
        return inspecting, (OpenCamera(state.crossing), Show(Screen.LOOK, Guidance.LOOK_AT_CAMERA))
    if now_ms - state.since_ms > rules.timing.entering_max_ms:
        nobody = interior is not None and interior.nobody
        return refer(state, (Objection(Reason.WALKED_BACK if nobody else Reason.INSIDE_UNKNOWN),))
    return state, ()


def _breaks_in(around: Surroundings, state: Entering | Inspecting, event: Event) -> Objection | None:
    """What ends the stay of one person alone between two doors: somebody comes or goes, or nobody can tell any more."""
    if around.doors[0].just_left and not around.last.just_left:
        return Objection(Reason.WALKED_BACK)
    is_closing = isinstance(state, Entering) and isinstance(event, DoorSeen) and event.door is Door.FIRST
    match event:
        case DoorSeen(closed=False) if not (is_closing or around.moved):
            return Objection(Reason.LANE_NOT_CLOSED, event.door.value)
        case DoorSeen() | SensorsSeen() | PartLost():
            return _spoil(around, event, state.crossing)
        case _:
            return None


def _of_several(around: Surroundings, event: Event) -> Objection | None:
    """Between two doors more people than one are seen, or somebody calls for help."""
    if not around.two_doors or not isinstance(event, SensorsSeen):
        return None
    if _calls(around):
        return Objection(Reason.HELP_CALLED)
    several = event.people is not None and event.people > 1
    return Objection(Reason.BODIES_SEVERAL, str(event.people)) if several else None


def _calls(around: Surroundings) -> bool:
    """True while somebody between two doors calls for help: whoever is served meanwhile, the way back waits for that to end."""
    return around.two_doors and around.interior is not None and around.interior.called


def _inspecting(rules: Rules, around: Surroundings, state: Inspecting, event: Event, now_ms: int) -> Step:
    effects: tuple[Effect, ...] = ()
    if around.two_doors and (broken := _breaks_in(around, state, event)) is not None:
        return refer(state, (broken,))
    if (spoil := _spoils_face(around, state, event)) is not None:
        state = replace(state, spoiled=tuple(dict.fromkeys((*state.spoiled, spoil))))
    match event:
        case FaceSeen(state.crossing, faces, guidance):
            state = replace(state, faces=faces)
            effects = (Show(Screen.LOOK, guidance),)
        case DocumentRead(state.crossing, document):
            state = replace(state, document=document, document_at_ms=now_ms)
        case FaceCompared(state.crossing, face):
            # A track that was lost is not found again by comparing once more.
            held = face.track_held and (state.face is None or state.face.track_held)
            state = replace(state, face=replace(face, track_held=held), face_at_ms=now_ms)
        case TrackChanged(state.crossing) if state.face is not None:
            state = replace(state, face=replace(state.face, track_held=False))
        case VideoDoubted(state.crossing, trouble):
            state = replace(state, trouble=tuple(dict.fromkeys((*state.trouble, trouble))))
        case DocumentRemoved() if not around.two_doors:
            # Mid-read the inspection itself tells; afterwards the document must stay until the grant.
            state = replace(state, removed=state.removed or state.document is not None)
        case _:
            pass
    if not _ready(rules, around, state, now_ms):
        return state, effects
    return _decide(rules, around, state, now_ms)


def _spoils_face(around: Surroundings, state: Inspecting, event: Event) -> Objection | None:
    """What speaks against the face whatever comes after it: a camera that went away saw nobody meanwhile, even if it is back."""
    match event:
        case PartLost(Part.VISION | Part.CAMERA):
            return _spoil(around, event, state.crossing)
        case FaceSeen() | FaceCompared() | TrackChanged() if around.another_look:
            return _spoil(around, event, state.crossing)
        case FaceSeen() | DocumentPresented() if state.face is not None:
            return _spoil(around, event, state.crossing)
        case _:
            return None


def _ready(rules: Rules, around: Surroundings, state: Inspecting, now_ms: int) -> bool:
    """True when deciding now loses nothing worth waiting for."""
    timing = rules.timing
    if now_ms - state.since_ms > timing.crossing_max_ms:
        return True
    if state.document is None:
        return False
    if state.face is not None or state.trouble or state.spoiled or around.lost & {Part.VISION, Part.CAMERA}:
        return True
    hopeless = bool(document_objections(state.document, _policy(rules, around)))
    patience_ms = timing.face_after_failure_max_ms if hopeless else timing.face_max_ms
    return now_ms - state.document_at_ms > patience_ms


def _decide(rules: Rules, around: Surroundings, state: Inspecting, now_ms: int) -> Step:
    age_ms = None if state.face is None else now_ms - state.face_at_ms
    face = replace(state.face or FaceEvidence(faces=state.faces), trouble=state.trouble, age_ms=age_ms)
    evidence, policy = _evidence(around, state.document, face, now_ms), _policy(rules, around)
    decision = decide(evidence, policy)
    gone = (Objection(_REASON_OF_LOSS[part]) for part in Part if part in around.lost & _FACE_PARTS)
    more = tuple(dict.fromkeys((*gone, *state.spoiled)))
    if state.removed:
        more += (Objection(Reason.DOCUMENT_REMOVED),)
    if now_ms - state.since_ms > rules.timing.crossing_max_ms:
        more += (Objection(Reason.TIME_LIMIT),)
    if more:
        decision = Decision(Verdict.REFER, (*decision.objections, *more))
    record = records.Decided(state.crossing, decision.verdict, decision.objections, evidence, policy)
    return Recording(state.crossing, decision, now_ms), (Write(record, awaited=True), Show(Screen.WAIT))


def _evidence(
    around: Surroundings, document: DocumentEvidence | None, face: FaceEvidence | None, now_ms: int
) -> Evidence:
    """Everything that is known now; whose national somebody is, only where the lane asks."""
    if document is not None and document.nationality and around.travellers.everybody:
        document = replace(document, nationality="")
    lane = around.lane_evidence(now_ms)
    return Evidence(document, face, lane.last, around.site_evidence(now_ms), lane.first, lane.inside)


def _policy(rules: Rules, around: Surroundings) -> Policy:
    """What is decided by: the rules, and whom the lane serves, which no order changes while a crossing runs."""
    return replace(rules.policy, travellers=around.travellers)


_FACE_PARTS = frozenset({Part.VISION, Part.CAMERA})
# Without the reader or the log, what is admitted already may go on.
_REASON_OF_LOSS = {
    Part.BARRIER: Reason.BARRIER_LOST,
    Part.FIRST_BARRIER: Reason.BARRIER_LOST,
    Part.SENSORS: Reason.SENSORS_LOST,
    Part.VISION: Reason.VISION_LOST,
    Part.CAMERA: Reason.CAMERA_LOST,
}


# What an officer cannot overrule: everything else about an officer's traveller was known, or is gone with the child that saw it.
_OF_THE_LANE = frozenset(
    {
        Reason.PASSAGE_BEYOND_GRANT,
        Reason.REVERSE_PASSAGE,
        Reason.DOCUMENT_PRESENTED_AGAIN,
        Reason.BARRIER_LOST,
        Reason.SENSORS_LOST,
        Reason.BODIES_SEVERAL,
        Reason.HELP_CALLED,
    }
)


def _spoils(
    around: Surroundings, event: Event, crossing: str, matters: frozenset[Reason] = frozenset(Reason)
) -> Objection | None:
    """What takes an admission away that was not granted yet, as far as it matters."""
    spoil = _spoil(around, event, crossing)
    return spoil if spoil is not None and spoil.reason in matters else None


def _opens(around: Surroundings, event: Event) -> Objection | None:
    """One of two doors is seen open before one of them is granted: by the time of the grant it may be closed again."""
    if around.two_doors and isinstance(event, DoorSeen) and not event.closed and not around.moved:
        return Objection(Reason.LANE_NOT_CLOSED, event.door.value)
    return None


def _spoil(around: Surroundings, event: Event, crossing: str) -> Objection | None:
    if around.moved:
        entered = any(one.just_passed for one in around.doors)
        return Objection(Reason.PASSAGE_BEYOND_GRANT if entered else Reason.REVERSE_PASSAGE)
    if around.another_look:
        return Objection(Reason.TRACK_SWITCHED, "another session")
    if (several := _of_several(around, event)) is not None:
        return several
    match event:
        case FaceSeen(of, 0) if of == crossing:
            return Objection(Reason.FACE_MISSING)
        case FaceSeen(of, faces) if of == crossing and faces > 1:
            return Objection(Reason.FACES_SEVERAL, str(faces))
        case TrackChanged(of, change) if of == crossing:
            return Objection(_REASON_OF_TRACK[change])
        case VideoDoubted(of, trouble) if of == crossing:
            return Objection(Reason.CAMERA_TAMPERED, trouble.value)
        case DocumentRemoved() | DocumentPresented():
            return _of_document(around, event)
        case PartLost(part) if part in _REASON_OF_LOSS:
            return Objection(_REASON_OF_LOSS[part])
        case _:
            return None


def _of_document(around: Surroundings, event: DocumentRemoved | DocumentPresented) -> Objection | None:
    """Where there are two doors the reader stands before them: the document is taken along, and the next one may be laid."""
    if around.two_doors:
        return None
    removed = isinstance(event, DocumentRemoved)
    return Objection(Reason.DOCUMENT_REMOVED if removed else Reason.DOCUMENT_PRESENTED_AGAIN)


_REASON_OF_TRACK = {
    TrackChange.LOST: Reason.TRACK_LOST,
    TrackChange.SWITCHED: Reason.TRACK_SWITCHED,
    TrackChange.SEVERAL: Reason.FACES_SEVERAL,
}


def _recording(rules: Rules, around: Surroundings, state: Recording, event: Event, now_ms: int) -> Step:
    if spoil := _opens(around, event) or _spoils(around, event, state.crossing):
        return replace(state, spoiled=(*state.spoiled, spoil)), ()
    match event:
        case Recorded(state.crossing, kind) if kind is _kind_of(state):
            if state.decision.verdict is Verdict.REFER or state.spoiled:
                return refer(state, (*state.decision.objections, *state.spoiled))
            if rules.policy.shadow:
                return refer(state, (Objection(Reason.SHADOW_MODE),))
            if now_ms - state.since_ms > rules.timing.receipt_max_ms:
                return refer(state, (Objection(Reason.RECEIPT_LATE),))
            return Looking(state.crossing, now_ms, entry=state.entry), (LookAtLane(),)
        case NotRecorded(state.crossing) | PartLost(Part.LOG):
            return refer(state, (*state.decision.objections, *state.spoiled, Objection(Reason.LOG_UNAVAILABLE)))
        case _ if now_ms - state.since_ms > rules.timing.receipt_max_ms:
            return refer(state, (*state.decision.objections, *state.spoiled, Objection(Reason.RECEIPT_LATE)))
        case _:
            return state, ()


def _kind_of(state: Recording) -> RecordKind:
    """The record whose receipt is waited for."""
    return RecordKind.DECIDED if state.entry is None else RecordKind.ENTRY_DECIDED


def _referred(rules: Rules, around: Surroundings, state: Referred, event: Event, now_ms: int) -> Step:
    """Until an officer orders something (`gate.passage.obeying`). A gate that only watches holds up nobody: the next document ends it."""
    if isinstance(event, DocumentPresented) and rules.policy.shadow and around.closed_by is None:
        return _open(around, event.crossing, now_ms)
    return state, ()


def _overruling(rules: Rules, around: Surroundings, state: Overruling, event: Event, now_ms: int) -> Step:
    if spoil := _spoils(around, event, state.crossing, _OF_THE_LANE):
        return refer(state, (spoil,))
    match event:
        case Recorded(state.crossing, RecordKind.OVERRULED) if now_ms - state.since_ms <= rules.timing.receipt_max_ms:
            return Looking(state.crossing, now_ms, state.officers, state.entry), (LookAtLane(),)
        case NotRecorded(state.crossing) | PartLost(Part.LOG):
            return refer(state, (Objection(Reason.LOG_UNAVAILABLE),))
        case _ if now_ms - state.since_ms > rules.timing.receipt_max_ms:
            return refer(state, (Objection(Reason.RECEIPT_LATE),))
        case _:
            return state, ()


def _looking(rules: Rules, around: Surroundings, state: Looking, event: Event, now_ms: int) -> Step:
    matters = _OF_THE_LANE if state.officers is not None else frozenset(Reason)
    if spoil := _opens(around, event) or _spoils(around, event, state.crossing, matters):
        return refer(state, (spoil,))
    if isinstance(event, NotRecorded) and event.crossing == state.crossing:
        return refer(state, (Objection(Reason.LOG_UNAVAILABLE),))  # the log takes its word back
    if _is_looked_at(around, state, event):
        by_officer = state.officers is not None
        objections = keeps_closed(rules.policy, around, state.door, now_ms=now_ms, by_officer=by_officer)
        if state.officers is None:
            objections += site_objections(around.site_evidence(now_ms), rules.policy)
        if objections:
            return refer(state, objections)
        ttl_ms = rules.timing.grant_ttl_ms
        seen = around.doorway(state.door).seen
        entered = seen is not None and seen.bodies > 0
        return Granted(state.crossing, now_ms, entered, officers=state.officers, entry=state.entry), (
            Grant(state.crossing, ttl_ms, state.door),
            Show(Screen.GO),
            Write(records.Granted(state.crossing, ttl_ms, door=state.door)),
        )
    if now_ms - state.since_ms > rules.timing.look_max_ms:
        return refer(state, (Objection(Reason.LANE_STATUS_OLD),))
    return state, ()


def _is_looked_at(around: Surroundings, state: Looking, event: Event) -> bool:
    """True once everything that speaks for the lane was heard since it was asked; of one door its own word says it all."""
    if not around.two_doors:
        return isinstance(event, DoorSeen)
    return isinstance(event, DoorSeen | SensorsSeen) and around.seen_since(state.since_ms)


def _granted(rules: Rules, around: Surroundings, state: Granted, event: Event, now_ms: int) -> Step:
    match event:
        case DoorSeen(door=state.door):
            if around.doorway(state.door).just_passed:
                return _passed(around, state, now_ms)
            if objections := _strays(around, state, event):
                return revoke(state, objections)
            state = replace(state, entered=event.bodies > 0)
        case DoorSeen() if objections := _of_the_other(event):
            return revoke(state, objections)
        case TrackChanged(state.crossing, TrackChange.LOST) if not around.another_look:
            # Walking on takes the face out of the picture; the beams take over from the camera.
            state = replace(state, track_lost_ms=now_ms if state.track_lost_ms is None else state.track_lost_ms)
        case GrantFailed(state.crossing, state.door):
            return revoke(state, (Objection(Reason.BARRIER_LOST, "grant"),))
        case _ if (spoil := _takes_back(around, state, event)) is not None:
            return revoke(state, (spoil,))
        case _:
            pass
    return _overdue(rules.timing, around, state, now_ms)


def _overdue(timing: Timing, around: Surroundings, state: Granted, now_ms: int) -> Step:
    """What ends a grant by time: no status shows it, the face is gone and nobody came, nobody used it."""
    granting = around.doorway(state.door).granting
    if granting is not None and now_ms - granting.since_ms >= timing.order_shown_max_ms:
        return revoke(state, (Objection(Reason.GRANT_NOT_SHOWN),))
    gap_ms = now_ms - state.track_lost_ms if state.track_lost_ms is not None and not state.entered else 0
    if gap_ms > timing.track_gap_max_ms:
        return revoke(state, (Objection(Reason.TRACK_LOST),))
    if now_ms - state.since_ms > timing.grant_ttl_ms + timing.grant_slack_ms:
        referred, effects = refer(state, (Objection(Reason.GRANT_NOT_USED),))
        ended = Write(records.GrantEnded(state.crossing, GrantEnd.TIME, state.door))
        return referred, (Revoke(state.door), ended, *effects)
    return state, ()


# Of the controller's alarms, those that say that somebody moves who is not the one with the grant.
_AGAINST_A_GRANT = frozenset({Alarm.FORCED, Alarm.REVERSE_PASSAGE, Alarm.PASSAGE_WITHOUT_GRANT})


def _of_strangers(seen: DoorSeen) -> list[Objection]:
    """What a controller says of somebody who moves without a grant."""
    return [Objection(Reason.BARRIER_ALARM, alarm.value) for alarm in seen.alarms if alarm in _AGAINST_A_GRANT]


def _of_the_other(seen: DoorSeen) -> tuple[Objection, ...]:
    """What the door that is not granted says against the grant of the other one: nobody may pass it, or have passed it by force."""
    objections = _of_strangers(seen)
    if not seen.closed or seen.grants_left:
        objections.append(Objection(Reason.LANE_NOT_CLOSED, seen.door.value))
    return tuple(objections)


def _strays(around: Surroundings, state: Granted, seen: DoorSeen) -> tuple[Objection, ...]:
    """What the barrier says against one body that steps into the zone and goes on through the leaf (safety invariant 4).

    Who left the zone without a passage has walked back, and whoever steps in next may be anybody.
    """
    objections = _of_strangers(seen)
    if around.doorway(state.door).just_left:
        objections.append(Objection(Reason.REVERSE_PASSAGE))
    if seen.bodies > 1:
        objections.append(Objection(Reason.BODIES_SEVERAL, str(seen.bodies)))
    enclosed = around.two_doors and state.door is Door.LAST  # alone between two doors, nobody else can step in
    if state.entered and seen.bodies == 0 and not enclosed:
        objections.append(Objection(Reason.WALKED_BACK))
    return tuple(objections)


def _takes_back(around: Surroundings, state: Granted, event: Event) -> Objection | None:
    """What speaks against a grant beside the beams. The traveller takes the document along, and looks where they go."""
    match event:
        case FaceSeen() if not around.another_look:
            return None
        case DocumentRemoved():
            return None
        case FaceSeen() | FaceCompared() | PartLost(Part.VISION | Part.CAMERA) if state.officers is not None:
            return None  # an officer sees the traveller by themselves
        case _:
            return _spoil(around, event, state.crossing)


def _passed(around: Surroundings, state: Granted, now_ms: int) -> Step:
    """The counted passage of the person who was granted it, and of whoever came along."""
    crossing, doorway = state.crossing, around.doorway(state.door)
    several = doorway.seen is not None and doorway.seen.bodies > 1
    ended = Write(records.GrantEnded(crossing, GrantEnd.PASSAGE, state.door))
    if state.entry is not None:
        entering = Entering(crossing, now_ms, state.entry, state.officers)
        if several or doorway.just_passed > 1:
            referred, effects_then = refer(entering, (Objection(Reason.BODIES_SEVERAL),))
            return referred, (Revoke(state.door), ended, incident(crossing, IncidentKind.BODIES_SEVERAL), *effects_then)
        return entering, (Revoke(state.door), ended, Show(Screen.WAIT))
    effects: list[Effect] = [ended, Erase(crossing)]
    if several:
        effects.append(incident(crossing, IncidentKind.BODIES_SEVERAL))
    beyond = several or doorway.just_passed > 1
    return Passing(crossing, now_ms, beyond, state.officers), (Revoke(), *effects)


def _emergency_begins(around: Surroundings, state: State, now_ms: int) -> Step:
    """The lane stands open. Whoever the same status shows to be through on their grant was admitted."""
    through: tuple[Effect, ...] = ()
    if isinstance(state, Granted) and around.doorway(state.door).just_passed:
        state, effects = _passed(around, state, now_ms)
        # Nothing closes now (safety invariant 7), and the screen shows the way out.
        through = tuple(effect for effect in effects if not isinstance(effect, Revoke | Show))
    emergency, (shown, *effects_then) = begin_emergency(state, emergency_began(state))
    if not around.two_doors:
        return emergency, (shown, *through, *effects_then)
    # Its own controller has opened one door; the host opens the other, and keeps it open.
    others = tuple(Release(one.door) for one in around.doors if not one.emergency())
    return replace(emergency, held_ms=now_ms), (*others, shown, *through, *effects_then)


def _passing(rules: Rules, around: Surroundings, state: Passing, event: Event, now_ms: int) -> Step:
    state, effects = _beside_the_passage(around, state, event)
    if isinstance(event, DoorSeen | SensorsSeen) and around.at_rest():
        return _after_passing(around, state, effects, now_ms)
    if now_ms - state.since_ms > rules.timing.passing_max_ms or event in _BARRIERS_LOST:
        # The person was admitted and is through; what is wrong now is the lane.
        stuck = incident(state.crossing, IncidentKind.LANE_NOT_CLOSED)
        return _after_passing(around, state, (*effects, stuck), now_ms)
    return state, effects


_BARRIERS_LOST = (PartLost(Part.BARRIER), PartLost(Part.FIRST_BARRIER))


def _beside_the_passage(around: Surroundings, state: Passing, event: Event) -> tuple[Passing, tuple[Effect, ...]]:
    """Others than the traveller who is through: who came along, and who lays a document early."""
    match event:
        case DoorSeen() if any(one.just_passed for one in around.doors):
            return replace(state, incident=True), ()
        case DoorSeen(bodies=bodies) if bodies > 1 and not state.incident:
            return replace(state, incident=True), (incident(state.crossing, IncidentKind.BODIES_SEVERAL),)
        case DocumentPresented(following):
            early = (Show(Screen.WAIT), incident(state.crossing, IncidentKind.DOCUMENT_EARLY))
            return replace(state, next_document=following), early if state.next_document is None else ()
        case DocumentRemoved():
            return replace(state, next_document=None), ()
        case _:
            return state, ()


def _after_passing(around: Surroundings, state: Passing, effects: tuple[Effect, ...], now_ms: int) -> Step:
    """The crossing's last record; then whoever waits for an officer, whoever laid a document early, or nobody."""
    following, shown = go_on(around, state.crossing)
    if isinstance(following, Idle) and state.next_document is not None:
        following, shown = _idle(around, following, DocumentPresented(state.next_document), now_ms)
    return following, (*effects, admitted(state), *shown)


def _emergency(rules: Rules, around: Surroundings, state: Emergency, event: Event, now_ms: int) -> Step:
    if (ending := state.ending) is not None:
        return _ending(rules.timing, around, state, ending, event, now_ms=now_ms)
    if state.held_ms is not None and now_ms - state.held_ms >= rules.timing.emergency_hold_ms:
        return replace(state, held_ms=now_ms), tuple(Release(one.door) for one in around.doors if not one.emergency())
    return state, ()


def _ending(
    timing: Timing, around: Surroundings, state: Emergency, ending: Ending, event: Event, *, now_ms: int
) -> Step:
    """An emergency ends when the controller's status says so; the controller is told again until then, or until it is late."""
    if now_ms - ending.since_ms > timing.emergency_end_max_ms:
        return replace(state, ending=None), (incident(None, IncidentKind.EMERGENCY_NOT_ENDED),)
    if not isinstance(event, DoorSeen) or any(
        one.seen is None or one.seen.fire or one.seen_ms < ending.since_ms for one in around.doors
    ):
        return state, ()
    if not around.emergency():
        following, shown = go_on(around)
        return following, (Write(records.EmergencyEnded(ending.said)), *shown)
    if now_ms - ending.told_ms < timing.order_again_ms:
        return state, ()
    told = tuple(EndEmergency(one.door) for one in around.doors if one.emergency())
    return replace(state, ending=replace(ending, told_ms=now_ms)), told
