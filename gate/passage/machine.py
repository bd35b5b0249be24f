"""One crossing after another, as (lane, state, event) -> (lane, state, effects): the reducers of `REDUCERS`, in their order.

A reducer reads the turn so far and returns the lane after it and its effects. The reducer `crossing` also changes the state. docs/lane.md
has the table, with each reducer's task.

The order of effects is defined here. First the crossing's orders and repeated orders to a barrier, so that no door waits for a record.
Among them, before the first record, are the counted passages, so that records caused by a passage follow it. Then come the effects of
`AFTERWARDS`, in that order.

Promises, by number of the safety invariant (docs/safety.md): a grant is only ever the answer to a fresh look at the lane after the
receipt of the decision (1); `Revoke`, `Release` and everything in an emergency come before their records (2); a grant ends with the
track, a second body or the document presented again (4); in an emergency nothing closes (7); every crossing that was opened is closed
with one verdict and all its reasons (10).

An event that a state does not handle leaves it unchanged: that is the safe answer. tests/unit/passage/test_passage_table.py tests every
pair.

Elsewhere: officers' orders (`gate.passage.officer_commands`), the end of crossings (`gate.passage.crossing_end`), the content of records
(`gate.passage.records`) and their encoding (`gate.programs.lane.records`), durability (the log program), encoding of barrier orders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from gate.passage import (
    alarms,
    desired_barrier_state,
    draw_periods,
    incidents,
    lasting_state,
    misuse,
    officer_views,
    open_referrals,
    passage_reconciliation,
    states,
    two_officers,
    way_back,
)
from gate.passage.crossing_end import closed, find_blockers, go_on, without_record
from gate.passage.decision_stage import (
    found,
    step_entering,
    step_idle,
    step_inspecting,
    step_opening,
    step_reading,
    step_referred,
)
from gate.passage.effects import Effect
from gate.passage.emergency import emergency_begins, step_emergency
from gate.passage.events import Event, RecordReplaced, TravellerAsked
from gate.passage.lane import LaneContext
from gate.passage.names import ClosedAs
from gate.passage.officer_commands import obey
from gate.passage.orders import Ordered
from gate.passage.passage_stage import step_granted, step_looking, step_overruling, step_passing, step_recording
from gate.passage.states import Emergency, Rules, State, Step, Turn, Turned, crossing_of
from gate.passage.traveller_requests import ask


def start(
    open_crossings: tuple[str, ...],
    referred: tuple[str, ...] = (),
    through: str | None = None,
    protected: tuple[str, ...] = (),
    held: tuple[tuple[str, str], ...] = (),
) -> Step:
    """Return the state at program start: every open crossing is closed as referred and waits for an officer (safety
    invariant 10). `referred`: crossings with a verdict that were not settled. The lane holds all that wait. `through`:
    the crossing whose traveller is recorded to have passed on the grant: admitted, waiting for nobody. `protected`:
    crossings whose traveller asked for protection; `held`: crossings with the officer who held them.
    """
    closings = tuple(
        closed(crossing, ClosedAs.ADMITTED)
        if crossing == through
        else closed(crossing, ClosedAs.REFERRED, open_referrals.of_earlier(crossing, protected, held))
        for crossing in open_crossings
    )
    first, shown = go_on(LaneContext(waiting=open_referrals.left(referred, closings, protected, held)))
    return first, (*closings, *shown)


def observe(turn: Turn) -> Turned:
    """Apply the event to doors, sensors, lost parts and site."""
    return turn.lane.observe(turn.event, turn.now_ms).looked(turn.event, crossing_of(turn.state)), ()


def update_blockers(turn: Turn) -> Turned:
    """Update what prevents every admission. Without other changes, only the age of the site's state matters."""
    lane = turn.lane
    known_ms = None if lane.site_at_ms is None or lane is not turn.before else turn.now_ms - lane.site_at_ms
    if known_ms is not None and known_ms <= turn.rules.policy.site_age_max_s * 1000:
        return lane, ()
    found = find_blockers(turn.rules, lane, turn.now_ms)
    return (lane if found == lane.blockers else replace(lane, blockers=found)), ()


def crossing(turn: Turn) -> Turned:
    """Handle the event in its state: an order, a traveller's request, a refused record, an emergency, or the event that the state waits for."""
    rules, lane, state, event, now_ms = turn.rules, turn.lane, turn.state, turn.event, turn.now_ms
    if isinstance(event, Ordered):
        lane, turn.state, effects = obey(turn, event)
    elif isinstance(event, TravellerAsked):
        lane, turn.state, effects = ask(turn, event)
    elif isinstance(event, RecordReplaced):
        turn.state, effects = without_record(state, event.crossing, found(rules, lane, state))
    elif lane.emergency() and (lane.state_unknown or not isinstance(state, Emergency)):
        turn.state, effects = emergency_begins(rules, lane, state, now_ms)
    else:
        turn.state, effects = STAGES[type(state)](rules, lane, state, event, now_ms)
        if isinstance(state, Emergency) and state.held_ms is not None and not isinstance(turn.state, Emergency):
            lane = replace(lane, doors=tuple(replace(one, freeing=None) for one in lane.doors))  # opened no more
    return lane, effects


# The event that each state waits for. Total: tests/unit/passage/test_passage_table.py tests every state.
STAGES: Final[Mapping[type[State], Callable[..., Step]]] = {
    states.Idle: step_idle,
    states.Opening: step_opening,
    states.Reading: step_reading,
    states.Entering: step_entering,
    states.Inspecting: step_inspecting,
    states.Recording: step_recording,
    states.Referred: step_referred,
    states.Overruling: step_overruling,
    states.Looking: step_looking,
    states.Granted: step_granted,
    states.Passing: step_passing,
    states.Emergency: step_emergency,
}
# The order of the work: each reducer finds the lane as the one before it left it.
REDUCERS: Final[tuple[tuple[str, Callable[[Turn], Turned]], ...]] = (
    ("facts", observe),
    ("alarms", alarms.follow),
    ("blockers", update_blockers),
    ("passages", passage_reconciliation.entries),
    ("alarms that began", incidents.alarms_began),
    ("views", officer_views.answer),
    ("draws", draw_periods.follow),
    ("first orders of two", two_officers.follow),
    ("losses", incidents.losses),
    ("crossing", crossing),
    ("referrals", open_referrals.wait),
    ("persons inside", incidents.persons_inside),
    ("way back", way_back.watch),
    ("barriers", desired_barrier_state.follow),
    ("late referrals", open_referrals.escalate),
    ("lasting state", lasting_state.follow),
    ("misused keys", misuse.follow),
)
# The order of the effects that come after those of the crossing, the barriers and the passages.
AFTERWARDS: Final = (
    "alarms that began",
    "views",
    "draws",
    "first orders of two",
    "losses",
    "alarms",
    "persons inside",
    "way back",
    "late referrals",
    "misused keys",
)


def step(
    rules: Rules, lane: LaneContext, state: State, event: Event, now_ms: int
) -> tuple[LaneContext, State, tuple[Effect, ...]]:
    """Answer one event. Total: every event is answered in every state."""
    turn = Turn(rules, lane, event, now_ms, lane, state)
    for name, reducer in REDUCERS:
        turn.lane, turn.effects[name] = reducer(turn)
    said = turn.effects
    orders = passage_reconciliation.in_order((*said["crossing"], *said["barriers"]), said["passages"])
    return turn.lane, turn.state, (*orders, *(effect for name in AFTERWARDS for effect in said[name]))
