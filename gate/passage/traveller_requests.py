"""Travellers' requests on the page: an officer, an officer and protection, or more time. Pure.

A request opens nothing and frees nobody. A traveller who calls is referred, as for any other cause: a running crossing
gets the request as a reason beside earlier ones, so that calling hides nothing, and an unused grant is taken back.
Without a running crossing, one without a document is opened and referred at once, so that it waits for an officer and
can be settled. In an emergency, or after a passage, it waits beside what goes on. A request for a crossing that waits
already is added once: the officer sees it, the page shows nothing new.

Officers are called `Timing.asked_again_max` times within `Timing.asked_again_ms`. Beyond that a page is broken or
hostile and must not close the lane: officers are notified once, and nobody is referred for help until one acknowledges
it or the time is over. Requests for protection are referred even then: they must not be lost among other calls.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records
from gate.passage.crossing_end import closed, incident
from gate.passage.decision_stage import end_crossing
from gate.passage.effects import Effect, Show, Write
from gate.passage.events import TravellerAsked
from gate.passage.lane import LaneContext, Timing
from gate.passage.names import ClosedAs, IncidentKind, Wish
from gate.passage.open_referrals import CALLS
from gate.passage.states import Emergency, Idle, Inspecting, Passing, Referred, Rules, State, Step, Turn, crossing_of
from gate_core.evidence.reasons import Objection
from gate_core.evidence.screen import Screen

SHIELDED_MAX = 64  # crossings; the oldest is forgotten, and has been over for long

Asking = tuple[LaneContext, State, tuple[Effect, ...]]


def ask(turn: Turn, asked: TravellerAsked) -> Asking:
    """Answer a request on the page."""
    if asked.wish is Wish.MORE_TIME:
        return turn.lane, *_more_time(turn.rules.timing, turn.state)
    return _call(turn.rules, turn.lane, turn.state, asked, turn.now_ms)


def _more_time(timing: Timing, state: State) -> Step:
    """Extend the time once per crossing, while its traveller is being checked. Others wait that much longer."""
    if not isinstance(state, Inspecting) or state.more_ms:
        return state, ()
    written = Write(records.Asked(state.crossing, Wish.MORE_TIME, no_outbound_query=False))
    return replace(state, more_ms=timing.more_time_ms), (written,)


def _call(rules: Rules, lane: LaneContext, state: State, asked: TravellerAsked, now_ms: int) -> Asking:
    timing, objection = rules.timing, CALLS[asked.wish]
    if _is_known(lane, state, objection):
        return lane, state, ()
    crossing = asked.crossing if isinstance(state, Idle | Passing | Emergency) else state.crossing
    lately = tuple(at_ms for at_ms in lane.calls if now_ms - at_ms < timing.asked_again_ms)
    often = len(lately) >= timing.asked_again_max and not isinstance(state, Referred)
    if often and asked.wish is Wish.HELP:
        told = () if lane.asked_often else (incident(crossing_of(state), IncidentKind.ASKED_OFTEN),)
        return replace(lane, asked_often=True), state, told
    calls = lately if isinstance(state, Referred) else (*lately, now_ms)[-timing.asked_again_max :]
    lane = replace(lane, calls=calls)
    # Nothing about it is asked outside the gate any more: an officer sees its traveller first.
    if crossing not in lane.shielded:
        lane = replace(lane, shielded=(*lane.shielded, crossing)[-SHIELDED_MAX:])
    state, effects = _heeded(rules, lane, state, asked.crossing, objection)
    written = Write(records.Asked(crossing, asked.wish, no_outbound_query=True))
    return lane, state, (*effects, written)


def _is_known(lane: LaneContext, state: State, objection: Objection) -> bool:
    """True if the caller already waits with this objection, or another traveller whom the lane cannot tell apart."""
    match state:
        case Referred():
            return objection in state.objections
        case Passing() | Emergency():
            return any(objection in one.objections for one in lane.waiting if one.crossing != crossing_of(state))
        case _:
            return False


def _heeded(rules: Rules, lane: LaneContext, state: State, fresh: str, objection: Objection) -> Step:
    """Return the result in each state; `fresh`: a new crossing for a caller without one."""
    # No chip is touched after it, so nothing waits for it: a log that is away is owed all of it.
    opened = Write(records.Opened(fresh, lane.direction, document=False))
    called = (opened, closed(fresh, ClosedAs.REFERRED, (objection,)))
    match state:
        case Idle():
            return Referred(fresh, (objection,)), (Show(Screen.OFFICER), *called)
        case Passing():
            return state, (Show(Screen.OFFICER), *called)
        case Emergency():
            return state, called
        case Referred():
            return replace(state, objections=(*state.objections, objection)), ()
        case _:
            ended = end_crossing(rules, lane, state, (objection,))
            assert ended is not None, "a crossing runs"
            return ended
