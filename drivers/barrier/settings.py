"""The settings of barrier controllers, one struct a protocol."""

from __future__ import annotations

from typing import Annotated

import msgspec

from drivers.settings import Baud, Settings, Text, simulated_line


class Board(Settings, frozen=True, kw_only=True):
    """A board on a serial line. `poll_ms` is how often it is asked how it is.

    `profile` is one of drivers/profiles/barrier/ by its name, or the absolute path of the site's own file.
    """

    port: Text
    baud: Baud = 115_200
    profile: Text
    entry_is_left: bool = True
    poll_ms: Annotated[int, msgspec.Meta(ge=20, le=250)] = 50

    def simulated(self) -> list[str]:
        """Name the simulator's profile and its line."""
        profile = [f"profile = {self.profile} is the simulator's"] if self.profile.endswith("-sim") else []
        return profile + simulated_line(self.port)


class Modbus(Board, frozen=True, kw_only=True, tag="modbus"):
    """A board that speaks Modbus RTU."""

    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1
    profile: Text = "portcullis-sim"


class Framed(Board, frozen=True, kw_only=True, tag="framed"):
    """A board that speaks short frames. `unit` is its number on the line."""

    baud: Baud = 9_600
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1


BarrierSettings = Modbus | Framed
