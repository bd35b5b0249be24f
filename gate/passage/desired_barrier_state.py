"""Desired state of each door's barrier. Compares it with the reported status and repeats orders until both agree.

The state determines it: `Granted` grants one passage, an emergency takes nothing back (safety invariant 7), every other state
has no grant. An officer's release is desired until the leaf was seen open and the zone is empty, or its time is over; an
officer's emergency until it ends. In any emergency, a door that is seen shut is to open as by a release. Revocations and
releases are repeated while status contradicts them (4), a release also while status may be old, for its time or while a
person is before the leaf. A grant is sent once (3) and taken back if no status shows it in time. An order not shown in
time is one incident.

A status that is older than an order can hide its effect for one poll only: later ones are compared with the desired state.
Elsewhere: the order's encoding (`gate.programs.lane.barrier_orders`), and officers' notices (`gate.programs.lane.officers`).
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage.crossing_end import incident
from gate.passage.door_state import DoorState, PendingOrder
from gate.passage.effects import Effect, Grant, Release, Revoke
from gate.passage.events import DoorSeen
from gate.passage.lane import LaneContext, Timing
from gate.passage.names import IncidentKind
from gate.passage.states import Emergency, Granted, State, Turn, Turned, crossing_of
from gate_core.evidence.crossing import Door

Insisting = tuple[DoorState, tuple[Effect, ...]]


def follow(turn: Turn) -> Turned:
    """Compare every door's status with the desired state, and repeat the orders that it contradicts."""
    lane, state, now_ms, timing = turn.lane, turn.state, turn.now_ms, turn.rules.timing
    effects, event = turn.effects["crossing"], turn.event
    is_wanted = any(one.revoking is not None or one.freeing is not None for one in lane.doors)
    if not (effects or is_wanted or isinstance(event, DoorSeen)):
        return lane, ()
    again: tuple[Effect, ...] = ()
    for one in lane.doors:
        door_state = _told(one, effects, now_ms)
        if isinstance(event, DoorSeen) and event.door is one.door:
            door_state = door_state if lane.state_unknown else _stands_open(door_state, state, event, now_ms)
            door_state, insisted = insist(door_state, state, event, now_ms=now_ms, timing=timing)
            again += insisted
        door_state, missing = missed(door_state, state, now_ms=now_ms, timing=timing)
        again += missing
        lane = lane.with_door_state(door_state)
    return lane, again


def _told(door_state: DoorState, effects: tuple[Effect, ...], now_ms: int) -> DoorState:
    for effect in effects:
        match effect:
            case Grant(door=door_state.door):
                door_state = replace(door_state, granting=PendingOrder(now_ms, now_ms), freeing=None, unshut_ms=now_ms)
            case Revoke(door_state.door):
                door_state = replace(door_state, granting=None, revoking=PendingOrder(now_ms, now_ms))
            case Release(door_state.door) if door_state.freeing is not None:
                door_state = replace(door_state, freeing=replace(door_state.freeing, at_ms=now_ms))
            case _:
                pass
    return door_state


def holds_open(lane: LaneContext, state: State, door: Door) -> bool:
    """True while a line that is opened anew must not revoke: in an emergency (safety invariant 7), or while a door is opened for a person.

    A grant that stands all the same is taken back when a status shows it.
    """
    return isinstance(state, Emergency) or lane.door_state(door).freeing is not None


def _stands_open(door_state: DoorState, state: State, seen: DoorSeen, now_ms: int) -> DoorState:
    """Want a door open that an emergency sees shut: its controller opens it by itself, and is helped if the next status shows it shut as well."""
    is_wanted = isinstance(state, Emergency) and state.ending is None and seen.closed
    if not is_wanted or not (door_state.freeing is None or door_state.freeing.withdrawn):
        return door_state
    return replace(door_state, freeing=PendingOrder(now_ms, now_ms))


