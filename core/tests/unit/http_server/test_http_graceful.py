"""The server that sleeps until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from typing import Any

import uvicorn

from gate_contract.virtual_time import in_virtual_time
from gate_core.http_server.graceful import DATE_EVERY_S, GracefulServer

SERVED_S = 10


async def nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    """Nobody calls."""


class Counting(GracefulServer):
    """Counts how often its loop looks."""

    def __init__(self, *, date_every_s: float = 3600.0) -> None:
        super().__init__(uvicorn.Config(nothing, ws="none", lifespan="off", log_config=None, log_level="critical"))
        self.date_every_s = date_every_s
        self.looks = 0

    async def on_tick(self, counter: int) -> bool:
        self.looks += 1
        return await super().on_tick(counter)


@in_virtual_time
async def test_it_looks_no_oftener_than_its_date_changes_and_ends_at_once() -> None:
    server, loop = Counting(date_every_s=DATE_EVERY_S), asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        await asyncio.sleep(SERVED_S + DATE_EVERY_S / 4)
        assert SERVED_S - 1 <= server.looks <= SERVED_S + 2
        assert dict(server.server_state.default_headers)[b"date"]
        told_s = loop.time()
        server.should_exit = True
        await serving
        assert loop.time() - told_s < DATE_EVERY_S / 2, "it did not wait for its next look"


async def served(server: Counting) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with asyncio.timeout(30):
            await server.serve(sockets=[listener])
    assert server.should_exit


async def test_one_that_was_told_before_it_serves_ends() -> None:
    server = Counting()
    server.should_exit = True
    await served(server)


async def test_a_signal_wakes_it_from_its_sleep() -> None:
    """As uvicorn hears of one: by a handler that runs while the loop waits."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    kill = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
    try:
        kill.start()
        await served(Counting())
    finally:
        kill.join()
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM], "passed on"
