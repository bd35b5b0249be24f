"""Whether vision could serve a traveller now (pure), and whether its machine slows itself down because it is hot.

Able is proven: the waiting child gave its golden values within `PROVEN_MAX_S`, or the crossing under way has a child that lives. Alive is another
question: whoever waits for a camera, for models or for a child lives; whoever has stood still does not.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROVEN_MAX_S: Final = 30.0
CHILD_MAX_S: Final = 12.0  # from a crossing's start to its child: the spare gives up after ten
ERASED_MAX_S: Final = 5.0  # from a crossing's end to the end of its child
WATCH_MAX_S: Final = 20.0  # between two turns of the watch over camera and spare
ZONES: Final = Path("/sys/class/thermal")
_ZONES_MAX: Final = 64
_TRIPS_MAX: Final = 16


def hot_zones(zones: Path = ZONES) -> list[str]:
    """The kinds of the thermal zones that are at a passive trip point or above, for which the kernel takes speed away
    (Documentation/driver-api/thermal/sysfs-api.rst), in order; one that cannot be read is left out, and nothing is assumed of which there are.
    """
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


@dataclass(frozen=True, slots=True)
class CrossingFacts:
    """The crossing under way: how old it is, whether it has a child, how long ago it was told to end."""

    age_s: float
    has_child: bool
    ending_s: float | None

    @property
    def stands_still(self) -> bool:
        """True when nobody serves it, or nobody erases it."""
        if self.ending_s is not None:
            return self.ending_s > ERASED_MAX_S
        return not self.has_child and self.age_s > CHILD_MAX_S


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known. `lost` is why no traveller can be looked at, `proven_s` how long ago the waiting child gave its golden values."""

    lost: str
    page: str
    has_spare: bool
    proven_s: float | None
    watched_s: float
    crossing: CrossingFacts | None = None


def state_of(facts: Facts) -> str:
    """One word: ready, starting or degraded."""
    if facts.lost or facts.page not in {"up", "starting"}:
        return "degraded"
    if facts.page == "starting":
        return "starting"
    if facts.crossing is not None:
        return "degraded" if facts.crossing.stands_still else "ready"
    if not facts.has_spare:
        return "starting"
    return "ready" if facts.proven_s is not None and facts.proven_s <= PROVEN_MAX_S else "degraded"


def is_alive(facts: Facts) -> bool:
    """False when a new start is the only way on."""
    if facts.crossing is not None and facts.crossing.stands_still:
        return False
    return facts.watched_s <= WATCH_MAX_S
