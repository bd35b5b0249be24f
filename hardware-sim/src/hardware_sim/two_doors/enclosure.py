"""Two doors, each with a board of its own, and a sensor unit between them, among the same people.

People are moved in one place, beside the sensor unit, along the whole lane; each board sees by its own beams whoever is near its leaf. Where
somebody is, is where they truly are, whatever boards and sensors believe. What happens at a door is told with that door.
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
    """Somebody as one door's beams have them. Where they are is not this door's business."""

    person: Person = field(kw_only=True)
    door_m: float = field(kw_only=True)

    def walk(self, elapsed_ms: float, leaf_degrees: float) -> None:
        """Be where the person is."""
        del elapsed_ms, leaf_degrees
        self.centre_m = self.person.at_m - self.door_m + LEAF_M

    @property
    def gone(self) -> bool:
        """True when they left the lane."""
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
        """Somebody sets out through the first door, to stand before the camera; whoever starts further back stands further back."""
        behind_m = START_M - from_m
        walker = self._walkers.get(traveller)
        if walker is not None and not walker.person.gone:
            walker.came_back, walker.person.to_m = False, MIDDLE_M - behind_m
        else:
            self._come(traveller, Person(HALL_M - behind_m, MIDDLE_M - behind_m))

    def hide(self, traveller: str) -> None:
        """Somebody is inside who came by no door: over it, or before anybody looked."""
        self._come(traveller, Person(MIDDLE_M, MIDDLE_M), is_inside=True)

    def walk_on(self, traveller: str) -> None:
        """Somebody goes out through the last door."""
        if (walker := self._walkers.get(traveller)) is not None:
            walker.person.to_m = BEYOND_M

    def turn_back(self, traveller: str) -> None:
        """Somebody goes back to the hall through the first door; whoever is through the last one stays on their way."""
        walker = self._walkers.get(traveller)
        if walker is None or walker.last.across:
            return
        walker.came_back = True
        walker.person.to_m = HALL_M
        for door in (self.first, self.last):
            door.come_back(traveller)

    def place_of(self, traveller: str) -> Place:
        """Where somebody is; WAITING before setting out."""
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
        """A traveller's story is over. Whoever is still in the lane goes on walking."""
        self._walkers.pop(traveller, None)
        for door in (self.first, self.last):
            door.forget(traveller)

    @property
    def way_back_is_open(self) -> bool:
        """True when whoever is inside sees the first door opening for them: not still open behind them, as they came."""
        controller = self.first.controller
        return self.first.leaf_opens and (controller.releasing or controller.emergency)

    def lay_bag(self) -> None:
        """Somebody leaves a bag."""
        self.sensors.lay("bag", MIDDLE_M, BAG_CM)

    def take_bag(self) -> None:
        """Staff take it away."""
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
