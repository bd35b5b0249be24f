"""A demo waits for programs as long as they work, says for whom, and gives up on those that do not."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from gate.demo.machine import worked_ms
from gate.demo.play import READY_DEADLINE_S, READY_S_MAX, TELL_EVERY_S, WORKS_MS, Patience


def given_up_after_s(works_ms_a_s: float) -> int:
    """When programs that have so much of a processor, and never answer, are given up."""
    patience = Patience(0.0)
    return next(second for second in range(1_000) if patience.is_over(second, second * works_ms_a_s))


def test_programs_that_work_are_waited_for_and_those_that_do_not_are_not() -> None:
    """Thirty seconds were all there was, however busy the machine."""
    assert given_up_after_s(0) == READY_DEADLINE_S + 1
    assert given_up_after_s(WORKS_MS / 100) == READY_DEADLINE_S + 1, "it wakes now and then, and hangs"
    assert given_up_after_s(WORKS_MS / 10) == READY_S_MAX + 1
    assert given_up_after_s(1_000) == READY_S_MAX + 1


def test_whoever_waits_is_told_now_and_then() -> None:
    patience = Patience(0.0)
    assert [second for second in range(35) if patience.is_told(second)] == [
        TELL_EVERY_S,
        2 * TELL_EVERY_S,
        3 * TELL_EVERY_S,
    ]


def test_the_work_of_a_process_and_of_what_it_started_counts() -> None:
    spins = (
        "import os, time\nos.fork()\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", spins], stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == [b"done\n"] * 2
        assert worked_ms([process.pid]) >= 600
        assert worked_ms([]) == 0
        os.killpg(process.pid, 9)


def test_a_process_that_is_gone_has_worked_nothing() -> None:
    async def gone() -> int:
        process = await asyncio.create_subprocess_exec("true")
        await process.wait()
        return process.pid

    assert worked_ms([asyncio.run(gone())]) == 0
