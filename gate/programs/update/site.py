"""What the update program takes from gate.toml: little, and read loosely.

The program is the package's own and outlives what it installs: the configuration may be a newer version's, with keys that this one does not know.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import msgspec

from gate.channel.row import status_row
from gate.channel.users import user_of

FILE_BYTES_MAX: Final = 1024 * 1024


class SiteError(Exception):
    """The configuration cannot be read, or does not say what is needed."""


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """As in gate.toml."""

    run: str = "/run"
    models: str = "/var/lib/portcullis/models"


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """As in gate.toml."""

    folder: str


class Updates(msgspec.Struct, frozen=True, kw_only=True):
    """As in gate.toml."""

    root: str = "/etc/portcullis/updates-root.json"
    folder: str = "/var/lib/portcullis/sync/updates"


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """As in gate.toml."""

    gate_id: str
    purpose: str = "service"
    paths: Paths = Paths()
    lists: Lists | None = None
    updates: Updates | None = None

    def socket(self, program: str) -> Path:
        """Where a program says how it is."""
        return Path(self.paths.run) / user_of(program) / status_row(program).file


def read(path: Path) -> Site:
    """Read what is needed. Raises SiteError."""
    try:
        with path.open("rb") as file:
            return msgspec.convert(tomllib.loads(file.read(FILE_BYTES_MAX).decode()), Site)
    except OSError as error:
        raise SiteError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SiteError(f"{path}: {error}") from error
