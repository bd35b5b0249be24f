"""The lane's lasting state: an officer's orders, and what must survive the end of the lane program. Pure.

The audit log has records of all this, but a record may wait for the log, and an emergency cannot wait for a record. So
the lane writes this small state into a file of its own with each order (`gate.programs.lane.state_file`).

| what | after the next start |
| --- | --- |
| an emergency | it continues: what the host held open is opened and held again. Only an officer's order ends it |
| a release that ran | the order to open is repeated, unless the release is over by the clock of this boot |
| the lane is closed, paused or in maintenance | unchanged |
| a crossing that an officer held | its referral states so |
| the state is lost (`UNKNOWN`) | out of service: no order closes, no order opens, an officer is called |
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gate.passage import records
from gate.passage.crossing_end import incident
from gate.passage.door_state import PendingOrder
from gate.passage.effects import Effect, Show, Write
from gate.passage.lane import LaneContext, Timing
from gate.passage.names import IncidentKind
from gate.passage.orders import Said
from gate.passage.states import Emergency, State, Turn, Turned
from gate_core.evidence.crossing import Door
from gate_core.evidence.reasons import Reason
from gate_core.evidence.screen import Screen


@dataclass(frozen=True, slots=True)
class LastingEmergency:
    """`by` is the officer who ordered it; None: the fire input. `held`: the host keeps the doors open, not a controller alone."""

    by: Said | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class LastingState:
    """`releases` are the doors that are being opened for a person, each with its start in milliseconds of CLOCK_MONOTONIC.
    `held_crossings` are crossings with the officer who held them. `unknown`: an earlier state was lost, and no officer has looked since.
    """

    emergency: LastingEmergency | None = None
    releases: tuple[tuple[Door, int], ...] = ()
    closed_by: str | None = None
    maintained_by: str | None = None
    held_crossings: tuple[tuple[str, str], ...] = ()
    unknown: bool = False


UNKNOWN = LastingState(emergency=LastingEmergency(), unknown=True)


def lasting_of(lane: LaneContext, state: State) -> LastingState:
    """Return what must survive a death of the lane in this state."""
    return LastingState(
        emergency=LastingEmergency(state.said, state.held_ms is not None) if isinstance(state, Emergency) else None,
        releases=tuple(
            (one.door, one.freeing.since_ms)
            for one in lane.doors
            if one.freeing is not None and not one.freeing.withdrawn
        ),
        closed_by=lane.closed_by,
        maintained_by=lane.maintained_by,
        held_crossings=tuple(
            (one.crossing, said.detail)
            for one in lane.waiting
            for said in one.objections
            if said.reason is Reason.HELD_BY_OFFICER
        ),
        unknown=lane.state_unknown,
    )


def resume(
    last: LastingState, lane: LaneContext, state: State, effects: tuple[Effect, ...], *, now_ms: int, timing: Timing
) -> tuple[LaneContext, State, tuple[Effect, ...]]:
    """Return the lane at its start with its earlier run's state. `state` and `effects` are those of `machine.start`.

    The effects contain no order to a barrier: no line is open yet. Doors to be opened get their order when a line is
    back (`gate.passage.emergency`), or when the first status shows them closed (`gate.passage.desired_barrier_state`).
    """
    lane = replace(
        lane,
        closed_by=lane.closed_by or last.closed_by,
        maintained_by=lane.maintained_by or last.maintained_by,
        state_unknown=last.unknown,
    )
    if (was := last.emergency) is None:
        # Also when the computer was restarted since, whose clock began at zero.
        running = tuple(door for door, since_ms in last.releases if now_ms - since_ms <= timing.release_ms)
        return _opening(lane, running, now_ms), state, effects
    written = tuple(one for one in effects if not isinstance(one, Show))
    if last.unknown:
        lost = incident(None, IncidentKind.STATE_UNKNOWN)
        return lane, Emergency(), (Show(Screen.CLOSED), *written, lost)
    began = Write(records.EmergencyBegan(None, was.by))
    doors = tuple(one.door for one in lane.doors) if was.held else ()
    held_ms = now_ms if was.held else None
    return (
        _opening(lane, doors, now_ms),
        Emergency(held_ms=held_ms, said=was.by),
        (Show(Screen.EMERGENCY), *written, began),
    )


def follow(turn: Turn) -> Turned:
    """The lasting state is known again once an officer has ended the lost one, or it became an emergency with a cause."""
    lane, state = turn.lane, turn.state
    waits = isinstance(state, Emergency) and state.held_ms is None and not lane.emergency()
    return (replace(lane, state_unknown=False) if lane.state_unknown and not waits else lane), ()


def _opening(lane: LaneContext, doors: tuple[Door, ...], now_ms: int) -> LaneContext:
    told = PendingOrder(now_ms, now_ms)
    opened = (replace(one, released_ms=now_ms, freeing=told) if one.door in doors else one for one in lane.doors)
    return replace(lane, doors=tuple(opened))
