"""The pytest plugin: fixtures that tell the contract's stories to an author's bench, in virtual time.

An author's `conftest.py` has the fixture `barrier_bench`, `sensor_bench` or `reader_bench`: a callable that returns an async context manager
of the bench.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import pytest

from gate_contract.barrier_bench import BarrierBench, OnBarrier
from gate_contract.mrz_reader import OnReader, ReaderBench
from gate_contract.sensors import OnSensors, SensorBench
from gate_contract.virtual_time import run_virtual

Bench = TypeVar("Bench")


def told_to(
    make: Callable[[], AbstractAsyncContextManager[Bench]],
) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    """Return what runs a story on a bench of its own, in virtual time."""

    async def told(story: Callable[[Bench], Awaitable[None]]) -> None:
        async with make() as bench:
            await story(bench)

    return lambda story: run_virtual(told(story))


@pytest.fixture
def on_barrier(barrier_bench: Callable[[], AbstractAsyncContextManager[BarrierBench]]) -> OnBarrier:
    """Tell a story to what the author's fixture `barrier_bench` makes."""
    return told_to(barrier_bench)


@pytest.fixture
def on_sensors(sensor_bench: Callable[[], AbstractAsyncContextManager[SensorBench]]) -> OnSensors:
    """Tell a story to what the author's fixture `sensor_bench` makes."""
    return told_to(sensor_bench)


@pytest.fixture
def on_reader(reader_bench: Callable[[], AbstractAsyncContextManager[ReaderBench]]) -> OnReader:
    """Tell a story to what the author's fixture `reader_bench` makes."""
    return told_to(reader_bench)
