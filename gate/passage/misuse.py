"""Alarms over officers' keys: an order to free people that was refused, and an order under a key whose shift is over. Pure.

Each is written down at once and stands as a notice until an officer acknowledges it. More of the same by the same officer within
`misuse_again_ms` are counted and written down together when that time is over, so that every one is in the log, and nobody fills it by
repeating them. A restart of the lane ends the notices, and what was counted and not yet written is lost with it.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records
from gate.passage.effects import Effect, Write
from gate.passage.events import OrderRefused
from gate.passage.lane import LaneContext, Misuse
from gate.passage.orders import Missing, Ordered, Said
from gate.passage.records import IncidentKind
from gate.passage.states import Turn, Turned

OFFICERS_MAX = 32  # of whom misuse is counted apart; what others do is counted as nobody's


def follow(turn: Turn) -> Turned:
    """Write down what an event tells of a misused key, and what was counted since, once it is due."""
    lane, event, now_ms, timing = turn.lane, turn.event, turn.now_ms, turn.rules.timing
    match event:
        case OrderRefused(frees=True, said=said):
            lane = _counted(lane, IncidentKind.FREEING_REFUSED, said, now_ms - timing.misuse_again_ms)
        case OrderRefused(said=said):
            lane = _counted(lane, IncidentKind.EXPIRED_KEY_USED, said, now_ms - timing.misuse_again_ms)
        case Ordered(said=said) if Missing.SHIFT_OVER in said.missing:
            lane = _counted(lane, IncidentKind.EXPIRED_KEY_USED, said, now_ms - timing.misuse_again_ms)
        case _ if not lane.misuses:
            return lane, ()
        case _:
            pass
    kept: list[Misuse] = []
    written: list[Effect] = []
    for one in lane.misuses:
        if now_ms - one.told_ms < timing.misuse_again_ms:
            kept.append(one)
        elif one.more:
            written.append(Write(records.Incident(None, one.kind, one.more, order=one.order)))
            kept.append(replace(one, told_ms=now_ms, more=0))
        elif one.stands:
            kept.append(one)
    return replace(lane, misuses=tuple(kept)), tuple(written)


def _counted(lane: LaneContext, kind: IncidentKind, said: Said | None, due_ms: int) -> LaneContext:
    """The lane with one more, which is due at once when the same was not written down lately."""
    known = {one.order.officer for one in lane.misuses if one.order is not None}
    if said is not None and said.officer not in known and len(known) >= OFFICERS_MAX:
        said = None
    order = None if said is None else replace(said, reason="")  # words of somebody whose order counts for nothing
    officer = None if said is None else said.officer
    new = Misuse(kind, order, due_ms, more=1)
    others: list[Misuse] = []
    for one in lane.misuses:
        if (one.kind, None if one.order is None else one.order.officer) == (kind, officer):
            new = replace(one, order=order, more=one.more + 1, stands=True)
        else:
            others.append(one)
    return replace(lane, misuses=(*others, new))


def acknowledged(lane: LaneContext) -> LaneContext:
    """An officer has seen all of them."""
    return replace(lane, misuses=tuple(replace(one, stands=False) for one in lane.misuses))
