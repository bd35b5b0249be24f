"""Somebody who waits inside before a closed leaf: whoever the beams see there for long, while nobody is let through, is told to an officer.

Such a person may be locked in, or stayed behind when others went: the lane invites nobody, and nothing else would call for help. Told
once, for as long as somebody stays. Opening for them is left to the officer's release: the lane does not know why they are there.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage.crossing_end import incident
from gate.passage.door_state import DoorState, Inside
from gate.passage.effects import Effect
from gate.passage.events import DoorSeen
from gate.passage.lane import Timing
from gate.passage.records import IncidentKind
from gate.passage.states import Emergency, Idle, Referred, State, crossing_of


def watch(
    door_state: DoorState, state: State, seen: DoorSeen, now_ms: int, timing: Timing
) -> tuple[DoorState, tuple[Effect, ...]]:
    """Whether somebody waits inside as this status has it, and what is said of it."""
    if not seen.closed or seen.bodies == 0:
        return (door_state if door_state.inside is None else replace(door_state, inside=None)), ()
    inside = door_state.inside or Inside(now_ms)
    is_long = now_ms - inside.since_ms >= timing.inside_max_ms
    if inside.told or not is_long or not isinstance(state, Idle | Referred | Emergency):
        return replace(door_state, inside=inside), ()
    told = replace(door_state, inside=replace(inside, told=True))
    return told, (incident(crossing_of(state), IncidentKind.PERSON_INSIDE),)
