"""The settings of barrier controllers, one struct a protocol."""

from __future__ import annotations

from typing import Annotated

import msgspec

from drivers.settings import Baud, Settings, Text, simulated_line


class Modbus(Settings, frozen=True, kw_only=True, tag="modbus"):
    """A board that speaks Modbus RTU. `profile` names a register map in drivers/profiles/; `poll_ms` is how often it is asked how it is."""

    port: Text
    baud: Baud = 115_200
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1
    profile: Text = "portcullis-sim"
    entry_is_left: bool = True
    poll_ms: Annotated[int, msgspec.Meta(ge=20, le=250)] = 50

    def simulated(self) -> list[str]:
        """Name the simulator's profile and its line."""
        profile = [f"profile = {self.profile} is the simulator's"] if self.profile.endswith("-sim") else []
        return profile + simulated_line(self.port)


BarrierSettings = Modbus
