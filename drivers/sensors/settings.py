"""The settings of sensor units, one struct per protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from gate_core.settings.base import Baud, Settings, Text, simulated_line
from gate_core.settings.outside import OutsideDevice


class Modbus(Settings, frozen=True, kw_only=True, tag="modbus"):
    """A unit with Modbus RTU on its own line. `poll_ms`: the interval of status queries.

    `profile`: the name of one in drivers/profiles/sensors/, or the absolute path of the site's own file.
    """

    port: Text
    baud: Baud = 9_600
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1
    profile: Text = "portcullis-sim"
    poll_ms: Annotated[int, msgspec.Meta(ge=20, le=250)] = 100

    @property
    def line(self) -> str | None:
        """Its own line."""
        return self.port

    def simulated(self) -> list[str]:
        """Return the simulator's profile and line, if used."""
        profile = [f"profile = {self.profile} is the simulator's"] if Path(self.profile).stem.endswith("-sim") else []
        return profile + simulated_line(self.port)


class Outside(OutsideDevice, frozen=True, kw_only=True, tag="outside"):
    """A unit that a driver of another distribution drives (docs/guides/driver.md). `poll_ms` is how often it is asked how it is."""

    poll_ms: Annotated[int, msgspec.Meta(ge=20, le=250)] = 100


SensorSettings = Modbus | Outside
