"""When a draw begins and ends. Its hash is recorded before any traveller is drawn by it, its secret when it is over. Pure.

A draw is in force from the receipt of its hash. If the site's rules require one and none is in force, an officer sees every
traveller. It changes only between crossings, so the draw in the log at a crossing's start applies to it. After a restart the
lane records the draw of its earlier run again; a draw that only the log's memory has, and no record, draws nobody.
"""

from __future__ import annotations

from dataclasses import replace

from gate.passage import records
from gate.passage.draws import Draw
from gate.passage.effects import Effect, Write
from gate.passage.events import DrawDue, NotRecorded, Recorded, RecordReplaced
from gate.passage.lane import LaneContext
from gate.passage.names import RecordKind
from gate.passage.states import Emergency, Idle, Referred, Turn, Turned


def due(lane: LaneContext, day: str, per_10000: int, secret: bytes) -> DrawDue | None:
    """Return the change of the lane's draw that is due today, with this secret if it takes a new one; None if there is no change."""
    if lane.drawing is not None:
        return None
    held = lane.draw or lane.draw_left
    if held is not None and (held.day, held.per_10000) == (day, per_10000):
        return DrawDue(held) if lane.draw is None else None
    if held is None and per_10000 == 0:
        return None
    return DrawDue(Draw(day, per_10000, secret) if per_10000 else None)


def follow(turn: Turn) -> Turned:
    """Begin and end the draws of a day, with a record each."""
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
