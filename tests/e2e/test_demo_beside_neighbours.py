"""The demo on a busy machine: green beside a program that takes one processor, and never the gate's mistake on a machine far too slow."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.long]

SPIN = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: pass"


@contextlib.contextmanager
def neighbours(*processors: int) -> Iterator[None]:
    """Programs that take a processor each, beside whatever else runs on it."""
    running = [subprocess.Popen([sys.executable, "-c", SPIN, str(processor)]) for processor in processors]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def demo(*arguments: str, on: set[int]) -> subprocess.CompletedProcess[str]:
    """The command, on these processors alone."""
    pinned = f"import os, sys; os.sched_setaffinity(0, {on}); os.execv(sys.executable, [sys.executable, '-m', 'gate.cli', *sys.argv[1:]])"
    command = [sys.executable, "-c", pinned, "demo", "--headless", "--json", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_the_demo_goes_as_it_says_beside_a_program_that_takes_one_processor(seed: int) -> None:
    first, second, *_ = sorted(os.sched_getaffinity(0))
    with neighbours(first):
        done = demo("--travellers", "26", "--seed", str(seed), on={first, second})
    assert done.returncode == 0, done.stderr.splitlines()[-1:]
    assert json.loads(done.stdout)["machine"]["too_slow"] is False


def test_on_a_machine_that_is_far_too_slow_the_gate_is_not_called_wrong() -> None:
    (first, *_) = sorted(os.sched_getaffinity(0))
    with neighbours(*[first] * 6):
        done = demo("--travellers", "4", "--scenario", "genuine", on={first})
    said = done.stderr.strip().splitlines()[-1]
    assert (done.returncode, "this machine is too slow" in said) in {(0, False), (75, True)}, said
    if done.stdout:
        assert json.loads(done.stdout)["wrong_openings"] == 0
