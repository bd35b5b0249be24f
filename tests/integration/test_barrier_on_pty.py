"""The Modbus barrier driver on the simulator's paced pseudo-terminal: leaf, beams, watchdog, faults and unplugging."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakes.barrier import at_rest
from fakes.line_bench import modbus_profile
from fakes.tiers import quick_or_long

from drivers.barrier.modbus.driver import ModbusBarrier
from drivers.links import SerialLink
from gate_core.errors import LinkLostError, NoReplyError, RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction, LeafPosition
from hardware_sim.barrier.device import Barrier
from hardware_sim.pty import LineFaults, SerialLine

STORY_LIMIT_S = 20
POLL_S = 0.05


@dataclass
class Lane:
    """The driver, the device at the other end of the line, and what physically happened there."""

    driver: ModbusBarrier
    device: Barrier
    line: SerialLine
    truth: list[tuple[str, dict[str, Any]]]

    def happened(self, event: str) -> list[dict[str, Any]]:
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
async def lane(folder: Path, *, baud: int = 115200) -> AsyncIterator[Lane]:
    truth: list[tuple[str, dict[str, Any]]] = []
    device = Barrier(lambda event, **fields: truth.append((event, fields)))
    line = SerialLine(folder / "barrier", device, baud=baud, seed=1)
    line.start()
    driver = ModbusBarrier(
        open_link=lambda: SerialLink.open(str(line.path), baud), profile=modbus_profile("portcullis-sim"), baud=baud
    )
    try:
        async with asyncio.timeout(STORY_LIMIT_S):
            yield Lane(driver, device, line, truth)
    finally:
        driver.close()
        line.stop()


@pytest.mark.parametrize("baud", [115200, 9600])
async def test_a_granted_traveller_passes_and_is_counted_once(tmp_path: Path, baud: int) -> None:
    async with lane(tmp_path, baud=baud) as made:
        await made.driver.connect()
        assert at_rest(await made.driver.status())
        made.device.walk_in("anna")
        await made.until(lambda status: status.bodies == 1)
        await made.driver.grant(Direction.ENTRY, 10_000)
        with pytest.raises(RefusedError, match="outstanding"):
            await made.driver.grant(Direction.ENTRY, 10_000)
        await made.until(lambda status: status.position is LeafPosition.OPENING)
        status = await made.until(lambda status: status.count_entry == 1)
        assert status.grants_left_entry == 0
        status = await made.until(at_rest)
        assert not status.alarms
        assert len(made.happened("grant_received")) == len(made.happened("passed")) == 1


async def test_a_silent_host_loses_its_grant_to_the_watchdog(tmp_path: Path) -> None:
    async with lane(tmp_path) as made:
        await made.driver.connect()
        await made.driver.grant(Direction.ENTRY, 30_000)
        await asyncio.sleep(1.3)
        assert [ended["how"] for ended in made.happened("grant_ended")] == ["host_lost"]
        status = await made.driver.status()
        assert status.alarms == {Alarm.HOST_LOST}
        await made.driver.clear_alarms((Alarm.HOST_LOST,))
        assert not (await made.driver.status()).alarms


async def test_a_revoke_and_a_reconnect_leave_no_grant(tmp_path: Path) -> None:
    async with lane(tmp_path) as made:
        await made.driver.connect()
        await made.driver.grant(Direction.ENTRY, 30_000)
        await made.driver.revoke()
        await made.driver.grant(Direction.EXIT, 30_000)
        await made.driver.connect()
        assert [ended["how"] for ended in made.happened("grant_ended")] == ["revoked", "revoked"]


async def test_fire_opens_and_ends_only_when_clear_and_told(tmp_path: Path) -> None:
    async with lane(tmp_path) as made:
        await made.driver.connect()
        made.device.set_fire(active=True)
        await made.until(lambda status: status.fire and status.emergency_open)
        with pytest.raises(RefusedError):
            await made.driver.grant(Direction.ENTRY, 1000)
        await made.driver.revoke()
        with pytest.raises(RefusedError):
            await made.driver.end_emergency()
        await made.until(lambda status: status.position is LeafPosition.OPEN)
        made.device.set_fire(active=False)
        assert (await made.until(lambda status: not status.fire)).emergency_open
        await made.driver.end_emergency()
        await made.until(at_rest)


async def test_a_release_opens_and_the_leaf_closes_behind_an_empty_zone(tmp_path: Path) -> None:
    async with lane(tmp_path) as made:
        await made.driver.connect()
        await made.driver.release()
        await made.until(lambda status: status.position is LeafPosition.OPEN)
        await made.until(at_rest)


async def test_a_power_cycle_is_seen_and_the_watchdog_armed_again(tmp_path: Path) -> None:
    async with lane(tmp_path) as made:
        await made.driver.connect()
        restarts = (await made.driver.status()).restarts
        made.device.power_cycle()
        with pytest.raises(LinkLostError, match="powered up anew"):
            await made.driver.status()
        await made.driver.connect()
        assert (await made.driver.status()).restarts == restarts + 1


async def test_a_cable_pulled_during_a_grant_ends_it_and_recovery_is_quick(tmp_path: Path) -> None:
    async with lane(tmp_path) as made:
        await made.driver.connect()
        await made.driver.grant(Direction.ENTRY, 30_000)
        waiting = asyncio.create_task(_until_lost(made.driver))
        await asyncio.to_thread(made.line.unplug)
        await waiting
        with pytest.raises(LinkLostError):
            await made.driver.connect()
        await asyncio.to_thread(made.line.replug)
        began_s = asyncio.get_running_loop().time()
        await made.driver.connect()
        assert asyncio.get_running_loop().time() - began_s < 1.0
        await made.until(at_rest)
        assert len(made.happened("grant_ended")) == 1


async def _until_lost(driver: ModbusBarrier) -> None:
    with contextlib.suppress(LinkLostError):
        while True:
            await driver.status()


@pytest.mark.parametrize(
    "faults",
    quick_or_long(
        [LineFaults(flip=0.002), LineFaults(drop=0.005), LineFaults(garbage=0.01)], quick=[LineFaults(drop=0.005)]
    ),
    ids=["flip", "drop", "garbage"],
)
async def test_no_grant_doubles_on_a_line_with_errors(tmp_path: Path, faults: LineFaults) -> None:
    async with lane(tmp_path) as made:
        await _insist(made.driver.connect)
        made.line.faults = faults
        asked, late = 0, 0
        while asked < 30:
            received = len(made.happened("grant_received"))
            try:
                with contextlib.suppress(NoReplyError):
                    await made.driver.grant(Direction.ENTRY, 30_000)
            except (
                RefusedError
            ) as refused:  # beside a busy neighbour an answer came too late: nothing is granted for a while, rightly
                if "later than late_ms_max" not in str(refused) or (late := late + 1) > 60:
                    raise
                await asyncio.sleep(0.5)
                await _insist(made.driver.status)
                continue
            asked += 1
            assert len(made.happened("grant_received")) - received <= 1
            await _insist(made.driver.revoke)
        assert len(made.happened("grant_received")) >= 0.7 * asked


async def _insist(call: Callable[[], Awaitable[object]]) -> None:
    for _ in range(20):
        with contextlib.suppress(NoReplyError):
            await call()
            return
    raise AssertionError("20 attempts were not enough")
