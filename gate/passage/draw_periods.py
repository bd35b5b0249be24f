"""When a draw begins and ends: its hash is written before anybody is drawn by it, and its secret when it is over. Pure.

A draw is in force from the receipt of its hash on. Without one in force, where the site's rules want some, an officer sees everybody. It changes between
crossings only, so that each is drawn by what stood in the log when it was opened. A start of the lane states anew what an earlier run drew by: what the log
remembers and never took as a record draws nobody.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records
from gate.passage.draws import Draw
from gate.passage.effects import Effect, Write
from gate.passage.events import DrawDue, NotRecorded, Recorded, RecordKind, RecordReplaced
from gate.passage.lane import LaneContext
from gate.passage.states import Emergency, Idle, Referred, Turn, Turned


def due(lane: LaneContext, day: str, per_10000: int, secret: bytes) -> DrawDue | None:
    """What the lane's draw is to be changed to today, with this secret if it takes a new one; None while it is as it should be."""
    if lane.drawing is not None:
        return None
    held = lane.draw or lane.draw_left
    if held is not None and (held.day, held.per_10000) == (day, per_10000):
        return DrawDue(held) if lane.draw is None else None
    if held is None and per_10000 == 0:
        return None
    return DrawDue(Draw(day, per_10000, secret) if per_10000 else None)


def follow(turn: Turn) -> Turned:
    """Begin and end the draws of a day, each with its record."""
    lane = turn.lane
    match turn.event:
        case DrawDue(draw) if lane.drawing is None and isinstance(turn.state, Idle | Referred | Emergency):
            return _change(lane, draw)
        case Recorded(kind=RecordKind.DRAW_COMMITTED):
            return replace(lane, draw=lane.drawing, drawing=None), ()
        case NotRecorded(kind=RecordKind.DRAW_COMMITTED) | RecordReplaced(kind=RecordKind.DRAW_COMMITTED):
            return replace(lane, drawing=None), ()
        case _:
            return lane, ()


def _change(lane: LaneContext, draw: Draw | None) -> Turned:
    held = lane.draw or lane.draw_left
    effects: list[Effect] = []
    if held is not None and held != draw:
        effects.append(Write(records.DrawRevealed(held.day, held.sha256, held.secret.hex())))
    if draw is not None:
        committed = records.DrawCommitted(draw.day, draw.per_10000, draw.sha256, kept=draw)
        effects.append(Write(committed, awaited=True))
    return replace(lane, draw=None, drawing=draw, draw_left=None), tuple(effects)
