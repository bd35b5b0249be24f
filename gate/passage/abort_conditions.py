"""Events that abort a crossing, besides the decision: people who move, leave or enter where one person must be alone, and lost parts.

Each function answers one event with its objection, or with None.
"""

from __future__ import annotations

from gate.passage import events
from gate.passage.events import Event, Part
from gate.passage.lane import LaneContext
from gate.passage.names import TrackChange
from gate.passage.states import Entering, Granted, Inspecting
from gate_core.evidence.crossing import Alarm, Door
from gate_core.evidence.reasons import Objection, Reason

FACE_PARTS = frozenset({Part.VISION, Part.CAMERA})
# Without the reader or the log, what is admitted already may go on.
REASON_OF_LOSS = {
    Part.BARRIER: Reason.BARRIER_LOST,
    Part.FIRST_BARRIER: Reason.BARRIER_LOST,
    Part.SENSORS: Reason.SENSORS_LOST,
    Part.VISION: Reason.VISION_LOST,
    Part.CAMERA: Reason.CAMERA_LOST,
}
# What an officer cannot overrule: everything else about an officer's traveller was known, or is gone with the child that saw it.
OF_THE_LANE = frozenset(
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
# After a passage: the reasons for which it is unknown whether the camera has lost the holder of the grant.
OF_THE_VIEW = frozenset({Reason.CAMERA_LOST, Reason.VISION_LOST, Reason.CAMERA_TAMPERED, Reason.TRACK_SWITCHED})
_REASON_OF_TRACK = {
    TrackChange.LOST: Reason.TRACK_LOST,
    TrackChange.SWITCHED: Reason.TRACK_SWITCHED,
    TrackChange.SEVERAL: Reason.FACES_SEVERAL,
}
# The controller's alarms about people who move without a grant.
_AGAINST_A_GRANT = frozenset({Alarm.FORCED, Alarm.REVERSE_PASSAGE, Alarm.PASSAGE_WITHOUT_GRANT})


def breaks_in(lane: LaneContext, state: Entering | Inspecting, event: Event) -> Objection | None:
    """Return why one person is no longer alone between two doors: somebody entered or left, or this is unknown."""
    if lane.doors[0].just_left and not lane.last.just_left:
        return Objection(Reason.WALKED_BACK)
    is_closing = isinstance(state, Entering) and isinstance(event, events.DoorSeen) and event.door is Door.FIRST
    match event:
        case events.DoorSeen(closed=False) if not (is_closing or lane.moved):
            return Objection(Reason.LANE_NOT_CLOSED, event.door.value)
        case events.DoorSeen() | events.SensorsSeen() | events.PartLost():
            return _spoil(lane, event, state.crossing)
        case _:
            return None


def spoils_face(lane: LaneContext, state: Inspecting, event: Event) -> Objection | None:
    """Return what invalidates the face, whatever follows: a camera that was lost saw nobody in between, even if it is back."""
    match event:
        case events.PartLost(Part.VISION | Part.CAMERA):
            return _spoil(lane, event, state.crossing)
        case events.FaceSeen() | events.FaceCompared() | events.TrackChanged() if lane.another_look:
            return _spoil(lane, event, state.crossing)
        case events.FaceSeen() | events.DocumentPresented() if state.face is not None:
            return _spoil(lane, event, state.crossing)
        case _:
            return None


def spoils(
    lane: LaneContext, event: Event, crossing: str, matters: frozenset[Reason] = frozenset(Reason)
) -> Objection | None:
    """Return what ends an admission before its grant; `matters`: the reasons that count."""
    spoil = _spoil(lane, event, crossing)
    return spoil if spoil is not None and spoil.reason in matters else None


def opens(lane: LaneContext, event: Event) -> Objection | None:
    """Return an objection if one of two doors is seen open before one of them is granted; by the time of the grant it may be closed again."""
    if lane.two_doors and isinstance(event, events.DoorSeen) and not event.closed and not lane.moved:
        return Objection(Reason.LANE_NOT_CLOSED, event.door.value)
    return None


def takes_back(lane: LaneContext, state: Granted, event: Event) -> Objection | None:
    """Return the objection to a grant, besides the beams'. The document may leave the reader, and the traveller may look away."""
    match event:
        case events.FaceSeen() if not lane.another_look:
            return None
        case events.DocumentRemoved():
            return None
        case events.FaceSeen() | events.FaceCompared() | events.PartLost(Part.VISION | Part.CAMERA) if (
            state.officers is not None
        ):
            return None  # an officer sees the traveller by themselves
        case _:
            return _spoil(lane, event, state.crossing)


def strays(lane: LaneContext, state: Granted, seen: events.DoorSeen) -> tuple[Objection, ...]:
    """Return the barrier's objections to a grant: anything but one body that enters the zone and passes the leaf (safety invariant 4)."""
    objections = _of_strangers(seen)
    if lane.door_state(state.door).just_left:
        objections.append(Objection(Reason.REVERSE_PASSAGE))
    if seen.bodies > 1:
        objections.append(Objection(Reason.BODIES_SEVERAL, str(seen.bodies)))
    enclosed = lane.two_doors and state.door is Door.LAST  # alone between two doors: nobody else can step in
    if state.entered and seen.bodies == 0 and not enclosed:
        objections.append(Objection(Reason.WALKED_BACK))
    return tuple(objections)


def of_the_other(seen: events.DoorSeen) -> tuple[Objection, ...]:
    """Return the objections of the other door to a grant of this one: it must be closed, without a grant and without alarms of people who passed."""
    objections = _of_strangers(seen)
    if not seen.closed or seen.grants_left:
        objections.append(Objection(Reason.LANE_NOT_CLOSED, seen.door.value))
    return tuple(objections)


def _of_strangers(seen: events.DoorSeen) -> list[Objection]:
    """Return the controller's alarms about people who move without a grant."""
    return [Objection(Reason.BARRIER_ALARM, alarm.value) for alarm in seen.alarms if alarm in _AGAINST_A_GRANT]


def _spoil(lane: LaneContext, event: Event, crossing: str) -> Objection | None:
    if lane.moved:
        entered = any(one.just_passed for one in lane.doors)
        return Objection(Reason.PASSAGE_BEYOND_GRANT if entered else Reason.REVERSE_PASSAGE)
    if lane.another_look:
        return Objection(Reason.TRACK_SWITCHED, "another session")
    if (several := _of_several(lane, event)) is not None:
        return several
    match event:
        case events.FaceSeen(of, faces) if of == crossing and faces != 1:
            return Objection(Reason.FACES_SEVERAL, str(faces)) if faces else Objection(Reason.FACE_MISSING)
        case events.TrackChanged(of, change) if of == crossing:
            return Objection(_REASON_OF_TRACK[change])
        case events.VideoDoubted(of, trouble) if of == crossing:
            return Objection(Reason.CAMERA_TAMPERED, trouble.value)
        # Where there are two doors the reader stands before them: the document is taken along, and the next one may be laid.
        case events.DocumentRemoved() if not lane.two_doors:
            return Objection(Reason.DOCUMENT_REMOVED)
        case events.DocumentPresented() if not lane.two_doors:
            return Objection(Reason.DOCUMENT_PRESENTED_AGAIN)
        case events.PartLost(part) if part in REASON_OF_LOSS:
            return Objection(REASON_OF_LOSS[part])
        case _:
            return None


def _of_several(lane: LaneContext, event: Event) -> Objection | None:
    """Return an objection if sensors see more than one person between two doors, or one calls for help."""
    if not lane.two_doors or not isinstance(event, events.SensorsSeen):
        return None
    if calls(lane):
        return Objection(Reason.HELP_CALLED)
    several = event.people is not None and event.people > 1
    return Objection(Reason.BODIES_SEVERAL, str(event.people)) if several else None


def calls(lane: LaneContext) -> bool:
    """True while a person between two doors calls for help. The way back waits for the end of a running crossing."""
    return lane.two_doors and lane.interior is not None and lane.interior.called
