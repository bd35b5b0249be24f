"""Who sees pictures and particulars of a traveller who waits: each view is a record first, and is answered when that is durable. Pure.

So nobody has seen them unrecorded, whatever becomes of the log meanwhile: a record of which the log says nothing leaves the view unanswered,
and until it has said what became of it, nobody views that crossing. Who may, and what they are shown, is left to others: neither a
picture nor what is sealed ever comes here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gate.passage import records
from gate.passage.effects import Answer, Effect, Write
from gate.passage.events import Event, NotRecorded, Recorded, RecordKind
from gate.passage.lane import LaneContext
from gate.passage.orders import Ordered, Outcome

VIEWING_MAX: Final = 32  # the oldest is forgotten, and its order not answered
NOT_ANSWERED: Final = "the log has not answered for the view before this one"
NOT_RECORDED: Final = "the log does not take the record of it, and nobody sees what is not recorded"


def view(around: LaneContext, ordered: Ordered, crossing: str) -> tuple[LaneContext, Write]:
    """Have the record of a view written, which `answered` waits for."""
    viewing = (*around.viewing, (crossing, ordered.number))[-VIEWING_MAX:]
    return replace(around, viewing=viewing), Write(records.Viewed(crossing, ordered.said), awaited=True)


def answered(around: LaneContext, event: Event) -> tuple[LaneContext, tuple[Effect, ...]]:
    """The surroundings after an event, and the answer to the view whose record it is about, if it is about one."""
    if not isinstance(event, Recorded | NotRecorded) or event.kind is not RecordKind.VIEWED:
        return around, ()
    number = dict(around.viewing).get(event.crossing)
    if number is None:
        return around, ()
    around = replace(around, viewing=tuple(one for one in around.viewing if one[0] != event.crossing))
    if isinstance(event, Recorded):
        return around, (Answer(number, Outcome.DONE),)
    return around, (Answer(number, Outcome.IMPOSSIBLE, NOT_RECORDED),)
