"""The driver of short-frame boards on the simulator's paced pseudo-terminal at 9600 baud: leaf, beams, timer, lease, faults by name, unplugging."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from fakes.barrier import at_rest
from fakes.framed_boards import framed_profile
from fakes.tiers import quick_or_long

from drivers.barrier.framed.driver import FramedBarrier
from drivers.links import SerialLink
from gate_core.errors import DriverError, LinkLostError, NoReplyError, NotWellError, RefusedError
from gate_core.ports.values import BarrierStatus, Direction, LeafPosition
from hardware_sim.barrier.boards import FramedDevice
from hardware_sim.barrier.frames import FrameFault
from hardware_sim.pty import LineFaults, SerialLine

STORY_LIMIT_S = 30
POLL_S = 0.05
BAUD = 9600
Kind = Literal["ds205a", "italdis"]
BOTH = pytest.mark.parametrize("kind", ["ds205a", "italdis"])


@dataclass
class Lane:
    """The driver, the device at the other end of the line, and what physically happened there."""

    driver: FramedBarrier
    device: FramedDevice
    line: SerialLine
    truth: list[tuple[str, dict[str, object]]]

    def happened(self, event: str) -> list[dict[str, object]]:
        return [fields for name, fields in self.truth if name == event]

    async def until(self, condition: Callable[[BarrierStatus], bool]) -> BarrierStatus:
        """Poll as the lane does until the status fits."""
        while True:
            with contextlib.suppress(NoReplyError):
                status = await self.driver.status()
                if condition(status):
                    return status
            await asyncio.sleep(POLL_S)


@contextlib.asynccontextmanager
async def lane(folder: Path, kind: Kind, *, turnaround_ms: int = 250) -> AsyncIterator[Lane]:
    """`turnaround_ms` allows for a machine that is busy with other tests."""
    truth: list[tuple[str, dict[str, object]]] = []
    device = FramedDevice(kind, lambda event, **fields: truth.append((event, fields)))
    line = SerialLine(folder / "barrier", device, baud=BAUD, seed=1)
    line.start()
    shipped = framed_profile(kind)
    timings = msgspec.structs.replace(shipped.timings, turnaround_ms_max=turnaround_ms)
    patient = msgspec.structs.replace(shipped, timings=timings)
    driver = FramedBarrier(open_link=lambda: SerialLink.open(str(line.path), BAUD), profile=patient, baud=BAUD, unit=1)
    try:
        async with asyncio.timeout(STORY_LIMIT_S):
            yield Lane(driver, device, line, truth)
    finally:
        driver.close()
        line.stop()


@BOTH
async def test_a_granted_traveller_passes_and_is_counted_once(tmp_path: Path, kind: Kind) -> None:
    async with lane(tmp_path, kind) as made:
        await made.driver.connect()
        made.device.walk_in("anna")
        await made.until(lambda status: status.bodies == 1)
        await made.driver.grant(Direction.ENTRY, 10_000)
        with pytest.raises(RefusedError, match="outstanding"):
            await made.driver.grant(Direction.ENTRY, 10_000)
        status = await made.until(lambda status: status.count_entry == 1)
        assert status.grants_left_entry == 0
        assert not (await made.until(at_rest)).alarms
        assert len(made.happened("grant_received")) == len(made.happened("passed")) == 1


@BOTH
@pytest.mark.parametrize("fault", ["stranger", "clash"])
async def test_another_board_is_noticed_and_gone_when_it_is_gone(tmp_path: Path, kind: Kind, fault: str) -> None:
    async with lane(tmp_path, kind) as made:
        await made.driver.connect()
        made.device.break_with(FrameFault(fault))
        with pytest.raises(NotWellError, match=r"another board|nobody asked for"):
            await made.until(lambda _: False)
        for _ in range(2):
            with pytest.raises(NotWellError):
                await made.driver.connect()
        made.device.break_with(None)
        await asyncio.sleep(0.1)
        await made.driver.connect()
        assert not made.happened("grant_received")
        assert not made.happened("leaf_moved")


@BOTH
async def test_a_wire_that_is_cut_is_noticed_within_a_second_and_a_plug_when_it_is_pulled(
    tmp_path: Path, kind: Kind
) -> None:
    async with lane(tmp_path, kind, turnaround_ms=80) as made:
        await made.driver.connect()
        await made.driver.status()
        made.line.faults = LineFaults(drop=1.0)
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(LinkLostError, match="answered nothing"):
            await made.until(lambda _: False)
        assert asyncio.get_running_loop().time() - began_s < 1.0
        made.line.faults = LineFaults()
        await made.driver.connect()
        await asyncio.to_thread(made.line.unplug)
        with pytest.raises(LinkLostError):
            await made.until(lambda _: False)
        await asyncio.to_thread(made.line.replug)
        began_s = asyncio.get_running_loop().time()
        await made.driver.connect()
        assert asyncio.get_running_loop().time() - began_s < 2.0


async def test_a_board_on_an_adapter_that_echoes_with_a_slow_leaf_grants_once(tmp_path: Path) -> None:
    async with lane(tmp_path, "ds205a") as made:
        made.device.break_with(FrameFault.ECHO)
        made.device.break_with(FrameFault.SLOW)
        await made.driver.connect()
        made.device.break_with(FrameFault.SILENT)
        granting = asyncio.create_task(made.driver.grant(Direction.ENTRY, 10_000))
        await asyncio.sleep(0.15)
        made.device.break_with(None)
        await granting
        await made.until(lambda status: status.position is LeafPosition.OPEN)
        assert len(made.happened("grant_received")) == 1


async def test_a_power_cut_is_seen_and_fire_opens_until_it_is_over_and_told(tmp_path: Path) -> None:
    async with lane(tmp_path, "italdis") as made:
        await made.driver.connect()
        await made.driver.grant(Direction.ENTRY, 10_000)
        made.device.power_cycle()
        with pytest.raises(LinkLostError, match="powered up anew"):
            await made.driver.status()
        await made.driver.connect()
        made.device.set_fire(active=True)
        await made.until(lambda status: status.fire and status.position is LeafPosition.OPEN)
        await made.driver.revoke()
        with pytest.raises(RefusedError):
            await made.driver.end_emergency()
        made.device.set_fire(active=False)
        await made.until(lambda status: not status.fire)
        await made.driver.end_emergency()
        await made.until(at_rest)


@pytest.mark.parametrize(
    "faults",
    quick_or_long([LineFaults(flip=0.008), LineFaults(drop=0.005)], quick=[LineFaults(flip=0.008)]),
    ids=["flip", "drop"],
)
async def test_no_grant_doubles_on_a_line_with_errors(tmp_path: Path, faults: LineFaults) -> None:
    async with lane(tmp_path, "ds205a") as made:
        await made.driver.connect()
        made.line.faults = faults
        for _ in range(10):
            received = len(made.happened("grant_received"))
            with contextlib.suppress(DriverError):
                await made.driver.grant(Direction.ENTRY, 30_000)
            assert len(made.happened("grant_received")) - received <= 1
            await _insist(made)
        assert len(made.happened("grant_received")) >= 7


async def _insist(made: Lane) -> None:
    """Revoke, and see the leaf at rest, as often as it takes."""
    for _ in range(20):
        with contextlib.suppress(DriverError):
            await made.driver.revoke()
            await made.until(at_rest)
            return
        with contextlib.suppress(DriverError):
            await made.driver.connect()
    raise AssertionError("20 attempts were not enough")
