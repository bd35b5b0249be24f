"""Whether the traveller's page is painted: what the lane takes from what screens says, on a virtual clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
import pytest
from fakes.gate_status import CONFIG

from gate.programs.lane.views import DUE_S, PROOF_MAX_S, PROOF_MIN_S, SILENCE_S, STEADY_S, Painted, is_due
from gate_contract.virtual_time import in_virtual_time
from gate_core.evidence.screen import Purpose

PULSE_S = 1.0
FAILS_AFTER_S = 5  # from an open lane until a page that fails on its screen paints that of the closed one


@dataclass
class Page:
    """What was told of a page, and when, in seconds from the beginning."""

    due: bool = False
    told: list[tuple[bool, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.began_s = loop.time()
        self.painted = Painted(lambda there: self.told.append((there, loop.time() - self.began_s)), due=self.due)

    @property
    def is_there(self) -> bool:
        return self.told[-1][0] if self.told else not self.due

    async def says(self, painted: bool | None, *, for_s: float = PULSE_S) -> None:  # noqa: FBT001 - what screens says is one word
        """Screens says this, again and again."""
        for _ in range(int(for_s / PULSE_S)):
            self.painted.hear(painted)
            await asyncio.sleep(PULSE_S)


@in_virtual_time
async def test_a_page_that_is_missed_is_told_once_and_so_is_its_return_or_that_it_was_closed() -> None:
    page = Page()
    for ok in (None, True, True, False, False, True, None, False, None):
        await page.says(ok)
    assert [there for there, _ in page.told] == [False, True, False, True]


@in_virtual_time
async def test_a_page_of_which_nothing_more_is_heard_is_gone() -> None:
    page = Page()
    await page.says(True)
    await asyncio.sleep(10)
    assert page.told == [(False, SILENCE_S)]


@in_virtual_time
async def test_a_page_that_is_due_is_missed_from_the_start_and_told_as_lost_once_it_should_have_come() -> None:
    page = Page(due=True)
    await asyncio.gather(page.painted.run(), asyncio.sleep(2 * DUE_S))
    assert page.told == [(False, DUE_S)]
    page.painted.hear(True)
    assert page.is_there


@in_virtual_time
async def test_a_page_that_comes_in_time_is_told_as_there_and_never_as_lost() -> None:
    page = Page(due=True)
    running = asyncio.ensure_future(page.painted.run())
    await asyncio.sleep(DUE_S / 2)
    await page.says(True, for_s=2 * DUE_S)
    await running
    assert page.told == [(True, DUE_S / 2)]


@in_virtual_time
async def test_a_page_that_is_not_due_and_never_came_is_not_missed() -> None:
    page = Page()
    await page.painted.run()
    await page.says(None, for_s=2 * DUE_S)
    assert page.told == []


@in_virtual_time
async def test_a_page_that_paints_again_is_believed_at_once_however_long_it_was_gone() -> None:
    page = Page(due=True)
    for gone_s in (5, 5_000):
        await page.says(True, for_s=STEADY_S if gone_s > STEADY_S else PULSE_S)
        await page.says(False, for_s=gone_s)
        page.painted.hear(True)
        assert page.is_there


@in_virtual_time
async def test_a_page_that_fails_on_the_screen_of_an_open_lane_does_not_have_it_open_and_close() -> None:
    page, day_s = Page(), 86_400.0
    loop = asyncio.get_running_loop()
    await page.says(True)
    while loop.time() - page.began_s < day_s:
        if page.is_there:
            await page.says(True, for_s=FAILS_AFTER_S - 2)
            await page.says(False)
        else:
            await page.says(True)
    opened_s = [at_s for there, at_s in page.told if there]
    closed_s = [later - earlier for earlier, later in pairwise(opened_s)]
    assert [round(gap_s - FAILS_AFTER_S) for gap_s in closed_s[:3]] == [10, 20, 40]
    assert all(gap_s >= PROOF_MAX_S for gap_s in closed_s[7:])
    await page.says(True, for_s=PROOF_MAX_S + PULSE_S)
    await page.says(True, for_s=STEADY_S + PULSE_S)  # somebody put it right
    await page.says(False)
    page.painted.hear(True)
    assert page.is_there
    await page.says(False)
    await page.says(True, for_s=PROOF_MIN_S + PULSE_S)  # and what it did before is forgotten
    assert page.is_there


@in_virtual_time
async def test_only_painting_without_a_break_proves_anything() -> None:
    page = Page()
    for _ in range(2):
        await page.says(True)
        await page.says(False)
    for _ in range(10):
        await page.says(True, for_s=PROOF_MIN_S - PULSE_S)
        await page.says(False)
    assert not page.is_there
    await page.says(True, for_s=PROOF_MIN_S + PULSE_S)
    assert page.is_there


@pytest.mark.parametrize(
    ("purpose", "mode", "due"),
    [("demo", "gate", False), ("trial", "gate", True), ("service", "gate", True), ("trial", "shadow", False)],
)
def test_a_page_is_due_where_travellers_need_it(purpose: str, mode: str, *, due: bool) -> None:
    assert is_due(msgspec.structs.replace(CONFIG, purpose=Purpose(purpose), mode=mode)) is due
