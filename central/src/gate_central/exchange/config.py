"""The exchange's configuration, `exchange.toml`: address, key, time zone, and the site's gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from gate_core.settings import config_file
from gate_core.settings.base import Text
from gate_core.settings.config_file import Section, address_of, wrong_if_refused, zone_of
from gate_core.settings.toml_file import Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GATES_MAX: Final = 64

GateId = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]


class ExchangeConfig(Section, frozen=True, kw_only=True):
    """The settings of `exchange.toml`. `identity`: file of its key and certificate (`gate exchange init`). `time_zone`:
    the gates' zone; the day's key ends at its midnight. `gates`: certificate file (PEM) of each gate, by name.
    """

    address: Text
    identity: Text
    time_zone: Annotated[str, msgspec.Meta(max_length=64)]
    gates: Annotated[dict[GateId, Text], msgspec.Meta(min_length=2, max_length=GATES_MAX)]

    def contradictions(self) -> Iterator[Wrong]:
        """Yield an error for an invalid address or time zone."""
        yield from wrong_if_refused("address", address_of, self.address, such_as="192.0.2.30:8460")
        yield from wrong_if_refused("time_zone", zone_of, self.time_zone)


def load(path: Path) -> ExchangeConfig:
    """Read the file. Raises ConfigError with all its errors."""
    return config_file.load(path, ExchangeConfig)
