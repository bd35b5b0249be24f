"""Events from the sensors of a lane, and the way back for a person who waits between two doors. Pure.

A person inside while nobody is being admitted is offered the way back after a while, and at once if they press the call button or an
officer pauses the lane: the first door opens towards the hall, repeatedly until nobody is inside. Freeing never waits (safety invariants
2 and 8), so it opens also if the last door's controller does not answer. It does not open while the last door is seen open, its grant is
not known to have ended, or it fell silent in such a state a moment ago: then nobody is locked in, and two doors are never both open (6).
"""

from __future__ import annotations

import math
from dataclasses import replace

from gate.passage.crossing_end import incident
from gate.passage.door_state import PendingOrder
from gate.passage.effects import Effect, Release
from gate.passage.events import Event, SensorsSeen
from gate.passage.interior import LOOKS_MIN, Interior, Waits
from gate.passage.lane import LaneContext, Timing
from gate.passage.names import IncidentKind
from gate.passage.states import Idle, Referred, State, Turn, Turned, crossing_of
from gate_core.evidence.crossing import Door


def watch(turn: Turn) -> Turned:
    """Record new conditions that the sensors report, and open the way back if it is due."""
    lane, state, event, now_ms, timing = turn.lane, turn.state, turn.event, turn.now_ms, turn.rules.timing
    said = _began(turn.before.interior or Interior(), lane, state) if isinstance(event, SensorsSeen) else ()
    if not lane.two_doors:
        return lane, said
    lane, opened = _way_back(_given_way(lane, now_ms, timing), state, event, now_ms, timing)
    return lane, (*opened, *said)


def _began(before: Interior, lane: LaneContext, state: State) -> tuple[Effect, ...]:
    """Return an incident for each new condition. A technician may open the cabinet."""
    now = lane.interior
    assert now is not None, "the sensors have just spoken"
    crossing = crossing_of(state)
    return tuple(
        incident(crossing, kind)
        for kind, is_so, was_so in (
            (IncidentKind.HELP_CALLED, now.called, before.called),
            (IncidentKind.LEFT_OBJECT, now.object_alone, before.object_alone),
            (IncidentKind.CABINET_OPEN, now.cabinet_open and lane.maintained_by is None, before.cabinet_open),
            (IncidentKind.MAINS_LOST, now.mains_lost, before.mains_lost),
        )
        if is_so and not was_so
    )


def _may_leave(lane: LaneContext, now_ms: int, timing: Timing) -> bool:
    """True while a person may pass the last door: then nobody is locked in."""
    return lane.last.may_be_passed(now_ms, timing.grant_ttl_ms + timing.grant_slack_ms)


def _given_way(lane: LaneContext, now_ms: int, timing: Timing) -> LaneContext:
    """Stop ordering the way back while the last door may be passed; an order not seen to open may still do so."""
    first = lane.door_state(Door.FIRST)
    told = first.freeing
    if told is None or not told.gives_way or told.withdrawn or not _may_leave(lane, now_ms, timing):
        return lane
    return lane.with_door_state(
        replace(first, freeing=None if told.opened else replace(told, missed=False, withdrawn=True))
    )


def _believed(lane: LaneContext, now_ms: int, timing: Timing) -> LaneContext:
    """Once the first door stood open for the people inside, a sensor that sees nobody is right and the doors' counts
    are wrong. If it is closed again, it stood open only for those who waited when it was released, not for later ones.
    """
    interior, first = lane.interior, lane.door_state(Door.FIRST)
    assert interior is not None, "a lane of two doors has sensors"
    stood_open = first.released(now_ms, timing.release_ms) and (first.freeing is None or first.freeing.opened)
    is_open = first.seen is not None and not first.seen.closed
    waited = interior.waits is not None and interior.waits.since_ms <= (first.released_ms or 0)
    if not interior.went_in or not interior.nobody or not stood_open or not (is_open or waited):
        return lane
    return replace(lane, interior=replace(interior, went_in=0))


def _calls_again(lane: LaneContext, event: Event) -> bool:
    """True if the call button is pressed after a door stood open for the caller and closed again: a sensor that sees nobody is then wrong."""
    first = lane.door_state(Door.FIRST)
    stood_open = first.freeing is None or first.freeing.opened
    is_shut = first.seen is not None and first.seen.closed
    return isinstance(event, SensorsSeen) and event.call_pressed and stood_open and is_shut


def _way_back(lane: LaneContext, state: State, event: Event, now_ms: int, timing: Timing) -> Turned:
    is_served = not isinstance(state, Idle | Referred)
    lane = lane if is_served else _believed(lane, now_ms, timing)
    interior = lane.interior
    assert interior is not None, "a lane of two doors has sensors"
    if is_served or (interior.is_empty and not interior.called):
        return (lane if interior.waits is None else replace(lane, interior=replace(interior, waits=None))), ()
    waits = interior.waits
    if waits is None:
        if not (interior.people or interior.went_in or interior.called):
            return lane, ()  # an unknown count does not begin a wait
        waits = Waits(now_ms)
    seen = interior.people if interior.looks >= LOOKS_MIN else None
    if seen and not interior.went_in and now_ms - waits.since_ms >= timing.inside_seen_ms:
        interior = replace(interior, went_in=seen)  # nobody disappears between closed doors
    limit_ms = timing.inside_max_ms if isinstance(state, Idle) else timing.way_back_ms
    is_due = interior.called or waits.at_once or now_ms - waits.since_ms >= limit_ms
    if waits.offered_ms is not None and _calls_again(lane, event):
        waits = replace(waits, calls_again=True)
    once = interior.is_empty and not waits.calls_again  # a call from a place where nobody is seen
    again_ms = math.inf if once else timing.way_back_again_ms
    offered_lately = waits.offered_ms is not None and now_ms - waits.offered_ms < again_ms
    first = lane.door_state(Door.FIRST)
    # A closing leaf looks open: a release lost meanwhile would count as one that opened it. A late line gives no information.
    looks_open = first.seen is not None and not first.seen.closed and not first.seen.may_be_old
    is_closing = looks_open and now_ms - waits.since_ms < timing.way_back_ms
    if not is_due or offered_lately or is_closing or _may_leave(lane, now_ms, timing):
        return replace(lane, interior=replace(interior, waits=waits)), ()
    said = () if waits.offered_ms is not None else (incident(crossing_of(state), IncidentKind.WAY_BACK),)
    lane = lane.with_door_state(
        replace(first, released_ms=now_ms, freeing=PendingOrder(now_ms, now_ms, gives_way=True))
    )
    lane = replace(lane, interior=replace(interior, waits=replace(waits, offered_ms=now_ms, calls_again=False)))
    return lane, (Release(Door.FIRST), *said)
