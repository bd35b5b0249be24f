"""What the machine wants of a door's barrier, against what the barrier's status shows: told again until they agree.

What is wanted follows from the state: in `Granted` one passage is granted, in an emergency nothing is taken back (safety invariant 7), in
every other state nothing may be granted. An officer's release is wanted until the leaf was seen open and the zone is empty, or its time is
over, and an emergency that an officer ordered until it ends. Revocations and releases are told again as long as status contradicts them (4),
and a release also while status may be old, for its time or while somebody is before the leaf.
A grant is told once (3): one that no status shows in time is taken back. What status does not show in time is an incident, once.

A status that is older than an order can hide what became of it for one poll only: every later one is held against what is wanted.
Left to others: the order on the wire (`gate.programs.lane.ordering`), and what officers are told (`gate.programs.lane.officers`).
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage.doorway import Doorway, Told
from gate.passage.effects import Effect, Grant, Release, Revoke
from gate.passage.endings import incident
from gate.passage.events import DoorSeen
from gate.passage.evidence import Door
from gate.passage.lane import Timing
from gate.passage.records import IncidentKind
from gate.passage.states import Emergency, Granted, State, crossing_of

Insisting = tuple[Doorway, tuple[Effect, ...]]


def shown(doorway: Doorway, seen: DoorSeen) -> Doorway:
    """The doorway once its status bore out that a grant arrived: it stands, or the leaf moved on it."""
    if doorway.granting is None:
        return doorway
    return replace(doorway, granting=None) if seen.grants_left or not seen.closed else doorway


def told(doorway: Doorway, effects: tuple[Effect, ...], now_ms: int) -> Doorway:
    """The doorway after what a step tells its barrier."""
    for effect in effects:
        match effect:
            case Grant(door=doorway.door):
                doorway = replace(doorway, granting=Told(now_ms, now_ms), freeing=None, unshut_ms=now_ms)
            case Revoke(doorway.door):
                doorway = replace(doorway, granting=None, revoking=Told(now_ms, now_ms))
            case Release(doorway.door) if doorway.freeing is not None:
                doorway = replace(doorway, freeing=replace(doorway.freeing, at_ms=now_ms))
            case _:
                pass
    return doorway


def insist(doorway: Doorway, state: State, seen: DoorSeen, *, now_ms: int, timing: Timing) -> Insisting:
    """Tell the barrier again what its status contradicts. Taking back comes first: releasing has the last word."""
    doorway, revoked = _take_back(doorway, state, seen, now_ms, timing)
    doorway, released = _free(doorway, state, seen, now_ms, timing, revoked=bool(revoked))
    return doorway, (*revoked, *released)


def missed(doorway: Doorway, state: State, *, now_ms: int, timing: Timing) -> Insisting:
    """What no status showed in time is said once, however long it is told again."""
    said: tuple[Effect, ...] = ()
    crossing = crossing_of(state)
    if (late := _late(doorway.revoking, now_ms, timing)) is not None and not isinstance(state, Emergency):
        doorway = replace(doorway, revoking=replace(late, missed=True))
        said += (incident(crossing, IncidentKind.REVOKE_NOT_SHOWN),)
    if (late := _late(doorway.freeing, now_ms, timing)) is not None and not late.opened:
        doorway = replace(doorway, freeing=replace(late, missed=True))
        said += (incident(crossing, IncidentKind.RELEASE_NOT_SHOWN),)
    return doorway, said


def _take_back(doorway: Doorway, state: State, seen: DoorSeen, now_ms: int, timing: Timing) -> Insisting:
    """A grant that nobody has any more."""
    wanted = doorway.revoking
    if seen.grants_left == 0 or _may_stand(state, doorway.door):
        return (doorway if wanted is None else replace(doorway, revoking=None)), ()
    if wanted is None:
        return replace(doorway, revoking=Told(now_ms, now_ms)), (Revoke(doorway.door),)
    if now_ms - wanted.at_ms < timing.order_again_ms:
        return doorway, ()
    return replace(doorway, revoking=replace(wanted, at_ms=now_ms)), (Revoke(doorway.door),)


def _may_stand(state: State, door: Door) -> bool:
    """True while a grant of this door is somebody's, or nothing is taken back."""
    return isinstance(state, Emergency) or (isinstance(state, Granted) and state.door is door)


def _free(doorway: Doorway, state: State, seen: DoorSeen, now_ms: int, timing: Timing, *, revoked: bool) -> Insisting:
    """A release that the leaf does not show, or that closed before everybody was out."""
    wanted = doorway.freeing
    if wanted is None:
        return doorway, ()
    is_over = now_ms - wanted.since_ms > timing.release_ms
    if wanted.withdrawn:
        return (replace(doorway, freeing=None) if is_over or not seen.closed else doorway), ()
    if not seen.closed:
        if not seen.may_be_old:
            wanted = replace(wanted, opened=True)
        doorway = replace(doorway, freeing=wanted)
        is_due = now_ms - wanted.at_ms >= timing.release_again_ms
        is_doubtful = seen.may_be_old and is_due and (seen.bodies > 0 or not (wanted.opened or is_over))
        return _release(doorway, wanted, now_ms) if revoked or is_doubtful else (doorway, ())
    is_held = isinstance(state, Emergency) and state.held_ms is not None
    done = (wanted.opened or is_over) if seen.bodies == 0 else (wanted.opened and is_over)
    if done and not is_held:
        return replace(doorway, freeing=None), ()
    if revoked or now_ms - wanted.at_ms >= timing.order_again_ms:
        return _release(doorway, wanted, now_ms)
    return doorway, ()


def _release(doorway: Doorway, wanted: Told, now_ms: int) -> Insisting:
    return replace(doorway, released_ms=now_ms, freeing=replace(wanted, at_ms=now_ms)), (Release(doorway.door),)


def _late(wanted: Told | None, now_ms: int, timing: Timing) -> Told | None:
    """An order that no status showed in time, and of which that was not said yet."""
    if wanted is None or wanted.missed or wanted.withdrawn or now_ms - wanted.since_ms < timing.order_shown_max_ms:
        return None
    return wanted
