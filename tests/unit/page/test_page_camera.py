"""What a gate is told of the bed of its document camera: read, doubtful, unreadable, better so, gone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from fakes.mrz_frames import RIGHT, Faults, Seeing
from fakes.pages import PageConditions, draw_page, mrz_lines, shoot

from gate.page.stream.camera import DOUBT_AFTER_MS, UNREAD_AFTER_MS, CameraStream
from gate.page.values import Advised, Event, Gone, MrzFormat, Read, Unread, Why

RANDOM = np.random.default_rng(5)
LINES, OTHER = (mrz_lines(RANDOM, MrzFormat.TD3) for _ in range(2))
FRAME_MS = 100
SLOW_MS = 800  # where only time matters
FINGERS = Faults(lost=0.2)


def frame_of(lines: tuple[str, ...], *, mrz: bool = True) -> npt.NDArray[np.uint8]:
    page = draw_page(lines, np.random.default_rng(6), mrz=mrz)
    return shoot(page, PageConditions(width=960, height=720, page_width=760), np.random.default_rng(7)).picture


BED = np.full((720, 960), 40, np.uint8)
PAGE, OTHER_PAGE, BARE = frame_of(LINES), frame_of(OTHER), frame_of(LINES, mrz=False)
HAND = PAGE.copy()
HAND[360:, 200:640] = 150


class Camera:
    """Feeds a watch ten frames a second. The bed says nothing, and a hand over a page."""

    def __init__(
        self, faults: Faults = RIGHT, *, on_the_bed: npt.NDArray[np.uint8] = BED, says: tuple[str, ...] = ()
    ) -> None:
        self.recogniser = Seeing((), faults)
        self.watch = CameraStream(self.recogniser)
        self.now_ms = 1000
        self.shows(on_the_bed, says, 3)

    def shows(
        self,
        frame: npt.NDArray[np.uint8],
        says: tuple[str, ...],
        count: int,
        *,
        every_ms: int = FRAME_MS,
        faults: Faults | None = None,
    ) -> list[Event]:
        self.recogniser.lines = says
        self.recogniser.faults = faults or self.recogniser.faults
        told: list[Event] = []
        for _ in range(count):
            told += self.watch.see(frame, at_ms=self.now_ms)
            self.now_ms += every_ms
        return told


def news(events: list[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, Advised)]


def advice(events: list[Event]) -> list[Why | None]:
    return [event.why for event in events if isinstance(event, Advised)]


def test_a_page_is_read_once_with_its_portrait_and_is_gone_when_taken() -> None:
    camera = Camera()
    (read,) = news(camera.shows(PAGE, LINES, 40))
    assert isinstance(read, Read)
    assert (read.page, read.accepted, read.reading.lines) == (1, False, LINES), (
        "nothing changed: the chip is to confirm it"
    )
    assert read.portrait is not None
    assert news(camera.shows(BED, (), 12)) == [Gone(1)]
    (again,) = news(camera.shows(PAGE, LINES, 10))
    assert isinstance(again, Read)
    assert again.page == 2


def test_a_page_that_was_pushed_between_two_frames_is_read_by_the_whole_rule() -> None:
    camera = Camera()
    camera.shows(PAGE, LINES, 1)
    (read,) = news(camera.shows(np.roll(PAGE, 30, axis=1), LINES, 10))
    assert isinstance(read, Read)
    assert read.accepted


def test_another_page_in_its_place_is_another_page() -> None:
    camera = Camera()
    camera.shows(PAGE, LINES, 10)
    gone, read = news(camera.shows(OTHER_PAGE, OTHER, 20))
    assert gone == Gone(1)
    assert isinstance(read, Read)
    assert (read.page, read.reading.lines) == (2, OTHER)


def test_a_page_whose_letters_are_faint_is_told_as_doubtful_after_a_while() -> None:
    camera = Camera(Faults(noise=0.3))
    before = camera.now_ms
    (read,) = news(camera.shows(PAGE, LINES, DOUBT_AFTER_MS // SLOW_MS + 3, every_ms=SLOW_MS))
    assert isinstance(read, Read)
    assert not read.accepted
    assert read.reading.lines == LINES
    assert camera.now_ms - before >= DOUBT_AFTER_MS


def test_a_page_without_an_mrz_is_advised_and_then_given_up_once() -> None:
    camera = Camera()
    events = camera.shows(BARE, (), UNREAD_AFTER_MS // SLOW_MS + 4, every_ms=SLOW_MS)
    assert news(events) == [Unread(1)]
    assert advice(events) == [Why.NO_MRZ]
    events = camera.shows(BED, (), 6)
    assert (news(events), advice(events)) == ([Gone(1)], [None])


def test_a_page_in_the_place_of_one_that_was_given_up_is_told() -> None:
    camera = Camera()
    camera.shows(BARE, (), UNREAD_AFTER_MS // SLOW_MS + 4, every_ms=SLOW_MS)
    gone, read = news(camera.shows(PAGE, LINES, 5))
    assert gone == Gone(1)
    assert isinstance(read, Read)
    assert read.page == 2


def test_an_unreadable_page_that_comes_quickly_after_one_that_was_given_up_is_another() -> None:
    camera = Camera(FINGERS)
    events = news(camera.shows(PAGE, LINES, UNREAD_AFTER_MS // SLOW_MS + 4, every_ms=SLOW_MS))
    assert events == [Unread(1)]
    assert news(camera.shows(PAGE, LINES, 3)) == []
    assert news(camera.shows(BED, (), 2)) == [Gone(1)], "a fifth of a second of empty bed"
    events = news(camera.shows(PAGE, LINES, UNREAD_AFTER_MS // SLOW_MS + 4, every_ms=SLOW_MS))
    assert events == [Unread(2)]


def test_fingers_on_the_mrz_are_told_and_what_they_hide_is_not_another_page() -> None:
    camera = Camera(FINGERS)
    events = camera.shows(PAGE, LINES, 20)
    assert advice(events)[-1] is Why.COVERED
    assert news(events) == []
    assert news(camera.shows(BARE, (), 20)) == [], "the MRZ was lost to a hand, the page still lies there"


def test_a_card_has_no_portrait_beside_its_mrz() -> None:
    lines = mrz_lines(np.random.default_rng(8), MrzFormat.TD1)
    (read,) = news(Camera().shows(frame_of(lines), lines, 10))
    assert isinstance(read, Read)
    assert read.portrait is None


def test_a_read_never_shows_what_was_read() -> None:
    (read,) = news(Camera().shows(PAGE, LINES, 10))
    assert LINES[0] not in repr(read)


@pytest.mark.parametrize("moved_px", [60, -25])
def test_a_page_that_changes_hands_at_once_is_presented_again(moved_px: int) -> None:
    camera = Camera()
    camera.shows(PAGE, LINES, 10)
    camera.shows(HAND, (), 2)
    gone, read = news(camera.shows(np.roll(PAGE, moved_px, axis=1), LINES, 6))
    assert gone == Gone(1)
    assert isinstance(read, Read)
    assert (read.page, read.accepted, read.reading.lines) == (2, False, LINES)


def test_a_doubtful_page_that_changes_hands_is_presented_again() -> None:
    camera = Camera(Faults(noise=0.3))
    wait = DOUBT_AFTER_MS // SLOW_MS + 3
    assert len(news(camera.shows(PAGE, LINES, wait, every_ms=SLOW_MS))) == 1
    assert news(camera.shows(PAGE, LINES, 3) + camera.shows(HAND, (), 2)) == []
    gone, read = news(camera.shows(np.roll(PAGE, 60, axis=1), LINES, wait, every_ms=SLOW_MS))
    assert gone == Gone(1)
    assert isinstance(read, Read)
    assert (read.page, read.accepted) == (2, False)


def test_a_page_that_a_hand_hides_for_a_moment_is_the_same() -> None:
    camera = Camera()
    camera.shows(PAGE, LINES, 10)
    assert news(camera.shows(HAND, (), 3) + camera.shows(PAGE, LINES, 10)) == []


def test_a_page_on_which_fingers_stay_is_not_known_to_be_the_one_that_was_read() -> None:
    camera = Camera()
    camera.shows(PAGE, LINES, 10)
    events = camera.shows(PAGE, LINES, 30, faults=FINGERS)
    assert news(events) == [Gone(1)]
    assert advice(events)[-1] is Why.COVERED
    (read,) = news(camera.shows(PAGE, LINES, 6, faults=RIGHT))
    assert isinstance(read, Read)
    assert read.page == 2


def test_a_covered_page_that_comes_quickly_after_one_that_was_read_is_another() -> None:
    camera = Camera()
    camera.shows(PAGE, LINES, 10)
    assert news(camera.shows(BED, (), 1)) == [], "one frame may be the camera's mistake"
    assert news(camera.shows(BED, (), 1)) == [Gone(1)]
    events = news(camera.shows(OTHER_PAGE, OTHER, UNREAD_AFTER_MS // SLOW_MS + 4, every_ms=SLOW_MS, faults=FINGERS))
    assert events == [Unread(2)]


def test_a_page_that_lay_there_from_the_first_frame_is_not_taken_for_the_bed_when_a_hand_hides_it() -> None:
    camera = Camera(on_the_bed=PAGE, says=LINES)
    camera.shows(PAGE, LINES, 10)
    camera.shows(HAND, (), 3)
    assert news(camera.shows(PAGE, LINES, 10)) == []
