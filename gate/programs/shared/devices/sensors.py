"""Creates and checks the configured sensor unit."""

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
    """A sensor unit, as the lane uses it. Every call raises DriverError."""

    async def connect(self) -> None:
        """Open the line and start a session with the unit."""

    async def status(self) -> InsideStatus:
        """Request the unit's status."""

    async def check(self) -> str:
        """Connect, return a description, and close the line."""

    def describe(self) -> Mapping[str, int]:
        """Return the line's counters since the start."""

    def close(self) -> None:
        """Close the line."""


def sensors(settings: SensorSettings) -> SensorDriver:
    """Return the sensor unit, not connected. Raises SetupError if it can never work."""
    return ModbusSensors(
        open_link=lambda: SerialLink.open(settings.port, settings.baud),
        profile=load_profile(settings.profile),
        baud=settings.baud,
        unit=settings.unit,
    )


def problems(config: Config) -> Iterator[Problem]:
    """Yield the problems of the sensor unit's profile."""
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
    """True if the profile says that the unit's protocol was tried on hardware. Raises SetupError."""
    return load_profile(settings.profile).verified == "hardware"
