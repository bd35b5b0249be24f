"""Incidents in every state: an alarm that began, a lost part, doubtful video, a person who waits inside. Pure."""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records
from gate.passage.crossing_end import incident
from gate.passage.door_state import Inside
from gate.passage.effects import Write
from gate.passage.events import DoorSeen, LampAnswered, PartLost, RecordReplaced, VideoDoubted
from gate.passage.names import IncidentKind
from gate.passage.states import Emergency, Idle, Referred, Turn, Turned, crossing_of


def alarms_began(turn: Turn) -> Turned:
    """Record the alarms that began."""
    lane = turn.lane
    if not any(one.new_alarms for one in lane.doors):
        return lane, ()
    crossing = crossing_of(turn.state)
    new = ((one.door, raised) for one in lane.doors for raised in one.alarms if raised.alarm in one.new_alarms)
    return lane, tuple(
        Write(records.Incident(crossing, IncidentKind.of_alarm(raised.alarm), waits=raised.waits, door=door))
        for door, raised in new
    )


def losses(turn: Turn) -> Turned:
    """Record lost parts, doubted video and refused records. Repeated reports are limited, so that they cannot fill the log."""
    lane, crossing = turn.lane, crossing_of(turn.state)
    match turn.event:
        case LampAnswered(shown=False):
            kind = IncidentKind.LAMP_REFUSED
        case PartLost(part):
            kind = IncidentKind.of_loss(part)
        case VideoDoubted(of, trouble) if of == crossing:
            kind = IncidentKind.of_trouble(trouble)
        case RecordReplaced(of):
            kind, crossing = IncidentKind.RECORD_REFUSED, of
        case _:
            return lane, ()
    recent = tuple(one for one in lane.incidents if turn.now_ms - one[2] < turn.rules.timing.incident_again_ms)
    if any(one[:2] == (kind, crossing) for one in recent):
        return lane, ()
    return replace(lane, incidents=(*recent, (kind, crossing, turn.now_ms))), (incident(crossing, kind),)


def persons_inside(turn: Turn) -> Turned:
    """Report once a person whom the beams detect for a long time before a closed leaf while no traveller is being admitted.

    They may be locked in, or may have stayed behind: the lane invites nobody, and nothing else calls for help. It does not open for them,
    because it does not know why they are there; an officer's release does. Between two doors the sensors watch (`gate.passage.way_back`).
    """
    lane, seen = turn.lane, turn.event
    if not isinstance(seen, DoorSeen) or lane.two_doors:
        return lane, ()
    door_state = lane.door_state(seen.door)
    if not seen.closed or seen.bodies == 0:
        return (lane if door_state.inside is None else lane.with_door_state(replace(door_state, inside=None))), ()
    inside = door_state.inside or Inside(turn.now_ms)
    is_long = turn.now_ms - inside.since_ms >= turn.rules.timing.inside_max_ms
    if inside.told or not is_long or not isinstance(turn.state, Idle | Referred | Emergency):
        return lane.with_door_state(replace(door_state, inside=inside)), ()
    told = replace(door_state, inside=replace(inside, told=True))
    return lane.with_door_state(told), (incident(crossing_of(turn.state), IncidentKind.PERSON_INSIDE),)
