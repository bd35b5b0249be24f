"""The settings of a sensor with a verdict of its own. Loads no device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec

from gate_core.settings.base import Text

SIMULATED = "portcullis-sim"
SOCKET: Final = r"^/[!-~]{1,106}$"
USER: Final = r"^(?:[a-z_][a-z0-9_-]{0,31})?$"


class PadSensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sensor beside the camera whose verdict of a person must be there, fresh and favourable: the socket of its service on this computer, and its
    profile. `user` is whom the service runs as; empty: root, or whoever looks.
    """

    socket: Annotated[str, msgspec.Meta(pattern=SOCKET)]
    profile: Text
    user: Annotated[str, msgspec.Meta(pattern=USER)] = ""

    def simulated(self) -> list[str]:
        """What of it belongs to simulated hardware."""
        return [f"pad.profile = {self.profile} is the simulator's"] if Path(self.profile).stem == SIMULATED else []
