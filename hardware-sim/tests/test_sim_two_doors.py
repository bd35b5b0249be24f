"""A lane of two doors: people who walk through it, what both boards and the sensor unit make of them, and what is told of each door."""

from __future__ import annotations

from typing import Any

import pytest

from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.zone import START_M, Place
from hardware_sim.clock import WorldClock
from hardware_sim.sensors.unit import WARM_UP_MS
from hardware_sim.story import CLOSE_M, FOLLOWING_M
from hardware_sim.two_doors.enclosure import Enclosure

STEP_MS = 5
THROUGH_MS = 4_000  # from setting out to standing in the middle, or to being out


class Lane:
    """Two doors on a clock that the test winds."""

    def __init__(self) -> None:
        self.now_ms = 1_000.0
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.two = Enclosure(self._tell, WorldClock(lambda: self.now_ms / 1000))
        self.bodies_max = 0
        self.wait(WARM_UP_MS + 200)

    def _tell(self, event: str, **fields: Any) -> None:
        self.told.append((event, fields))

    def wait(self, wait_ms: float) -> None:
        for _ in range(int(wait_ms / STEP_MS)):
            self.now_ms += STEP_MS
            self.two.sensors.tick(self.now_ms)
            for door in (self.two.first, self.two.last):
                door.tick(self.now_ms)
            self.bodies_max = max(self.bodies_max, self.two.first.controller.bodies)

    @property
    def inside(self) -> int | None:
        measured = self.two.sensors.unit.measured
        return None if measured is None else measured.people

    def counted(self) -> tuple[int, int, int, int]:
        """In and back at the first door, in and back at the last one."""
        first, last = self.two.first.controller.passages, self.two.last.controller.passages
        return first[Way.ENTRY], first[Way.EXIT], last[Way.ENTRY], last[Way.EXIT]

    def happened(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.told if name == event]

    def let_in(self, who: str = "anna", *, behind_m: float = 0.0) -> None:
        """The first door opens for one, and they stand in the middle."""
        self.two.first.controller.set_grant(Way.ENTRY, 1)
        self.wait(700)
        self.two.walk_in(who, from_m=START_M - behind_m)
        self.wait(THROUGH_MS)


def test_a_traveller_goes_in_by_the_first_door_stands_between_two_closed_ones_and_out_by_the_last() -> None:
    lane = Lane()
    lane.let_in()
    assert lane.two.place_of("anna") is Place.INSIDE
    assert (lane.inside, lane.counted()) == (1, (1, 0, 0, 0))
    assert lane.two.first.leaf_closed
    assert lane.two.last.leaf_closed
    lane.two.last.controller.set_grant(Way.ENTRY, 1)
    lane.wait(700)
    lane.two.walk_on("anna")
    lane.wait(THROUGH_MS)
    assert lane.two.place_of("anna") is Place.PASSED
    assert (lane.inside, lane.counted()) == (0, (1, 0, 1, 0))
    assert lane.two.first.empty
    assert lane.two.last.empty
    assert [one["door"] for one in lane.happened("passed")] == ["first", "last"]
    assert [one["inside"] for one in lane.happened("sensors_people")] == [1, 0]


def test_nobody_walks_through_a_closed_leaf() -> None:
    lane = Lane()
    lane.two.walk_in("anna")
    lane.wait(THROUGH_MS)
    assert (lane.two.place_of("anna"), lane.inside) == (Place.IN_ZONE, 0)
    assert lane.two.first.controller.bodies == 1
    lane.two.turn_back("anna")
    lane.wait(THROUGH_MS)
    assert (lane.two.place_of("anna"), lane.counted()) == (Place.BACK, (0, 0, 0, 0))
    assert [one["door"] for one in lane.happened("walked_back")] == ["first"]
    assert lane.two.first.empty


def test_one_who_goes_on_before_the_last_door_opens_stands_before_its_leaf() -> None:
    lane = Lane()
    lane.let_in()
    lane.two.walk_on("anna")
    lane.wait(THROUGH_MS)
    assert (lane.two.place_of("anna"), lane.inside) == (Place.INSIDE, 1)
    assert lane.two.last.controller.bodies == 1


