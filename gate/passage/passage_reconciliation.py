"""Records every passage that a controller counted, in every state of the lane.

Promise: the counts of all `passed` records of a direction equal the controller's count, through outages, restarts,
power-ups, emergencies and releases; each record has the controller's absolute counters, so that a gap shows. A
`counted` record begins the series, and begins it again after a power-up.

`gate.passage.machine` applies the effect on the crossing.
"""

from __future__ import annotations

from gate.passage import records
from gate.passage.door_state import DoorState, begins_anew
from gate.passage.effects import Effect, Write
from gate.passage.lane import Timing
from gate.passage.names import IncidentKind
from gate.passage.records import PassedBy
from gate.passage.states import Emergency, Granted, State, Turn, Turned, crossing_of
from gate_core.ports.values import Direction

_NOBODYS = frozenset({PassedBy.NOTHING, PassedBy.UNSEEN})


def entries(turn: Turn) -> Turned:
    """Record the passages that the event showed, with the lane's state before the event."""
    lane, state, now_ms, timing = turn.lane, turn.state, turn.now_ms, turn.rules.timing
    if lane.doors is turn.before.doors:
        return lane, ()
    open_to_all = isinstance(state, Emergency) or lane.emergency()
    return lane, tuple(
        write
        for then, now in zip(turn.before.doors, lane.doors, strict=True)
        if then.counted is not now.counted
        for write in _entries(then, now, state, _what_opened(then, now, now_ms, timing, open_to_all=open_to_all))
    )


def _entries(then: DoorState, now: DoorState, state: State, others: PassedBy) -> list[Write]:
    """Return the records for one door. `others`: what opened it for people without a grant."""
    assert now.counted is not None, "it was just counted"
    counted, crossing = now.counted, crossing_of(state)
    writes: list[Write] = []
    if begins_anew(then.counted, counted):
        writes.append(Write(records.Counted(counted, then.counted, now.door)))
    granted = min(now.just_passed, 1) if isinstance(state, Granted) and state.door is now.door else 0
    for direction, count, how in (
        (Direction.ENTRY, granted, PassedBy.GRANT),
        (Direction.ENTRY, now.just_passed - granted, others),
        (Direction.EXIT, now.just_left, others),
    ):
        if count:
            writes.append(Write(records.Passed(crossing, count, how, direction, counted, now.door)))
        if count and how in _NOBODYS:
            beyond = IncidentKind.PASSAGE_BEYOND_GRANT
            writes.append(Write(records.Incident(crossing, beyond, count, door=now.door)))
    return writes


def _what_opened(then: DoorState, now: DoorState, now_ms: int, timing: Timing, *, open_to_all: bool) -> PassedBy:
    if open_to_all:
        return PassedBy.EMERGENCY
    if now.released(now_ms, timing.release_ms):
        return PassedBy.RELEASE
    return PassedBy.UNSEEN if then.seen is None else PassedBy.NOTHING


def in_order(effects: tuple[Effect, ...], writes: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """Put the counted passages before the records that they caused, and after the orders to the barrier."""
    if not writes:
        return effects
    first = next((at for at, effect in enumerate(effects) if isinstance(effect, Write)), len(effects))
    return (*effects[:first], *writes, *effects[first:])
