"""The emergency: the lane is open for everybody, and how that ends (safety invariant 7)."""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records
from gate.passage.crossing_end import begin_emergency, go_on, incident
from gate.passage.decision_stage import found
from gate.passage.effects import Effect, EndEmergency, Release, Revoke, Show, Write
from gate.passage.events import DoorSeen, Event, Part, PartBack
from gate.passage.lane import LaneContext, Timing
from gate.passage.names import IncidentKind
from gate.passage.passage_stage import passed
from gate.passage.states import Emergency, Ending, Granted, Rules, State, Step, crossing_of


def emergency_begins(rules: Rules, lane: LaneContext, state: State, now_ms: int) -> Step:
    """Begin an emergency. A traveller whom the same status shows past the door on their grant is admitted, unless the camera may still see them."""
    through: tuple[Effect, ...] = ()
    if isinstance(state, Granted) and lane.door_state(state.door).just_passed:
        state, effects = passed(rules, lane, state, now_ms)
        # Nothing closes now (safety invariant 7), and the screen shows the way out.
        through = tuple(effect for effect in effects if not isinstance(effect, Revoke | Show))
    began = records.EmergencyBegan(crossing_of(state))
    emergency, (shown, *effects_then) = begin_emergency(state, began, found(rules, lane, state))
    if not lane.two_doors:
        return emergency, (shown, *through, *effects_then)
    # Its own controller has opened one door; the host opens the other, and keeps it open.
    others = tuple(Release(one.door) for one in lane.doors if not one.emergency())
    return replace(emergency, held_ms=now_ms), (*others, shown, *through, *effects_then)


def step_emergency(rules: Rules, lane: LaneContext, state: Emergency, event: Event, now_ms: int) -> Step:
    """During an emergency: keep open what the host opened; end by an officer's order and the controller's status."""
    if (ending := state.ending) is not None:
        return _ending(rules.timing, lane, state, ending, event, now_ms=now_ms)
    is_back = isinstance(event, PartBack) and event.part in {Part.BARRIER, Part.FIRST_BARRIER}
    if state.held_ms is not None and (is_back or now_ms - state.held_ms >= rules.timing.emergency_hold_ms):
        return replace(state, held_ms=now_ms), tuple(Release(one.door) for one in lane.doors if not one.emergency())
    return state, ()


def _ending(timing: Timing, lane: LaneContext, state: Emergency, ending: Ending, event: Event, *, now_ms: int) -> Step:
    """End the emergency when the controller's status shows its end; repeat the order to the controller until then, or until it is late.

    A fire input that is active again ends the attempt at once: the officer ordered before this fire, and only a new order ends it.
    """
    burns_again = any(one.seen is not None and one.seen.fire for one in lane.doors)
    if burns_again or now_ms - ending.since_ms > timing.emergency_end_max_ms:
        return replace(state, ending=None), (incident(None, IncidentKind.EMERGENCY_NOT_ENDED),)
    if not isinstance(event, DoorSeen) or any(one.seen is None or one.seen_ms < ending.since_ms for one in lane.doors):
        return state, ()
    if not lane.emergency():
        following, shown = go_on(lane)
        return following, (Write(records.EmergencyEnded(ending.said)), *shown)
    if now_ms - ending.told_ms < timing.order_again_ms:
        return state, ()
    told = tuple(EndEmergency(one.door) for one in lane.doors if one.emergency())
    return replace(state, ending=replace(ending, told_ms=now_ms)), told
