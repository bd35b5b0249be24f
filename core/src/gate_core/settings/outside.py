"""Settings of drivers that come from another distribution: `driver = "outside"` with a table `code`.

These structs are data. Reading a configuration loads no foreign code: only the program that drives the device does
(`gate_core.outside`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from gate_core.settings.base import LineSettings, Text
from gate_core.settings.config_file import Section
from gate_core.settings.toml_file import Wrong

FOLDER: Final = "/usr/local/lib/portcullis/outside"
DistributionName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")]


class DriverSettings(Section, frozen=True, kw_only=True):
    """The base of a foreign driver's own settings, its table `code.settings`. A subclass is the driver's entry point.

    Fields are checked like the gate's own: wrong types, unknown keys and what `contradictions` yields are reported with file, key and line.
    A subclass has a method `open`, which returns the driver; it does no I/O (docs/guides/driver.md).
    """


class Code(Section, frozen=True, kw_only=True):
    """A driver of another distribution. `name` is its entry point's name. `distributions` are those that may be loaded for it, the driver's
    and what that needs, each with the SHA-256 of its files; empty: nothing is loaded, and `gate config check` prints the hash. `folder`
    is where they are installed (`pip install --target`). `settings` are the driver's own keys.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    distributions: Annotated[dict[DistributionName, Sha256], msgspec.Meta(min_length=1, max_length=16)]
    folder: Text = FOLDER
    settings: dict[str, Any] = msgspec.field(default_factory=dict)

    def contradictions(self) -> Iterator[Wrong]:
        """The folder has an absolute path."""
        if not Path(self.folder).is_absolute():
            yield Wrong("folder", "is no absolute path")


class OutsideDevice(LineSettings, frozen=True, kw_only=True):
    """A device at a line or socket of its own, driven by code of another distribution."""

    code: Code
