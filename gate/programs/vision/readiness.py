"""Whether vision could serve a traveller now, from what is known of it. Pure.

Able is proven, not assumed: the waiting child has given its golden values within `PROVEN_MAX_S`, or the crossing under way has a
child that lives. Alive is another question: whoever waits for a camera, for models or for a child lives; whoever has stood still does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PROVEN_MAX_S: Final = 30.0
CHILD_MAX_S: Final = 12.0  # from a crossing's start to its child: the spare gives up after ten
ERASED_MAX_S: Final = 5.0  # from a crossing's end to the end of its child
WATCH_MAX_S: Final = 20.0  # between two turns of the watch over camera and spare


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
