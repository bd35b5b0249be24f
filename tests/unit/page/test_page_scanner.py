"""Single pictures of a scanner's service: one is a doubtful reading, two that agree of a page laid otherwise are an accepted one."""

from __future__ import annotations

import numpy as np
from fakes.mrz_frames import Scripted
from fakes.pages import PageConditions, draw_page, mrz_lines, shoot

from gate.page.stream.scanner import SECOND_MAX_MS, UNREAD_AFTER_MS, ScannerStream
from gate.page.values import Advised, Gone, MrzFormat, Read, Unread, Why

LINES = mrz_lines(np.random.default_rng(21), MrzFormat.TD3)
PAGE = shoot(draw_page(LINES, np.random.default_rng(22)), PageConditions(), np.random.default_rng(23)).picture
BLANK = np.full((960, 1280), 200, np.uint8)


def shots(says: tuple[str, ...] = LINES) -> tuple[ScannerStream, Scripted]:
    recogniser = Scripted(says)
    return ScannerStream(recogniser, first_page=7), recogniser


def test_one_picture_is_told_as_doubtful_when_no_second_one_comes() -> None:
    eye, _ = shots()
    assert eye.see(PAGE, at_ms=0) == ()
    assert eye.tick(at_ms=SECOND_MAX_MS - 1) == ()
    advised, read = eye.tick(at_ms=SECOND_MAX_MS)
    assert advised == Advised(None)
    assert isinstance(read, Read)
    assert (read.page, read.accepted, read.reading.lines) == (7, False, LINES)
    assert eye.tick(at_ms=60_000) == ()


def test_two_pictures_that_agree_are_told_at_once_and_accepted_if_the_page_moved_between_them() -> None:
    for second, accepted in ((PAGE, False), (np.roll(PAGE, 60, axis=1), True)):
        eye, _ = shots()
        eye.see(PAGE, at_ms=0)
        _, read = eye.see(second, at_ms=200)
        assert isinstance(read, Read)
        assert read.accepted is accepted
        assert eye.tick(at_ms=SECOND_MAX_MS + 200) == ()


def test_the_next_page_after_one_that_was_told_is_a_new_one() -> None:
    eye, _ = shots()
    eye.see(PAGE, at_ms=0)
    eye.see(PAGE, at_ms=100)
    told = eye.see(PAGE, at_ms=9_000)
    assert Gone(7) in told
    assert eye.next_page == 9


def test_a_page_that_is_taken_away_is_gone_once() -> None:
    eye, _ = shots()
    assert eye.removed() == ()
    eye.see(PAGE, at_ms=0)
    assert eye.removed() == (Advised(None), Gone(7))
    assert eye.removed() == ()
    assert eye.tick(at_ms=99_000) == ()


def test_a_picture_without_an_mrz_is_advised_and_at_last_given_up() -> None:
    eye, recogniser = shots(says=())
    assert eye.see(BLANK, at_ms=0) == (Advised(Why.NO_MRZ),)
    assert eye.tick(at_ms=UNREAD_AFTER_MS - 1) == ()
    assert eye.tick(at_ms=UNREAD_AFTER_MS) == (Advised(None), Unread(7))
    recogniser.lines = LINES
    told = eye.see(PAGE, at_ms=UNREAD_AFTER_MS + 5_000)
    assert told == (Advised(None), Gone(7))


def test_a_reading_whose_digits_are_wrong_is_never_told() -> None:
    wrong = (LINES[0], LINES[1][:9] + str((int(LINES[1][9]) + 1) % 10) + LINES[1][10:])
    eye, _ = shots(says=wrong)
    told = eye.see(PAGE, at_ms=0)
    assert not [event for event in (*told, *eye.tick(at_ms=5_000)) if isinstance(event, Read) and event.accepted]
