"""Runs all programs of the appliance as supervised children, for development and the demo; in service, systemd does.

A program that ends is restarted after a pause that doubles up to `PAUSE_MAX_S`; the others continue. They are stopped
in `STOP_ORDER`, so that the log receives the others' last records; a terminal's Ctrl-C does not reach them. If this
process is killed, the kernel kills them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gate_core.programs.reconnect import Backoff
from gate_core.settings.environment import SUPERVISOR, environment_with

ERASING: Final = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0"}
PROGRAMS: Final = frozenset({"lane", "vision", "screens", "registers"})


PAUSE_MIN_S = 0.2
PAUSE_MAX_S = 5.0
STOP_DEADLINE_S = 3.0
STOP_ORDER = ("lane", "screens", "vision", "registers", "sync", "log")
CALM_S = 10.0  # after running so long, a program restarts with the shortest pause


@dataclass(eq=False, slots=True)
class Child:
    """One program, kept running. `kill` is for fault injection: SIGKILL, then a restart as after any end.

    `prefix`: a command put before the program's own, which changes its environment and then executes it.
    """

    name: str
    config: Path
    output: Path | None = field(kw_only=True)
    on_start: Callable[[str], None] = field(kw_only=True)
    prefix: tuple[str, ...] = field(default=(), kw_only=True)
    starts: int = field(default=0, init=False)
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """The running process's id, or None."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def run(self) -> None:
        """Keep the program running until cancelled; then end it."""
        backoff = Backoff(PAUSE_MIN_S, PAUSE_MAX_S)
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._process = await self._start()
                self.starts += 1
                self.on_start(self.name)
                started_s = loop.time()
                await self._process.wait()
                if loop.time() - started_s > CALM_S:
                    backoff.reset()
                await asyncio.sleep(backoff.next_s())
        finally:
            await end(self._process)

    def kill(self) -> None:
        """Send SIGKILL."""
        if (pid := self.pid) is not None:
            os.kill(pid, signal.SIGKILL)

    async def _start(self) -> asyncio.subprocess.Process:
        command = (*self.prefix, sys.executable, "-m", "gate.cli", "run", self.name, "--config", str(self.config))
        erasing = ERASING if self.name in PROGRAMS else {}
        environment = environment_with({**erasing, SUPERVISOR: str(os.getpid())})
        with contextlib.ExitStack() as held:
            log = None if self.output is None else held.enter_context(self.output.open("ab"))
            return await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=environment, process_group=0
            )


async def end(process: asyncio.subprocess.Process | None) -> None:
    """Send SIGTERM to a running process, and SIGKILL after STOP_DEADLINE_S; wait for its end."""
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class Family:
    """Several programs, kept running. `stop` ends one until `start`; `running` ends the rest in `STOP_ORDER`."""

    def __init__(self, children: list[Child]) -> None:
        self.children = {child.name: child for child in children}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep all of them running while the block runs."""
        for name in self.children:
            self.start(name)
        try:
            yield
        finally:
            for name in sorted(self._tasks, key=STOP_ORDER.index):
                await self.stop(name)

    def start(self, name: str) -> None:
        """Start to keep a program running, unless it is already."""
        if name not in self._tasks:
            self._tasks[name] = asyncio.ensure_future(self.children[name].run())

    async def stop(self, name: str) -> None:
        """End one program and wait for its end."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
