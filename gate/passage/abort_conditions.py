"""What speaks against a crossing beside what is decided about it: whoever moves, goes or comes where one person is alone, and parts that are lost.

Each function answers one event with the objection that it is, or with None.
"""

from __future__ import annotations

from gate.passage import events
from gate.passage.events import Event, Part
from gate.passage.lane import LaneContext
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
# After a passage: nobody can tell any more whether the camera has lost the holder of the grant.
OF_THE_VIEW = frozenset({Reason.CAMERA_LOST, Reason.VISION_LOST, Reason.CAMERA_TAMPERED, Reason.TRACK_SWITCHED})
_REASON_OF_TRACK = {
    events.TrackChange.LOST: Reason.TRACK_LOST,
    events.TrackChange.SWITCHED: Reason.TRACK_SWITCHED,
    events.TrackChange.SEVERAL: Reason.FACES_SEVERAL,
}
# Of the controller's alarms, those that say that somebody moves who is not the one with the grant.
_AGAINST_A_GRANT = frozenset({Alarm.FORCED, Alarm.REVERSE_PASSAGE, Alarm.PASSAGE_WITHOUT_GRANT})


def breaks_in(lane: LaneContext, state: Entering | Inspecting, event: Event) -> Objection | None:
    """What ends the stay of one person alone between two doors: somebody comes or goes, or nobody can tell any more."""
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
    """What speaks against the face whatever comes after it: a camera that went away saw nobody meanwhile, even if it is back."""
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
    """What takes an admission away that was not granted yet, as far as it matters."""
    spoil = _spoil(lane, event, crossing)
    return spoil if spoil is not None and spoil.reason in matters else None


def opens(lane: LaneContext, event: Event) -> Objection | None:
    """One of two doors is seen open before one of them is granted: by the time of the grant it may be closed again."""
    if lane.two_doors and isinstance(event, events.DoorSeen) and not event.closed and not lane.moved:
        return Objection(Reason.LANE_NOT_CLOSED, event.door.value)
    return None


def takes_back(lane: LaneContext, state: Granted, event: Event) -> Objection | None:
    """What speaks against a grant beside the beams. The traveller takes the document along, and looks where they go."""
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
    """What the barrier says against one body that enters the zone and goes on through the leaf (safety invariant 4)."""
    objections = _of_strangers(seen)
    if lane.door_state(state.door).just_left:
        objections.append(Objection(Reason.REVERSE_PASSAGE))
    if seen.bodies > 1:
        objections.append(Objection(Reason.BODIES_SEVERAL, str(seen.bodies)))
    enclosed = lane.two_doors and state.door is Door.LAST  # alone between two doors, nobody else can step in
    if state.entered and seen.bodies == 0 and not enclosed:
        objections.append(Objection(Reason.WALKED_BACK))
    return tuple(objections)


def of_the_other(seen: events.DoorSeen) -> tuple[Objection, ...]:
    """What the door that is not granted says against the grant of the other one: nobody may pass it, or have passed it by force."""
    objections = _of_strangers(seen)
    if not seen.closed or seen.grants_left:
        objections.append(Objection(Reason.LANE_NOT_CLOSED, seen.door.value))
    return tuple(objections)


def _of_strangers(seen: events.DoorSeen) -> list[Objection]:
    """What a controller says of somebody who moves without a grant."""
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
    """Between two doors more people than one are seen, or somebody calls for help."""
    if not lane.two_doors or not isinstance(event, events.SensorsSeen):
        return None
    if calls(lane):
        return Objection(Reason.HELP_CALLED)
    several = event.people is not None and event.people > 1
    return Objection(Reason.BODIES_SEVERAL, str(event.people)) if several else None


def calls(lane: LaneContext) -> bool:
    """True while somebody between two doors calls for help: whoever is served meanwhile, the way back waits for that to end."""
    return lane.two_doors and lane.interior is not None and lane.interior.called
