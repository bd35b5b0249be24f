"""What the machine wants of the barrier, against what the barrier's status shows: told again until they agree.

What is wanted follows from the state: in `Granted` one passage is granted, in an emergency nothing is taken back (safety invariant 7), in
every other state nothing may be granted. An officer's release is wanted until the leaf was seen open and the zone is empty, or its time is
over; an emergency that an officer ordered, until it ends. Revocations and releases are told again as long as status contradicts them (4).
A grant is told once (3): one that no status shows in time is taken back. What status does not show in time is an incident, once.

A status that is older than an order can hide what became of it for one poll only: every later one is held against what is wanted.
Left to others: the order on the wire (`gate.programs.lane.ordering`), and what officers are told (`gate.programs.lane.officers`).
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage.effects import Effect, Grant, Release, Revoke
from gate.passage.endings import incident
from gate.passage.events import Event, LaneSeen
from gate.passage.lane import Surroundings, Timing, Told
from gate.passage.records import IncidentKind
from gate.passage.states import Emergency, Granted, State, crossing_of

Insisting = tuple[Surroundings, tuple[Effect, ...]]


def shown(around: Surroundings, event: Event) -> Surroundings:
    """The surroundings once a status bore out that a grant arrived: it stands, or the leaf moved on it."""
    if around.granting is None or not isinstance(event, LaneSeen):
        return around
    return replace(around, granting=None) if event.grants_left or not event.closed else around


def insist(
    around: Surroundings, state: State, event: Event, effects: tuple[Effect, ...], *, now_ms: int, timing: Timing
) -> Insisting:
    """Tell the barrier again what its status contradicts, and say what it does not show in time. The last of a step.

    Taking back comes first: releasing has the last word.
    """
    around = _told(around, effects, now_ms)
    again: tuple[Effect, ...] = ()
    if isinstance(event, LaneSeen):
        around, revoked = _take_back(around, state, event, now_ms, timing)
        around, released = _free(around, state, event, now_ms, timing, revoked=bool(revoked))
        again = (*revoked, *released)
    around, missed = _missed(around, state, now_ms, timing)
    return around, (*again, *missed)


def _told(around: Surroundings, effects: tuple[Effect, ...], now_ms: int) -> Surroundings:
    """What this step tells the barrier."""
    for effect in effects:
        match effect:
            case Grant():
                around = replace(around, granting=Told(now_ms, now_ms), freeing=None)
            case Revoke():
                around = replace(around, granting=None, revoking=Told(now_ms, now_ms))
            case Release() if around.freeing is not None:
                around = replace(around, freeing=replace(around.freeing, at_ms=now_ms))
            case _:
                pass
    return around


def _take_back(around: Surroundings, state: State, seen: LaneSeen, now_ms: int, timing: Timing) -> Insisting:
    """A grant that nobody has any more."""
    told = around.revoking
    if seen.grants_left == 0 or isinstance(state, Granted | Emergency):
        return (around if told is None else replace(around, revoking=None)), ()
    if told is None:
        return replace(around, revoking=Told(now_ms, now_ms)), (Revoke(),)
    if now_ms - told.at_ms < timing.order_again_ms:
        return around, ()
    return replace(around, revoking=replace(told, at_ms=now_ms)), (Revoke(),)


def _free(
    around: Surroundings, state: State, seen: LaneSeen, now_ms: int, timing: Timing, *, revoked: bool
) -> Insisting:
    """A release that the leaf does not show, or that closed before everybody was out."""
    told = around.freeing
    if told is None:
        return around, ()
    if not seen.closed:
        told = replace(told, opened=True)
        around = replace(around, freeing=told)
        return _release(around, told, now_ms) if revoked else (around, ())
    is_held = isinstance(state, Emergency) and state.held_ms is not None
    is_over = now_ms - told.since_ms > timing.release_ms
    done = (told.opened or is_over) if seen.bodies == 0 else (told.opened and is_over)
    if done and not is_held:
        return replace(around, freeing=None), ()
    if revoked or now_ms - told.at_ms >= timing.order_again_ms:
        return _release(around, told, now_ms)
    return around, ()


def _release(around: Surroundings, told: Told, now_ms: int) -> Insisting:
    return replace(around, released_ms=now_ms, freeing=replace(told, at_ms=now_ms)), (Release(),)


def _missed(around: Surroundings, state: State, now_ms: int, timing: Timing) -> Insisting:
    """What no status showed in time is said once, however long it is told again."""
    said: tuple[Effect, ...] = ()
    crossing = crossing_of(state)
    if (told := _late(around.revoking, now_ms, timing)) is not None and not isinstance(state, Emergency):
        around = replace(around, revoking=replace(told, missed=True))
        said += (incident(crossing, IncidentKind.REVOKE_NOT_SHOWN),)
    if (told := _late(around.freeing, now_ms, timing)) is not None and not told.opened:
        around = replace(around, freeing=replace(told, missed=True))
        said += (incident(crossing, IncidentKind.RELEASE_NOT_SHOWN),)
    return around, said


def _late(told: Told | None, now_ms: int, timing: Timing) -> Told | None:
    """An order that no status showed in time, and of which that was not said yet."""
    if told is None or told.missed or now_ms - told.since_ms < timing.order_shown_max_ms:
        return None
    return told
