"""What colours a page may show, and when all pages have painted one."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from gate.screens.kiosk.board import CHANGE_MS_MIN, Tint, Tints, luminance
from gate_core.web_pages.fanout import FullError

ROSE, SKY = Tint(1, "#ffe0e7"), Tint(2, "#c4f0ff")


def tints(painted: list[int], pages_max: int = 4) -> Tints:
    return Tints(pages_max=pages_max, on_painted=painted.append)


def test_a_page_begins_with_what_is_shown_and_hears_of_every_colour() -> None:
    shown = tints([])
    with shown.page() as page:
        assert shown.show(ROSE, at_ms=0)
        assert asyncio.run(page.take()) == ROSE
        with shown.page() as late:
            assert asyncio.run(late.take()) == ROSE


def test_a_colour_is_painted_when_every_page_says_so() -> None:
    painted: list[int] = []
    shown = tints(painted)
    with shown.page() as one, shown.page() as other:
        shown.show(ROSE, at_ms=0)
        shown.painted(one, 1)
        shown.painted(one, 1)
        assert painted == []
        shown.painted(other, 2)  # not that one
        shown.painted(other, 1)
        assert painted == [1]
        shown.painted(other, 1)
        assert painted == [1]


def test_a_page_that_goes_before_it_painted_never_did() -> None:
    painted: list[int] = []
    shown = tints(painted)
    with shown.page() as one:
        with shown.page():
            shown.show(ROSE, at_ms=0)
        shown.painted(one, 1)
    assert painted == []


def test_without_a_page_nothing_is_painted() -> None:
    painted: list[int] = []
    shown = tints(painted)
    assert shown.show(ROSE, at_ms=0)
    with shown.page() as late:
        shown.painted(late, 1)
    assert painted == []


@pytest.mark.parametrize("colour", ["#000000", "#ff0000", "#0b1f3a", "#e0e0e0", "#ffd0d0"])
def test_what_is_not_pale_is_not_shown(colour: str) -> None:
    shown = tints([])
    with shown.page() as page:
        assert not shown.show(Tint(1, colour), at_ms=0)
        assert shown.show(ROSE, at_ms=0)
        assert asyncio.run(page.take()) == ROSE


def test_colours_that_come_too_fast_are_not_shown() -> None:
    shown = tints([])
    assert shown.show(ROSE, at_ms=0)
    assert not shown.show(SKY, at_ms=CHANGE_MS_MIN - 1)
    assert shown.show(SKY, at_ms=CHANGE_MS_MIN)
    assert 1000 / CHANGE_MS_MIN < 3


def test_the_next_traveller_begins_without_a_colour() -> None:
    painted: list[int] = []
    shown = tints(painted)
    with shown.page() as page:
        shown.show(ROSE, at_ms=0)
        shown.begin()
        shown.painted(page, 1)
        assert painted == []
        assert shown.show(SKY, at_ms=1)
        assert asyncio.run(page.take()) == SKY


def test_one_page_too_many_is_refused_and_leaves_the_others_alone() -> None:
    painted: list[int] = []
    shown = tints(painted, pages_max=1)
    with shown.page() as page:
        with contextlib.suppress(FullError), shown.page():
            pytest.fail("one too many")
        shown.show(ROSE, at_ms=0)
        shown.painted(page, 1)
    assert painted == [1]


def test_luminance_is_as_wcag_has_it() -> None:
    assert luminance("#ffffff") == pytest.approx(1.0)
    assert luminance("#000000") == 0.0
    assert luminance("#777777") == pytest.approx(0.184, abs=0.001)  # 4.48:1 on white
    assert luminance("#020000") == pytest.approx(0.2126 * 2 / 255 / 12.92)
