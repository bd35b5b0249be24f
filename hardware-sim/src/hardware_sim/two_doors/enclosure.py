"""Two doors, each with its own board, and a sensor unit between them, all with the same people.

The sensor unit's model moves the people along the whole lane. Each board sees people near its leaf with its beams.
The true positions do not depend on boards and sensors. Events of a door name that door.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from hardware_sim.barrier.device import LATE_MS_MAX, TICK_MS, Barrier
from hardware_sim.barrier.zone import GONE_M, LEAF_M, START_M, Body, Place
from hardware_sim.sensors.device import TICK_MS as SENSORS_TICK_MS
from hardware_sim.sensors.device import SensorDevice
from hardware_sim.sensors.inside import LANE_M, Door, Inside, Person

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware_sim.clock import WorldClock

MIDDLE_M = LANE_M / 2  # where a traveller stands before the camera
HALL_M = START_M - LEAF_M  # where travellers come from
BEYOND_M = LANE_M + GONE_M - LEAF_M  # out of the lane, behind the last door
PROFILE = "portcullis-sim"
BAG_CM = 55.0


@dataclass(slots=True)
class Shown(Body):
    """A person as one door's beams see them. The lane sets the position."""

    person: Person = field(kw_only=True)
    door_m: float = field(kw_only=True)

    def walk(self, elapsed_ms: float, leaf_degrees: float) -> None:
        """Take the person's position."""
        del elapsed_ms, leaf_degrees
        self.centre_m = self.person.at_m - self.door_m + LEAF_M

    @property
    def gone(self) -> bool:
        """Return True when the person has left the lane."""
        return self.person.gone


@dataclass(slots=True)
class _Walker:
    person: Person
    first: Shown
    last: Shown
    came_back: bool = False


class Enclosure:
    """The lane. `report` receives an event's name, its time in milliseconds and its fields (the truth's `record`)."""

    def __init__(self, report: Callable[..., None], clock: WorldClock) -> None:
        def door(name: str) -> Barrier:
            part = clock.part(f"{name} barrier", every_s=TICK_MS / 1000, late_s_max=LATE_MS_MAX / 1000)
            return Barrier(partial(report, door=name), part=part)

        def sensed(event: str, **fields: object) -> None:
            report(f"sensors_{event}", **fields)

        self.first, self.last = door("first"), door("last")
        leaves = (Door(0.0, lambda: self.first.is_wide_open), Door(LANE_M, lambda: self.last.is_wide_open))
        part = clock.part("sensors", every_s=SENSORS_TICK_MS / 1000, late_s_max=LATE_MS_MAX / 1000)
        self.sensors = SensorDevice(PROFILE, sensed, inside=Inside(doors=leaves), part=part)
        self._walkers: dict[str, _Walker] = {}

    def walk_in(self, traveller: str, *, from_m: float = START_M) -> None:
        """Send a traveller through the first door to the camera. One who starts further back stops further back."""
        behind_m = START_M - from_m
        walker = self._walkers.get(traveller)
        if walker is not None and not walker.person.gone:
            walker.came_back, walker.person.to_m = False, MIDDLE_M - behind_m
        else:
            self._come(traveller, Person(HALL_M - behind_m, MIDDLE_M - behind_m))

    def hide(self, traveller: str) -> None:
        """Put a person inside who passed no door: they climbed over it, or were there from the beginning."""
        self._come(traveller, Person(MIDDLE_M, MIDDLE_M), is_inside=True)

    def walk_on(self, traveller: str) -> None:
        """Send a traveller out through the last door."""
        if (walker := self._walkers.get(traveller)) is not None:
            walker.person.to_m = BEYOND_M

    def turn_back(self, traveller: str) -> None:
        """Send a traveller back to the hall through the first door. One who has passed the last door continues."""
        walker = self._walkers.get(traveller)
        if walker is None or walker.last.across:
            return
        walker.came_back = True
        walker.person.to_m = HALL_M
        for door in (self.first, self.last):
            door.come_back(traveller)

    def place_of(self, traveller: str) -> Place:
        """Return a traveller's place; WAITING before they set out."""
        walker = self._walkers.get(traveller)
        if walker is None:
            return Place.WAITING
        if walker.last.across:
            return Place.PASSED
        if walker.first.across:
            return Place.INSIDE
        if walker.first.in_zone:
            return Place.IN_ZONE
        return Place.BACK if walker.came_back else Place.WAITING

    def forget(self, traveller: str) -> None:
        """End a traveller's story. One who is still in the lane continues walking."""
        self._walkers.pop(traveller, None)
        for door in (self.first, self.last):
            door.forget(traveller)

    @property
    def way_back_is_open(self) -> bool:
        """Return True when the first door opens for the person inside: not when it is still open after they came in."""
        controller = self.first.controller
        return self.first.leaf_opens and (controller.releasing or controller.emergency)

    def lay_bag(self) -> None:
        """Leave a bag between the doors."""
        self.sensors.lay("bag", MIDDLE_M, BAG_CM)

    def take_bag(self) -> None:
        """Take the bag away, as staff do."""
        self.sensors.take("bag")

    def _come(self, traveller: str, person: Person, *, is_inside: bool = False) -> None:
        first = Shown(traveller, person=person, door_m=0.0, across=is_inside)
        last = Shown(traveller, person=person, door_m=LANE_M)
        for body in (first, last):
            body.walk(0.0, 0.0)
        self._walkers[traveller] = _Walker(person, first, last)
        self.first.join(first)
        self.last.join(last)
        self.sensors.come(traveller, person)
