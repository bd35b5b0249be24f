"""An accepted page: a hand that passes leaves it alone, laid down again it lies elsewhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from fakes.mrz_frames import Scripted
from fakes.pages import View, draw_page, shoot, zone_lines

from gate.page.reader import read
from gate.page.resting import Resting
from gate.page.values import Reading, ZoneFormat

LINES = zone_lines(np.random.default_rng(31), ZoneFormat.TD3)
PAGE = shoot(
    draw_page(LINES, np.random.default_rng(32)), View(width=960, height=720, page_width=700), np.random.default_rng(33)
).picture
PITCH_PX = 700 * 2.54 / 125


def covered() -> npt.NDArray[np.uint8]:
    frame = PAGE.copy()
    frame[300:720, 350:520] = 170
    return frame


def laid_elsewhere(pitches: float) -> npt.NDArray[np.uint8]:
    return np.roll(PAGE, round(pitches * PITCH_PX), axis=1)


def resting() -> tuple[Resting, Scripted]:
    recogniser = Scripted(LINES)
    seen = read(PAGE, recogniser)
    assert isinstance(seen, Reading)
    recogniser.calls = 0
    return Resting(PAGE, seen), recogniser


def test_a_page_that_lies_still_is_not_even_looked_at() -> None:
    page, recogniser = resting()
    assert not any(page.lies_elsewhere(PAGE, recogniser) for _ in range(5))
    assert recogniser.calls == 0


def test_a_hand_that_passes_leaves_the_page_where_it_is() -> None:
    page, recogniser = resting()
    frames = [covered(), PAGE, PAGE, PAGE, PAGE]
    assert not any(page.lies_elsewhere(frame, recogniser) for frame in frames)
    after = recogniser.calls
    assert after > 0
    page.lies_elsewhere(PAGE, recogniser)
    assert recogniser.calls == after, "once it is known to lie there, it is left alone again"


def test_a_page_that_was_laid_down_again_lies_elsewhere_once_it_is_at_rest() -> None:
    page, recogniser = resting()
    assert not page.lies_elsewhere(laid_elsewhere(20), recogniser), "it still moves"
    assert not page.lies_elsewhere(laid_elsewhere(6), recogniser)
    assert page.lies_elsewhere(laid_elsewhere(6), recogniser)


@pytest.mark.parametrize("pitches", [1.0, 3.0])
def test_a_page_that_was_pushed_a_little_is_the_same(pitches: float) -> None:
    page, recogniser = resting()
    frames = [covered(), *[laid_elsewhere(pitches)] * 4]
    assert not any(page.lies_elsewhere(frame, recogniser) for frame in frames)


def test_a_page_that_is_covered_for_long_is_not_told_from_here() -> None:
    page, recogniser = resting()
    recogniser.lines = ()
    assert not any(page.lies_elsewhere(covered(), recogniser) for _ in range(5))
