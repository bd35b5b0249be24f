"""Alarms about officers' keys: a refused order to free people, and an order with an expired key. Pure.

Each is recorded at once and stands as a notice until an officer acknowledges it. Repetitions by the same officer within
`misuse_again_ms` are counted and recorded together afterwards, so that every one is in the log and repetitions cannot
fill it. A restart of the lane ends the notices; counts not yet recorded are lost.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records
from gate.passage.effects import Effect, Write
from gate.passage.events import OrderRefused
from gate.passage.lane import LaneContext, Misuse
from gate.passage.names import IncidentKind
from gate.passage.orders import Missing, Ordered, Said
from gate.passage.states import Turn, Turned

OFFICERS_MAX = 32  # officers counted separately; others are counted as one


def follow(turn: Turn) -> Turned:
    """Record the misuse that an event reports, and the counted repetitions when they are due."""
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
    """Return the lane with one more misuse, due at once if the same was not recorded recently."""
    known = {one.order.officer for one in lane.misuses if one.order is not None}
    if said is not None and said.officer not in known and len(known) >= OFFICERS_MAX:
        said = None
    order = None if said is None else replace(said, reason="")  # text from a person whose order does not count
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
