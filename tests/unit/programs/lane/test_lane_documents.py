"""Documents come from readers and pages: one opens a crossing, a visa waits for its passport, a lane without any reader is out."""

from __future__ import annotations

from gate.channel import vision_messages
from gate.passage.events import DocumentPresented, DocumentRemoved, Event, PageGuided, Part, PartBack, PartLost
from gate.programs.lane.documents import VISA_KEPT_S, Documents, PageListener, Presented
from gate_core.evidence.screen import Guidance

PASSPORT = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]


def read(page: int = 1, *, mrz_format: str = "TD3") -> vision_messages.PageRead:
    return vision_messages.PageRead(page, "camera", mrz_format, 0.9, True, [])


class Lane:
    """A listener with a clock of the test's."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.now_s = 100.0
        self.idle = True
        self.documents = Documents(readers=frozenset({"swipe", "page"}), post=self.events.append)
        self.listener = PageListener(
            self.documents, post=self.events.append, idle=lambda: self.idle, clock_s=lambda: self.now_s
        )

    def hear(self, *told: vision_messages.FromPage) -> list[Event]:
        self.events.clear()
        for message in told:
            self.listener.hear(message)
        return list(self.events)

    def opened(self) -> Presented:
        """What the crossing gets that the last event opened."""
        presented = self.events[-1]
        assert isinstance(presented, DocumentPresented)
        return self.documents.take(presented.crossing)


def test_a_page_that_was_read_opens_a_crossing_and_is_handed_over_once() -> None:
    lane = Lane()
    (presented,) = lane.hear(read())
    assert isinstance(presented, DocumentPresented)
    document = lane.documents.take(presented.crossing)
    assert document == Presented((), read())
    assert lane.documents.take(presented.crossing) == Presented(())


def test_each_crossing_has_an_id_of_its_own() -> None:
    lane = Lane()
    for _ in range(100):
        lane.documents.present(Presented(()))
    assert len({event.crossing for event in lane.events if isinstance(event, DocumentPresented)}) == 100


def test_a_page_that_cannot_be_read_opens_a_crossing_without_readings() -> None:
    lane = Lane()
    lane.hear(vision_messages.PageStatus(3, gone=False))
    assert lane.opened() == Presented(())


def test_a_document_that_is_forgotten_is_handed_to_nobody() -> None:
    lane = Lane()
    (presented,) = lane.hear(read())
    assert isinstance(presented, DocumentPresented)
    lane.documents.forget("another")
    lane.documents.forget(presented.crossing)
    assert lane.opened() == Presented(())


def test_what_lies_beside_a_crossing_unread_disturbs_it_not() -> None:
    lane = Lane()
    lane.idle = False
    assert lane.hear(vision_messages.PageStatus(3, gone=False)) == []


def test_a_page_that_leaves_is_a_document_removed() -> None:
    assert Lane().hear(vision_messages.PageStatus(1, gone=True)) == [DocumentRemoved()]


def test_a_visa_asks_for_the_passport_and_is_remembered_with_it() -> None:
    lane = Lane()
    assert lane.hear(read(1, mrz_format="MRVA")) == [PageGuided(Guidance.PAGE_OPEN)]
    assert lane.hear(vision_messages.PageHint(Guidance.NONE)) == [], (
        "the visa still lies there: what was asked stays asked"
    )
    assert lane.hear(vision_messages.PageStatus(1, gone=True)) == [PageGuided(Guidance.NONE), DocumentRemoved()]
    lane.hear(read(2))
    assert lane.opened().visa
    lane.hear(read(3))
    assert not lane.opened().visa, "a visa goes with one passport"


def test_a_visa_of_someone_who_left_long_ago_is_nobodys() -> None:
    lane = Lane()
    lane.hear(read(1, mrz_format="MRVB"), vision_messages.PageStatus(1, gone=True))
    lane.now_s += VISA_KEPT_S
    lane.hear(read(2))
    assert not lane.opened().visa


def test_the_traveller_is_told_how_to_lay_the_page() -> None:
    assert Lane().hear(vision_messages.PageHint(Guidance.PAGE_GLARE)) == [PageGuided(Guidance.PAGE_GLARE)]


def test_the_lane_has_lost_its_reader_when_it_has_lost_every_one() -> None:
    lane = Lane()
    assert lane.hear(vision_messages.PageSource("unplugged")) == []
    lane.documents.reader_lost("swipe")
    assert lane.events == [PartLost(Part.READER)]
    assert lane.hear(vision_messages.PageSource()) == [PartBack(Part.READER)]


def test_nothing_that_holds_lines_shows_them() -> None:
    assert PASSPORT[1] not in repr(Presented((tuple(PASSPORT),)))
