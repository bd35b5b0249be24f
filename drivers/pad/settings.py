"""The settings of a sensor with its own verdict, and the profile of its kind (drivers/profiles/pad/*.toml, or a site's file).

A sensor with another name, version or bound than its profile is refused: the known error rates are not its own.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from drivers.profile_file import ProfileFile, Table, Verified
from gate_core.settings.base import Shown, Text
from gate_core.settings.outside import Code

SIMULATED = "portcullis-sim"
SOCKET: Final = r"^/[!-~]{1,106}$"
USER: Final = r"^(?:[a-z_][a-z0-9_-]{0,31})?$"
Bound = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]


class PadSensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sensor beside the camera whose verdict must be present, fresh and favourable: the socket of its service on this
    computer, and its profile. `user`: whom the service runs as; empty: root, or the user of this program. `code`: code of
    another distribution that speaks the service's protocol (docs/guides/driver.md); without it, the service speaks ours.
    """

    socket: Annotated[str, msgspec.Meta(pattern=SOCKET)]
    profile: Text
    user: Annotated[str, msgspec.Meta(pattern=USER)] = ""
    code: Code | None = None

    def simulated(self) -> list[str]:
        """Return what of it is simulated."""
        return [f"pad.profile = {self.profile} is the simulator's"] if Path(self.profile).stem == SIMULATED else []


class PadProfile(Table, frozen=True, kw_only=True):
    """One kind of sensor. `verified`: on what it was tested. `bound`: the sensor's own threshold for liveness. A
    verdict older than `age_ms_max` does not count. `evidence`: the basis of its error rates, for approvers.
    """

    protocol: Literal["pad-lines"]
    verified: Verified
    name: Shown
    versions: Annotated[tuple[Shown, ...], msgspec.Meta(min_length=1, max_length=16)]
    bound: Bound
    age_ms_max: Annotated[int, msgspec.Meta(ge=100, le=3000)]
    evidence: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


def load_profile(name: str) -> PadProfile:
    """A shipped profile by its name, or a site's by its absolute path. Raises SetupError."""
    return ProfileFile.open(name, room="pad").profile(PadProfile)
