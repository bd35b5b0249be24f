"""The simulated world as the demo sees it: a process that receives travellers and screens as JSON lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

LINE_BYTES_MAX = 64 * 1024
READY_DEADLINE_S = 60.0
STOP_DEADLINE_S = 5.0


class WorldError(Exception):
    """The simulated world did not start, or is gone."""


class _Event(msgspec.Struct, frozen=True, tag_field="event", tag=str.lower):
    """The base of the world's messages."""


class Chip(msgspec.Struct, frozen=True):
    """How the chip is connected, and why not over PC/SC."""

    kind: str
    socket: str
    why: str


class Ready(_Event, frozen=True):
    """The addresses of the world's devices. `page` or `swipe` is the document reader's, `reader` a serial one's kind.

    A two-door lane has a `first_barrier`, and `sensors` between the doors.
    """

    barrier: str
    camera: str
    chip: Chip
    csca: list[str]
    reader: dict[str, str | int]
    truth: str
    page: str | None = None
    swipe: str | None = None
    first_barrier: str | None = None
    sensors: str | None = None


class Host(_Event, frozen=True):
    """A scenario asks the host for something."""

    do: str


class Late(msgspec.Struct, frozen=True):
    """How late the world's latest part was."""

    late_ms: int


class Done(_Event, frozen=True):
    """A traveller has left."""

    id: str
    passed: int
    late: Late


class Did(_Event, frozen=True):
    """An order was carried out that no caller waits for."""

    do: str


class Error(_Event, frozen=True):
    """An order was invalid."""

    why: str


class Broken(_Event, frozen=True):
    """No further traveller can come."""

    why: str


Event = Ready | Host | Done | Did | Error | Broken


class World:
    """A connection to `gate-sim world`. `ready` is its first message, `next_event` returns the later ones."""

    ready: Ready

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def tell(self, message: Mapping[str, object]) -> None:
        """Send one line. If the world is gone, `next_event` raises the error."""
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def next_event(self) -> Event:
        """Wait for the world's next message. Raises WorldError when it is gone."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise WorldError("the simulated world ended; its messages are in world.log")
        event: Event = msgspec.json.decode(line, type=Event)
        return event


@contextlib.asynccontextmanager
async def start(
    folder: Path, *, seed: int, log: Path, reader: str = "elyctis", lane: str = "one-door"
) -> AsyncIterator[World]:
    """Start a world in `folder`, and end it with the block. Raises WorldError."""
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
            "--lane",
            lane,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=LINE_BYTES_MAX,
        )
    world = World(process)
    try:
        try:
            async with asyncio.timeout(READY_DEADLINE_S):
                first = await world.next_event()
        except TimeoutError as error:
            raise WorldError("the simulated world was not ready in time") from error
        if not isinstance(first, Ready):
            raise WorldError(f"the simulated world said {type(first).__name__.lower()!r} instead of ready")
        world.ready = first
        yield world
    finally:
        world.tell({"do": "stop"})
        try:
            async with asyncio.timeout(STOP_DEADLINE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
