"""Creates and checks the PAD sensor beside the camera."""

from collections.abc import Iterator

from drivers.pad import driver
from drivers.pad.settings import PadProfile, PadSensor, load_profile
from gate.programs.shared.config import Config
from gate.programs.shared.devices.problems import problems_of
from gate_core.errors import SetupError
from gate_core.ports.pad import PadCodec
from gate_core.settings.config_file import ConfigError, problems_from
from gate_core.settings.toml_file import Problem


def profile_of(config: Config) -> PadProfile | None:
    """Return the sensor's profile, or None. Raises ConfigError, in service also if not tried on hardware."""
    if config.camera.pad is None:
        return None
    try:
        profile = load_profile(config.camera.pad.profile)
    except SetupError as error:
        raise ConfigError(*problems_from("camera.pad.profile", error)) from error
    if config.purpose == "service" and profile.verified != "hardware":
        why = f'it says verified = "{profile.verified}"; try the sensor itself, and say in a profile of yours what that showed'
        raise ConfigError(Problem("camera.pad.profile", f"purpose = service refuses: {why}"))
    return profile


def problems(config: Config) -> Iterator[Problem]:
    """Yield the problems of the sensor's profile."""
    try:
        profile_of(config)
    except ConfigError as error:
        yield from error.problems


def is_verified(settings: PadSensor) -> bool:
    """True if the profile says that the sensor was tried on hardware. Raises SetupError."""
    return load_profile(settings.profile).verified == "hardware"


async def check(settings: PadSensor) -> str:
    """Connect, return the sensor's identity, and disconnect. Raises DriverError."""
    return await driver.check(settings, load_profile(settings.profile), codec(settings))


def codec(settings: PadSensor) -> PadCodec:
    """What its service speaks. Raises SetupError."""
    if settings.code is None:
        return driver.OWN
    from gate_core.outside import opened  # noqa: PLC0415 - where there is such code

    made: PadCodec = opened(settings.code, PadCodec)
    return made


def code_problems(settings: PadSensor) -> Iterator[Problem]:
    """What is wrong with the code of another distribution that speaks with it. Only for what looks through the camera, and `gate config check`."""
    return problems_of("camera.pad", settings, codec)
