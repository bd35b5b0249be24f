"""The technician's steps at a barrier, each of which ends as its board shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.framed.profile import FramedProfile
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.modbus.tables import Pulse
from drivers.barrier.profiles import BarrierProfile, load_profile
from drivers.barrier.settings import BarrierSettings, Board
from gate.programs.provisioning import barrier_acts, genuine
from gate.programs.provisioning.site import Site, at_device, require_unit_access, run
from gate.programs.shared.config import Config
from gate.programs.shared.devices.barriers import barrier
from gate.provision import acts
from gate.provision.course import Figure, Finding, Task, Verified
from gate.provision.steps import ConfigurationStepError
from gate_core.errors import DriverError
from gate_core.ports.values import Direction

GRANT_SHORT_MS: Final = 5_000


def barrier_tasks(site: Site, prefix: str, settings: BarrierSettings) -> Iterator[Task]:
    """The steps in their order, of the first of two doors with the prefix `first_`. Raises ConfigurationStepError."""
    profile = _profile(settings)
    ttl_ms = lasts_ms(profile, site.config.rules.grant_ttl_ms)
    short_ms = max(profile.ttl_ms.start, min(GRANT_SHORT_MS, profile.ttl_ms[-1]))
    wait_ms = site.wait_ms

    def act(name: str, make: Callable[[], acts.Act]) -> Task:
        def do(_: Config) -> Finding:
            seen = asyncio.run(barrier_acts.carry_out(make(), settings, tell=site.tell))
            return _seen(seen, settings)

        return Task(f"{prefix}{name}", at_device(site, do), acts=True)

    def watchdog(_: Config) -> Finding:
        figures: dict[str, Figure] = {}
        if isinstance(profile, ModbusProfile) and profile.watchdog is not None:
            figures = {"watchdog_ms": profile.watchdog.ms}
        detail = run(barrier(settings).check())
        require_unit_access(site, "lane", settings)
        return Finding(detail, figures, genuine.of_board(settings))

    def host_kill(_: Config) -> Finding:
        site.tell("Stay out of the lane: a program opens the leaf and is killed")
        return _seen(asyncio.run(barrier_acts.host_killed(settings, profile, ttl_ms=ttl_ms)), settings)

    yield Task(f"{prefix}watchdog", at_device(site, watchdog))
    yield act("walk_entry", lambda: acts.walk(Direction.ENTRY, ttl_ms=ttl_ms, wait_ms=wait_ms))
    yield act("walk_exit", lambda: acts.walk(Direction.EXIT, ttl_ms=ttl_ms, wait_ms=wait_ms))
    yield act("grant_ends", lambda: acts.grant_ends(ttl_ms=short_ms, wait_ms=wait_ms))
    yield act("tailgate", lambda: acts.tailgate(ttl_ms=ttl_ms, wait_ms=wait_ms))
    yield act("fire", lambda: acts.fire(wait_ms=wait_ms))
    yield Task(f"{prefix}host_kill", at_device(site, host_kill), acts=True)
    yield act("power", lambda: acts.power(wait_ms=wait_ms))


def lasts_ms(profile: BarrierProfile, ttl_ms: int) -> int:
    """How long the leaf waits for somebody on a grant for `ttl_ms`: many a gate has a time of its own."""
    match profile:
        case ModbusProfile(grant=Pulse(lasts_ms=own_ms)):
            return min(ttl_ms, own_ms)
        case ContactsProfile():
            return min(ttl_ms, profile.grant.lasts_ms)
        case FramedProfile():
            return min(ttl_ms, profile.timings.grant_ends_after_ms_max or ttl_ms)
        case ModbusProfile():
            return ttl_ms


def _profile(settings: BarrierSettings) -> BarrierProfile:
    if not isinstance(settings, Board):
        raise ConfigurationStepError(
            f"a barrier by {settings.driver} has no profile that says how a grant ends without us"
        )
    try:
        return load_profile(settings.profile)
    except DriverError as error:
        raise ConfigurationStepError(str(error)) from error


def _seen(seen: acts.Seen, settings: BarrierSettings) -> Finding:
    return Finding(seen.detail, seen.figures, genuine.of_board(settings) if seen.shown else Verified.NO)
