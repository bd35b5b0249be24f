"""Carries an act at a barrier out (`gate.provision.acts`) on the real board, and the one that needs a program to be killed.

Whatever ends an act, a person's Ctrl-C too, takes every grant back and lets the line go.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable
from typing import Final

from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.modbus.tables import Pulse
from drivers.barrier.port import BarrierDriver
from drivers.barrier.profiles import BarrierProfile
from drivers.barrier.settings import BarrierSettings
from gate.programs.shared.devices.barriers import barrier
from gate.provision.acts import Act, ClearAlarms, Deed, EndEmergency, Grant, Look, Seen, Sight
from gate.provision.steps import StepError
from gate_core.errors import DriverError, LinkLostError, NotWellError, SetupError
from gate_core.ports.values import BarrierAlarm, LeafPosition
from gate_core.settings.environment import environment_with

RECONNECT_S: Final = 0.5
CHILD_DEADLINE_S: Final = 20.0  # until the leaf is open on its grant
LEAF_S: Final = 4.0  # a leaf's way from open to closed
LONG_GRANT_MS: Final = 30_000
TIME_TO_LIVE: Final = "its time to live"
GRANTING: Final = "gate.programs.provisioning.granting"


async def carry_out(act: Act, settings: BarrierSettings, *, tell: Callable[[str], None]) -> Seen:
    """Carry an act out to its end. Raises StepError with what was not seen, or what is wrong with the line."""
    try:
        driver = barrier(settings)
        board = _Board(driver, poll_s=settings.poll_ms / 1000, tell=tell)
        try:
            await driver.connect()
            deed = next(act)
            while True:
                sight = await board.do(deed)
                try:
                    deed = act.send(sight)
                except StopIteration as end:
                    seen: Seen = end.value
                    return seen
        finally:
            with contextlib.suppress(DriverError):
                await driver.revoke()
            driver.close()
    except DriverError as error:
        raise StepError(str(error)) from error


class _Board:
    """One board while an act lasts; a lost line is opened anew."""

    def __init__(self, driver: BarrierDriver, *, poll_s: float, tell: Callable[[str], None]) -> None:
        self._driver = driver
        self._poll_s = poll_s
        self._tell = tell
        self._is_lost = False

    async def do(self, deed: Deed) -> Sight:
        """Do it, and look. Raises SetupError for a board that can never work."""
        refused = ""
        match deed:
            case Look(say):
                if say:
                    self._tell(say)
                await asyncio.sleep(RECONNECT_S if self._is_lost else self._poll_s)
            case Grant(direction, ttl_ms):
                refused = await _tried(self._driver.grant(direction, ttl_ms))
            case EndEmergency():
                refused = await _tried(self._driver.end_emergency())
            case ClearAlarms():
                refused = await _tried(self._driver.clear_alarms(tuple(BarrierAlarm)))
        return await self._look(refused)

    async def _look(self, refused: str) -> Sight:
        try:
            if self._is_lost:
                await self._driver.connect()
            status = await self._driver.status()
        except SetupError:
            raise
        except DriverError as error:
            self._is_lost = self._is_lost or isinstance(error, LinkLostError | NotWellError)
            return Sight(_now_ms(), None, refused)
        self._is_lost = False
        return Sight(_now_ms(), status, refused)


async def host_killed(settings: BarrierSettings, profile: BarrierProfile, *, ttl_ms: int) -> Seen:
    """Have a program of ours grant and be killed with the leaf open, and see that the board ended the grant without us. Raises StepError."""
    within_s, why = _ends_without_us(profile, ttl_ms)
    if why != TIME_TO_LIVE:
        ttl_ms = _long_ttl(profile, ttl_ms)  # so long that it cannot be what ends the grant
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", GRANTING),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment_with({}),
    )
    try:
        assert process.stdin is not None, "it is a pipe"
        process.stdin.write(json.dumps({"settings": settings.spelt(), "ttl_ms": ttl_ms}).encode() + b"\n")
        await process.stdin.drain()
        await _opened(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()
    killed_at_ms = _now_ms()
    await asyncio.sleep(within_s + LEAF_S)
    return await _after(settings, killed_at_ms, why)


async def _opened(process: asyncio.subprocess.Process) -> None:
    """Wait until the killed-to-be has seen the leaf open. Raises StepError."""
    assert process.stdout is not None, "it is a pipe"
    try:
        async with asyncio.timeout(CHILD_DEADLINE_S):
            said = (await process.stdout.readline()).decode().strip()
    except TimeoutError:
        said = "the leaf did not open"
    if said != "open":
        raise StepError(said or "the program that was to be killed ended by itself")


async def _after(settings: BarrierSettings, killed_at_ms: int, why: str) -> Seen:
    """The board's first word to whoever comes after: a leaf that is closed then closed without us."""
    try:
        driver = barrier(settings)
        try:
            await driver.connect()
            status = await driver.status()
            looked_ms = _now_ms() - killed_at_ms
            with contextlib.suppress(DriverError):
                await driver.clear_alarms(tuple(BarrierAlarm))
        finally:
            driver.close()
    except DriverError as error:
        raise StepError(str(error)) from error
    if status.position is not LeafPosition.CLOSED:
        raise StepError(
            f"the leaf is {status.position.value} {looked_ms / 1000:.1f} s after the program was killed: the grant outlived us"
        )
    told = ", and the board says that it lost its host" if BarrierAlarm.HOST_LOST in status.alarms else ""
    return Seen(
        f"the leaf was open, the program was killed, and {why} closed it{told}",
        {"looked_after_ms": looked_ms, "board_says_host_lost": BarrierAlarm.HOST_LOST in status.alarms},
    )


def _ends_without_us(profile: BarrierProfile, ttl_ms: int) -> tuple[float, str]:
    """Within how many seconds a grant must end once nobody asks the board anything, and by what."""
    match profile:
        case ModbusProfile(grant=Pulse(lasts_ms=lasts_ms)):
            return lasts_ms / 1000, "the gate's own time"
        case ContactsProfile():
            return profile.grant.lasts_ms / 1000, "the gate's own time"
        case ModbusProfile() if profile.watchdog is not None:
            return profile.watchdog.ms / 1000, "its host watchdog"
        case FramedProfile() if profile.timings.lease_ms is not None:
            return profile.timings.lease_ms / 1000, "its lease"
        case FramedProfile():
            return (profile.timings.grant_ends_after_ms_max or ttl_ms) / 1000, "its own timer"
        case ModbusProfile():
            return ttl_ms / 1000, TIME_TO_LIVE


def _long_ttl(profile: BarrierProfile, ttl_ms: int) -> int:
    return max((one for one in profile.ttl_ms if one <= LONG_GRANT_MS), default=ttl_ms)


async def _tried(order: object) -> str:
    """What the board said to an order that it did not obey; empty when it did."""
    try:
        await order  # type: ignore[misc] # a coroutine of the driver's
    except DriverError as error:
        return str(error)
    return ""


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)
