"""What an order of an officer is to the machine."""

from __future__ import annotations

from gate.passage import orders
from gate.passage.orders import Command, Concern, Disposition, LaneOrder
from gate_core.evidence.serving import BorderDirection
from gate_core.orders.order import Order
from gate_core.orders.verbs import Verb


def command_of(order: Order, age_ms: int, *, seen: bool = False) -> Command:
    """The order as the machine takes it. `seen`: what it names as shown to its officer, the lane has handed out to them."""
    crossing = order.crossing or ""
    match order.verb:
        case Verb.PRESENT:
            return orders.BePresent(age_ms)
        case Verb.ADMIT:
            return orders.Admit(crossing, seen)
        case Verb.REFER:
            return orders.Hold(crossing)
        case Verb.HAND_OVER:
            return orders.HandOver(crossing, Disposition(order.argument))
        case Verb.VIEW:
            return orders.View(crossing)
        case Verb.FLAG:
            return orders.RaiseFlag(order.crossing, Concern(order.argument))
        case Verb.DIRECTION:
            return orders.ServeDirection(BorderDirection(order.argument))
        case Verb.MODE:
            return orders.ServeTravellers(order.argument or "")
        case verb:
            return LaneOrder(verb.value)