def test_whoever_turns_back_stands_before_the_first_leaf_until_it_opens_and_is_counted_out_of_it() -> None:
    lane = Lane()
    lane.let_in()
    lane.two.turn_back("anna")
    lane.wait(THROUGH_MS)
    assert (lane.two.place_of("anna"), lane.inside) == (Place.INSIDE, 1)
    lane.two.first.controller.release()
    lane.wait(THROUGH_MS)
    assert (lane.two.place_of("anna"), lane.inside, lane.counted()) == (Place.BACK, 0, (1, 1, 0, 0))
    assert [(one["door"], one["direction"]) for one in lane.happened("passed")] == [
        ("first", "entry"),
        ("first", "exit"),
    ]
    assert lane.happened("walked_back") == []


def test_the_way_back_is_seen_open_while_its_leaf_opens_and_not_while_it_closes() -> None:
    lane = Lane()
    assert not lane.two.way_back_is_open
    lane.two.first.controller.release()
    lane.wait(200)
    assert lane.two.way_back_is_open
    lane.wait(3_200)
    assert not lane.two.way_back_is_open
    assert not lane.two.first.leaf_closed


def test_one_who_is_through_the_last_door_does_not_turn_back() -> None:
    lane = Lane()
    lane.let_in()
    lane.two.last.controller.set_grant(Way.ENTRY, 1)
    lane.wait(700)
    lane.two.walk_on("anna")
    lane.wait(2_000)
    lane.two.turn_back("anna")
    lane.wait(THROUGH_MS)
    assert (lane.two.place_of("anna"), lane.counted()) == (Place.PASSED, (1, 0, 1, 0))


@pytest.mark.parametrize(("behind_m", "counted", "seen"), [(CLOSE_M, 1, 1), (FOLLOWING_M, 1, 2)])
def test_two_who_step_in_are_one_or_two_to_the_beams_and_two_to_the_counter_once_both_are_in(
    behind_m: float, counted: int, seen: int
) -> None:
    lane = Lane()
    lane.two.first.controller.set_grant(Way.ENTRY, 1)
    lane.wait(700)
    lane.two.walk_in("anna")
    lane.two.walk_in("ben", from_m=START_M - behind_m)
    lane.wait(THROUGH_MS)
    assert (lane.counted()[0], lane.bodies_max) == (counted, seen)
    followed = lane.two.place_of("ben") is Place.INSIDE
    assert followed is (seen == 1), "the leaf closes before one who keeps a distance"
    assert lane.inside == 1 + followed


def test_somebody_who_hides_is_counted_and_goes_out_by_the_first_door() -> None:
    lane = Lane()
    lane.two.hide("ben")
    lane.wait(300)
    assert (lane.two.place_of("ben"), lane.inside) == (Place.INSIDE, 1)
    lane.two.first.controller.release()
    lane.two.turn_back("ben")
    lane.wait(THROUGH_MS)
    assert (lane.inside, lane.counted()) == (0, (0, 1, 0, 0))


def test_one_who_went_back_and_comes_again_is_the_same_body() -> None:
    lane = Lane()
    lane.two.walk_in("anna")
    lane.wait(500)
    lane.two.turn_back("anna")
    lane.wait(100)
    lane.let_in()
    assert (lane.two.place_of("anna"), lane.inside, lane.counted()) == (Place.INSIDE, 1, (1, 0, 0, 0))
    lane.two.forget("anna")
    assert lane.two.place_of("anna") is Place.WAITING


def test_a_bag_is_seen_until_it_is_taken() -> None:
    lane = Lane()
    lane.two.lay_bag()
    lane.wait(200)
    assert lane.two.sensors.unit.measured is not None
    assert lane.two.sensors.unit.measured.object_left
    lane.two.take_bag()
    lane.wait(200)
    assert lane.two.sensors.unit.measured.object_left is False


def test_whoever_stands_in_a_doorway_is_not_shut_out_by_its_leaf() -> None:
    lane = Lane()
    lane.two.first.controller.set_grant(Way.ENTRY, 1)
    lane.wait(700)
    lane.two.walk_in("anna")
    lane.wait(900)  # in the leaf
    lane.two.first.controller.set_grant(Way.ENTRY, 0)
    lane.wait(THROUGH_MS)
    assert lane.two.place_of("anna") is Place.INSIDE
