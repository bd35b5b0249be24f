"""What every sensor driver does: the fake that other tests stand on, and the real one before the simulated unit with both maps."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from fakes.sensors import ALL_WELL, PROFILES, FakeSensors, sensor_bench

from gate_contract.virtual_time import run_virtual
from gate_core.errors import LinkLostError
from gate_core.ports.drivers import SensorDriver

KINDS = ["fake", *PROFILES]
EACH = pytest.mark.parametrize("kind", KINDS)


@dataclass
class Site:
    """A sensor unit and its cable."""

    sensors: SensorDriver
    plug: Callable[[bool], None]


@contextlib.asynccontextmanager
async def standing(kind: str) -> AsyncIterator[Site]:
    if kind == "fake":
        fake = FakeSensors()
        yield Site(fake, lambda plugged: setattr(fake, "plugged", plugged))
        return
    async with sensor_bench(kind) as made:

        def plug(plugged: bool) -> None:  # noqa: FBT001 - a cable is in or out
            if plugged:
                made.plugged = True
            else:
                made.unplug()

        yield Site(made.sensors, plug)


def at_site(kind: str, story: Callable[[Site], Awaitable[None]]) -> None:
    async def run() -> None:
        async with standing(kind) as site:
            await story(site)

    run_virtual(run())


@EACH
def test_before_connecting_and_after_closing_it_is_a_lost_link(kind: str) -> None:
    async def story(site: Site) -> None:
        with pytest.raises(LinkLostError):
            await site.sensors.status()
        await site.sensors.connect()
        await site.sensors.status()
        site.sensors.close()
        site.sensors.close()
        with pytest.raises(LinkLostError):
            await site.sensors.status()

    at_site(kind, story)


@EACH
def test_an_empty_lane_that_is_well_says_so(kind: str) -> None:
    async def story(site: Site) -> None:
        await site.sensors.connect()
        status = await site.sensors.status()
        assert (status.people, status.object_left) == (0, False)
        assert (status.call_pressed, status.cabinet_open, status.mains_present) == (False, False, True)
        assert status.session == ALL_WELL.session
        assert 0 <= status.age_ms < 500

    at_site(kind, story)


@EACH
def test_an_unplugged_unit_is_lost_until_it_is_connected_again_in_the_same_session(kind: str) -> None:
    async def story(site: Site) -> None:
        await site.sensors.connect()
        session = (await site.sensors.status()).session
        site.plug(False)
        with pytest.raises(LinkLostError):
            await site.sensors.status()
        with pytest.raises(LinkLostError):
            await site.sensors.connect()
        site.plug(True)
        await site.sensors.connect()
        assert (await site.sensors.status()).session == session

    at_site(kind, story)


@EACH
def test_a_check_says_what_was_found_and_lets_the_line_go(kind: str) -> None:
    async def story(site: Site) -> None:
        assert (await site.sensors.check()).startswith("0 inside")
        assert site.sensors.describe()
        with pytest.raises(LinkLostError):
            await site.sensors.status()

    at_site(kind, story)
