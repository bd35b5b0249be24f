"""Byte links: in memory, and on pseudo-terminals as a serial port."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from drivers.links import Link, SerialLink
from gate_contract.virtual_time import in_virtual_time
from gate_core.errors import BusyError, LinkLostError, SetupError
from gate_core.ports.memory_link import MEMORY_BYTES_MAX, memory_pair


class Cable:
    """The far end of a pseudo-terminal."""

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self._slave = slave
        os.set_blocking(self.master, False)
        self._plugged = True

    def send(self, payload: bytes) -> None:
        os.write(self.master, payload)

    def receive(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            received += os.read(self.master, count - len(received))
        return received

    def unplug(self) -> None:
        if self._plugged:
            self._plugged = False
            os.close(self.master)
            os.close(self._slave)


@pytest.fixture
def cable() -> Iterator[Cable]:
    made = Cable()
    yield made
    made.unplug()


async def _lost(call: asyncio.Task[object]) -> None:
    with pytest.raises(LinkLostError):
        async with asyncio.timeout(2):
            await call


async def test_bytes_go_both_ways_and_every_value_survives(cable: Cable) -> None:
    link = await SerialLink.open(cable.path, 115200)
    every = bytes(range(256))
    await link.write(every)
    assert cable.receive(256) == every
    cable.send(every)
    got = b""
    while len(got) < 256:
        got += await link.read(100)
    assert got == every
    link.close()


async def test_what_arrived_is_discarded_and_what_comes_later_is_read(cable: Cable) -> None:
    link = await SerialLink.open(cable.path, 115200)
    cable.send(b"stale")
    assert await link.read(1) == b"s"
    link.discard()
    cable.send(b"fresh")
    assert await link.read(16) == b"fresh"
    link.close()


async def test_unplugging_wakes_a_read_that_waits(cable: Cable) -> None:
    link = await SerialLink.open(cable.path, 115200)
    reading = asyncio.create_task(link.read(1))
    await asyncio.sleep(0)
    cable.unplug()
    await _lost(reading)
    for call in (link.read(1), link.write(b"x")):
        with pytest.raises(LinkLostError):
            await call
    with pytest.raises(LinkLostError):
        link.discard()
    link.close()


async def test_closing_wakes_a_read_and_a_write_that_wait(cable: Cable) -> None:
    link = await SerialLink.open(cable.path, 115200)
    reading = asyncio.create_task(link.read(1))
    writing = asyncio.create_task(link.write(bytes(1_000_000)))
    await asyncio.sleep(0)
    link.close()
    link.close()
    await _lost(reading)
    await _lost(writing)


async def test_a_write_waits_for_a_slow_device_and_loses_nothing(cable: Cable) -> None:
    link = await SerialLink.open(cable.path, 115200)
    payload = os.urandom(100_000)
    received = bytearray()
    loop = asyncio.get_running_loop()
    loop.add_reader(cable.master, lambda: received.extend(os.read(cable.master, 4096)))
    async with asyncio.timeout(10):
        await link.write(payload)
        while len(received) < len(payload):  # noqa: ASYNC110 - the pseudo-terminal has no event to wait for
            await asyncio.sleep(0)
    loop.remove_reader(cable.master)
    assert received == payload
    link.close()


async def test_a_cancelled_read_loses_no_bytes(cable: Cable) -> None:
    link = await SerialLink.open(cable.path, 115200)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await link.read(16)
    cable.send(b"later")
    assert await link.read(16) == b"later"
    link.close()


async def test_a_port_is_opened_by_one_only(cable: Cable) -> None:
    link = await SerialLink.open(cable.path, 115200)
    with pytest.raises(BusyError, match="cannot be opened"):
        await SerialLink.open(cable.path, 115200)
    link.close()
    (await SerialLink.open(cable.path, 115200)).close()


async def test_an_absent_port_is_lost_and_an_impossible_speed_a_setup_error(cable: Cable, tmp_path: Path) -> None:
    with pytest.raises(LinkLostError, match="cannot be opened"):
        await SerialLink.open(str(tmp_path / "ttyUSB7"), 9600)
    with pytest.raises(SetupError, match="-1 baud"):
        await SerialLink.open(cable.path, -1)


async def test_what_is_no_terminal_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LinkLostError, match="cannot be opened"):
        await SerialLink.open(str(tmp_path / "file"), 9600)


async def test_a_pseudo_terminal_opens_again_and_again_where_parity_would_fail(cable: Cable) -> None:
    serial.Serial(cable.path, 9600, parity=serial.PARITY_EVEN).close()
    with pytest.raises(Exception, match="Invalid argument"):
        serial.Serial(cable.path, 9600, parity=serial.PARITY_EVEN)
    for _ in range(3):
        link = await SerialLink.open(cable.path, 9600)
        cable.send(b"8N1")
        assert await link.read(8) == b"8N1"
        link.close()


@in_virtual_time
async def test_a_pair_in_memory_is_a_cable_on_any_clock() -> None:
    near, far = memory_pair()
    ends: list[Link] = [near, far]
    for one, other in (ends, ends[::-1]):
        reading = asyncio.create_task(other.read(3))
        await asyncio.sleep(1)
        await one.write(b"abcd")
        assert await reading == b"abc"
        other.discard()
        await one.write(b"e")
        assert await other.read(9) == b"e"
    reading = asyncio.create_task(near.read(1))
    await asyncio.sleep(0)
    await near.write(b"last words")
    far.close()
    await _lost(reading)
    assert await far.read(99) == b"last words"
    with pytest.raises(LinkLostError):
        await near.write(b"x")


async def test_a_pair_in_memory_overruns_like_a_uart() -> None:
    near, far = memory_pair()
    await near.write(bytes(MEMORY_BYTES_MAX))
    await near.write(b"lost")
    assert await far.read(2 * MEMORY_BYTES_MAX) == bytes(MEMORY_BYTES_MAX)
