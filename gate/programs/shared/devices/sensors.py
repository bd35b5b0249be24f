"""Creates and checks the configured sensor unit."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.links import DeviceLine, SerialLink
from drivers.sensors.driver import ModbusSensors
from drivers.sensors.profile import load_profile
from drivers.sensors.settings import Outside, SensorSettings
from gate.programs.shared.config import TRIED_ON_A_SIMULATOR, Config
from gate.programs.shared.devices.problems import problems_of
from gate_core.ports.drivers import SensorDriver
from gate_core.settings.toml_file import Problem


def sensors(settings: SensorSettings) -> SensorDriver:
    """Return the sensor unit, not connected. Raises SetupError if it can never work."""
    if isinstance(settings, Outside):
        from gate_core.outside import opened  # noqa: PLC0415 - where there is such a driver

        driver: SensorDriver = opened(settings.code, SensorDriver, DeviceLine(settings.port))
        return driver
    return ModbusSensors(
        open_link=lambda: SerialLink.open(settings.port, settings.baud),
        profile=load_profile(settings.profile),
        baud=settings.baud,
        unit=settings.unit,
    )


def problems(config: Config) -> Iterator[Problem]:
    """Yield the problems of the sensor unit's profile."""
    if (unit := config.sensors) is None:
        return
    found = tuple(problems_of("sensors", unit, sensors))
    yield from found
    if found or config.purpose != "service" or isinstance(unit, Outside):
        return
    if load_profile(unit.profile).verified == "simulator":
        yield Problem("sensors.profile", TRIED_ON_A_SIMULATOR)


def is_verified(settings: SensorSettings) -> bool:
    """True if the profile says that the unit's protocol was tried on hardware. Raises SetupError."""
    return not isinstance(settings, Outside) and load_profile(settings.profile).verified == "hardware"
