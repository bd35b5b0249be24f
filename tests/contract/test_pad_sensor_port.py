"""The driver of sensors with a verdict of their own, before the simulated one with everything that it can do wrong."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.pad import driver
from drivers.pad.driver import Session
from drivers.pad.settings import PadSensor as Settings
from drivers.pad.settings import load_profile
from gate_core.errors import DriverError, LinkLostError, NoReplyError, NoRightError, NotWellError, SetupError
from gate_core.evidence.crossing import PadResult
from gate_core.ports.values import PadVerdict
from hardware_sim.pad.sensor import Fault, PadSensor, PadServer, Stands

PROFILE = load_profile("portcullis-sim")
LOOK_S = 0.5  # five measurements of the simulated sensor


@contextlib.contextmanager
def standing(folder: Path, sensor: PadSensor) -> Iterator[Settings]:
    server = PadServer(folder / "pad", sensor)
    try:
        yield Settings(socket=str(folder / "pad"), profile="portcullis-sim")
    finally:
        server.stop()


async def looked(settings: Settings) -> PadVerdict | None:
    """What a crossing hears within LOOK_S."""

    def now_ms() -> int:
        return int(time.monotonic() * 1000)

    session = Session(PROFILE, crossing="ab" * 16)
    end = await driver.connect(settings)
    talk = asyncio.ensure_future(driver.converse(end, session, clock_ms=now_ms))
    await asyncio.wait([talk], timeout=LOOK_S)
    found = session.verdict(now_ms(), since_ms=0)
    talk.cancel()
    with contextlib.suppress(DriverError, asyncio.CancelledError):
        await talk
    return found


@pytest.mark.parametrize(
    ("stands", "result"),
    [
        (Stands.PERSON, PadResult.LIVE),
        (Stands.PICTURE, PadResult.ATTACK),
        (Stands.NOBODY, PadResult.UNDETERMINED),
    ],
)
async def test_it_says_who_stands_there(short_path: Path, stands: Stands, result: PadResult) -> None:
    with standing(short_path, PadSensor(stands)) as settings:
        found = await looked(settings)
    assert found is not None
    assert (found.name, found.version, found.bound, found.result) == ("Simulated PAD", "1", 0.5, result)
    assert found.age_ms <= PROFILE.age_ms_max


SILENCED = [
    Fault.MUTE, Fault.SILENT, Fault.LATE, Fault.STALE, Fault.GARBAGE, Fault.ENDLESS, Fault.TORN, Fault.WRONG_CROSSING,
    Fault.CONTRARY, Fault.STRANGER,
]  # fmt: skip


@pytest.mark.parametrize("fault", SILENCED, ids=[fault.value for fault in SILENCED])
async def test_what_is_wrong_with_it_is_no_verdict(short_path: Path, fault: Fault) -> None:
    with standing(short_path, PadSensor(Stands.PERSON, fault)) as settings:
        assert await looked(settings) is None


async def test_numbers_that_go_back_leave_the_first_verdict_which_grows_old(short_path: Path) -> None:
    with standing(short_path, PadSensor(Stands.PERSON, Fault.BACKWARDS)) as settings:
        found = await looked(settings)
    assert found is not None
    assert found.age_ms > 200


async def test_nobody_here_finds_out_one_that_takes_everything_for_a_person(short_path: Path) -> None:
    """What a sensor is worth, its evidence must say: the gate can only say who gave the verdict."""
    with standing(short_path, PadSensor(Stands.PICTURE, Fault.ALWAYS_LIVE)) as settings:
        found = await looked(settings)
    assert found is not None
    assert found.result is PadResult.LIVE


async def test_the_check_says_who_it_is_or_what_is_wrong(short_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "GREETING_S", 0.2)
    sensor = PadSensor()
    with standing(short_path, sensor) as settings:
        assert await driver.check(settings, PROFILE) == "Simulated PAD 1, bound 0.5"
        sensor.fault = Fault.STRANGER
        with pytest.raises(NotWellError, match="Another PAD"):
            await driver.check(settings, PROFILE)
        sensor.fault = Fault.MUTE
        with pytest.raises(NoReplyError):
            await driver.check(settings, PROFILE)
    with pytest.raises(LinkLostError):
        await driver.check(settings, PROFILE)


async def test_nobody_else_gives_verdicts_in_the_sensors_place(short_path: Path) -> None:
    """Who listens there is this test, which is not the sensor's user: without the check it would be believed."""
    with standing(short_path, PadSensor()) as ours:
        for user, error in (("nobody", NoRightError), ("no-such-user", SetupError)):
            with pytest.raises(error):
                await driver.connect(Settings(socket=ours.socket, profile=ours.profile, user=user))
