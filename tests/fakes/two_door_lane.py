"""A lane of two doors for tests: what its doors and sensors say, and runs that have come so far."""

from __future__ import annotations

from dataclasses import replace

from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, Run, ordered

from gate.passage import states
from gate.passage.door_state import DoorState
from gate.passage.effects import Effect
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    DoorSeen,
    Event,
    FaceCompared,
    FaceSeen,
    Recorded,
    SensorsSeen,
    SiteSeen,
)
from gate.passage.interior import Interior
from gate.passage.lane import LaneContext
from gate.passage.names import RecordKind
from gate.passage.orders import BePresent
from gate_core.evidence.crossing import DocumentEvidence, Door, FaceEvidence
from gate_core.evidence.screen import Guidance

TWO_DOORS = states.Rules(replace(RULES.policy, two_doors=True), RULES.timing)
FIRST: DoorSeen = replace(AT_REST, door=Door.FIRST)
LAST: DoorSeen = AT_REST
EMPTY = SensorsSeen(people=0, object_left=False, call_pressed=False, cabinet_open=False, mains_present=True, session=1)
ALONE: SensorsSeen = replace(EMPTY, people=1)
TWO: SensorsSeen = replace(EMPTY, people=2)


LOOK_MS = 40  # from one measurement of the sensors to the next


class Lane(Run):
    """A lane of two doors under test: every look of its sensors is a measurement of its own."""

    def feed(self, *events: Event, after_ms: int = 0) -> list[Effect]:
        """Feed events and return the effects of these alone."""
        new = super().feed(after_ms=after_ms)
        for event in events:
            new += super().feed(event, after_ms=LOOK_MS if isinstance(event, SensorsSeen) else 0)
        return new


def lane() -> Run:
    """A lane of two doors of which nothing is known yet."""
    doors = (DoorState(Door.FIRST), DoorState(Door.LAST))
    return Lane(rules=TWO_DOORS, lane=LaneContext(doors=doors, interior=Interior()))


def ready() -> Run:
    """One that invites travellers."""
    run = lane()
    run.feed(FIRST, LAST, EMPTY, EMPTY, ordered(BePresent()), SiteSeen(1.0, clock_sure=True))
    return run


def reading() -> Run:
    """A document that lies on the reader before the first door; its opening is durable."""
    run = ready()
    run.feed(DocumentPresented(CROSSING), Recorded(CROSSING, RecordKind.OPENED))
    return run


def let_in(document: DocumentEvidence = GENUINE) -> Run:
    """The decision about the first door waits for its receipt."""
    run = reading()
    run.feed(FIRST, LAST, EMPTY, DocumentRead(CROSSING, document))
    return run


def first_granted() -> Run:
    """The first door is told to open."""
    run = let_in()
    run.feed(Recorded(CROSSING, RecordKind.ENTRY_DECIDED))
    run.feed(FIRST, LAST, EMPTY, after_ms=10)
    return run


def entering() -> Run:
    """The traveller went through the first door, which has not closed yet."""
    run = first_granted()
    run.feed(replace(FIRST, closed=False, bodies=1, grants_left=1), after_ms=500)
    run.feed(replace(FIRST, closed=False, passages_entry=1), after_ms=500)
    return run


def enclosed() -> Run:
    """Both doors are closed, one person is inside, and the camera looks at them."""
    run = entering()
    run.feed(replace(FIRST, passages_entry=1), LAST, ALONE, after_ms=500)
    run.feed(ALONE, after_ms=50)
    return run


def deciding(face: FaceEvidence = SAME_FACE) -> Run:
    """The decision about the last door waits for its receipt."""
    run = enclosed()
    run.feed(replace(FIRST, passages_entry=1), LAST, ALONE, FaceSeen(CROSSING, 1, Guidance.NONE), after_ms=200)
    run.feed(FaceCompared(CROSSING, face))
    return run


def granted() -> Run:
    """The last door is told to open."""
    run = deciding()
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    run.feed(replace(FIRST, passages_entry=1), LAST, ALONE, after_ms=10)
    return run


def referred_inside() -> Run:
    """A traveller whose face is not that of the document waits between the doors."""
    run = deciding(replace(SAME_FACE, track_held=False))
    run.feed(Recorded(CROSSING, RecordKind.DECIDED))
    return run
