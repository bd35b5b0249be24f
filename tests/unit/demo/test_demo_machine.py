"""How late the machine was: measured beside the gate, and what it excuses."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from gate_demo.machine import PROBE_MS_MAX, QUEUED_PERCENT_MAX, WORLD_MS_MAX, Lateness, Machine, Queued, queued_ms


@pytest.mark.parametrize(
    "late",
    [
        Lateness(world_ms=WORLD_MS_MAX + 1),
        Lateness(probe_ms=PROBE_MS_MAX + 1),
        Lateness(queued_percent=QUEUED_PERCENT_MAX + 1),
    ],
)
def test_each_figure_beyond_its_bound_excuses_and_is_told(late: Lateness) -> None:
    assert late.excuses
    figure = max(late.world_ms, late.probe_ms, late.queued_percent)
    assert f" {figure} " in str(late)


def test_figures_within_their_bounds_excuse_nothing() -> None:
    assert not Lateness(WORLD_MS_MAX, PROBE_MS_MAX, QUEUED_PERCENT_MAX).excuses


def test_the_thread_that_waited_longest_counts_second_by_second() -> None:
    queued = Queued()
    queued.see({1: 100.0, 2: 900.0}, 10.0)  # what was before the first look is not known to be now
    queued.see({1: 150.0, 2: 1300.0}, 10.4)
    queued.see({1: 700.0}, 11.0)  # 2 has ended
    assert queued.shares == [pytest.approx(0.6)]
    queued.see({1: 700.0, 3: 900.0}, 12.0)  # 3 is new
    queued.see({1: 720.0, 3: 1000.0}, 14.0)  # looked at late
    assert queued.shares[1:] == [pytest.approx(0.9), pytest.approx(0.05)]
    queued.begin()
    queued.see({1: 9000.0}, 15.0)
    assert queued.shares == []


def test_a_stuck_lane_is_excused_by_what_the_machine_was_throughout_only() -> None:
    machine = Machine(list)
    machine._queued.shares += [0.95, 0.1, 0.2, 0.15, 0.1]
    assert machine.late(0).excuses
    assert not machine.late_throughout().excuses
    machine._queued.shares += [0.9] * 6
    assert machine.late_throughout().excuses


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
        machine.begin()
        time.sleep(0.4)  # noqa: ASYNC251 - holds the loop as a busy machine does
        await asyncio.sleep(0.05)
        late = machine.late(120)
    finally:
        watching.cancel()
    assert late.world_ms == 120
    assert late.probe_ms > 300
    machine.begin()
    assert machine.late(0).probe_ms == 0


SPIN = "import os, time; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); end = time.monotonic() + 3\nwhile time.monotonic() < end: pass"


async def test_a_program_that_has_to_wait_for_a_processor_is_seen() -> None:
    spinning = [await asyncio.create_subprocess_exec(sys.executable, "-c", SPIN) for _ in range(2)]
    machine = Machine(lambda: [process.pid for process in spinning])
    watching = asyncio.ensure_future(machine.run())
    try:
        await asyncio.sleep(2.5)
        late = machine.late(0)
    finally:
        watching.cancel()
        for process in spinning:
            process.kill()
            await process.wait()
    assert late.queued_percent > 30
