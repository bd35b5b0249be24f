"""The profiles that a configuration names: sound, of the drivers that it names, and fit for its purpose."""

from __future__ import annotations

from collections.abc import Iterator

from gate.programs.shared.config import Config
from gate.programs.shared.devices import barriers, mrz_readers, pads, sensors
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import Problem


def problems(config: Config) -> Iterator[Problem]:
    """Everything that is wrong with them, of a profile's own file with its place there."""
    for room in (barriers, sensors, mrz_readers, pads):
        yield from room.problems(config)


def require_profiles(config: Config) -> None:
    """Raise ConfigError when anything is wrong with one of them."""
    if found := tuple(problems(config)):
        raise ConfigError(*found)
