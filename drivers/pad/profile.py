"""What one kind of sensor with a verdict of its own is called, and what may be believed of it, as a profile.

A profile is data (drivers/profiles/pad/*.toml, or a site's file), read strictly. A sensor that gives another name, version or bound than its
profile is another sensor: what is known of its error rates is not about it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from drivers.profile_file import ProfileFile, Table, Verified

Shown = Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,64}$")]
Bound = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]


class PadProfile(Table, frozen=True, kw_only=True):
    """One kind of sensor. `verified`: on what it was tried. `bound`: from which score on the sensor itself says that somebody lives. An older
    verdict than `age_ms_max` tells nothing. `evidence`: what its error rates rest on, for whoever approves.
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
    file = ProfileFile.open(name, room="pad")
    return file.fitted(file.table(), PadProfile)
