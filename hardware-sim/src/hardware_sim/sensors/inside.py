"""The true state between the doors of a lane: people, things, a call button, a cabinet door, the mains. Pure.

Positions are metres along the lane, increasing in entry direction; the doors are at 0 and `LANE_M`. What is at a door is not
between them. People pass a leaf only when it is open wide enough. The button's contact bounces after each press and release.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware_sim.barrier.zone import BODY_DEPTH_M, MARGIN_M, WALK_M_S

if TYPE_CHECKING:
    from collections.abc import Callable

LANE_M = 3.0
OUTSIDE_M = 0.6  # distance from a door of a person who is about to enter
BOUNCE_MS = 15.0
BOUNCES_MS = 3.0  # how long a bouncing contact keeps one level


@dataclass(frozen=True, slots=True)
class Door:
    """A leaf across the lane: its position, and whether it is open wide enough to pass."""

    at_m: float
    is_open: Callable[[], bool]


@dataclass(slots=True)
class Person:
    """A person, their position and their destination, in metres."""

    at_m: float
    to_m: float

    def walk(self, elapsed_ms: float, doors: tuple[Door, ...] = ()) -> None:
        """Walk for this time; stop at the destination or before a closed leaf. A person in a doorway continues."""
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
        """Return True when the person has arrived outside."""
        return self.at_m == self.to_m and not _between(self.at_m)


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing on the floor; `size_cm` is its longest side."""

    at_m: float
    size_cm: float


@dataclass(slots=True)
class Button:
    """A call button. `level` is the state of its contact."""

    pressed: bool = False
    _moved_ms: float = -BOUNCE_MS

    def move(self, *, pressed: bool, now_ms: float) -> None:
        """Press or release the button."""
        if pressed is not self.pressed:
            self.pressed, self._moved_ms = pressed, now_ms

    def level(self, now_ms: float) -> bool:
        """Return the contact's state, which bounces."""
        since_ms = now_ms - self._moved_ms
        if since_ms < BOUNCE_MS and int(since_ms / BOUNCES_MS) % 2:
            return not self.pressed
        return self.pressed


@dataclass(slots=True)
class Inside:
    """The people, things and contacts between the doors."""

    people: dict[str, Person] = field(default_factory=dict)
    things: dict[str, Thing] = field(default_factory=dict)
    doors: tuple[Door, ...] = ()
    button: Button = field(default_factory=Button)
    cabinet_open: bool = False
    mains: bool = True

    def walk(self, person: str, to_m: float) -> None:
        """Let a person walk to a position in metres. A new person comes from outside the nearer door."""
        if person in self.people:
            self.people[person].to_m = to_m
        else:
            from_m = -OUTSIDE_M if to_m < LANE_M / 2 else LANE_M + OUTSIDE_M
            self.people[person] = Person(from_m, to_m)

    def pass_time(self, elapsed_ms: float) -> None:
        """Let everyone walk for this time. A person who arrives outside is removed."""
        for name, person in tuple(self.people.items()):
            person.walk(elapsed_ms, self.doors)
            if person.gone:
                del self.people[name]

    @property
    def bodies_m(self) -> list[float]:
        """Return the positions of the people between the doors, in metres, ascending."""
        return sorted(person.at_m for person in self.people.values() if _between(person.at_m))

    @property
    def sizes_cm(self) -> list[float]:
        """Return the sizes of the things between the doors, in centimetres."""
        return [thing.size_cm for thing in self.things.values() if _between(thing.at_m)]


def _between(at_m: float) -> bool:
    return 0.0 < at_m < LANE_M
