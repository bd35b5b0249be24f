"""Readiness of vision (pure), and detection of thermal throttling.

Ready needs a proof: the spare's models gave their golden values within PROVEN_MAX_S, or the running crossing has a live
child. Alive differs: a program that waits for camera, models or child is alive; one that makes no progress is not.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROVEN_MAX_S: Final = 30.0
CHILD_MAX_S: Final = 12.0  # from a crossing's start to its child; the spare's limit is 10 s
ERASED_MAX_S: Final = 5.0  # from a crossing's end to the end of its child
WATCH_MAX_S: Final = 20.0  # between two tests of camera and spare
ZONES: Final = Path("/sys/class/thermal")
_ZONES_MAX: Final = 64
_TRIPS_MAX: Final = 16


def hot_zones(zones: Path = ZONES) -> list[str]:
    """Return the kinds of thermal zones at or above a passive trip point, where the kernel throttles
    (Documentation/driver-api/thermal/sysfs-api.rst), sorted. Unreadable zones are left out.
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
    """The running crossing: age, whether it has a child, time since its end was requested."""

    age_s: float
    has_child: bool
    ending_s: float | None

    @property
    def stands_still(self) -> bool:
        """True if it is not served, or not erased, in time."""
        if self.ending_s is not None:
            return self.ending_s > ERASED_MAX_S
        return not self.has_child and self.age_s > CHILD_MAX_S


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts for the state. `lost`: why no traveller can be served. `proven_s`: since the spare's last proof."""

    lost: str
    page: str
    has_spare: bool
    proven_s: float | None
    watched_s: float
    crossing: CrossingFacts | None = None


def state_of(facts: Facts) -> str:
    """Return ready, starting or degraded."""
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
    """False if only a restart can help."""
    if facts.crossing is not None and facts.crossing.stands_still:
        return False
    return facts.watched_s <= WATCH_MAX_S
