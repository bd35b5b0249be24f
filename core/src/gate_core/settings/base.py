"""Base of the devices' settings: a table whose `driver` names a driver, with that driver's keys.

Each package of drivers has a `settings.py` with a union of one struct per driver. Unknown drivers or keys, wrong types
and values out of range are a msgspec.ValidationError with the key's path. Defaults are the device's factory values. A
struct also has what its driver must reach, and which values mean simulated hardware.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Shown = Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,64}$")]  # what a device calls itself
Baud = Annotated[int, msgspec.Meta(ge=1200, le=921600)]
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Reach:
    """Resources that a device needs: device files, a service's Unix socket, a network address, a folder to empty."""

    devices: bool = False
    unix_sockets: bool = False
    address: str | None = None
    folder: str | None = None

    @property
    def host(self) -> str | None:
        """The address's host, None without an address. Raises ValueError if the address has none."""
        if self.address is None:
            return None
        host = urlsplit(self.address).hostname
        if not host:
            raise ValueError(f"{self.address} is no network camera's address: http://192.0.2.7/stream")
        return host

    @property
    def port(self) -> int | None:
        """The address's port, or its scheme's default. Raises ValueError for an invalid port."""
        if self.address is None:
            return None
        parts = urlsplit(self.address)
        return parts.port if parts.port is not None else _PORTS.get(parts.scheme)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="driver"):
    """One driver's keys."""

    @property
    def driver(self) -> str:
        """The driver's name in a configuration."""
        return str(self.__struct_config__.tag)

    @property
    def line(self) -> str | None:
        """The serial line that the device uses alone, or None."""
        return None

    def spelt(self) -> str:
        """Return the settings as JSON, for a child process."""
        return msgspec.json.encode(self).decode()

    def simulated(self) -> list[str]:
        """Return the settings that mean simulated hardware, as `key = value is …`; not allowed in service."""
        return []


class LineSettings(Settings, frozen=True, kw_only=True):
    """The base for a device on a line of its own: its serial port, Unix socket or device file."""

    port: Text

    @property
    def line(self) -> str | None:
        """Its own line."""
        return self.port

    def simulated(self) -> list[str]:
        """Name a simulated line."""
        return [f"port = {self.port} is a pseudo-terminal"] if is_pseudo_terminal(self.port) else []


def is_pseudo_terminal(port: str) -> bool:
    """True if the port is a pseudo-terminal, as simulated devices use."""
    return Path(port).resolve().is_relative_to("/dev/pts")
