"""What a program does when something else stands where its socket belongs: one clear line, exit code 74, nothing stolen."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.small_gate import DEADLINE_S, command, small_gate, started

from gate.programs.shared.config import Config
from gate.programs.shared.runner import status_of


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return small_gate(tmp_path)


def refused(folder: Path, program: str) -> str:
    """The one line that the program's start ends with."""
    done = subprocess.run(command(folder, program), capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert (done.returncode, done.stdout) == (74, "")
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("program", ["log", "sync"])
@pytest.mark.parametrize(
    ("put", "word"), [(lambda path: path.mkdir(), "folder"), (os.mkfifo, "FIFO"), (lambda path: path.touch(), "file")]
)
def test_what_stands_in_a_sockets_place_ends_the_start_with_one_line(
    tmp_path: Path, config: Config, program: str, put: Callable[[Path], None], word: str
) -> None:
    path = config.socket(f"status-{program}")
    path.parent.mkdir(parents=True, mode=0o700)
    put(path)
    assert refused(tmp_path, program) == f"gate: {program}: {path} is a {word}, where a socket belongs: remove it"
    assert path.exists()


async def test_a_second_instance_ends_and_the_first_goes_on(tmp_path: Path, config: Config) -> None:
    async with started(tmp_path, config, "log"):
        line = await asyncio.to_thread(refused, tmp_path, "log")
        assert "another instance runs already" in line
        assert await status_of(config, "log") is not None


async def test_a_program_that_was_killed_finds_its_place_again(tmp_path: Path, config: Config) -> None:
    for _ in range(2):
        async with started(tmp_path, config, "log"):
            pass  # it is killed at the end of the block
        assert config.socket("log").exists()
