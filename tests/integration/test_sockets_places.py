"""What a program does when something else stands where its socket belongs: one clear line, exit code 74, nothing stolen."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest
import tomli_w

from gate.audit import keys
from gate.programs import config as configuration
from gate.programs.config import Config
from gate.programs.runner import status_of

DEADLINE_S = 30


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A gate whose log and sync can run here."""
    table = {
        "purpose": "demo",
        "gate_id": "g",
        "operator": "o",
        "paths": {name: str(tmp_path / name) for name in ("run", "state", "spool", "inbox", "keys", "trust")},
        "barrier": {"port": "none"},
        "swipe": {"port": "none"},
        "camera": {"address": "http://127.0.0.1:9/"},
        "audit": {"recipients": [str(pyrage.x25519.Identity.generate().to_public())]},
        "lists": {"folder": str(tmp_path)},
    }
    (tmp_path / "gate.toml").write_text(tomli_w.dumps(table))
    for name in ("spool", "inbox", "keys"):
        (tmp_path / name).mkdir()
    made = configuration.load(tmp_path / "gate.toml")
    keys.generate(tmp_path / "keys" / "log.key", made.origin)
    return made


def command(folder: Path, program: str) -> list[str]:
    return [sys.executable, "-m", "gate.cli", "run", program, "--config", str(folder / "gate.toml")]


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


async def answers(config: Config) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while await status_of(config, "log") is None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def test_a_second_instance_ends_and_the_first_goes_on(tmp_path: Path, config: Config) -> None:
    first = await asyncio.create_subprocess_exec(*command(tmp_path, "log"), stderr=asyncio.subprocess.DEVNULL)
    try:
        await answers(config)
        line = await asyncio.to_thread(refused, tmp_path, "log")
        assert "another instance runs already" in line
        assert (await status_of(config, "log")) is not None
        first.kill()
        await first.wait()
        second = await asyncio.create_subprocess_exec(*command(tmp_path, "log"), stderr=asyncio.subprocess.DEVNULL)
        try:
            await answers(config)
        finally:
            second.terminate()
            await second.wait()
    finally:
        if first.returncode is None:
            first.kill()
            await first.wait()
