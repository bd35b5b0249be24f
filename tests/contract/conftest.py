"""Every barrier driver of ours is held to the contract, each before the simulator's board."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from fakes.contacts_gate import contacts_bench
from fakes.line_bench import LINES, line_bench

from gate_contract.barrier_bench import BarrierBench, OnBarrier, Story
from gate_contract.virtual_time import run_virtual

BARRIERS = (*LINES, "contacts")


@pytest.fixture(params=BARRIERS)
def on_barrier(request: pytest.FixtureRequest) -> OnBarrier:
    """Tell a story to one of them, in virtual time."""
    made: Callable[[], AbstractAsyncContextManager[BarrierBench]] = (
        contacts_bench if request.param == "contacts" else lambda: line_bench(request.param)
    )

    async def told(story: Story) -> None:
        async with made() as bench:
            await story(bench)

    return lambda story: run_virtual(told(story))
