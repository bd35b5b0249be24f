"""What is wrong with a device's profile, or with the code of another distribution that drives it, by the keys to change."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from gate_core.errors import SetupError
from gate_core.settings.config_file import problems_from
from gate_core.settings.toml_file import Problem, Wrong

Device = TypeVar("Device")


def problems_of(device: str, settings: Device, make: Callable[[Device], object]) -> Iterator[Problem]:
    """Make this device, and yield what is wrong if it can never work."""
    try:
        make(settings)
    except SetupError as error:
        if not hasattr(settings, "code"):
            yield from problems_from(f"{device}.profile", error)
            return
        for wrong in getattr(error, "wrong", ()) or (Wrong("name", str(error)),):
            yield Problem(f"{device}.code.{wrong.key}", wrong.why)
