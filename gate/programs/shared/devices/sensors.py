"""The sensor unit that a configuration means, and what a lane needs of one."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.links import SerialLink
from drivers.sensors.driver import ModbusSensors
from drivers.sensors.profile import load_profile
from drivers.sensors.settings import SensorSettings
from gate.programs.shared.config import TRIED_ON_A_SIMULATOR, Config
from gate_core.errors import SetupError
from gate_core.ports.drivers import SensorDriver
from gate_core.settings.config_file import problems_from
from gate_core.settings.toml_file import Problem


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
