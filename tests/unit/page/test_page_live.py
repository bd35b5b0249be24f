"""What a camera's frames show: a document came, its MRZ is agreed on or accepted, what would help, it left."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from fakes.mrz_frames import Faults, Scripted, Seeing
from fakes.pages import PageConditions, draw_page, mrz_lines, shoot

from gate.page.stream.live import LOOK_EVERY_MS, REMOVED_AFTER_MS, LiveReader, State
from gate.page.values import MrzFormat, Why
from gate.picture import BadPictureError

RANDOM = np.random.default_rng(11)
LINES = mrz_lines(RANDOM, MrzFormat.TD3)
FRAME_MS = 66


def frame_of(lines: tuple[str, ...], shift_px: int = 0) -> npt.NDArray[np.uint8]:
    page = draw_page(lines, np.random.default_rng(12))
    frame = shoot(page, PageConditions(width=960, height=720, page_width=760), np.random.default_rng(13)).picture
    return np.roll(frame, shift_px, axis=1)


PAGE = frame_of(LINES)
BED = np.full((720, 960), 70, np.uint8)


class Camera:
    """Feeds a reader frames at 15 a second and keeps what changes."""

    def __init__(self, recogniser: Scripted) -> None:
        self.recogniser = recogniser
        self.reader = LiveReader(recogniser)
        self.state = State()
        self.now_ms = 1000

    def shows(self, frame: npt.NDArray[np.uint8], count: int) -> list[tuple[str, int]]:
        return list(self._shown(frame, count))

    def _shown(self, frame: npt.NDArray[np.uint8], count: int) -> Iterator[tuple[str, int]]:
        for _ in range(count):
            before, self.state = self.state, self.reader.see(frame, at_ms=self.now_ms)
            yield from ((what, self.now_ms) for what in changes(before, self.state))
            self.now_ms += FRAME_MS


def changes(before: State, after: State) -> Iterator[str]:
    if before.document is not None and before.document != after.document:
        yield "gone"
        before = State(hint=before.hint)
    if before.document != after.document:
        yield "came"
    if before.reading is not after.reading or before.accepted is not after.accepted:
        yield "accepted" if after.accepted else "agreed"
    if before.hint is not after.hint:
        yield str(after.hint)


def kinds(events: list[tuple[str, int]]) -> list[str]:
    return [what for what, _ in events if what in ("came", "agreed", "accepted", "gone")]


def hints(events: list[tuple[str, int]]) -> list[str]:
    return [what for what, _ in events if what not in kinds(events)]


def test_a_page_that_lies_still_comes_is_agreed_on_once_and_leaves() -> None:
    camera = Camera(Seeing(LINES))
    assert camera.shows(BED, 5) == []
    events = camera.shows(PAGE, 30)
    assert kinds(events) == ["came", "agreed"], "what never changes between frames bears nothing out"
    assert camera.state.reading is not None
    assert camera.state.reading.lines == LINES
    assert dict(events)["agreed"] - dict(events)["came"] == FRAME_MS, "the second frame that agrees is enough"
    camera.recogniser.lines = ()
    gone = camera.shows(BED, 30)
    assert [what for what, _ in gone] == ["gone"], "an empty bed is no reason to tell anybody anything"


def test_a_page_that_moved_between_two_frames_that_agree_is_accepted_at_once_and_once() -> None:
    camera = Camera(Seeing(LINES))
    events = camera.shows(PAGE, 1) + camera.shows(np.roll(PAGE, 30, axis=1), 30)
    assert kinds(events) == ["came", "accepted"]
    assert kinds(camera.shows(PAGE, 10)) == []


def test_a_page_that_moves_after_frames_agreed_is_accepted_then() -> None:
    camera = Camera(Seeing(LINES))
    assert kinds(camera.shows(PAGE, 5)) == ["came", "agreed"]
    assert kinds(camera.shows(np.roll(PAGE, 30, axis=1), 5)) == ["accepted"]


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


def test_what_a_hand_leaves_of_an_mrz_is_no_other_page() -> None:
    camera = Camera(Seeing(LINES))
    camera.shows(PAGE, 10)
    camera.recogniser.lines = tuple(line[:36] for line in LINES)
    hidden = PAGE.copy()
    hidden[:, 700:] = 160
    assert kinds(camera.shows(hidden, 10)) == []
    camera.recogniser.lines = LINES
    assert kinds(camera.shows(PAGE, 10)) == []


def test_another_page_in_the_place_of_the_first_is_told() -> None:
    other = mrz_lines(RANDOM, MrzFormat.TD3)
    camera = Camera(Seeing(LINES))
    camera.shows(PAGE, 4)
    camera.recogniser.lines = other
    events = camera.shows(frame_of(other), 30)
    assert kinds(events) == ["gone", "came", "agreed"]
    assert dict(events)["agreed"] > dict(events)["came"]


def test_a_page_that_cannot_be_read_is_never_accepted_and_the_reason_is_told_once_it_is_steady() -> None:
    camera = Camera(Scripted(LINES, Faults(lost=0.2)))
    events = camera.shows(PAGE, 12)
    assert "accepted" not in kinds(events)
    assert hints(events) == [str(Why.COVERED)]


def test_a_page_that_moves_is_told_to_lie_still() -> None:
    camera = Camera(Scripted(LINES, Faults(lost=0.06)))
    events: list[tuple[str, int]] = []
    for step in range(6):
        events += camera.shows(np.roll(PAGE, 25 * step, axis=1), 1)
    assert str(Why.MOVING) in hints(events)


def test_a_frame_that_is_no_picture_is_refused() -> None:
    with pytest.raises(BadPictureError):
        LiveReader(Scripted(LINES)).see(np.zeros((4, 4), np.uint8), at_ms=0)
