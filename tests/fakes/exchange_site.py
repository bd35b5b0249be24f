"""A site with an exchange and gates that ask it, over TLS, each with a certificate of its own; the site's clocks are the test's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from fakes.gate_status import CONFIG
from fakes.ports import free_port

from gate.channel import register_messages
from gate.channel.message import Status
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.programs.lane.document.inspection import mark_of
from gate.programs.registers.program import run as run_registers
from gate.programs.shared.config import Config, OnlineRegister, Paths, Registers
from gate.programs.shared.program_status import Silence
from gate.programs.shared.status import hear
from gate_central.exchange.app import Clocks
from gate_central.exchange.config import ExchangeConfig
from gate_central.exchange.program import run as run_exchange
from gate_core import pinned_certificates
from gate_core.programs import clock

NAME = "reuse"
HOST = "127.0.0.1"
DEADLINE_S = 15.0


@dataclass
class Gate:
    """One gate: its registers' program, as its lane reaches it."""

    config: Config

    async def said_to(self, message: register_messages.ToRegisters) -> register_messages.FromRegisters:
        connection = await connect(CHANNELS.registers, self.config.socket("registers"))
        try:
            await connection.send(message)
            return await connection.receive()
        finally:
            connection.close()

    async def key(self) -> bytes:
        answer = await self.said_to(register_messages.DayKeyWanted())
        assert isinstance(answer, register_messages.DayKeyIs)
        return answer.key

    async def until_key(self, other_than: bytes = b"") -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            while (key := await self.key()) in {b"", other_than}:  # noqa: ASYNC110 - until it was fetched
                await asyncio.sleep(0.02)
        return key

    async def asks(self, mark: str, deadline_ms: int = 2000) -> register_messages.RegisterFound:
        question = register_messages.DocumentQuestion("", "", "", "", mark=mark)
        answer = await self.said_to(register_messages.AskRegisters([NAME], deadline_ms, entry=True, question=question))
        assert isinstance(answer, register_messages.RegistersSaid)
        (found,) = answer.found
        return found

    async def reads(self, security_object: bytes, **more: Any) -> register_messages.RegisterFound:
        """What is said of a chip that this gate has read."""
        return await self.asks(mark_of(await self.until_key(), security_object), **more)

    async def state(self) -> dict[str, Any]:
        status = await hear(self.config, "registers")
        assert isinstance(status, Status)
        return status.detail


@dataclass
class Site:
    """The exchange's address and the certificates of two gates, `north-1` and `north-2`. The test moves the exchange's clocks: the one that
    nobody sets by `ahead_s`, the one on the wall by `off`.
    """

    folder: Path
    minutes: int = 30
    port: int = field(default_factory=free_port)
    zone: str = "UTC"
    ahead_s: float = 0.0
    off: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        for name, host in (("exchange", HOST), ("north-1", ""), ("north-2", ""), ("stranger", "")):
            keys = self.folder / name
            keys.mkdir()
            (keys / f"{name}.crt").write_text(pinned_certificates.make(keys / f"{name}.pem", name, host))

    @property
    def exchange_config(self) -> ExchangeConfig:
        gates = {name: str(self.folder / name / f"{name}.crt") for name in ("north-1", "north-2")}
        identity = str(self.folder / "exchange" / "exchange.pem")
        return ExchangeConfig(address=f"{HOST}:{self.port}", identity=identity, time_zone=self.zone, gates=gates)

    def local(self) -> datetime:
        return (clock.now() + self.off).astimezone(ZoneInfo(self.zone))

    def config(self, name: str, **changes: Any) -> Config:
        """A gate's, which may show another's certificate."""
        wanted = {
            "adapter": "reuse",
            "address": f"https://{HOST}:{self.port}",
            "certificate": f"{name}.pem",
            "authorities": str(self.folder / "exchange" / "exchange.crt"),
            "basis": "Border Act, Article 12a",
            "minutes": self.minutes,
        }
        registers = Registers(
            folder=str(self.folder / name / "state"),
            incoming=str(self.folder / name / "incoming"),
            answer_ms=2000,
            online={NAME: OnlineRegister(**{**wanted, **changes})},
        )
        paths = Paths(run=str(self.folder / name / "run"), keys=str(self.folder / name))
        return msgspec.structs.replace(CONFIG, gate_id=name, time_zone=self.zone, paths=paths, registers=registers)

    @contextlib.asynccontextmanager
    async def exchange(self, *, aged: bool = True) -> AsyncIterator[None]:
        """The exchange while the block runs; `aged`: it has run for longer than any minutes."""
        listening, stop = asyncio.Event(), asyncio.Event()
        clocks = Clocks(self.local, lambda: clock.monotonic_ms() / 1000 + self.ahead_s)
        running = asyncio.ensure_future(
            run_exchange(self.exchange_config, stop=stop, clocks=clocks, on_listening=listening.set)
        )
        await asyncio.wait({running, asyncio.ensure_future(listening.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if aged:
            self.ahead_s += 3600
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(running, DEADLINE_S)

    @contextlib.asynccontextmanager
    async def gate(self, name: str, **changes: Any) -> AsyncIterator[Gate]:
        """A gate's registers' program while the block runs."""
        config, stop = self.config(name, **changes), asyncio.Event()
        running = asyncio.ensure_future(run_registers(config, stop=stop))
        try:
            async with asyncio.timeout(DEADLINE_S):
                while isinstance(await hear(config, "registers"), Silence):
                    assert not running.done() or running.result() is None
                    await asyncio.sleep(0.01)
            yield Gate(config)
        finally:
            stop.set()
            await asyncio.wait_for(running, DEADLINE_S)


async def until(well: Callable[[], Any]) -> None:
    """Until it is so."""
    async with asyncio.timeout(DEADLINE_S):
        while not await well():  # noqa: ASYNC110 - another task's work
            await asyncio.sleep(0.02)
