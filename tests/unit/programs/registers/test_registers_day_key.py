"""The day's key of a site's exchange, as a gate holds it: of today or none, whatever the exchange does."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest

from gate.lists.adapters.reuse import Reuse
from gate.programs.registers.inquiry import LOOK_S, DayKey
from gate.programs.shared.fault_latch import FaultLatch
from gate_contract.virtual_time import run_virtual
from gate_core.ports.registers import NoAnswerError

DAY = date(2026, 12, 5)
ONE, OTHER = b"\x01" * 32, b"\x02" * 32


@dataclass
class Site:
    """An exchange, and the gate's day; None: it is not asked today."""

    today: date | None = DAY
    key: bytes | None = ONE
    takes_s: float = 0.0
    fails: Exception | None = None
    asked: int = 0
    trouble: FaultLatch = field(init=False)

    def __post_init__(self) -> None:
        self.trouble = FaultLatch(logging.getLogger("registers"), begins="register_lost", ends="register_back")
        self.held = DayKey(Reuse(self.answer, 30), self.trouble, today=lambda: self.today, deadline_s=2.0)

    async def answer(self, path: str, body: bytes) -> bytes:
        assert (path, body) == ("/reuse/key", b"{}")
        self.asked += 1
        await asyncio.sleep(self.takes_s)
        if self.fails is not None:
            raise self.fails
        if self.key is None:
            raise NoAnswerError("it refuses (503)")
        return json.dumps({"day": str(DAY if self.today is None else self.today), "key": self.key.hex()}).encode()

    async def look(self, *, is_doubted: bool = False) -> bytes:
        await self.held.look(is_doubted=is_doubted)
        return self.held.now()


async def test_a_key_is_fetched_once_a_day_and_is_none_from_the_day_s_end_on() -> None:
    site = Site()
    assert site.held.now() == b""
    assert [await site.look(), await site.look(), site.asked] == [ONE, ONE, 1]
    site.today, site.key = DAY + timedelta(days=1), OTHER
    assert site.held.now() == b"", "at once, before anybody looked"
    assert [await site.look(), site.asked] == [OTHER, 2]


async def test_yesterday_s_key_is_forgotten_though_nobody_gives_today_s() -> None:
    site = Site()
    key = await site.look()
    site.today, site.key = DAY + timedelta(days=1), None
    assert await site.look() == b""
    assert site.trouble.words == "it refuses (503)"
    held_by = sys.getrefcount(key) - 1  # the call's own
    assert held_by == 1, "this test alone"


async def test_on_days_on_which_it_is_not_asked_it_is_not_asked_for_a_key_and_none_is_held() -> None:
    site = Site()
    await site.look()
    site.today = None
    assert [await site.look(), await site.look(is_doubted=True), site.asked] == [b"", b"", 1]


async def test_a_key_that_is_doubted_is_asked_for_again_and_stays_until_there_is_another() -> None:
    site = Site()
    await site.look()
    site.key = None
    assert await site.look(is_doubted=True) == ONE
    site.key = OTHER
    assert await site.look(is_doubted=True) == OTHER
    assert site.trouble.words == ""


@pytest.mark.parametrize("asks", [True, False], ids=["a crossing asks", "nobody asks"])
def test_a_key_that_could_not_be_had_is_tried_for_again_at_once_when_it_is_wanted(asks: bool) -> None:  # noqa: FBT001 - a case
    site = Site(key=None)

    async def story() -> float:
        loop = asyncio.get_running_loop()
        keeping = asyncio.ensure_future(site.held.keep())
        await asyncio.sleep(0.1)
        site.key = ONE
        begun_s = loop.time()
        if asks:
            assert site.held.now() == b""
        while site.asked < 2:  # noqa: ASYNC110 - until it was tried again
            await asyncio.sleep(0.01)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        return loop.time() - begun_s

    took_s = run_virtual(story())
    assert took_s < 0.1 if asks else 1.0 < took_s <= LOOK_S
    assert site.held.now() == ONE


async def test_whatever_is_raised_on_the_way_to_the_exchange_is_no_key_and_no_end_of_the_program() -> None:
    site = Site(fails=RuntimeError("about a mark"))
    assert await site.look() == b""
    assert site.trouble.words == "the adapter failed: RuntimeError"


def test_an_exchange_that_takes_too_long_has_no_key() -> None:
    site = Site(takes_s=3.0)
    assert run_virtual(site.look()) == b""
    assert site.trouble.words == "no day's key within 2 s"
