"""A page that was read: a hand that passes leaves it alone, laid down again it lies elsewhere."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fakes.mrz_frames import Scripted
from fakes.pages import PageConditions, draw_page, mrz_lines, shoot

from gate.page.picture.reader import read
from gate.page.stream.live import HIDDEN_MAX_MS, Resting
from gate.page.values import MrzFormat, NoReading, Reading, Why

LINES = mrz_lines(np.random.default_rng(31), MrzFormat.TD3)
PAGE = shoot(
    draw_page(LINES, np.random.default_rng(32)),
    PageConditions(width=960, height=720, page_width=700),
    np.random.default_rng(33),
).picture
PITCH_PX = 700 * 2.54 / 125
HIDDEN = NoReading((Why.COVERED,))


def seen_elsewhere(pitches: float, *, noise: int = 0) -> Reading:
    frame = np.roll(PAGE, round(pitches * PITCH_PX), axis=1)
    grain = np.random.default_rng(noise).normal(0, 2.5, frame.shape)
    seen = read(np.clip(frame + grain, 0, 255).astype(np.uint8), Scripted(LINES))
    assert isinstance(seen, Reading)
    return seen


SEEN = seen_elsewhere(0)


def left(*looks: Reading | NoReading, every_ms: int = 100) -> list[bool]:
    page = Resting(SEEN, 0)
    return [page.left(seen, at_ms=every_ms * number) for number, seen in enumerate(looks, start=1)]


def test_a_page_lies_there_as_long_as_looks_find_it_there() -> None:
    assert not any(left(*(seen_elsewhere(0, noise=number) for number in range(5)), every_ms=HIDDEN_MAX_MS))


def test_a_hand_that_passes_leaves_the_page_where_it_is() -> None:
    assert not any(left(HIDDEN, HIDDEN, seen_elsewhere(0, noise=1), HIDDEN, seen_elsewhere(0, noise=2)))


def test_what_is_left_of_an_mrz_under_a_hand_does_not_tell_where_the_page_lies() -> None:
    part = dataclasses.replace(seen_elsewhere(8.0), lines=tuple(line[:36] for line in LINES))
    assert not any(left(part, seen_elsewhere(0, noise=1)))
    assert left(part, seen_elsewhere(1.0)) == [False, True]


def test_a_page_that_is_pushed_in_sight_is_the_same_however_far_it_comes() -> None:
    assert not any(left(*(seen_elsewhere(pitches) for pitches in (2.0, 4.0, 6.0, 3.0))))


@pytest.mark.parametrize("pitches", [-1.0, 1.0, 3.0, 6.0])
def test_a_page_that_lies_elsewhere_after_it_was_hidden_was_taken_up(pitches: float) -> None:
    assert left(HIDDEN, seen_elsewhere(pitches)) == [False, True]


def test_a_page_that_is_somewhere_else_at_the_next_look_was_taken_up() -> None:
    assert left(seen_elsewhere(6.0)) == [True]


def test_a_page_that_is_hidden_for_long_is_not_known_to_lie_there() -> None:
    looks = left(*[HIDDEN] * 5, every_ms=HIDDEN_MAX_MS // 4)
    assert looks == [False, False, False, True, True]
