"""Who sees pictures and particulars of a traveller who waits: each view is a record first, and is answered when that is durable. Pure.

So nobody has seen them unrecorded, whatever becomes of the log meanwhile: a record of which the log says nothing leaves the view unanswered,
and until it has said what became of it, nobody views that crossing. Who may, and what they are shown, is left to others: neither a
picture nor what is sealed ever comes here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gate.passage import records
from gate.passage.effects import Answer, Write
from gate.passage.events import NotRecorded, Recorded, RecordKind
from gate.passage.lane import LaneContext
from gate.passage.orders import Ordered, Outcome
from gate.passage.states import Turn, Turned

VIEWING_MAX: Final = 32  # the oldest is forgotten, and its order not answered
NOT_ANSWERED: Final = "the log has not answered for the view before this one"
NOT_RECORDED: Final = "the log does not take the record of it, and nobody sees what is not recorded"


def view(lane: LaneContext, ordered: Ordered, crossing: str) -> tuple[LaneContext, Write]:
    """Have the record of a view written, which `answer` waits for."""
    viewing = (*lane.viewing, (crossing, ordered.number))[-VIEWING_MAX:]
    return replace(lane, viewing=viewing), Write(records.Viewed(crossing, ordered.said), awaited=True)


def answer(turn: Turn) -> Turned:
    """Answer the view whose record the event is about, if it is about one."""
    lane, event = turn.lane, turn.event
    if not isinstance(event, Recorded | NotRecorded) or event.kind is not RecordKind.VIEWED:
        return lane, ()
    number = dict(lane.viewing).get(event.crossing)
    if number is None:
        return lane, ()
    lane = replace(lane, viewing=tuple(one for one in lane.viewing if one[0] != event.crossing))
    if isinstance(event, Recorded):
        return lane, (Answer(number, Outcome.DONE),)
    return lane, (Answer(number, Outcome.IMPOSSIBLE, NOT_RECORDED),)
