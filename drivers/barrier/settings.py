"""The settings of barrier controllers, one struct a protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from gate_core.settings.base import Baud, Settings, Text, simulated_line
from gate_core.settings.outside import OutsideDevice

PollMs = Annotated[int, msgspec.Meta(ge=20, le=250)]


class Board(Settings, frozen=True, kw_only=True):
    """A board, or a gate's contacts, that a profile describes. `port` is its device, `poll_ms` how often it is asked how it is.

    `profile` is one of drivers/profiles/barrier/ by its name, or the absolute path of the site's own file.
    """

    port: Text
    profile: Text
    entry_is_left: bool = True
    poll_ms: PollMs = 100

    @property
    def line(self) -> str | None:
        """The board's own."""
        return self.port

    def simulated(self) -> list[str]:
        """Name the simulator's profile and its line."""
        profile = [f"profile = {self.profile} is the simulator's"] if Path(self.profile).stem.endswith("-sim") else []
        return profile + simulated_line(self.port)


class Modbus(Board, frozen=True, kw_only=True, tag="modbus"):
    """A board that speaks Modbus RTU."""

    baud: Baud = 115_200
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1
    profile: Text = "portcullis-sim"


class ModbusTcp(Board, frozen=True, kw_only=True, tag="modbus-tcp"):
    """A board that speaks Modbus TCP. `port` is the Unix socket of a relay to it: whoever moves the barrier has no network."""

    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1

    @property
    def baud(self) -> int:
        """The slowest line that a gateway is expected to have behind it: what a frame takes there counts, not the network."""
        return 9_600


class Framed(Board, frozen=True, kw_only=True, tag="framed"):
    """A board that speaks short frames. `unit` is its number on the line."""

    baud: Baud = 9_600
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1


class Contacts(Board, frozen=True, kw_only=True, tag="contacts"):
    """A gate that takes pulses, wired to lines of a GPIO chip. `port` is the chip's device."""

    @property
    def line(self) -> str | None:
        """None: two doors may be wired to one chip, and the kernel gives each of its lines to one of them only."""
        return None

    def simulated(self) -> list[str]:
        """Name a chip of the kernel's own simulators."""
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
