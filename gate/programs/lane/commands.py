"""What an order of an officer is to the machine."""

from __future__ import annotations

from gate.passage.orders import (
    AcceptHead,
    AcknowledgeAlarms,
    Admit,
    BeginEmergency,
    BePresent,
    CloseLane,
    Command,
    Concern,
    Consent,
    Disposition,
    EndEmergencyNow,
    Free,
    HandOver,
    Hold,
    Maintain,
    OpenLane,
    PauseLane,
    RaiseFlag,
    ServeDirection,
    ServeTravellers,
    View,
)
from gate_core.evidence.serving import BorderDirection
from gate_core.orders.order import Order
from gate_core.orders.verbs import Verb

_OF_THE_LANE: dict[Verb, Command] = {
    Verb.RELEASE: Free(),
    Verb.OPEN_EMERGENCY: BeginEmergency(),
    Verb.END_EMERGENCY: EndEmergencyNow(),
    Verb.ACKNOWLEDGE: AcknowledgeAlarms(),
    Verb.CLOSE: CloseLane(),
    Verb.PAUSE: PauseLane(),
    Verb.MAINTAIN: Maintain(),
    Verb.CONSENT: Consent(),
    Verb.OPEN: OpenLane(),
    Verb.ACCEPT_HEAD: AcceptHead(),
}


def command_of(order: Order, age_ms: int, *, seen: bool = False) -> Command:
    """The order as the machine takes it. `seen`: what it names as shown to its officer, the lane has handed out to them."""
    crossing = order.crossing or ""
    match order.verb:
        case Verb.PRESENT:
            return BePresent(age_ms)
        case Verb.ADMIT:
            return Admit(crossing, seen)
        case Verb.REFER:
            return Hold(crossing)
        case Verb.HAND_OVER:
            return HandOver(crossing, Disposition(order.argument))
        case Verb.VIEW:
            return View(crossing)
        case Verb.FLAG:
            return RaiseFlag(order.crossing, Concern(order.argument))
        case Verb.DIRECTION:
            return ServeDirection(BorderDirection(order.argument))
        case Verb.MODE:
            return ServeTravellers(order.argument or "")
        case verb:
            return _OF_THE_LANE[verb]
