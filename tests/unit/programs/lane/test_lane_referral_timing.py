"""When the page says that an officer comes: after the same time for every cause, and nothing else is held back."""

from __future__ import annotations

import asyncio

import pytest

from gate.channel.screen_messages import View
from gate.passage.lane import Timing
from gate.programs.lane.views import GRID_MS, REFERRAL_MS, Paced
from gate_contract.virtual_time import in_virtual_time
from gate_core.evidence.screen import Guidance, Purpose, Screen


def view(screen: Screen, referred: str | None = None) -> View:
    return View(screen, Guidance.NONE, "c1", referred, Purpose.DEMO)


class Seen:
    """What a page was shown, and when, in milliseconds since the beginning."""

    def __init__(self) -> None:
        self._began_ms = self.now_ms
        self.shown: list[tuple[Screen, float]] = []
        self.paced = Paced(self._show, clock_ms=lambda: self.now_ms)

    @property
    def now_ms(self) -> float:
        return asyncio.get_running_loop().time() * 1000

    def _show(self, view: View) -> None:
        if not self.shown or self.shown[-1][0] is not view.screen:
            self.shown.append((view.screen, round(self.now_ms - self._began_ms, 3)))

    async def show(self, *screens: Screen, then_ms: float = 0) -> None:
        for screen in screens:
            self.paced.show(view(screen))
        await asyncio.sleep(then_ms / 1000)


@in_virtual_time
async def test_a_referral_shows_so_long_after_the_decision_whenever_its_receipt_comes() -> None:
    for receipt_ms in (0.0, 3.7, 15.0, 1_234.5, 2_300.0):
        seen = Seen()
        await seen.show(Screen.LOOK, then_ms=777.7)
        await seen.show(Screen.WAIT, then_ms=receipt_ms)
        await seen.show(Screen.OFFICER, then_ms=5_000)
        assert seen.shown == [(Screen.LOOK, 0.0), (Screen.WAIT, 777.7), (Screen.OFFICER, 777.7 + REFERRAL_MS)]


@in_virtual_time
async def test_whatever_the_referral_ends_gives_way_to_one_moment_at_once() -> None:
    for before in (Screen.LOOK, Screen.GO, Screen.WELCOME, Screen.CLOSED, Screen.EMERGENCY):
        seen = Seen()
        await seen.show(before, then_ms=333.3)
        await seen.show(Screen.OFFICER, then_ms=5_000)
        assert seen.shown == [(before, 0.0), (Screen.WAIT, 333.3), (Screen.OFFICER, 333.3 + REFERRAL_MS)]


@in_virtual_time
async def test_a_lane_that_took_longer_shows_it_on_the_grid() -> None:
    seen = Seen()
    await seen.show(Screen.WELCOME, Screen.WAIT, then_ms=REFERRAL_MS + 1)
    await seen.show(Screen.OFFICER, then_ms=5_000)
    assert seen.shown[-1] == (Screen.OFFICER, REFERRAL_MS + GRID_MS)


@in_virtual_time
async def test_the_same_referral_said_again_is_no_later() -> None:
    seen = Seen()
    await seen.show(Screen.WAIT, then_ms=10)
    for _ in range(40):
        await seen.show(Screen.OFFICER, then_ms=100)
    assert seen.shown[-1] == (Screen.OFFICER, REFERRAL_MS)


@pytest.mark.parametrize("screen", [Screen.GO, Screen.EMERGENCY, Screen.WELCOME, Screen.LOOK])
@in_virtual_time
async def test_what_comes_in_between_is_shown_at_once_and_the_referral_no_more(screen: Screen) -> None:
    seen = Seen()
    await seen.show(Screen.LOOK, Screen.OFFICER, then_ms=100)
    await seen.show(screen, then_ms=10_000)
    assert seen.shown[-1] == (screen, 100.0)


@in_virtual_time
async def test_a_program_that_starts_with_a_referral_shows_it_and_so_does_the_next_in_line() -> None:
    seen = Seen()
    await seen.show(Screen.OFFICER, then_ms=100)
    await seen.show(Screen.OTHER_LANE)
    assert seen.shown == [(Screen.OFFICER, 0.0), (Screen.OTHER_LANE, 100.0)]


@in_virtual_time
async def test_meanwhile_whoever_watches_for_officers_knows_of_it() -> None:
    views: list[View] = []
    paced = Paced(views.append, clock_ms=lambda: asyncio.get_running_loop().time() * 1000)
    paced.show(view(Screen.LOOK))
    paced.show(view(Screen.OFFICER, "c1"))
    assert (views[-1].screen, views[-1].referred) == (Screen.WAIT, "c1")


def test_nothing_between_a_decision_and_its_referral_may_take_longer() -> None:
    timing = Timing()
    assert timing.receipt_max_ms + timing.look_max_ms + 2 * 50 < REFERRAL_MS  # two ticks of the lane
    assert REFERRAL_MS % GRID_MS == 0
