"""The pytest plugin: fixtures that tell the contract's stories to an author's bench, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from gate_contract.barrier_bench import BarrierBench, OnBarrier, Story
from gate_contract.virtual_time import run_virtual


@pytest.fixture
def on_barrier(barrier_bench: Callable[[], AbstractAsyncContextManager[BarrierBench]]) -> OnBarrier:
    """Tell a story to what the author's fixture `barrier_bench` makes."""

    async def told(story: Story) -> None:
        async with barrier_bench() as bench:
            await story(bench)

    return lambda story: run_virtual(told(story))
