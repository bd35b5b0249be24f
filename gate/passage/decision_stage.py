"""The states from the invitation to the decision: document read, one person alone, face compared.

`gate.passage.passage_stage` has the states after an admission.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.passage import events, records, states
from gate.passage.abort_conditions import FACE_PARTS, REASON_OF_LOSS, breaks_in, calls, spoils_face
from gate.passage.conditions import Fact
from gate.passage.crossing_end import refer, rest, revoke
from gate.passage.effects import Effect, OpenCamera, Show, StartCrossing, Write
from gate.passage.events import Event, Part
from gate.passage.interior import LOOKS_MIN
from gate.passage.lane import LaneContext, Timing
from gate.passage.names import RecordKind
from gate.passage.policy import (
    Decision,
    Policy,
    Verdict,
    decide,
    decide_entry,
    document_objections,
    face_objections,
    is_read,
)
from gate.passage.states import (
    Rules,
    State,
    Step,
)
from gate_core.evidence.crossing import Evidence, FaceEvidence
from gate_core.evidence.reasons import Objection, Reason
from gate_core.evidence.registers import asked, register_objections
from gate_core.evidence.screen import Guidance, Screen


def step_idle(_: Rules, lane: LaneContext, state: states.Idle, event: Event, now_ms: int) -> Step:
    """Wait for a document; show the invitation, or why there is none."""
    if isinstance(event, events.DocumentPresented) and lane.closed_by is None:
        return begin(lane, event.crossing, now_ms)
    resting, shown = rest(lane)
    if resting.shown is not state.shown:
        return resting, shown
    if isinstance(event, events.PageGuided) and event.guidance is not state.guidance:
        return states.Idle(state.shown, event.guidance), (Show(state.shown, event.guidance),)
    return state, ()


def begin(lane: LaneContext, crossing: str, now_ms: int) -> Step:
    """Open a crossing, durably before the chip is touched (safety invariant 10)."""
    opened = records.Opened(crossing, lane.direction)
    return states.Opening(crossing, now_ms), (Write(opened, awaited=True), Show(Screen.WAIT))


def step_referred(rules: Rules, lane: LaneContext, state: states.Referred, event: Event, now_ms: int) -> Step:
    """Wait for an officer's order (`gate.passage.officer_commands`). In shadow mode nobody waits: the next document ends the state."""
    if isinstance(event, events.DocumentPresented) and rules.policy.shadow and lane.closed_by is None:
        return begin(lane, event.crossing, now_ms)
    return state, ()


def step_opening(rules: Rules, lane: LaneContext, state: states.Opening, event: Event, now_ms: int) -> Step:
    """Wait until the opened crossing is durable."""
    match event:
        case events.SensorsSeen() if calls(lane):
            return refer(state, (Objection(Reason.HELP_CALLED),))
        case events.Recorded(state.crossing, RecordKind.OPENED) if lane.two_doors:
            return states.Reading(state.crossing, now_ms), (StartCrossing(state.crossing),)
        case events.Recorded(state.crossing, RecordKind.OPENED):
            return states.Inspecting(state.crossing, now_ms), (
                StartCrossing(state.crossing),
                Show(Screen.LOOK, Guidance.LOOK_AT_CAMERA),
            )
        case events.NotRecorded(state.crossing) | events.PartLost(Part.LOG):
            return refer(state, (Objection(Reason.LOG_UNAVAILABLE),))
        case _ if now_ms - state.since_ms > rules.timing.opening_max_ms:
            return refer(state, (Objection(Reason.RECEIPT_LATE),))
        case _:
            return state, ()


def step_reading(rules: Rules, lane: LaneContext, state: states.Reading, event: Event, now_ms: int) -> Step:
    """Read the document, which decides about the first door. The document may leave the reader then; sensors watch between the doors."""
    match event:
        case events.SensorsSeen() if calls(lane):
            return refer(state, (*found(rules, lane, state), Objection(Reason.HELP_CALLED)))
        case events.DocumentRead(state.crossing, document):
            state = replace(state, document=document, document_at_ms=now_ms)
        case events.RegistersAnswered(state.crossing, findings):
            state = replace(state, registers=(*(state.registers or ()), *findings))
        case events.PartLost(part) if part in REASON_OF_LOSS:
            return refer(state, (*found(rules, lane, state), Objection(REASON_OF_LOSS[part])))
        case _ if now_ms - state.since_ms > rules.timing.crossing_max_ms:
            return _decide_entry(rules, lane, state, (Objection(Reason.TIME_LIMIT),), now_ms=now_ms)
        case _:
            pass
    if state.document is None or _awaits_registers(rules, lane, state, now_ms):
        return state, ()
    return _decide_entry(rules, lane, state, (), now_ms=now_ms)


