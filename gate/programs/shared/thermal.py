"""Whether this machine slows itself down because it is hot: the kernel's thermal zones against their own trip points.

A zone at its passive trip point, or above, is one for which the kernel takes speed away (Documentation/driver-api/thermal/sysfs-api.rst).
Which zones and which points there are is the machine's own affair: nothing is assumed of either. A machine without zones is never hot.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

ZONES: Final = Path("/sys/class/thermal")
_ZONES_MAX: Final = 64
_TRIPS_MAX: Final = 16


def hot_zones(zones: Path = ZONES) -> list[str]:
    """The kinds of the zones that are at a passive trip point or above, in order; one that cannot be read is left out."""
    try:
        places = sorted(zones.glob("thermal_zone*"))[:_ZONES_MAX]
    except OSError:
        return []
    return sorted({kind for place in places if (kind := _kind_if_hot(place)) is not None})


def _kind_if_hot(zone: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError):
        now = int((zone / "temp").read_text())
        points = [
            int((zone / f"trip_point_{number}_temp").read_text())
            for number in range(_TRIPS_MAX)
            if _text(zone / f"trip_point_{number}_type") == "passive"
        ]
        if any(0 < point <= now for point in points):
            return _text(zone / "type")[:32] or zone.name
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
