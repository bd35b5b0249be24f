"""A camera's frames become events: a document came, its zone is agreed on or accepted, what would help, it left."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from fakes.mrz_frames import Faults, Scripted, Seeing
from fakes.pages import View, draw_page, shoot, zone_lines

from gate.page.live import (
    LOOK_EVERY_MS,
    REMOVED_AFTER_MS,
    Accepted,
    Agreed,
    Hinted,
    LiveReader,
    PageEvent,
    Present,
    Removed,
)
from gate.page.values import Why, ZoneFormat
from gate.picture import BadPictureError

RANDOM = np.random.default_rng(11)
LINES = zone_lines(RANDOM, ZoneFormat.TD3)
FRAME_MS = 66


def frame_of(lines: tuple[str, ...], shift_px: int = 0) -> npt.NDArray[np.uint8]:
    page = draw_page(lines, np.random.default_rng(12))
    frame = shoot(page, View(width=960, height=720, page_width=760), np.random.default_rng(13)).picture
    return np.roll(frame, shift_px, axis=1)


PAGE = frame_of(LINES)
BED = np.full((720, 960), 70, np.uint8)


class Camera:
    """Feeds a reader frames at 15 a second and keeps what it tells."""

    def __init__(self, recogniser: Scripted) -> None:
        self.recogniser = recogniser
        self.reader = LiveReader(recogniser)
        self.now_ms = 1000

    def shows(self, frame: npt.NDArray[np.uint8], count: int) -> list[PageEvent]:
        return list(self._shown(frame, count))

    def _shown(self, frame: npt.NDArray[np.uint8], count: int) -> Iterator[PageEvent]:
        for _ in range(count):
            yield from self.reader.see(frame, at_ms=self.now_ms)
            self.now_ms += FRAME_MS


def kinds(events: list[PageEvent]) -> list[type]:
    return [type(event) for event in events if not isinstance(event, Hinted)]


def test_a_page_that_lies_still_comes_is_agreed_on_once_and_leaves() -> None:
    camera = Camera(Seeing(LINES))
    assert camera.shows(BED, 5) == []
    events = camera.shows(PAGE, 30)
    assert kinds(events) == [Present, Agreed], "what never changes between frames bears nothing out"
    agreed = next(event for event in events if isinstance(event, Agreed))
    assert agreed.reading.lines == LINES
    assert agreed.at_ms - events[0].at_ms == FRAME_MS, "the second frame that agrees is enough"
    camera.recogniser.lines = ()
    gone = camera.shows(BED, 30)
    assert [type(event) for event in gone] == [Removed], "an empty bed is no reason to tell anybody anything"


def test_a_page_that_moved_between_two_frames_that_agree_is_accepted_at_once_and_once() -> None:
    camera = Camera(Seeing(LINES))
    events = camera.shows(PAGE, 1) + camera.shows(np.roll(PAGE, 30, axis=1), 30)
    assert kinds(events) == [Present, Accepted]
    assert kinds(camera.shows(PAGE, 10)) == []


def test_a_page_that_moves_after_frames_agreed_is_accepted_then() -> None:
    camera = Camera(Seeing(LINES))
    assert kinds(camera.shows(PAGE, 5)) == [Present, Agreed]
    assert kinds(camera.shows(np.roll(PAGE, 30, axis=1), 5)) == [Accepted]


def test_an_empty_bed_and_an_accepted_page_are_looked_at_now_and_then_only() -> None:
    camera = Camera(Seeing(LINES))
    camera.shows(PAGE, 3)
    before = camera.recogniser.calls
    camera.shows(PAGE, 30)
    looks = 30 * FRAME_MS / LOOK_EVERY_MS
    assert 0 < camera.recogniser.calls - before <= 3 * (looks + 1)


def test_a_hand_for_a_moment_is_no_removal() -> None:
    camera = Camera(Seeing(LINES))
    camera.shows(PAGE, 4)
    lines, camera.recogniser.lines = camera.recogniser.lines, ()
    assert kinds(camera.shows(BED, REMOVED_AFTER_MS // FRAME_MS - 2)) == []
    camera.recogniser.lines = lines
    assert kinds(camera.shows(PAGE, 4)) == []


def test_what_a_hand_leaves_of_a_zone_is_no_other_page() -> None:
    camera = Camera(Seeing(LINES))
    camera.shows(PAGE, 10)
    camera.recogniser.lines = tuple(line[:36] for line in LINES)
    hidden = PAGE.copy()
    hidden[:, 700:] = 160
    assert kinds(camera.shows(hidden, 10)) == []
    camera.recogniser.lines = LINES
    assert kinds(camera.shows(PAGE, 10)) == []


def test_another_page_in_the_place_of_the_first_is_told() -> None:
    other = zone_lines(RANDOM, ZoneFormat.TD3)
    camera = Camera(Seeing(LINES))
    camera.shows(PAGE, 4)
    camera.recogniser.lines = other
    events = camera.shows(frame_of(other), 30)
    assert kinds(events) == [Removed, Present, Agreed]
    assert events[-1].at_ms > events[0].at_ms


def test_a_page_that_cannot_be_read_is_never_accepted_and_the_reason_is_told_once_it_is_steady() -> None:
    camera = Camera(Scripted(LINES, Faults(lost=0.2)))
    events = camera.shows(PAGE, 12)
    assert Accepted not in kinds(events)
    hints = [event.why for event in events if isinstance(event, Hinted)]
    assert hints == [Why.COVERED]


def test_a_page_that_moves_is_told_to_lie_still() -> None:
    camera = Camera(Scripted(LINES, Faults(lost=0.06)))
    events: list[PageEvent] = []
    for step in range(6):
        events += camera.shows(np.roll(PAGE, 25 * step, axis=1), 1)
    assert Why.MOVING in [event.why for event in events if isinstance(event, Hinted)]


def test_a_frame_that_is_no_picture_is_refused() -> None:
    with pytest.raises(BadPictureError):
        LiveReader(Scripted(LINES)).see(np.zeros((4, 4), np.uint8), at_ms=0)
