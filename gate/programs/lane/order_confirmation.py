"""What is answered of an order that the lane has begun to do: what sensors and driver show of it, or that they do not show it in time."""

from __future__ import annotations

import asyncio

from gate.channel import messages
from gate.passage import states
from gate.passage.orders import Outcome
from gate.programs.lane.engine import LaneInSight
from gate_core.evidence.names import Head
from gate_core.orders.order import Order
from gate_core.orders.verbs import Verb

CONFIRM_POLL_S = 0.02
CONFIRM_S = {  # how long sensors and driver may take; after that the answer is "ordered, not confirmed"
    Verb.ADMIT: 5.0,
    Verb.RELEASE: 3.0,
    Verb.OPEN_EMERGENCY: 3.0,
    Verb.END_EMERGENCY: 5.0,
    Verb.ACKNOWLEDGE: 2.0,
    Verb.ACCEPT_HEAD: 5.0,
}

Answered = tuple[Outcome, str]


async def confirmed(order: Order, lane: LaneInSight, since_ms: int) -> Answered:
    """Look until what was ordered shows, or cannot come any more. A status from before says nothing."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + CONFIRM_S[order.verb]
    while loop.time() < end_s:
        if (seen := _seen(order, lane, since_ms)) is not None:
            return seen
        await asyncio.sleep(CONFIRM_POLL_S)
    return Outcome.ORDERED, f"ordered, not confirmed: {_unseen(order, lane, since_ms)}"


def _seen(order: Order, lane: LaneInSight, since_ms: int) -> Answered | None:
    """What state, sensors and driver say of an order that is under way; None as long as they say nothing."""
    state = lane.state
    seen = [one.seen if one.seen_ms > since_ms else None for one in lane.context.doors]
    match order.verb:
        case Verb.ADMIT:
            shown = isinstance(state, states.Granted) and lane.context.door_state(state.door).granting is None
            return _admission(state, order.crossing, shown=shown)
        case Verb.RELEASE | Verb.OPEN_EMERGENCY:
            opened = seen[:1] if order.verb is Verb.RELEASE else seen
            shows = all(one is not None and not one.closed for one in opened)
            return (Outcome.DONE, "the leaf is open") if shows else None
        case Verb.END_EMERGENCY:
            return None if isinstance(state, states.Emergency) else (Outcome.DONE, "the emergency is over")
        case Verb.ACKNOWLEDGE:
            shows = all(one is not None and not one.alarms for one in seen)
            return (Outcome.DONE, "no alarm stands") if shows else None
        case Verb.ACCEPT_HEAD:
            if lane.context.head is None or lane.context.head[0].head is Head.UNCONFIRMED:
                return None
            found, _ = lane.context.head
            return Outcome.DONE, f"{found.head.value}: the log had {found.entries} entries at the boot"
        case _:  # answered by the machine
            return None


def _unseen(order: Order, lane: LaneInSight, since_ms: int) -> str:
    if order.verb is Verb.ACCEPT_HEAD:
        return "the log has not said so"
    if any(one.seen is None or one.seen_ms <= since_ms for one in lane.context.doors):
        return "the barrier does not answer"
    if order.verb in {Verb.RELEASE, Verb.OPEN_EMERGENCY}:
        return "the leaf stays closed, and the barrier is told again"
    return "the barrier does not show it"


def _admission(state: states.State, crossing: str | None, *, shown: bool) -> Answered | None:
    """`shown`: the barrier's status bears the grant out."""
    match state:
        case states.Overruling() | states.Looking() if state.crossing == crossing:
            return None
        case states.Granted() if state.crossing == crossing:
            return (Outcome.DONE, "granted") if shown else None
        case states.Entering() | states.Passing() if state.crossing == crossing:
            return Outcome.DONE, "passed"
        case states.Referred() if state.crossing == crossing:
            why = [f"{one.reason.value}:{one.detail}" if one.detail else one.reason.value for one in state.objections]
            return Outcome.IMPOSSIBLE, f"not granted: {', '.join(map(messages.words, why))}"
        case _:
            return Outcome.IMPOSSIBLE, "not granted"
