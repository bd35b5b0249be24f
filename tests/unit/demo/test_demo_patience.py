"""A demo waits for programs as long as they work, says for whom, and gives up on those that do not."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from gate.channel.message import Status
from gate_contract.virtual_time import run_virtual
from gate_demo import play
from gate_demo.machine import Lateness, worked_ms
from gate_demo.play import READY_DEADLINE_S, READY_S_MAX, TELL_EVERY_S, WORKS_MS, Patience, TooSlowError, _until_ready
from gate_demo.stage import StageError


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


def waited(
    monkeypatch: pytest.MonkeyPatch, *, answers_s: float, works_ms_a_s: float, late: Lateness
) -> tuple[float, list[str]]:
    """How long the demo waits for a lane that answers so late and works so much, and what it says meanwhile; on a clock that nobody waits for."""
    said: list[str] = []

    async def status_of(_: object, program: str) -> Status | None:
        ready = program == "log" or asyncio.get_running_loop().time() >= begun[0] + answers_s
        return Status(program, "ready" if ready else "starting", {}) if program == "log" or ready else None

    async def wait() -> float:
        begun.append(asyncio.get_running_loop().time())

        def worked(names: set[str]) -> float:
            assert names == {"lane"}, "only of those that are waited for"
            return works_ms_a_s * (asyncio.get_running_loop().time() - begun[0])

        machine: Any = SimpleNamespace(late_throughout=lambda: late)
        stage: Any = SimpleNamespace(config=None)
        return await _until_ready(stage, ["lane", "log"], machine, worked=worked, say=said.append)

    begun: list[float] = []
    monkeypatch.setattr(play, "status_of", status_of)
    return run_virtual(wait()), said


def test_the_demo_waits_for_a_lane_that_works_and_says_for_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    took_s, said = waited(monkeypatch, answers_s=95.0, works_ms_a_s=200.0, late=Lateness())
    assert 95.0 <= took_s < 96.0
    assert len(said) == 9
    assert all(re.fullmatch(r"Waiting for lane: started \d+ s ago\.", line) for line in said)


@pytest.mark.parametrize(("late", "error"), [(Lateness(), StageError), (Lateness(queued_percent=100), TooSlowError)])
def test_the_demo_gives_up_on_a_lane_that_does_nothing(
    late: Lateness, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(error, match=r"not ready after 3[0-2] s: lane"):
        waited(monkeypatch, answers_s=1_000.0, works_ms_a_s=0.0, late=late)
    with pytest.raises(error, match=r"not ready after 30[0-2] s: lane"):
        waited(monkeypatch, answers_s=1_000.0, works_ms_a_s=200.0, late=late)


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
