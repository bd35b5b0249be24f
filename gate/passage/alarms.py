"""The barrier controller's alarms in the lane: each begins and ends, and some wait for an officer. Pure.

A controller latches its alarms, so that an alarm outlives its cause. Promises: every alarm is recorded, as an incident
when it begins and with a record when it ends; none keeps the lane closed longer than needed. The lane itself clears
alarms about the lane, once it is at rest. Alarms about people (a forced leaf, a passage without a grant or the wrong
way), a failed motor, and alarms that recur wait for an officer, even after the controller has forgotten them or the
lane has restarted. Nothing is cleared that no status has shown, and nothing in an emergency. While a technician works on
the lane it clears nothing by itself: a controller that is cleared may move its leaf.

A lane with an alarm admits nobody and shows that it is closed. `gate.passage.officer_commands` handles the officer's
order; the controller does the clearing: it keeps every alarm whose cause lasts.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records
from gate.passage.door_state import DoorState, Raised
from gate.passage.effects import ClearAlarms, Effect, Write
from gate.passage.events import DoorSeen
from gate.passage.lane import LaneContext, Timing
from gate.passage.states import Emergency, Turn, Turned
from gate_core.evidence.crossing import Alarm

Following = tuple[DoorState, tuple[Effect, ...]]

# About people without a grant, or hardware that may fail again. The others end with their cause.
_FOR_AN_OFFICER = frozenset({Alarm.FORCED, Alarm.REVERSE_PASSAGE, Alarm.PASSAGE_WITHOUT_GRANT, Alarm.MOTOR_FAULT})


def follow(turn: Turn) -> Turned:
    """Detect alarms that began or ended, and clear those that need no officer, but none in an emergency; during maintenance none waits and none is cleared."""
    lane, seen, now_ms, timing = turn.lane, turn.event, turn.now_ms, turn.rules.timing
    if not isinstance(seen, DoorSeen) or not (seen.alarms or lane.door_state(seen.door).alarms):
        return lane, ()
    is_maintained = lane.maintained_by is not None
    door_state, ended = _seen(lane.door_state(seen.door), seen, now_ms, timing, expected=is_maintained)
    # An officer's emergency is the lane's own: no controller shows it.
    is_emergency = lane.emergency() or isinstance(turn.state, Emergency)
    door_state, clearing = _clear(door_state, now_ms, timing, never=is_emergency or is_maintained)
    return lane.with_door_state(door_state), (*clearing, *ended)


def left(waiting: tuple[Alarm, ...], now_ms: int) -> tuple[Raised, ...]:
    """Return the alarms that already waited for an officer before this start; their duration counts from now."""
    return tuple(Raised(alarm, now_ms, standing=False, waits=True) for alarm in waiting)


def _seen(door_state: DoorState, seen: DoorSeen, now_ms: int, timing: Timing, *, expected: bool) -> Following:
    """Apply a status. An alarm that waits begins once, though the controller may drop and raise it; it ends when it neither stands nor waits."""
    known = tuple(replace(one, standing=one.alarm in seen.alarms) for one in door_state.alarms)
    new = tuple(alarm for alarm in seen.alarms if all(one.alarm is not alarm for one in known))
    lately = tuple(one for one in door_state.begun if now_ms - one[1] < timing.alarm_again_ms)
    begun = (*lately, *((alarm, now_ms) for alarm in new))
    waits = frozenset() if expected else frozenset(alarm for alarm in new if _waits(alarm, begun, timing))
    raised = tuple(Raised(alarm, now_ms, standing=True, waits=alarm in waits) for alarm in new)
    door_state, ended = _over(replace(door_state, alarms=(*known, *raised), begun=begun), now_ms)
    return replace(door_state, new_alarms=new), ended


def _over(door_state: DoorState, now_ms: int) -> Following:
    """Forget alarms that ended, with one record each."""
    over = tuple(one for one in door_state.alarms if not one.standing and not one.waits)
    left = tuple(one for one in door_state.alarms if one.standing or one.waits)
    ended = tuple(Write(records.AlarmEnded(one.alarm, now_ms - one.since_ms, door_state.door)) for one in over)
    return replace(door_state, alarms=left), ended


def _waits(alarm: Alarm, begun: tuple[tuple[Alarm, int], ...], timing: Timing) -> bool:
    """True if an officer must see the alarm: by its kind, or because it recurs."""
    return alarm in _FOR_AN_OFFICER or sum(one == alarm for one, _ in begun) >= timing.alarm_again_max


def _clear(door_state: DoorState, now_ms: int, timing: Timing, *, never: bool) -> Following:
    due = tuple(one.alarm for one in door_state.alarms if one.standing and not one.waits)
    if not due or never or not door_state.at_rest():
        return replace(door_state, clearing_ms=None), ()  # the next time at rest begins anew
    if door_state.clearing_ms is not None and now_ms - door_state.clearing_ms < timing.order_again_ms:
        return door_state, ()
    return replace(door_state, clearing_ms=now_ms), (ClearAlarms(due, door_state.door),)


def acknowledged(lane: LaneContext, now_ms: int, *, emergency: bool) -> tuple[LaneContext, tuple[Effect, ...]]:
    """An officer has seen all alarms: none waits any more, and each ends once its controller no longer shows it.

    In an emergency the controllers are told nothing: the lane clears these alarms afterwards, at rest.
    """
    told: tuple[Effect, ...] = ()
    for door_state in lane.doors:
        if not door_state.alarms:
            continue
        seen = tuple(replace(one, waits=False) for one in door_state.alarms)
        if not emergency and (standing := tuple(one.alarm for one in seen if one.standing)):
            told += (ClearAlarms(standing, door_state.door),)
        changed, ended = _over(replace(door_state, alarms=seen, begun=(), clearing_ms=now_ms), now_ms)
        lane, told = lane.with_door_state(changed), told + ended
    return lane, told
