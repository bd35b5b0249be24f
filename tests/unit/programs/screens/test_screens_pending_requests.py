"""What was asked for and the lane has not been told: a thousand clicks are one, and a lane that comes back is told."""

from __future__ import annotations

import asyncio

import pytest

from gate.passage.names import Wish
from gate.programs.screens.program import KEPT_S, Asks
from gate_contract.virtual_time import in_virtual_time


def asks() -> Asks:
    return Asks(asyncio.get_running_loop().time)


async def nothing_more(box: Asks) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(100):
            await box.take()


@in_virtual_time
async def test_a_thousand_clicks_are_one_of_each() -> None:
    box = asks()
    for _ in range(1_000):
        for wish in Wish:
            box.put(wish, lane_up=True)
    assert {await box.take() for _ in Wish} == set(Wish)
    await nothing_more(box)


@in_virtual_time
async def test_a_call_waits_for_a_lane_that_is_away_and_more_time_does_not() -> None:
    box = asks()
    for wish in (Wish.MORE_TIME, Wish.PROTECTION):
        box.put(wish, lane_up=False)
    await asyncio.sleep(KEPT_S)
    assert await box.take() is Wish.PROTECTION
    await nothing_more(box)


@in_virtual_time
async def test_a_call_of_long_ago_is_nobodys_any_more() -> None:
    box = asks()
    box.put(Wish.HELP, lane_up=False)
    await asyncio.sleep(KEPT_S + 1)
    await nothing_more(box)
    box.put(Wish.HELP, lane_up=True)
    assert await box.take() is Wish.HELP
