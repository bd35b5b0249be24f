"""Hundreds of connections that ask nothing, at a real central server on loopback, while gates enrol and carry their logs."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.audit_logs import crossing
from fakes.mirrored_gate import Central, MirroredGate, gate_command

STRANGERS = 300  # more than the 256 connections, idle ones counted, that once shut the server
WITHOUT_TLS = 300
HALF_ASKED = 40
MEMBERS = STRANGERS + WITHOUT_TLS + HALF_ASKED
BACK_AFTER_S = 5.0
READY_S = 60.0


class Crowd:
    """Holds its connections open in a thread of its own, and comes back with every one that was hung up on."""

    def __init__(self, central: Central) -> None:
        self._port = central.port
        self._context = ssl.create_default_context(cafile=central.ca)
        self._came: set[int] = set()
        self.connections = 0
        self.is_there = threading.Event()
        self._ends = threading.Event()

    def run(self) -> None:
        """Hold on until `end`."""
        asyncio.run(self._hold())

    def end(self) -> None:
        """Go home."""
        self._ends.set()

    async def _hold(self) -> None:
        members = [asyncio.ensure_future(self._member(number)) for number in range(MEMBERS)]
        while not self._ends.is_set():  # noqa: ASYNC110 - another thread's flag
            await asyncio.sleep(0.05)
        for one in members:
            one.cancel()
        await asyncio.gather(*members, return_exceptions=True)

    async def _member(self, number: int) -> None:
        while True:
            with contextlib.suppress(OSError):
                await self._visit(number)
            await asyncio.sleep(BACK_AFTER_S)

    async def _visit(self, number: int) -> None:
        with_tls = {"ssl": self._context, "server_hostname": "127.0.0.1"}
        more: dict[str, Any] = {} if STRANGERS <= number < STRANGERS + WITHOUT_TLS else with_tls
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, **more)
        try:
            if number >= STRANGERS + WITHOUT_TLS:
                writer.write(b"POST /.well-known/est/simpleenroll HTTP/1.1\r\nhost: x\r\n")
            self.connections += 1
            self._came.add(number)
            if len(self._came) == MEMBERS:
                self.is_there.set()
            await reader.read(1)
        finally:
            writer.transport.abort()


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    made = Central(tmp_path / "central")
    made.init()
    with made.running():
        yield made


@contextlib.contextmanager
def crowded(central: Central) -> Iterator[Crowd]:
    crowd = Crowd(central)
    thread = threading.Thread(target=crowd.run)
    thread.start()
    try:
        assert crowd.is_there.wait(READY_S)
        yield crowd
    finally:
        crowd.end()
        thread.join()


@pytest.mark.long
def test_gates_enrol_and_carry_their_logs_while_hundreds_of_connections_ask_nothing(
    central: Central, tmp_path: Path
) -> None:
    known = MirroredGate.make(tmp_path / "known", "gate-0001")
    known.enrol(central)
    fresh = MirroredGate.make(tmp_path / "fresh", "gate-0002")
    for gate in (known, fresh):
        gate.log.write(crossing("first"))
    with crowded(central) as crowd:
        assert [one["state"] for one in fresh.enrol(central)["steps"]] == ["done", "done"]
        for gate in (known, fresh):
            pushed = gate_command("sync", "push", "--config", str(gate.file))
            assert (pushed["mirrored"], pushed["pending"]) == (5, 0)
    assert crowd.connections >= MEMBERS
