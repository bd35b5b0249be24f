"""The sensor driver on the simulator's paced pseudo-terminal at 9600 baud: people, contacts, faults by name, power, unplugging."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from fakes.sensors import BAUD, PROFILES
from fakes.tiers import quick_or_long

from drivers.links import SerialLink
from drivers.sensors.driver import ModbusSensors
from drivers.sensors.profile import load_profile
from gate_core.errors import DriverError, LinkLostError, NoReplyError, NotWellError
from gate_core.ports.values import InsideStatus
from hardware_sim.pty import LineFaults, SerialLine
from hardware_sim.sensors.device import SensorDevice

STORY_LIMIT_S = 20
POLL_S = 0.05
BOTH = pytest.mark.parametrize("profile", PROFILES)


@dataclass
class Lane:
    """The driver, and the unit at the other end of the line."""

    driver: ModbusSensors
    device: SensorDevice
    line: SerialLine

    async def until(self, condition: Callable[[InsideStatus], bool]) -> InsideStatus:
        """Poll as the lane does until the status fits."""
        while True:
            with contextlib.suppress(NoReplyError):
                status = await self.driver.status()
                if condition(status):
                    return status
            await asyncio.sleep(POLL_S)


@contextlib.asynccontextmanager
async def lane(folder: Path, profile: str) -> AsyncIterator[Lane]:
    """Profiles here allow for a machine that is busy with other tests."""
    device = SensorDevice(profile, lambda *_, **__: None)
    line = SerialLine(folder / "sensors", device, baud=BAUD, seed=1)
    line.start()
    patient = msgspec.structs.replace(load_profile(profile), turnaround_ms_max=250, measurement_ms_max=2000)
    driver = ModbusSensors(open_link=lambda: SerialLink.open(str(line.path), BAUD), profile=patient, baud=BAUD)
    try:
        async with asyncio.timeout(STORY_LIMIT_S):
            await driver.connect()
            yield Lane(driver, device, line)
    finally:
        driver.close()
        line.stop()


@BOTH
async def test_a_crossing_is_seen_from_the_first_step_in_to_the_last_step_out(tmp_path: Path, profile: str) -> None:
    async with lane(tmp_path, profile) as made:
        await made.until(lambda status: status.people == 0 and status.object_left is False)
        made.device.walk("anna", 1.5)
        await made.until(lambda status: status.people == 1)
        made.device.lay("bag", 1.5, 55)
        made.device.walk("anna", 4.0)
        await made.until(lambda status: status.people == 0 and status.object_left is True)
        made.device.take("bag")
        made.device.press(pressed=True)
        made.device.open_cabinet(is_open=True)
        made.device.set_mains(present=False)
        await made.until(lambda status: status.call_pressed and status.cabinet_open and not status.mains_present)


@BOTH
async def test_a_unit_that_does_not_know_says_so_and_its_power_cut_is_another_session(
    tmp_path: Path, profile: str
) -> None:
    async with lane(tmp_path, profile) as made:
        session = (await made.until(lambda status: status.people == 0)).session
        made.device.break_by_name("blind")
        await made.until(lambda status: status.people is None and status.object_left is None)
        made.device.break_by_name("stale")
        assert (await made.until(lambda status: status.age_ms > 2000)).people is None
        made.device.break_by_name(None)
        made.device.power_cycle()
        with pytest.raises(LinkLostError, match="powered up anew"):
            await made.until(lambda _: False)
        await made.driver.connect()
        assert (await made.driver.status()).session == session + 1
        await made.until(lambda status: status.people == 0)


async def test_a_cable_pulled_in_the_midst_is_a_lost_link_and_a_silent_unit_is_no_answer(tmp_path: Path) -> None:
    async with lane(tmp_path, "portcullis-sim") as made:
        made.device.break_by_name("silent")
        with pytest.raises(NoReplyError):
            await made.driver.status()
        made.device.break_by_name(None)
        waiting = asyncio.create_task(made.until(lambda _: False))
        await asyncio.to_thread(made.line.unplug)
        with pytest.raises(LinkLostError):
            await waiting
        with pytest.raises(LinkLostError):
            await made.driver.connect()
        await asyncio.to_thread(made.line.replug)
        await made.driver.connect()
        await made.until(lambda status: status.people == 0)


async def test_another_unit_of_the_same_number_is_found_and_one_of_another_number_passed_over(tmp_path: Path) -> None:
    async with lane(tmp_path, "portcullis-sim") as made:
        await made.until(lambda status: status.people == 0)
        made.device.break_by_name("stranger")
        for _ in range(5):
            assert (await made.driver.status()).people == 0
        assert made.driver.health.bytes_passed_over
        made.device.break_by_name("clash")
        with pytest.raises(NotWellError, match="two units answer"):
            await made.driver.connect()


@pytest.mark.parametrize(
    "faults",
    quick_or_long(
        [LineFaults(flip=0.004), LineFaults(drop=0.005), LineFaults(garbage=0.01)], quick=[LineFaults(flip=0.004)]
    ),
    ids=["flip", "drop", "garbage"],
)
async def test_on_a_line_with_errors_one_who_stands_inside_is_never_nobody(tmp_path: Path, faults: LineFaults) -> None:
    async with lane(tmp_path, "inputs-8") as made:
        made.device.walk("anna", 1.5)
        await made.until(lambda status: status.people == 1)
        made.line.faults = faults
        for _ in range(40):
            with contextlib.suppress(DriverError):
                assert (await made.driver.status()).people in {1, None}
