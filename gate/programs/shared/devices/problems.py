"""What is wrong with a device's profile, or with the code of another distribution that drives it, by the keys to change."""

from collections.abc import Iterator

from gate_core.errors import SetupError
from gate_core.settings.config_file import problems_from
from gate_core.settings.toml_file import Problem, Wrong


def problems_of(device: str, settings: object, error: SetupError) -> Iterator[Problem]:
    """The problems of an error that came of making this device."""
    if not hasattr(settings, "code"):
        yield from problems_from(f"{device}.profile", error)
        return
    for wrong in getattr(error, "wrong", ()) or (Wrong("name", str(error)),):
        yield Problem(f"{device}.code.{wrong.key}", wrong.why)
