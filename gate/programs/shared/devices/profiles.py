"""Checks the device profiles that a configuration names: valid, right for their drivers, permitted for its purpose."""

from __future__ import annotations

from collections.abc import Iterator

from gate.programs.shared.config import Config
from gate.programs.shared.devices import barriers, mrz_readers, pads, sensors
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import Problem


def problems(config: Config) -> Iterator[Problem]:
    """Yield all problems, with their line if they are in a profile's own file."""
    for room in (barriers, sensors, mrz_readers, pads):
        yield from room.problems(config)


def require_profiles(config: Config) -> None:
    """Raise ConfigError if there are problems."""
    if found := tuple(problems(config)):
        raise ConfigError(*found)