def _awaits_registers(rules: Rules, lane: LaneContext, state: states.Reading | states.Inspecting, now_ms: int) -> bool:
    """True while required lists and registers have time to answer. Their answers do not change the waiting time."""
    if not is_read(state.document) or now_ms - state.document_at_ms > rules.timing.registers_max_ms:
        return False
    answered = {one.register for one in state.registers or ()}
    return any(name not in answered for name in asked(rules.policy.registers, lane.local))


def _decide_entry(
    rules: Rules, lane: LaneContext, state: states.Reading, more: tuple[Objection, ...], *, now_ms: int
) -> Step:
    evidence = _evidence(rules, lane, state, None, now_ms=now_ms)
    policy = _policy(rules, lane)
    more += (*dict.fromkeys(_of_lost_parts(lane)), *_of_the_screen(lane))
    decision = _with(decide_entry(evidence, policy, rules.rule_set), more)
    record = records.EntryDecided(state.crossing, decision.verdict, decision.objections, evidence, policy)
    recording = states.Recording(state.crossing, decision, now_ms, entry=states.Entry(state.document, state.registers))
    return recording, (Write(record, awaited=True), Show(Screen.WAIT))


def step_entering(rules: Rules, lane: LaneContext, state: states.Entering, event: Event, now_ms: int) -> Step:
    """Wait until both doors are closed with one person between them. Then the face is checked, or an officer sees a person whom one let in."""
    interior = lane.interior
    if (broken := breaks_in(lane, state, event)) is not None:
        return refer(state, (broken,))
    enclosed = all(one.seen is not None and one.seen.closed and not one.seen.grants_left for one in lane.doors)
    if enclosed and interior is not None and interior.people == 1 and interior.looks >= LOOKS_MIN:
        if (officers := state.officers) is not None:
            # An officer's order opens one door: an officer must see the person who is inside now.
            return states.Referred(state.crossing, officers.referral.objections), (Show(Screen.OFFICER),)
        inspecting = states.Inspecting(state.crossing, now_ms, state.entry.document, now_ms, state.entry.registers)
        return inspecting, (OpenCamera(state.crossing), Show(Screen.LOOK, Guidance.LOOK_AT_CAMERA))
    if now_ms - state.since_ms > rules.timing.entering_max_ms:
        nobody = interior is not None and interior.nobody
        return refer(state, (Objection(Reason.WALKED_BACK if nobody else Reason.INSIDE_UNKNOWN),))
    return state, ()


def step_inspecting(rules: Rules, lane: LaneContext, state: states.Inspecting, event: Event, now_ms: int) -> Step:
    """While document and face are checked; every doubt is kept for the decision."""
    effects: tuple[Effect, ...] = ()
    if lane.two_doors and (broken := breaks_in(lane, state, event)) is not None:
        return refer(state, (*found(rules, lane, state), broken))
    if (spoil := spoils_face(lane, state, event)) is not None:
        state = replace(state, spoiled=tuple(dict.fromkeys((*state.spoiled, spoil))))
    match event:
        case events.FaceSeen(state.crossing, faces, guidance):
            state = replace(state, faces=faces)
            effects = (Show(Screen.LOOK, guidance),)
        case events.DocumentRead(state.crossing, document):
            state = replace(state, document=document, document_at_ms=now_ms)
        case events.RegistersAnswered(state.crossing, findings):
            state = replace(state, registers=(*(state.registers or ()), *findings))
        case events.FaceCompared(state.crossing, face):
            # A track that was lost is not found again by comparing once more.
            held = face.track_held and (state.face is None or state.face.track_held)
            state = replace(state, face=replace(face, track_held=held), face_at_ms=now_ms)
        case events.TrackChanged(state.crossing) if state.face is not None:
            state = replace(state, face=replace(state.face, track_held=False))
        case events.VideoDoubted(state.crossing, trouble):
            state = replace(state, trouble=tuple(dict.fromkeys((*state.trouble, trouble))))
        case events.DocumentRemoved() if not lane.two_doors:
            # During reading the inspection reports a removal; afterwards the document must stay until the grant.
            state = replace(state, removed=state.removed or state.document is not None)
        case _:
            pass
    if not _ready(rules, lane, state, now_ms):
        return state, effects
    return _decide(rules, lane, state, now_ms)


def _ready(rules: Rules, lane: LaneContext, state: states.Inspecting, now_ms: int) -> bool:
    """True if waiting longer cannot change the decision. A traveller whom a written rule means waits as long as any other."""
    timing = rules.timing
    if _is_late(timing, state, now_ms):
        return True
    if state.document is None or _awaits_registers(rules, lane, state, now_ms):
        return False
    if state.face is not None or state.trouble or state.spoiled or lane.lost & {Part.VISION, Part.CAMERA}:
        return True
    hopeless = bool(document_objections(state.document, _policy(rules, lane)))
    patience_ms = timing.face_after_failure_max_ms if hopeless else timing.face_max_ms
    return now_ms - state.document_at_ms > patience_ms + state.more_ms


