"""The warm spare: one at hand, replaced when it is lost or prepared otherwise, and never two of them left running."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fakes.document_children import FakeChild

from gate.channel import document_messages
from gate.programs.children.child_handle import ChildLostError
from gate.programs.children.warm_spare import Spare
from gate_contract.virtual_time import run_virtual


class Starting:
    """Starts children when the test lets it."""

    def __init__(self) -> None:
        self.started: list[FakeChild] = []
        self.may = asyncio.Event()
        self.may.set()
        self.problem = ""

    async def __call__(self) -> Any:
        await self.may.wait()
        if self.problem:
            raise ChildLostError(self.problem)
        self.started.append(FakeChild())
        return self.started[-1]


@contextlib.asynccontextmanager
async def kept(starting: Starting) -> AsyncIterator[Spare[document_messages.FromDocument]]:
    spare: Spare[document_messages.FromDocument] = Spare(starting, log=logging.getLogger("test"))
    keeping = asyncio.ensure_future(spare.keep())
    try:
        async with asyncio.timeout(5):
            yield spare
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def some_turns() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_one_that_is_taken_is_its_takers_and_another_comes_when_it_is_wanted() -> None:
    starting = Starting()
    async with kept(starting) as spare:
        taken: Any = await spare.take()
        await some_turns()
        assert len(starting.started) == 1
        spare.want()
        await some_turns()
        assert len(starting.started) == 2
        assert spare.child is starting.started[1]
    assert [one.ended for one in (taken, starting.started[1])] == [False, True]


async def test_one_that_is_lost_is_ended_and_replaced() -> None:
    starting = Starting()
    async with kept(starting) as spare:
        await some_turns()
        starting.started[0].lost.set()
        await some_turns()
        assert spare.child is starting.started[1]
    assert [one.ended for one in starting.started] == [True, True]


async def test_one_that_was_prepared_otherwise_takes_its_place_and_is_watched_in_turn() -> None:
    starting = Starting()
    async with kept(starting) as spare:
        await some_turns()
        other: Any = FakeChild()
        await spare.replace(other)
        assert (spare.child, starting.started[0].ended) == (other, True)
        await some_turns()
        assert len(starting.started) == 1
        other.lost.set()
        await some_turns()
        assert spare.child is starting.started[1]


async def test_one_that_was_being_started_meanwhile_is_ended() -> None:
    starting = Starting()
    starting.may.clear()
    async with kept(starting) as spare:
        await some_turns()
        other: Any = FakeChild()
        await spare.replace(other)
        starting.may.set()
        await some_turns()
        assert spare.child is other
        assert [one.ended for one in starting.started] == [True]


def test_a_problem_is_told_to_whoever_takes_and_is_over_with_the_next_child(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        starting = Starting()
        starting.problem = "a child cannot be started"
        async with kept(starting) as spare:
            with pytest.raises(ChildLostError, match="cannot be started"):
                await spare.take()
            await asyncio.sleep(2)
            starting.problem = ""
            await asyncio.sleep(2)
            assert spare.problem == ""
            assert await spare.take() is not None

    run_virtual(story())
    assert caplog.messages == ["no_spare"], "once"
