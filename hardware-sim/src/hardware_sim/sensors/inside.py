"""What is between the doors of a lane, as it truly is: people, things, a call button, a cabinet door, the mains. Pure.

Positions are metres along the lane, growing in entry direction; the doors stand at 0 and at `LANE_M`. Who or what is at a door is not
between them. Nobody walks through a leaf that is not open wide enough, where the lane has leaves. The button's contact bounces: for a moment after it is pressed or let go it says now the one and now the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.barrier.zone import BODY_DEPTH_M, MARGIN_M, WALK_M_S

if TYPE_CHECKING:
    from collections.abc import Callable

LANE_M = 3.0
OUTSIDE_M = 0.6  # so far before a door somebody stands who is about to come in
BOUNCE_MS = 15.0
BOUNCES_MS = 3.0  # how long a contact that bounces says one thing


@dataclass(frozen=True, slots=True)
class Door:
    """A leaf across the lane: where it is, and whether it is open wide enough to walk through."""

    at_m: float
    is_open: Callable[[], bool]


@dataclass(slots=True)
class Person:
    """Somebody, and where they are walking to."""

    at_m: float
    to_m: float

    def walk(self, elapsed_ms: float, doors: tuple[Door, ...] = ()) -> None:
        """Walk for a while, and stand when there, or before a leaf. Whoever is in a doorway goes on."""
        way_m = WALK_M_S * elapsed_ms / 1000
        target_m = self.at_m + max(-way_m, min(way_m, self.to_m - self.at_m))
        for door in doors:
            if abs(self.at_m - door.at_m) < BODY_DEPTH_M / 2 or door.is_open():
                continue
            if self.at_m < door.at_m:
                target_m = min(target_m, max(self.at_m, door.at_m - BODY_DEPTH_M / 2 - MARGIN_M))
            else:
                target_m = max(target_m, min(self.at_m, door.at_m + BODY_DEPTH_M / 2 + MARGIN_M))
        self.at_m = target_m

    @property
    def gone(self) -> bool:
        """True when they have arrived outside."""
        return self.at_m == self.to_m and not _between(self.at_m)


@dataclass(frozen=True, slots=True)
class Thing:
    """Something on the floor; `size_cm` is its longest side."""

    at_m: float
    size_cm: float


@dataclass(slots=True)
class Button:
    """A call button. `level` is what its contact says."""

    pressed: bool = False
    _moved_ms: float = -BOUNCE_MS

    def move(self, *, pressed: bool, now_ms: float) -> None:
        """A finger comes or goes."""
        if pressed is not self.pressed:
            self.pressed, self._moved_ms = pressed, now_ms

    def level(self, now_ms: float) -> bool:
        """The contact, bouncing."""
        since_ms = now_ms - self._moved_ms
        if since_ms < BOUNCE_MS and int(since_ms / BOUNCES_MS) % 2:
            return not self.pressed
        return self.pressed


@dataclass(slots=True)
class Inside:
    """All of it."""

    people: dict[str, Person] = field(default_factory=dict)
    things: dict[str, Thing] = field(default_factory=dict)
    doors: tuple[Door, ...] = ()
    button: Button = field(default_factory=Button)
    cabinet_open: bool = False
    mains: bool = True

    def walk(self, person: str, to_m: float) -> None:
        """Somebody walks to a place; who is not in sight yet comes from before the door on the side that is nearer to it."""
        if person in self.people:
            self.people[person].to_m = to_m
        else:
            from_m = -OUTSIDE_M if to_m < LANE_M / 2 else LANE_M + OUTSIDE_M
            self.people[person] = Person(from_m, to_m)

    def pass_time(self, elapsed_ms: float) -> None:
        """Let everybody walk on. Who has arrived outside is out of sight."""
        for name, person in tuple(self.people.items()):
            person.walk(elapsed_ms, self.doors)
            if person.gone:
                del self.people[name]

    @property
    def bodies_m(self) -> list[float]:
        """Where people are between the doors, in order."""
        return sorted(person.at_m for person in self.people.values() if _between(person.at_m))

    @property
    def sizes_cm(self) -> list[float]:
        """How large the things between the doors are."""
        return [thing.size_cm for thing in self.things.values() if _between(thing.at_m)]


def _between(at_m: float) -> bool:
    return 0.0 < at_m < LANE_M
