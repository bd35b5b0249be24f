"""A `gate run` or `gate demo` that is killed, or told to end at any moment, leaves nothing behind that is in the way of the next one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from fakes.small_gate import small_gate

from gate.programs.shared.runner import status_of
from gate_core.command_line.output import Exit

DEADLINE_S = 60.0
GONE_S = 20.0
PROC = Path("/proc")


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that name this folder, but for ours."""
    found = []
    for place in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in words and int(place.name) != os.getpid():
                found.append(words)
    return found


def folders_in(folder: Path) -> list[str]:
    """The demos' folders that are left there."""
    return [str(path) for path in folder.glob("gate-*")]


async def until(holds: Callable[[], bool], deadline_s: float = DEADLINE_S) -> bool:
    """True when it comes to that."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + deadline_s
    while not holds():
        if loop.time() > end_s:
            return False
        await asyncio.sleep(0.05)
    return True


@contextlib.asynccontextmanager
async def started(*words: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A command with its temporary files in this folder, as a terminal would start it: a process group of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gate.cli", *words),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder)},
        process_group=0,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
async def test_what_gate_run_started_ends_with_it(short_path: Path, number: signal.Signals) -> None:
    config = small_gate(short_path)
    words = ("run", "--config", str(short_path / "gate.toml"))
    for _ in range(2):  # the second one finds nothing of the first in its way
        async with started(*words, folder=short_path) as process:
            async with asyncio.timeout(DEADLINE_S):
                while await status_of(config, "log") is None or await status_of(config, "sync") is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            process.send_signal(number)
            await process.wait()
        assert await until(lambda: not processes_of(short_path), GONE_S), processes_of(short_path)
        assert process.returncode == (-number if number is signal.SIGKILL else Exit.OK)


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "at once": lambda folder: any(folder.glob("gate-*")),
    "in setting up": lambda folder: any(folder.glob("gate-*/keys/log.key")),
    "in its run": lambda folder: any(folder.glob("gate-*/run/portcullis-lane/orders.sock")),
}


@pytest.mark.long
@pytest.mark.e2e
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
async def test_a_demo_leaves_neither_process_nor_folder(short_path: Path, number: signal.Signals, moment: str) -> None:
    async with started("demo", "--headless", "--travellers", "3", folder=short_path) as process:
        assert await until(lambda: MOMENTS[moment](short_path))
        process.send_signal(number)
        assert process.stderr is not None
        said = (await process.stderr.read()).decode()
        await process.wait()
    assert "Traceback" not in said
    assert process.returncode in {-number, 128 + number}
    left = [*processes_of(short_path), *folders_in(short_path)]
    assert await until(lambda: not (processes_of(short_path) or folders_in(short_path)), GONE_S), left


@pytest.mark.long
@pytest.mark.e2e
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("wait_s", [0.0, 0.1, 0.5, 2.0])
async def test_a_demo_that_is_interrupted_twice_leaves_neither_a_traceback_nor_anything_else(
    short_path: Path, wait_s: float, moment: str
) -> None:
    async with started("demo", "--headless", "--travellers", "3", folder=short_path) as process:
        assert await until(lambda: MOMENTS[moment](short_path))
        for _ in range(2):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all that were started there
            await asyncio.sleep(wait_s)
        assert process.stderr is not None
        said = (await process.stderr.read()).decode()
        await process.wait()
    assert "Traceback" not in said
    assert process.returncode in {-signal.SIGINT, 128 + signal.SIGINT}
    left = [*processes_of(short_path), *folders_in(short_path)]
    assert await until(lambda: not (processes_of(short_path) or folders_in(short_path)), GONE_S), left
