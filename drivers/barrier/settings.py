"""The settings of barrier controllers, one struct per protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from drivers.profile_file import PollMs, ProfiledDevice
from gate_core.settings.base import Baud, Text
from gate_core.settings.outside import OutsideDevice


class Board(ProfiledDevice, frozen=True, kw_only=True):
    """A board, or a gate's contacts, described by a profile. `port`: its device; `poll_ms`: the interval of status queries.

    `profile`: the name of one in drivers/profiles/barrier/, or the absolute path of the site's own file.
    """

    entry_is_left: bool = True


class Modbus(Board, frozen=True, kw_only=True, tag="modbus"):
    """A board with Modbus RTU."""

    baud: Baud = 115_200
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1
    profile: Text = "portcullis-sim"


class ModbusTcp(Board, frozen=True, kw_only=True, tag="modbus-tcp"):
    """A board with Modbus TCP. `port`: the Unix socket of a relay to it, because the program that moves the barrier has no network."""

    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1

    @property
    def baud(self) -> int:
        """The slowest line expected behind a gateway: a frame's time there counts, not the network's."""
        return 9_600


class Framed(Board, frozen=True, kw_only=True, tag="framed"):
    """A board with short frames. `unit`: its number on the line."""

    baud: Baud = 9_600
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1


class Contacts(Board, frozen=True, kw_only=True, tag="contacts"):
    """A gate controlled by pulses, wired to lines of a GPIO chip. `port`: the chip's device."""

    @property
    def line(self) -> str | None:
        """None: two doors may use one chip; the kernel gives each of its lines to one of them only."""
        return None

    def simulated(self) -> list[str]:
        """Return the name of a kernel's simulated chip, if used."""
        device = Path(self.port).resolve()
        driver = Path(f"/sys/bus/gpio/devices/{device.name}").resolve()
        is_simulated = any(part.startswith(("gpio-sim", "gpio-mockup")) for part in driver.parts)
        return super().simulated() + ([f"port = {self.port} is a simulated chip"] if is_simulated else [])


class Outside(OutsideDevice, frozen=True, kw_only=True, tag="outside"):
    """A barrier that a driver of another distribution drives (docs/guides/driver.md). `port` is its line or socket, `poll_ms` how often it
    is asked how it is.
    """

    poll_ms: PollMs = 100


LineSettings = Modbus | ModbusTcp | Framed
BarrierSettings = LineSettings | Contacts | Outside
