"""The demo's `gate.toml`: the tables of the devices that its world offers."""

from __future__ import annotations

from gate_demo.stage import barrier_tables
from gate_demo.world import Chip, Ready

ONE_DOOR = Ready(
    barrier="/w/barrier",
    camera="http://127.0.0.1:1/",
    chip=Chip("direct", "/w/chip", ""),
    csca=[],
    reader={},
    truth="/w/t",
)


def test_a_lane_of_one_door_has_its_barrier_alone() -> None:
    assert barrier_tables(ONE_DOOR) == {"barrier": {"port": "/w/barrier"}}


def test_a_lane_of_two_doors_has_a_first_barrier_and_the_simulators_sensor_unit() -> None:
    two = Ready(
        **{field: getattr(ONE_DOOR, field) for field in ("barrier", "camera", "chip", "csca", "reader", "truth")},
        first_barrier="/w/first-barrier",
        sensors="/w/sensors",
    )
    assert barrier_tables(two) == {
        "barrier": {"port": "/w/barrier"},
        "first_barrier": {"port": "/w/first-barrier"},
        "sensors": {"port": "/w/sensors", "profile": "portcullis-sim"},
    }
