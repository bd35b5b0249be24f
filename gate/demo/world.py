"""The simulated world as the demo sees it: a process that is told who comes and what the screen shows (JSON lines)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

LINE_BYTES_MAX = 64 * 1024
READY_DEADLINE_S = 900.0  # the first run renders the faces
STOP_DEADLINE_S = 5.0


class WorldError(Exception):
    """The simulated world did not come up, or went away."""


class World:
    """Talks to `gate-sim world`. `events` gives what the world says, one dictionary a line."""

    def __init__(self, process: asyncio.subprocess.Process, ready: dict[str, Any]) -> None:
        self.ready = ready
        self._process = process

    def tell(self, message: dict[str, Any]) -> None:
        """Send one line; a world that is gone is noticed by `next_event`."""
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def next_event(self) -> dict[str, Any]:
        """Wait for what the world says next. Raises WorldError when it is gone."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise WorldError("the simulated world ended; its messages are in world.log")
        event: dict[str, Any] = json.loads(line)
        return event


@contextlib.asynccontextmanager
async def start(folder: Path, *, seed: int, log: Path, reader: str = "elyctis") -> AsyncIterator[World]:
    """Start a world in `folder` and end it with the block. Raises WorldError."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hardware_sim",
            "world",
            "--dir",
            str(folder),
            "--seed",
            str(seed),
            "--reader",
            reader,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=LINE_BYTES_MAX,
        )
    world = World(process, {})
    try:
        async with asyncio.timeout(READY_DEADLINE_S):
            world.ready.update(await world.next_event())
        if world.ready.get("event") != "ready":
            raise WorldError(f"the simulated world said {world.ready.get('event')!r} instead of ready")
        yield world
    except TimeoutError as error:
        raise WorldError("the simulated world was not ready in time") from error
    finally:
        world.tell({"do": "stop"})
        try:
            async with asyncio.timeout(STOP_DEADLINE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
