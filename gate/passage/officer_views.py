"""Officers' views of pictures and data of a waiting traveller: each view is recorded first and answered when that is durable. Pure.

So nobody has seen them without a record, whatever happens to the log: without an answer of the log the view stays unanswered, and
until then nobody views that crossing. Other modules decide who may view and what is shown: neither pictures nor sealed data enter
this one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gate.passage import records
from gate.passage.effects import Answer, Write
from gate.passage.events import NotRecorded, Recorded
from gate.passage.lane import LaneContext
from gate.passage.names import Outcome, RecordKind
from gate.passage.orders import Ordered
from gate.passage.states import Turn, Turned

VIEWING_MAX: Final = 32  # the oldest is forgotten, and its order not answered
NOT_ANSWERED: Final = "the log has not answered for the view before this one"
NOT_RECORDED: Final = "the log does not take the record of it, and nobody sees what is not recorded"


def view(lane: LaneContext, ordered: Ordered, crossing: str) -> tuple[LaneContext, Write]:
    """Record a view; `answer` waits for that record."""
    viewing = (*lane.viewing, (crossing, ordered.number))[-VIEWING_MAX:]
    return replace(lane, viewing=viewing), Write(records.Viewed(crossing, ordered.said), awaited=True)


def answer(turn: Turn) -> Turned:
    """Answer the view whose record the event is about, if any."""
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
