"""The technician's steps at a barrier: carries out each check of `gate.provision.barrier_checks` on the real board.

However a step ends, Ctrl-C included, it takes every grant back and closes the line.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any, Final

from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile, Pulse
from drivers.barrier.profiles import BarrierProfile
from drivers.barrier.settings import BarrierSettings
from gate.programs.shared.config import Config
from gate.programs.shared.devices.barriers import barrier, described
from gate.provision import barrier_checks, simulation
from gate.provision.barrier_checks import BarrierCheck, ClearAlarms, EndEmergency, Grant, Look, Reading, Request
from gate.provision.host_kill import host_killed
from gate.provision.site import Site, at_device, require_unit_access, run
from gate.provision.steps import ConfigurationStepError, Figure, Finding, Step, step_errors
from gate_core.errors import DriverError, LinkLostError, NotWellError, SetupError
from gate_core.evidence.crossing import Alarm
from gate_core.ports.drivers import BarrierDriver, BarrierFacts
from gate_core.ports.values import Direction
from gate_core.programs import clock

GRANT_SHORT_MS: Final = 5_000
RECONNECT_S: Final = 0.5


def barrier_steps(site: Site, prefix: str, settings: BarrierSettings) -> Iterator[Step]:
    """Yield the steps in order, for the first of two doors with the prefix `first_`. Raises ConfigurationStepError."""
    try:
        profile = described(settings)
    except DriverError as error:
        raise ConfigurationStepError(str(error)) from error
    ttl_ms = lasts_ms(profile, site.config.rules.grant_ttl_ms)
    short_ms = max(profile.ttl_ms.start, min(GRANT_SHORT_MS, profile.ttl_ms[-1]))
    wait_ms = int(site.wait_s * 1000)

    def on_board(seen: Finding) -> Finding:
        return replace(seen, verified=simulation.of_board(settings))

    def checked(name: str, make: Callable[[], BarrierCheck]) -> Step:
        def do(_: Config) -> Finding:
            return on_board(asyncio.run(perform(make(), settings, tell=site.tell)))

        return Step(f"{prefix}{name}", at_device(site, do), manual=True)

    def watchdog(_: Config) -> Finding:
        figures: dict[str, Figure] = {}
        if isinstance(profile, ModbusProfile) and profile.watchdog is not None:
            figures = {"watchdog_ms": profile.watchdog.ms}
        detail = run(barrier(settings).check())
        require_unit_access(site, "lane", settings)
        return on_board(Finding(detail, figures))

    def host_kill(_: Config) -> Finding:
        site.tell("Stay out of the lane: a program opens the leaf and is killed")
        return on_board(asyncio.run(host_killed(settings, profile, ttl_ms=ttl_ms)))

    yield Step(f"{prefix}watchdog", at_device(site, watchdog))
    yield checked("walk_entry", lambda: barrier_checks.walk(Direction.ENTRY, ttl_ms=ttl_ms, wait_ms=wait_ms))
    yield checked("walk_exit", lambda: barrier_checks.walk(Direction.EXIT, ttl_ms=ttl_ms, wait_ms=wait_ms))
    yield checked("grant_ends", lambda: barrier_checks.grant_ends(ttl_ms=short_ms, wait_ms=wait_ms))
    yield checked("tailgate", lambda: barrier_checks.tailgate(ttl_ms=ttl_ms, wait_ms=wait_ms))
    yield checked("fire", lambda: barrier_checks.fire(wait_ms=wait_ms))
    yield Step(f"{prefix}host_kill", at_device(site, host_kill), manual=True)
    yield checked("power", lambda: barrier_checks.power(wait_ms=wait_ms))


def lasts_ms(profile: BarrierProfile | BarrierFacts, ttl_ms: int) -> int:
    """Return how long the leaf waits for a person on a grant for `ttl_ms`: many gates have their own time."""
    match profile:
        case ModbusProfile(grant=Pulse(lasts_ms=own_ms)):
            return min(ttl_ms, own_ms)
        case ContactsProfile():
            return min(ttl_ms, profile.grant.lasts_ms)
        case FramedProfile():
            return min(ttl_ms, profile.timings.grant_ends_after_ms_max or ttl_ms)
        case BarrierFacts() | ModbusProfile():
            return ttl_ms


async def perform(check: BarrierCheck, settings: BarrierSettings, *, tell: Callable[[str], None]) -> Finding:
    """Carry out a check. Raises StepError with what was not seen, or what is wrong with the line."""
    with step_errors(DriverError):
        driver = barrier(settings)
        board = _Board(driver, poll_s=settings.poll_ms / 1000, tell=tell)
        try:
            await driver.connect()
            request = next(check)
            while True:
                reading = await board.do(request)
                try:
                    request = check.send(reading)
                except StopIteration as end:
                    seen: Finding = end.value
                    return seen
        finally:
            with contextlib.suppress(DriverError):
                await driver.revoke()
            driver.close()


class _Board:
    """One board during a check; a lost line is opened again."""

    def __init__(self, driver: BarrierDriver, *, poll_s: float, tell: Callable[[str], None]) -> None:
        self._driver = driver
        self._poll_s = poll_s
        self._tell = tell
        self._is_lost = False

    async def do(self, request: Request) -> Reading:
        """Carry out the request, and read the status. Raises SetupError for an unusable board."""
        refused = ""
        match request:
            case Look(say):
                if say:
                    self._tell(say)
                await asyncio.sleep(RECONNECT_S if self._is_lost else self._poll_s)
            case Grant(direction, ttl_ms):
                refused = await _tried(self._driver.grant(direction, ttl_ms))
            case EndEmergency():
                refused = await _tried(self._driver.end_emergency())
            case ClearAlarms():
                refused = await _tried(self._driver.clear_alarms(tuple(Alarm)))
        return await self._look(refused)

    async def _look(self, refused: str) -> Reading:
        try:
            if self._is_lost:
                await self._driver.connect()
            status = await self._driver.status()
        except SetupError:
            raise
        except DriverError as error:
            self._is_lost = self._is_lost or isinstance(error, LinkLostError | NotWellError)
            return Reading(clock.monotonic_ms(), None, refused)
        self._is_lost = False
        return Reading(clock.monotonic_ms(), status, refused)


async def _tried(order: Coroutine[Any, Any, None]) -> str:
    """Return the board's error for a refused order; empty if it obeyed."""
    try:
        await order
    except DriverError as error:
        return str(error)
    return ""
