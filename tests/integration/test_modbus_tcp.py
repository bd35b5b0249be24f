"""A board behind a gateway, reached as a gate does: systemd's relay from a Unix socket to TCP, and no network on our side of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from fakes.ports import free_port

from drivers.barrier.settings import BarrierSettings, ModbusTcp
from gate.programs.shared.devices.barriers import barrier
from gate_core.errors import LinkLostError, NoReplyError, RefusedError
from gate_core.ports.drivers import BarrierDriver
from gate_core.ports.values import BarrierStatus, Direction, LeafPosition
from hardware_sim.barrier.boards import ModbusDevice
from hardware_sim.gateway import Gateway
from hardware_sim.pty import SerialLine

RELAY = "/usr/lib/systemd/systemd-socket-proxyd"
STORY_LIMIT_S = 30


@dataclass
class Reached:
    driver: BarrierDriver
    device: ModbusDevice
    line: SerialLine

    async def until(self, condition: Callable[[BarrierStatus], bool]) -> BarrierStatus:
        while True:
            with contextlib.suppress(NoReplyError):
                status = await self.driver.status()
                if condition(status):
                    return status
            await asyncio.sleep(0.05)


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.02)


def settings(path: Path) -> BarrierSettings:
    table = {"driver": "modbus-tcp", "port": str(path), "profile": "lot"}
    return msgspec.convert(table, BarrierSettings)


@contextlib.asynccontextmanager
async def reached(folder: Path) -> AsyncIterator[Reached]:
    device = ModbusDevice("lot", lambda *_, **__: None)
    line = SerialLine(folder / "line", device, baud=115_200)
    line.start()
    port = free_port()
    server = await Gateway(line.path).serve("127.0.0.1", port)
    path = folder / "relay.sock"
    relay = await asyncio.create_subprocess_exec(
        "systemd-socket-activate", "-l", str(path), RELAY, f"127.0.0.1:{port}", stderr=asyncio.subprocess.DEVNULL
    )
    driver = barrier(settings(path))
    try:
        async with asyncio.timeout(STORY_LIMIT_S):
            await asyncio.to_thread(wait_for, path)
            yield Reached(driver, device, line)
    finally:
        driver.close()
        relay.kill()
        await relay.wait()
        server.close()
        line.stop()


async def test_a_traveller_is_let_through_and_counted(short_path: Path) -> None:
    async with reached(short_path) as made:
        await made.driver.connect()
        before = await made.driver.status()
        await made.driver.grant(Direction.ENTRY, 10_000)
        with pytest.raises(RefusedError, match="outstanding"):
            await made.driver.grant(Direction.ENTRY, 10_000)
        made.device.walk_in("anna")
        after = await made.until(lambda status: status.count_entry > before.count_entry)
        assert (after.count_entry - before.count_entry, after.count_exit) == (1, before.count_exit)
        await made.until(lambda status: status.position is LeafPosition.CLOSED)


async def test_the_self_test_proves_the_board_through_it(short_path: Path) -> None:
    async with reached(short_path) as made:
        assert (await made.driver.check()).startswith("closed, ")


@pytest.mark.long
async def test_a_gateway_whose_board_is_gone_is_silence_and_the_next_connect_finds_it(short_path: Path) -> None:
    async with reached(short_path) as made:
        await made.driver.connect()
        await asyncio.to_thread(made.line.unplug)
        with pytest.raises(NoReplyError):
            await made.driver.status()
        await asyncio.to_thread(made.line.replug)
        await made.until(lambda status: status.position is LeafPosition.CLOSED)


async def test_where_nobody_listens_the_line_is_lost(short_path: Path) -> None:
    with pytest.raises(LinkLostError, match="cannot be opened"):
        await barrier(settings(short_path / "nobody.sock")).connect()


def test_the_number_zero_is_a_board_of_its_own_on_tcp() -> None:
    table = {"driver": "modbus-tcp", "port": "/run/x", "profile": "lot", "unit": 0}
    assert isinstance(msgspec.convert(table, BarrierSettings), ModbusTcp)