def insist(door_state: DoorState, state: State, seen: DoorSeen, *, now_ms: int, timing: Timing) -> Insisting:
    """Repeat the orders that the status contradicts. Revoking comes before releasing, so that releasing has the last effect."""
    door_state, revoked = _take_back(door_state, state, seen, now_ms, timing)
    door_state, released = _free(door_state, state, seen, now_ms, timing, revoked=bool(revoked))
    return door_state, (*revoked, *released)


def missed(door_state: DoorState, state: State, *, now_ms: int, timing: Timing) -> Insisting:
    """Record once each order that no status showed in time, however often it is repeated."""
    said: tuple[Effect, ...] = ()
    crossing = crossing_of(state)
    if (late := _late(door_state.revoking, now_ms, timing)) is not None and not isinstance(state, Emergency):
        door_state = replace(door_state, revoking=replace(late, missed=True))
        said += (incident(crossing, IncidentKind.REVOKE_NOT_SHOWN),)
    if (late := _late(door_state.freeing, now_ms, timing)) is not None and not late.opened:
        door_state = replace(door_state, freeing=replace(late, missed=True))
        said += (incident(crossing, IncidentKind.RELEASE_NOT_SHOWN),)
    return door_state, said


def _take_back(door_state: DoorState, state: State, seen: DoorSeen, now_ms: int, timing: Timing) -> Insisting:
    """Take back a grant that belongs to nobody."""
    wanted = door_state.revoking
    if seen.grants_left == 0 or _may_stand(state, door_state.door):
        return (door_state if wanted is None else replace(door_state, revoking=None)), ()
    if wanted is None:
        return replace(door_state, revoking=PendingOrder(now_ms, now_ms)), (Revoke(door_state.door),)
    if now_ms - wanted.at_ms < timing.order_again_ms:
        return door_state, ()
    return replace(door_state, revoking=replace(wanted, at_ms=now_ms)), (Revoke(door_state.door),)


def _may_stand(state: State, door: Door) -> bool:
    """True while this door's grant is in use, or an emergency takes nothing back."""
    return isinstance(state, Emergency) or (isinstance(state, Granted) and state.door is door)


def _free(
    door_state: DoorState, state: State, seen: DoorSeen, now_ms: int, timing: Timing, *, revoked: bool
) -> Insisting:
    """Repeat a release that the leaf does not show, or after which it closed before everybody was out."""
    wanted = door_state.freeing
    if wanted is None:
        return door_state, ()
    is_over = now_ms - wanted.since_ms > timing.release_ms
    if wanted.withdrawn:
        return (replace(door_state, freeing=None) if is_over or not seen.closed else door_state), ()
    if not seen.closed:
        if not seen.may_be_old:
            wanted = replace(wanted, opened=True)
        door_state = replace(door_state, freeing=wanted)
        is_due = now_ms - wanted.at_ms >= timing.release_again_ms
        is_doubtful = seen.may_be_old and is_due and (seen.bodies > 0 or not (wanted.opened or is_over))
        return _release(door_state, wanted, now_ms) if revoked or is_doubtful else (door_state, ())
    is_held = isinstance(state, Emergency) and state.held_ms is not None
    done = (wanted.opened or is_over) if seen.bodies == 0 else (wanted.opened and is_over)
    if done and not is_held:
        return replace(door_state, freeing=None), ()
    if revoked or now_ms - wanted.at_ms >= timing.order_again_ms:
        return _release(door_state, wanted, now_ms)
    return door_state, ()


def _release(door_state: DoorState, wanted: PendingOrder, now_ms: int) -> Insisting:
    return replace(door_state, released_ms=now_ms, freeing=replace(wanted, at_ms=now_ms)), (Release(door_state.door),)


def _late(wanted: PendingOrder | None, now_ms: int, timing: Timing) -> PendingOrder | None:
    """Return an order that no status showed in time and that is not recorded as missed yet."""
    if wanted is None or wanted.missed or wanted.withdrawn or now_ms - wanted.since_ms < timing.order_shown_max_ms:
        return None
    return wanted
