"""The exchange's own file, `exchange.toml`: where it listens, its key, the site's time, and which gates it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from gate_core.settings.base import Text
from gate_core.settings.config_file import ConfigError, Section, address_of, text_of, zone_of
from gate_core.settings.toml_file import FileError, TomlFile, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GATES_MAX: Final = 64

GateId = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]


class ExchangeConfig(Section, frozen=True, kw_only=True):
    """The whole of `exchange.toml`. It listens at `address`; `identity` is the file of its key and certificate (`gate exchange init`). At midnight
    of `time_zone`, which is that of the gates, the day's key ends. `gates` has the certificate of each gate (PEM), by the gate's name.
    """

    address: Text
    identity: Text
    time_zone: Annotated[str, msgspec.Meta(max_length=64)]
    gates: Annotated[dict[GateId, Text], msgspec.Meta(min_length=2, max_length=GATES_MAX)]

    def contradictions(self) -> Iterator[Wrong]:
        """Address and zone are such."""
        try:
            address_of(self.address, such_as="192.0.2.30:8460")
        except ValueError as error:
            yield Wrong("address", str(error))
        try:
            zone_of(self.time_zone)
        except ValueError as error:
            yield Wrong("time_zone", str(error))


def load(path: Path) -> ExchangeConfig:
    """Read the file. Raises ConfigError with all that is wrong in it."""
    file = TomlFile(str(path), text_of(path))
    try:
        return file.fitted(file.table(), ExchangeConfig)
    except FileError as error:
        raise ConfigError(*error.problems) from error
