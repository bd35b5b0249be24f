"""What every driver of a sensor unit does, told to what the author's fixture `sensor_bench` makes: `from gate_contract.sensors import *`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from gate_core.errors import LinkLostError
from gate_core.ports.drivers import SensorDriver


@dataclass
class SensorBench:
    """A driver that is not connected, before a unit that is well and sees an empty lane, and its cable."""

    sensors: SensorDriver
    unplug: Callable[[], None]
    replug: Callable[[], None]


OnSensors = Callable[[Callable[[SensorBench], Awaitable[None]]], None]


def test_before_connecting_and_after_closing_it_is_a_lost_link(on_sensors: OnSensors) -> None:
    async def story(bench: SensorBench) -> None:
        with pytest.raises(LinkLostError):
            await bench.sensors.status()
        await bench.sensors.connect()
        await bench.sensors.status()
        bench.sensors.close()
        bench.sensors.close()
        with pytest.raises(LinkLostError):
            await bench.sensors.status()

    on_sensors(story)


def test_an_empty_lane_that_is_well_says_so(on_sensors: OnSensors) -> None:
    async def story(bench: SensorBench) -> None:
        await bench.sensors.connect()
        status = await bench.sensors.status()
        assert (status.people, status.object_left) == (0, False)
        assert (status.call_pressed, status.cabinet_open, status.mains_present) == (False, False, True)
        assert 0 <= status.age_ms < 500

    on_sensors(story)


def test_an_unplugged_unit_is_lost_until_it_is_connected_again_in_the_same_session(on_sensors: OnSensors) -> None:
    async def story(bench: SensorBench) -> None:
        await bench.sensors.connect()
        session = (await bench.sensors.status()).session
        bench.unplug()
        with pytest.raises(LinkLostError):
            await bench.sensors.status()
        with pytest.raises(LinkLostError):
            await bench.sensors.connect()
        bench.replug()
        await bench.sensors.connect()
        assert (await bench.sensors.status()).session == session

    on_sensors(story)


def test_a_check_says_what_was_found_and_lets_the_line_go(on_sensors: OnSensors) -> None:
    async def story(bench: SensorBench) -> None:
        assert await bench.sensors.check()
        assert bench.sensors.describe()
        with pytest.raises(LinkLostError):
            await bench.sensors.status()

    on_sensors(story)
