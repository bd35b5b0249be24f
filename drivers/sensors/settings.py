"""The settings of sensor units, one struct per protocol."""

from __future__ import annotations

from typing import Annotated

import msgspec

from drivers.profile_file import PollMs, ProfiledDevice
from gate_core.settings.base import Baud, Text
from gate_core.settings.outside import OutsideDevice


class Modbus(ProfiledDevice, frozen=True, kw_only=True, tag="modbus"):
    """A unit with Modbus RTU on its own line. `poll_ms`: the interval of status queries.

    `profile`: the name of one in drivers/profiles/sensors/, or the absolute path of the site's own file.
    """

    baud: Baud = 9_600
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1
    profile: Text = "portcullis-sim"


class Outside(OutsideDevice, frozen=True, kw_only=True, tag="outside"):
    """A unit that a driver of another distribution drives (docs/guides/driver.md). `poll_ms` is how often it is asked how it is."""

    poll_ms: PollMs = 100


SensorSettings = Modbus | Outside
