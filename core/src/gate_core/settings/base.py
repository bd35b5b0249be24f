"""What the settings of every device have in common: a table whose `driver` names the driver, with that driver's keys.

A struct also says what a process must reach to use the device, and what of it is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Baud = Annotated[int, msgspec.Meta(ge=1200, le=921600)]
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Reach:
    """What a process must reach to use a device: device files, a service's Unix socket, a network address, a folder that it empties."""

    devices: bool = False
    unix_sockets: bool = False
    address: str | None = None
    folder: str | None = None

    @property
    def host(self) -> str | None:
        """The host of the address. Raises ValueError when it has none."""
        if self.address is None:
            return None
        host = urlsplit(self.address).hostname
        if not host:
            raise ValueError(f"{self.address} is no network camera's address: http://192.0.2.7/stream")
        return host

    @property
    def port(self) -> int | None:
        """The port of the address, its scheme's own where it names none. Raises ValueError when it has none."""
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
        """The serial line that the device needs to itself, if it is at one."""
        return None

    def spelt(self) -> str:
        """As JSON, for a child process; the room's union reads it back."""
        return msgspec.json.encode(self).decode()

    def simulated(self) -> list[str]:
        """What of it belongs to simulated hardware, as `key = value is …`; a gate in service has none of it."""
        return []


def is_pseudo_terminal(port: str) -> bool:
    """True for the line of a simulated device."""
    return Path(port).resolve().is_relative_to("/dev/pts")


def simulated_line(port: str) -> list[str]:
    """What `Settings.simulated` says of a serial port."""
    return [f"port = {port} is a pseudo-terminal"] if is_pseudo_terminal(port) else []
