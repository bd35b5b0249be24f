"""The sensor unit that a configuration means, and what a lane needs of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from drivers.links import SerialLink
from drivers.sensors.driver import ModbusSensors
from drivers.sensors.profile import load_profile
from drivers.sensors.settings import SensorSettings
from gate.programs.shared.config import TRIED_ON_A_SIMULATOR, Config
from gate_core.errors import SetupError
from gate_core.ports.values import InsideStatus
from gate_core.settings.config_file import problems_from
from gate_core.settings.toml_file import Problem


class SensorDriver(Protocol):
    """What a lane needs of its sensor unit. Every call raises DriverError."""

    async def connect(self) -> None:
        """Open the line and take the unit as it is powered now."""

    async def status(self) -> InsideStatus:
        """Ask the unit."""

    async def check(self) -> str:
        """Connect, say what was found, and let the line go."""

    def describe(self) -> Mapping[str, int]:
        """How the line worked since the start."""

    def close(self) -> None:
        """Let the line go."""


def sensors(settings: SensorSettings) -> SensorDriver:
    """The sensor unit, not yet connected. Raises SetupError when it can never work."""
    return ModbusSensors(
        open_link=lambda: SerialLink.open(settings.port, settings.baud),
        profile=load_profile(settings.profile),
        baud=settings.baud,
        unit=settings.unit,
    )


def problems(config: Config) -> Iterator[Problem]:
    """What is wrong with the sensor unit's profile."""
    if config.sensors is None:
        return
    try:
        profile = load_profile(config.sensors.profile)
    except SetupError as error:
        yield from problems_from("sensors.profile", error)
        return
    if config.purpose == "service" and profile.verified == "simulator":
        yield Problem("sensors.profile", TRIED_ON_A_SIMULATOR)


def is_verified(settings: SensorSettings) -> bool:
    """True when the unit's protocol was tried on hardware, as its profile says. Raises SetupError."""
    return load_profile(settings.profile).verified == "hardware"
