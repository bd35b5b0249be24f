"""How late the machine was: measured beside the gate, and what it excuses."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from gate.cli.demo.machine import (
    LOOK_EVERY_S,
    PROBE_MS_MAX,
    QUEUED_MS_MAX,
    WORLD_MS_MAX,
    Lateness,
    Machine,
    Queued,
    queued_ms,
)


@pytest.mark.parametrize(
    "late",
    [
        Lateness(world_ms=WORLD_MS_MAX + 1),
        Lateness(probe_ms=PROBE_MS_MAX + 1),
        Lateness(queued_ms=QUEUED_MS_MAX + 1),
    ],
)
def test_each_figure_beyond_its_bound_excuses_and_is_told(late: Lateness) -> None:
    assert late.excuses
    figure = max(late.world_ms, late.probe_ms, late.queued_ms)
    assert f"{figure} ms" in str(late)


def test_figures_within_their_bounds_excuse_nothing() -> None:
    assert not Lateness(WORLD_MS_MAX, PROBE_MS_MAX, QUEUED_MS_MAX).excuses


def test_the_thread_that_waited_longest_since_the_last_look_counts() -> None:
    queued = Queued()
    queued.see({1: 100.0, 2: 900.0})
    assert queued.take_ms() == 900.0
    queued.see({1: 150.0, 2: 910.0})
    queued.see({1: 250.0, 3: 40.0})  # 2 has ended, 3 is new
    assert queued.take_ms() == 150.0
    assert queued.take_ms() == 0.0


def write_thread(proc: Path, pid: int, thread: int, schedstat: str) -> None:
    folder = proc / str(pid) / "task" / str(thread)
    folder.mkdir(parents=True)
    (folder / "schedstat").write_text(schedstat)


def test_the_kernels_counts_are_read_thread_by_thread(tmp_path: Path) -> None:
    write_thread(tmp_path, 7, 7, "123456 2000000 17\n")
    write_thread(tmp_path, 7, 8, "1 500000 1\n")
    write_thread(tmp_path, 9, 9, "nonsense\n")
    assert queued_ms([7, 9, 10], tmp_path) == {7: 2.0, 8: 0.5}


def test_this_kernel_counts() -> None:
    assert os.getpid() in queued_ms([os.getpid()])


async def test_a_loop_that_is_held_is_a_probe_that_is_late() -> None:
    machine = Machine(list)
    watching = asyncio.ensure_future(machine.run())
    try:
        await asyncio.sleep(0.05)
        machine.take(0)
        time.sleep(0.4)  # noqa: ASYNC251 - holds the loop as a busy machine does
        await asyncio.sleep(0.05)
        late = machine.take(120)
    finally:
        watching.cancel()
    assert late.world_ms == 120
    assert late.probe_ms > 300
    assert machine.take(0).probe_ms < late.probe_ms


SPIN = "import os, time; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); end = time.monotonic() + 3\nwhile time.monotonic() < end: pass"


async def test_a_program_that_has_to_wait_for_a_processor_is_seen() -> None:
    spinning = [await asyncio.create_subprocess_exec(sys.executable, "-c", SPIN) for _ in range(2)]
    machine = Machine(lambda: [process.pid for process in spinning])
    watching = asyncio.ensure_future(machine.run())
    try:
        await asyncio.sleep(2)
        late = machine.take(0)
    finally:
        watching.cancel()
        for process in spinning:
            process.kill()
            await process.wait()
    assert late.queued_ms > 1000 * LOOK_EVERY_S
