"""Barrier drivers on the simulator's paced pseudo-terminal: leaf, beams, watchdog, lease, faults by name, power, unplugging."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from fakes.barrier import at_rest
from fakes.line_bench import OWN, profile_of
from fakes.tiers import quick_or_long

from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.profiles import line_barrier
from drivers.links import SerialLink
from gate_core.errors import DriverError, LinkLostError, NoReplyError, NotWellError, RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.drivers import BarrierDriver
from gate_core.ports.values import BarrierStatus, Direction, LeafPosition
from hardware_sim.barrier import device as own
from hardware_sim.barrier.boards import FramedDevice
from hardware_sim.barrier.frames import FrameFault
from hardware_sim.pty import LineFaults, SerialLine

STORY_LIMIT_S = 30
POLL_S = 0.05
FRAMED = pytest.mark.parametrize("kind", ["ds205a", "italdis"])


@dataclass
class Lane:
    """The driver, the device at the other end of the line, and what physically happened there."""

    driver: BarrierDriver
    device: own.Barrier | FramedDevice
    line: SerialLine
    truth: list[tuple[str, dict[str, object]]]

    def happened(self, event: str) -> list[dict[str, object]]:
        return [fields for name, fields in self.truth if name == event]

    def break_with(self, fault: FrameFault | None) -> None:
        assert isinstance(self.device, FramedDevice)
        self.device.break_with(fault)

    async def until(self, condition: Callable[[BarrierStatus], bool]) -> BarrierStatus:
        """Poll as the lane does until the status fits."""
        while True:
            with contextlib.suppress(NoReplyError):
                status = await self.driver.status()
                if condition(status):
                    return status
            await asyncio.sleep(POLL_S)


@contextlib.asynccontextmanager
async def lane(folder: Path, kind: str, *, baud: int = 9600, turnaround_ms: int = 250) -> AsyncIterator[Lane]:
    """With its driver connected. `turnaround_ms` allows for a machine that is busy with other tests."""
    truth: list[tuple[str, dict[str, object]]] = []

    def told(event: str, **fields: object) -> None:
        truth.append((event, fields))

    profile = profile_of(kind)
    if isinstance(profile, FramedProfile):
        timings = msgspec.structs.replace(profile.timings, turnaround_ms_max=turnaround_ms)
        profile = msgspec.structs.replace(profile, timings=timings)
    device = own.Barrier(told) if kind == OWN else FramedDevice(kind, told)
    line = SerialLine(folder / "barrier", device, baud=baud, seed=1)
    line.start()
    driver = line_barrier(
        profile, open_link=lambda: SerialLink.open(str(line.path), baud), baud=baud, unit=1, entry_is_left=True
    )
    try:
        async with asyncio.timeout(STORY_LIMIT_S):
            await driver.connect()
            yield Lane(driver, device, line, truth)
    finally:
        driver.close()
        line.stop()


@pytest.mark.parametrize(("kind", "baud"), [(OWN, 115200), (OWN, 9600), ("ds205a", 9600), ("italdis", 9600)])
async def test_a_granted_traveller_passes_and_is_counted_once(tmp_path: Path, kind: str, baud: int) -> None:
    async with lane(tmp_path, kind, baud=baud) as made:
        assert at_rest(await made.driver.status())
        made.device.walk_in("anna")
        await made.until(lambda status: status.bodies == 1)
        await made.driver.grant(Direction.ENTRY, 10_000)
        with pytest.raises(RefusedError, match="outstanding"):
            await made.driver.grant(Direction.ENTRY, 10_000)
        await made.until(lambda status: status.position is LeafPosition.OPENING)
        status = await made.until(lambda status: status.count_entry == 1)
        assert status.grants_left_entry == 0
        assert not (await made.until(at_rest)).alarms
        assert len(made.happened("grant_received")) == len(made.happened("passed")) == 1


async def test_a_silent_host_loses_its_grant_to_the_watchdog(tmp_path: Path) -> None:
    async with lane(tmp_path, OWN, baud=115200) as made:
        await made.driver.grant(Direction.ENTRY, 30_000)
        await asyncio.sleep(1.3)
        assert [ended["how"] for ended in made.happened("grant_ended")] == ["host_lost"]
        status = await made.driver.status()
        assert status.alarms == {Alarm.HOST_LOST}
        await made.driver.clear_alarms((Alarm.HOST_LOST,))
        assert not (await made.driver.status()).alarms


async def test_a_revoke_and_a_reconnect_leave_no_grant_and_a_release_opens_until_the_zone_is_empty(
    tmp_path: Path,
) -> None:
    async with lane(tmp_path, OWN, baud=115200) as made:
        await made.driver.grant(Direction.ENTRY, 30_000)
        await made.driver.revoke()
        await made.driver.grant(Direction.EXIT, 30_000)
        await made.driver.connect()
        assert [ended["how"] for ended in made.happened("grant_ended")] == ["revoked", "revoked"]
        await made.driver.release()
        await made.until(lambda status: status.position is LeafPosition.OPEN)
        await made.until(at_rest)


@pytest.mark.parametrize("kind", [OWN, "italdis"])
async def test_a_power_cut_is_seen_and_fire_opens_until_it_is_over_and_told(tmp_path: Path, kind: str) -> None:
    async with lane(tmp_path, kind) as made:
        restarts = (await made.driver.status()).restarts
        await made.driver.grant(Direction.ENTRY, 10_000)
        made.device.power_cycle()
        with pytest.raises(LinkLostError, match="powered up anew"):
            await made.driver.status()
        await made.driver.connect()
        assert (await made.driver.status()).restarts == restarts + (kind == OWN)
        made.device.set_fire(active=True)
        await made.until(lambda status: status.fire and status.emergency_open)
        await made.until(lambda status: status.position is LeafPosition.OPEN)
        await made.driver.revoke()
        with pytest.raises(RefusedError):
            await made.driver.end_emergency()
        with pytest.raises(RefusedError):
            await made.driver.grant(Direction.ENTRY, 10_000)
        made.device.set_fire(active=False)
        assert (await made.until(lambda status: not status.fire)).emergency_open
        await made.driver.end_emergency()
        await made.until(at_rest)


@FRAMED
async def test_a_wire_that_is_cut_is_noticed_within_a_second(tmp_path: Path, kind: str) -> None:
    async with lane(tmp_path, kind, turnaround_ms=80) as made:
        await made.driver.status()
        made.line.faults = LineFaults(drop=1.0)
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(LinkLostError, match="answered nothing"):
            await made.until(lambda _: False)
        assert asyncio.get_running_loop().time() - began_s < 1.0
        made.line.faults = LineFaults()
        await made.driver.connect()


@pytest.mark.parametrize(
    ("kind", "baud", "within_s"), [(OWN, 115200, 1.0), ("ds205a", 9600, 2.0), ("italdis", 9600, 2.0)]
)
async def test_a_plug_pulled_during_a_grant_ends_it_and_recovery_is_quick(
    tmp_path: Path, kind: str, baud: int, within_s: float
) -> None:
    async with lane(tmp_path, kind, baud=baud) as made:
        await made.driver.grant(Direction.ENTRY, 10_000)
        await asyncio.to_thread(made.line.unplug)
        with pytest.raises(LinkLostError):
            await made.until(lambda _: False)
        with pytest.raises(LinkLostError):
            await made.driver.connect()
        await asyncio.to_thread(made.line.replug)
        began_s = asyncio.get_running_loop().time()
        await made.driver.connect()
        assert asyncio.get_running_loop().time() - began_s < within_s
        await made.until(at_rest)
        assert len(made.happened("grant_received")) == len(made.happened("grant_ended")) == 1


QUICK = [(OWN, LineFaults(drop=0.005)), ("ds205a", LineFaults(flip=0.008))]
LONG = [(OWN, LineFaults(flip=0.002)), (OWN, LineFaults(garbage=0.01)), ("ds205a", LineFaults(drop=0.005))]


@pytest.mark.parametrize("line", quick_or_long([*QUICK, *LONG], quick=QUICK), ids=str)
async def test_no_grant_doubles_on_a_line_with_errors(tmp_path: Path, line: tuple[str, LineFaults]) -> None:
    kind, faults = line
    grants, baud, lost = (30, 115200, NoReplyError) if kind == OWN else (10, 9600, DriverError)
    async with lane(tmp_path, kind, baud=baud) as made:
        made.line.faults = faults
        asked = late = 0
        while asked < grants:
            received = len(made.happened("grant_received"))
            try:
                await made.driver.grant(Direction.ENTRY, 30_000)
            except DriverError as error:
                if "later than late_ms_max" in str(error) and (late := late + 1) <= 60:
                    # Beside a busy neighbour an answer came too late: nothing is granted for a while, rightly.
                    await asyncio.sleep(0.5)
                    await _insist(made)
                    continue
                if not isinstance(error, lost):
                    raise
            asked += 1
            assert len(made.happened("grant_received")) - received <= 1
            await _insist(made)
        assert len(made.happened("grant_received")) >= 0.7 * grants


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


@FRAMED
@pytest.mark.parametrize("fault", ["stranger", "clash"])
async def test_another_board_is_noticed_and_gone_when_it_is_gone(tmp_path: Path, kind: str, fault: str) -> None:
    async with lane(tmp_path, kind) as made:
        made.break_with(FrameFault(fault))
        with pytest.raises(NotWellError, match=r"another board|nobody asked for"):
            await made.until(lambda _: False)
        for _ in range(2):
            with pytest.raises(NotWellError):
                await made.driver.connect()
        made.break_with(None)
        await asyncio.sleep(0.1)
        await made.driver.connect()
        assert not made.happened("grant_received")
        assert not made.happened("leaf_moved")


async def test_a_board_on_an_adapter_that_echoes_with_a_slow_leaf_grants_once(tmp_path: Path) -> None:
    async with lane(tmp_path, "ds205a") as made:
        made.break_with(FrameFault.ECHO)
        made.break_with(FrameFault.SLOW)
        await made.driver.connect()
        made.break_with(FrameFault.SILENT)
        granting = asyncio.create_task(made.driver.grant(Direction.ENTRY, 10_000))
        await asyncio.sleep(0.15)
        made.break_with(None)
        await granting
        await made.until(lambda status: status.position is LeafPosition.OPEN)
        assert len(made.happened("grant_received")) == 1