def _is_late(timing: Timing, state: states.Inspecting, now_ms: int) -> bool:
    """True if an undecided crossing takes too long."""
    return now_ms - state.since_ms > timing.crossing_max_ms + state.more_ms


def found(rules: Rules, lane: LaneContext, state: State) -> tuple[Objection, ...]:
    """Return the objections of document, registers and face so far, which no decision has stated yet."""
    if not isinstance(state, states.Reading | states.Inspecting):
        return ()
    policy = _policy(rules, lane)
    document = () if state.document is None else document_objections(state.document, policy)
    compared = state.face if isinstance(state, states.Inspecting) else None
    face = () if compared is None else face_objections(compared, policy)
    return (*document, *register_objections((), state.registers, None), *face)


def end_crossing(rules: Rules, lane: LaneContext, state: State, objections: tuple[Objection, ...]) -> Step | None:
    """Refer the running crossing with all objections so far, and revoke its grant. None: no crossing runs, or it is over."""
    match state:
        case states.Idle() | states.Referred() | states.Passing() | states.Emergency():
            return None
        case states.Granted():
            return revoke(state, objections)
        case _:
            return refer(state, (*found(rules, lane, state), *objections))


def _decide(rules: Rules, lane: LaneContext, state: states.Inspecting, now_ms: int) -> Step:
    age_ms = None if state.face is None else now_ms - state.face_at_ms
    face = replace(state.face or FaceEvidence(faces=state.faces), trouble=state.trouble, age_ms=age_ms)
    evidence = _evidence(rules, lane, state, face, now_ms=now_ms)
    policy = _policy(rules, lane)
    more = tuple(dict.fromkeys((*_of_lost_parts(lane), *state.spoiled))) + _of_the_screen(lane)
    if state.removed:
        more += (Objection(Reason.DOCUMENT_REMOVED),)
    if _is_late(rules.timing, state, now_ms):
        more += (Objection(Reason.TIME_LIMIT),)
    decision = _with(decide(evidence, policy, rules.rule_set), more)
    record = records.Decided(state.crossing, decision.verdict, decision.objections, evidence, policy)
    return states.Recording(state.crossing, decision, now_ms), (Write(record, awaited=True), Show(Screen.WAIT))


def _with(decision: Decision, more: tuple[Objection, ...]) -> Decision:
    """Return the decision with objections of the moment added."""
    return Decision(Verdict.REFER, (*decision.objections, *more)) if more else decision


def _of_lost_parts(lane: LaneContext) -> Iterator[Objection]:
    return (Objection(REASON_OF_LOSS[part]) for part in Part if part in lane.lost & FACE_PARTS)


def _of_the_screen(lane: LaneContext) -> tuple[Objection, ...]:
    """Return an objection if the screen is lost: the traveller cannot be instructed. A grant continues: lamp and door show it."""
    return (Objection(Reason.SCREEN_LOST),) if Part.SCREEN in lane.lost else ()


def _evidence(
    rules: Rules,
    lane: LaneContext,
    state: states.Reading | states.Inspecting,
    face: FaceEvidence | None,
    *,
    now_ms: int,
) -> Evidence:
    """Return all evidence known now; of the holder's data only what the lane or a rule uses."""
    asks, document, required = rules.rule_set.asks, state.document, rules.policy.registers
    if document is not None:
        groups = (lane.travellers, rules.policy.without_entry_record)
        asked_whose = Fact.NATIONALITY in asks or not all(group.everybody for group in groups)
        document = replace(
            document,
            nationality=document.nationality if asked_whose else "",
            sex=document.sex if Fact.SEX in asks else "",
            age=document.age if Fact.AGE in asks else None,
        )
    doors = lane.lane_evidence(now_ms)
    site, shielded = lane.site_evidence(now_ms), state.crossing in lane.shielded
    if Fact.LOCAL not in asks and not any(one.suspended for one in required):
        site = replace(site, local=None)
    wants_some = rules.policy.random_checks_per_10000 > 0
    return Evidence(
        document,
        face,
        doors.last,
        site,
        doors.first,
        doors.inside,
        no_outbound_query=shielded,
        direction=lane.direction if Fact.DIRECTION in asks else None,
        drawn=lane.draw.draws(state.crossing) if wants_some and lane.draw is not None else None,
        registers=state.registers,
    )


def _policy(rules: Rules, lane: LaneContext) -> Policy:
    """Return the policy with the travellers that the lane serves; no order changes these during a crossing."""
    return replace(rules.policy, travellers=lane.travellers)
