"""Drivers of ours are held to the contract by the same plugin as other people's, each before a simulated device."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from fakes.contacts_gate import contacts_bench
from fakes.line_bench import LINES, line_bench
from fakes.sensors import PROFILES, FakeSensors
from fakes.sensors import sensor_bench as unit_bench

from drivers.links import Link
from drivers.reader import text_wedge
from drivers.reader.framed import TalkingReader
from gate.programs.shared.devices.registers import ADAPTERS
from gate_contract.barrier_bench import BarrierBench
from gate_contract.mrz_reader import ReaderBench
from gate_contract.plugin import on_barrier, on_reader, on_sensors  # noqa: F401 - as pytest finds them where the plugin is installed
from gate_contract.register import Make
from gate_contract.sensors import SensorBench
from gate_core.errors import LinkLostError
from gate_core.ports.memory_link import MemoryLink, memory_pair


@pytest.fixture(params=(*LINES, "contacts"))
def barrier_bench(request: pytest.FixtureRequest) -> Callable[[], AbstractAsyncContextManager[BarrierBench]]:
    """Each barrier driver."""
    return contacts_bench if request.param == "contacts" else lambda: line_bench(request.param)


@pytest.fixture(params=("fake", *PROFILES))
def sensor_bench(request: pytest.FixtureRequest) -> Callable[[], AbstractAsyncContextManager[SensorBench]]:
    """Each sensor unit, and the fake that other tests stand on."""

    @contextlib.asynccontextmanager
    async def fake() -> AsyncIterator[SensorBench]:
        made = FakeSensors()
        yield SensorBench(made, lambda: setattr(made, "plugged", False), lambda: setattr(made, "plugged", True))

    @contextlib.asynccontextmanager
    async def unit() -> AsyncIterator[SensorBench]:
        async with unit_bench(request.param) as made:
            yield SensorBench(made.sensors, made.unplug, lambda: setattr(made, "plugged", True))

    return fake if request.param == "fake" else unit


class Talker:
    """A reader in text mode, at the end of a cable."""

    def __init__(self) -> None:
        self.near: MemoryLink | None = None
        self.far: MemoryLink | None = None
        self.plugged = True

    async def open(self) -> Link:
        if not self.plugged:
            raise LinkLostError("no such port")
        self.near, self.far = memory_pair()
        return self.near

    def present(self, lines: tuple[str, ...]) -> None:
        said = "".join(f"OCR LINE {number}: {line}\r\n" for number, line in enumerate(lines, start=1))
        assert self.near is not None
        self.near.receive(f"START\r\n{said}END\r\n".encode())

    def unplug(self) -> None:
        self.plugged = False
        assert self.far is not None
        self.far.close()


@pytest.fixture
def reader_bench() -> Callable[[], AbstractAsyncContextManager[ReaderBench]]:
    """The simplest of our readers; test_mrz_reader_port.py has all of them on real lines."""

    @contextlib.asynccontextmanager
    async def made() -> AsyncIterator[ReaderBench]:
        talker = Talker()
        reader = TalkingReader(text_wedge.decode, source="text", open_link=talker.open)
        yield ReaderBench(reader, talker.present, lambda: None, talker.unplug, lambda: setattr(talker, "plugged", True))
        reader.close()

    return made


@pytest.fixture(params=ADAPTERS)
def register_adapter(request: pytest.FixtureRequest) -> Make:
    """Each adapter to a register."""
    return ADAPTERS[request.param]
