"""Who speaks next on a line of one request at a time."""

from __future__ import annotations

import asyncio

import pytest

from drivers.barrier.orders import Turns, Urgency


async def _speak(turns: Turns, urgency: Urgency, spoken: list[Urgency]) -> None:
    async with turns.take(urgency):
        spoken.append(urgency)
        await asyncio.sleep(0)


async def test_the_most_urgent_speaks_next_and_equals_in_order() -> None:
    turns, spoken = Turns(), list[Urgency]()
    async with asyncio.TaskGroup() as tasks, turns.take(Urgency.POLL):
        for urgency in (Urgency.POLL, Urgency.GRANT, Urgency.FREE, Urgency.REVOKE, Urgency.POLL):
            tasks.create_task(_speak(turns, urgency, spoken))
        await asyncio.sleep(0)
        assert spoken == []
    assert spoken == [Urgency.FREE, Urgency.REVOKE, Urgency.GRANT, Urgency.POLL, Urgency.POLL]


async def test_two_never_speak_at_once() -> None:
    turns, speaking, most = Turns(), 0, 0

    async def speak() -> None:
        nonlocal speaking, most
        async with turns.take(Urgency.POLL):
            speaking += 1
            most = max(most, speaking)
            await asyncio.sleep(0)
            speaking -= 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(speak())
    assert most == 1


async def test_a_cancelled_waiter_leaves_the_line_to_the_others() -> None:
    turns, spoken = Turns(), list[Urgency]()
    async with turns.take(Urgency.POLL):
        gone = asyncio.create_task(_speak(turns, Urgency.FREE, spoken))
        stays = asyncio.create_task(_speak(turns, Urgency.POLL, spoken))
        await asyncio.sleep(0)
        gone.cancel()
    await stays
    assert spoken == [Urgency.POLL]


async def test_a_waiter_cancelled_in_the_moment_of_its_turn_passes_it_on() -> None:
    turns, spoken = Turns(), list[Urgency]()
    async with turns.take(Urgency.POLL):
        gone = asyncio.create_task(_speak(turns, Urgency.FREE, spoken))
        stays = asyncio.create_task(_speak(turns, Urgency.POLL, spoken))
        await asyncio.sleep(0)
    gone.cancel()  # its turn was given but it has not run yet
    await stays
    assert spoken == [Urgency.POLL]
    async with asyncio.timeout(1), turns.take(Urgency.POLL):
        pass


async def test_the_line_is_free_again_after_a_speaker_fails() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="said no"):
        async with turns.take(Urgency.POLL):
            raise ValueError("said no")
    async with asyncio.timeout(1), turns.take(Urgency.POLL):
        pass
