"""The simulated barrier: what the controller does by itself and what its registers say, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hardware_sim.barrier.beams import BeamWatcher, Way, bodies_told_apart
from hardware_sim.barrier.controller import OPEN_TOO_LONG_MS, RELEASE_MS_MIN, Alarm
from hardware_sim.barrier.device import Barrier
from hardware_sim.barrier.leaf import Leaf, LeafState
from hardware_sim.barrier.zone import Body, Place, broken_beams
from hardware_sim.modbus import seal, sound

ENTRY, EXIT = 1, 2
STATE, BEAMS, BODIES, ALARMS, FIRE, MODE, GRANT_LEFT, POWER_UPS, HOST_LEFT = 2, 3, 4, 9, 10, 11, 14, 15, 16


class Lane:
    """A barrier with a clock of its own and a host that polls it."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, dict[str, object]]] = []
        self.now_ms = 1_000_000.0
        self.barrier = Barrier(self._report)
        self.polling = True
        self.run(20)

    def _report(self, event: str, *, at_ms: int, **fields: object) -> None:
        self.events.append((at_ms, event, fields))

    def run(self, ms: float) -> None:
        until = self.now_ms + ms
        while self.now_ms < until:
            self.now_ms += 10
            assert self.barrier.tick(self.now_ms) == b""
            if self.polling:
                self.status()

    def run_until(self, condition: Callable[[], bool], limit_ms: float = 20_000) -> None:
        until = self.now_ms + limit_ms
        while not condition():
            assert self.now_ms < until, "it never happened"
            self.run(10)

    def ask(self, body: bytes) -> bytes:
        reply = self.barrier.receive(seal(body), self.now_ms)
        assert sound(reply)
        return reply[1:-2]

    def status(self) -> list[int]:
        reply = self.ask(bytes([1, 4, 0, 0, 0, 17]))
        return [int.from_bytes(reply[at : at + 2], "big") for at in range(2, 36, 2)]

    def write(self, address: int, *values: int) -> int:
        """Returns 0, or the exception's code."""
        data = b"".join(value.to_bytes(2, "big") for value in values)
        head = bytes([1, 16, 0, address, 0, len(values), len(data)])
        reply = self.ask(head + data)
        return reply[1] if reply[0] & 0x80 else 0

    def grant(self, ttl_ms: int = 5000, way: int = ENTRY) -> int:
        return self.write(0, ttl_ms, int(way == ENTRY), int(way == EXIT))

    def names(self) -> list[str]:
        return [event for _, event, _ in self.events]

    def fields(self, name: str) -> list[dict[str, object]]:
        return [fields for _, event, fields in self.events if event == name]

    @property
    def leaf(self) -> int:
        return self.status()[STATE]


@pytest.fixture
def lane() -> Lane:
    return Lane()


def walk_through(lane: Lane, name: str = "t1") -> None:
    lane.barrier.walk_in(name)
    lane.run_until(lambda: lane.barrier.place_of(name) is Place.PASSED)


def test_it_says_who_it_is_and_rests_closed(lane: Lane) -> None:
    status = lane.status()
    assert status[:3] == [0x504C, 1, LeafState.CLOSED]
    assert status[POWER_UPS] == 1
    assert status[HOST_LEFT] > 900
    assert lane.barrier.leaf_closed


def test_a_grant_opens_in_about_600_ms_and_one_passage_closes_it(lane: Lane) -> None:
    lane.grant()
    opened_at = lane.now_ms
    lane.run_until(lambda: lane.leaf == LeafState.OPEN)
    assert 580 <= lane.now_ms - opened_at <= 640
    walk_through(lane)
    assert lane.status()[5:9] == [0, 1, 0, 0]
    assert lane.status()[12:15] == [0, 0, 0]
    lane.run_until(lambda: lane.leaf == LeafState.CLOSED)
    assert lane.status()[ALARMS] == 0
    assert lane.fields("passed") == [{"direction": "entry", "traveller": "t1"}]
    assert lane.fields("grant_ended") == [{"direction": "entry", "how": "used"}]
    assert [fields["to"] for fields in lane.fields("leaf_moved")] == ["opening", "closing"]
    assert [fields["at"] for fields in lane.fields("leaf_at_rest")] == ["open", "closed"]


def test_whoever_comes_out_through_an_open_leaf_is_counted_in_exit_direction(lane: Lane) -> None:
    lane.grant()
    lane.run_until(lambda: lane.leaf == LeafState.OPEN)
    lane.barrier.walk_out("t1")
    lane.run_until(lambda: lane.barrier.place_of("t1") is Place.PASSED)
    lane.barrier.turn_back("t1")  # too late
    lane.run(2_000)
    assert lane.status()[5:9] == [0, 0, 0, 1]
    assert lane.status()[BEAMS] == 0
    assert lane.status()[ALARMS] == Alarm.REVERSE_PASSAGE
    assert lane.fields("passed") == [{"direction": "exit", "traveller": "t1"}]
    assert "walked_back" not in lane.names()


def test_nobody_comes_out_through_a_closed_leaf_and_they_go_back(lane: Lane) -> None:
    lane.barrier.walk_out("t1")
    lane.run(3_000)
    assert lane.barrier.place_of("t1") is Place.IN_ZONE
    lane.barrier.turn_back("t1")
    lane.run_until(lambda: lane.barrier.place_of("t1") is Place.BACK)
    lane.run(2_000)
    assert lane.status()[BEAMS] == 0
    assert lane.names()[-1] == "walked_back"


def test_nobody_walks_through_a_closed_leaf(lane: Lane) -> None:
    lane.barrier.walk_in("t1")
    lane.run(5000)
    assert lane.barrier.place_of("t1") is Place.IN_ZONE
    assert lane.status()[BODIES] == 1
    lane.barrier.turn_back("t1")
    lane.run_until(lambda: lane.barrier.place_of("t1") is Place.BACK)
    lane.run(1000)
    assert lane.status()[BEAMS] == 0
    assert "passed" not in lane.names()
    assert lane.names()[-1] == "walked_back"


def test_one_who_turns_back_before_the_zone_is_back_without_having_been_in_it(lane: Lane) -> None:
    lane.barrier.walk_in("t1")
    lane.run(50)
    lane.barrier.turn_back("t1")
    lane.run_until(lambda: lane.barrier.place_of("t1") is Place.BACK)
    assert "body_entered" not in lane.names()
    lane.barrier.forget("t1")
    assert lane.barrier.place_of("t1") is Place.WAITING


def test_repeating_a_grant_grants_nothing_more_and_does_not_prolong_it(lane: Lane) -> None:
    lane.grant(ttl_ms=1000)
    lane.run(700)
    lane.grant(ttl_ms=1000)
    lane.run(400)
    assert lane.status()[12] == 0
    assert lane.fields("grant_ended") == [{"direction": "entry", "how": "ttl"}]
    assert len(lane.fields("grant_received")) == 1


def test_a_grant_ends_at_its_time_to_live_and_the_leaf_closes(lane: Lane) -> None:
    lane.grant(ttl_ms=2000)
    assert 1900 <= lane.status()[GRANT_LEFT] <= 2000
    lane.run(2050)
    assert lane.status()[12:15] == [0, 0, 0]
    lane.run_until(lambda: lane.leaf == LeafState.CLOSED, 700)


def test_a_revoked_grant_closes_at_once(lane: Lane) -> None:
    lane.grant()
    lane.run(700)
    lane.write(1, 0)
    lane.run(20)
    assert lane.leaf == LeafState.CLOSING
    assert lane.fields("grant_ended") == [{"direction": "entry", "how": "revoked"}]


def test_revoking_what_was_not_granted_is_nothing(lane: Lane) -> None:
    assert lane.write(1, 0, 0) == 0
    assert "grant_ended" not in lane.names()


def test_a_silent_host_loses_its_grants(lane: Lane) -> None:
    lane.write(3, 500)
    lane.grant(ttl_ms=10_000)
    lane.polling = False
    lane.run(480)
    assert "host_lost" not in lane.names()
    lane.run(40)
    assert lane.names()[-3:] == ["host_lost", "grant_ended", "leaf_moved"]
    lane.polling = True
    lane.run(20)
    assert lane.status()[ALARMS] == Alarm.HOST_LOST
    lane.write(6, 0xFFFF)
    assert lane.status()[ALARMS] == 0


def test_requests_that_are_refused_or_not_for_us_do_not_keep_the_host_alive(lane: Lane) -> None:
    lane.polling = False
    for _ in range(20):
        lane.run(100)
        lane.barrier.receive(seal(bytes([2, 4, 0, 0, 0, 1])), lane.now_ms)
        lane.barrier.receive(seal(bytes([1, 4, 0, 99, 0, 1])), lane.now_ms + 50)
        lane.now_ms += 100
    assert "host_lost" in lane.names()


@pytest.mark.parametrize(
    ("address", "values", "code"),
    [
        (0, [999, 1], 3),
        (0, [30_001], 3),
        (1, [2], 3),
        (2, [2], 3),
        (3, [199], 3),
        (3, [5001], 3),
        (4, [4], 3),
        (5, [1], 3),
        (7, [2], 3),
        (7, [1, 1], 2),
        (8, [1], 2),
    ],
)
def test_what_the_map_does_not_allow_is_refused_and_changes_nothing(
    lane: Lane, address: int, values: list[int], code: int
) -> None:
    before = lane.ask(bytes([1, 3, 0, 0, 0, 8]))
    assert lane.write(address, *values) == code
    assert lane.ask(bytes([1, 3, 0, 0, 0, 8])) == before
    assert "grant_received" not in lane.names()


def test_settings_read_back(lane: Lane) -> None:
    assert lane.write(3, 800, 2) == 0
    assert lane.grant(ttl_ms=3000, way=EXIT) == 0
    assert lane.ask(bytes([1, 3, 0, 0, 0, 8])) == bytes([3, 16]) + b"".join(
        value.to_bytes(2, "big") for value in (3000, 0, 1, 800, 2, 0, 0, 0)
    )


def test_a_tailgater_is_seen_as_a_second_body_and_meets_a_closing_leaf(lane: Lane) -> None:
    lane.grant()
    lane.run_until(lambda: lane.leaf == LeafState.OPEN)
    lane.barrier.walk_in("t1")
    lane.barrier.walk_in("t2", from_m=-1.45)
    most = 0

    def look() -> bool:
        nonlocal most
        most = max(most, lane.status()[BODIES])
        return lane.leaf == LeafState.CLOSED

    lane.run_until(look)
    assert most == 2
    lane.run(1000)
    assert [fields["traveller"] for fields in lane.fields("passed")] == ["t1"]
    assert lane.status()[6] == 1
    assert lane.barrier.place_of("t2") is Place.IN_ZONE


def test_a_body_in_a_closing_leaf_turns_it_back_and_keeps_it_open_until_it_is_free(lane: Lane) -> None:
    lane.grant(ttl_ms=1000)
    lane.run(600)
    lane.barrier.walk_in("t1", from_m=0.1)
    lane.run(200)
    lane.write(1, 0)  # the leaf begins to close in front of somebody who is half through
    lane.run(60)
    assert lane.leaf in {LeafState.OPENING, LeafState.OPEN}
    lane.run_until(lambda: lane.barrier.place_of("t1") is Place.PASSED)
    assert lane.status()[ALARMS] & Alarm.PASSAGE_WITHOUT_GRANT


def test_an_obstacle_reversal_is_reported_with_its_obstacle(lane: Lane) -> None:
    lane.grant(ttl_ms=1000)
    lane.run_until(lambda: lane.leaf == LeafState.CLOSING)
    lane.run(30)
    lane.barrier.walk_in("t1", from_m=0.15)
    lane.run(40)
    assert lane.status()[ALARMS] & Alarm.OBSTRUCTED
    assert lane.fields("leaf_moved")[-1] == {"from": "closing", "to": "opening", "obstacle": True}
    lane.write(6, Alarm.OBSTRUCTED)
    assert lane.status()[ALARMS] & Alarm.OBSTRUCTED, "the cause is still there"


def test_the_fire_input_opens_whatever_the_host_says_and_stays_latched(lane: Lane) -> None:
    lane.grant()
    lane.barrier.set_fire(active=True)
    lane.barrier.set_fire(active=True)
    lane.run(700)
    assert lane.status()[FIRE] == 1
    assert lane.status()[MODE] == 1
    assert lane.leaf == LeafState.OPEN
    assert lane.grant() == 4
    assert lane.write(7, 1) == 4
    assert lane.write(1, 0) == 0
    lane.barrier.set_fire(active=False)
    lane.run(3000)
    assert lane.leaf == LeafState.OPEN
    assert lane.write(7, 1) == 0
    lane.run_until(lambda: lane.leaf == LeafState.CLOSED, 700)
    assert lane.fields("grant_ended") == [{"direction": "entry", "how": "emergency"}]
    assert lane.names().count("fire_on") == 1
    lane.write(7, 1)
    assert lane.names().count("emergency_ended") == 1


def test_passages_in_an_emergency_are_counted_without_an_alarm(lane: Lane) -> None:
    lane.barrier.set_fire(active=True)
    lane.run(700)
    walk_through(lane)
    assert lane.status()[6] == 1
    assert lane.status()[ALARMS] == 0


def test_a_release_stays_open_until_the_zone_is_empty(lane: Lane) -> None:
    lane.barrier.walk_in("t1")
    lane.run(1500)
    assert lane.write(5, 0x5245) == 0
    lane.run_until(lambda: lane.barrier.place_of("t1") is Place.PASSED)
    lane.run_until(lambda: lane.leaf == LeafState.CLOSED)
    assert lane.names().count("release_received") == 1
    assert lane.status()[ALARMS] == 0


def test_a_release_of_an_empty_lane_gives_time_to_leave(lane: Lane) -> None:
    lane.write(5, 0x5245)
    lane.run(RELEASE_MS_MIN - 20)
    assert lane.leaf == LeafState.OPEN
    lane.run(40)
    assert lane.leaf == LeafState.CLOSING


def test_a_forced_leaf_raises_an_alarm_that_goes_when_it_is_closed_again(lane: Lane) -> None:
    lane.barrier.push_leaf(40)
    assert lane.fields("leaf_forced") == [{"from": "closed", "degrees": 40}]
    lane.write(6, Alarm.FORCED)
    assert lane.status()[ALARMS] == Alarm.FORCED
    lane.run_until(lambda: lane.leaf == LeafState.CLOSED)
    lane.write(6, Alarm.FORCED)
    assert lane.status()[ALARMS] == 0


def test_pushing_a_leaf_that_is_granted_open_is_no_force(lane: Lane) -> None:
    lane.grant()
    lane.barrier.push_leaf(90)
    assert lane.status()[ALARMS] == 0


def test_a_body_that_stays_in_the_leaf_is_open_too_long(lane: Lane) -> None:
    lane.grant(ttl_ms=1000)
    lane.run(700)
    lane.barrier.walk_in("t1", from_m=0.2)
    lane.run(100)
    lane.barrier.turn_back("t1")
    lane.barrier.set_motor_fault(faulty=True)
    lane.run(OPEN_TOO_LONG_MS + 1000)
    assert lane.status()[ALARMS] & Alarm.OPEN_TOO_LONG
    assert lane.status()[ALARMS] & Alarm.MOTOR_FAULT
    lane.write(6, 0xFFFF)
    assert lane.status()[ALARMS] & Alarm.MOTOR_FAULT
    lane.barrier.set_motor_fault(faulty=False)
    lane.run(1000)
    lane.write(6, 0xFFFF)
    assert lane.status()[ALARMS] == 0


def test_a_faulty_motor_stops_the_leaf_where_it_is(lane: Lane) -> None:
    lane.grant()
    lane.run(200)
    lane.barrier.set_motor_fault(faulty=True)
    lane.run(20)
    assert lane.leaf == LeafState.STOPPED
    assert lane.fields("leaf_at_rest") == [{"at": "stopped"}]


def test_power_begins_everything_anew_but_the_leaf(lane: Lane) -> None:
    lane.grant()
    lane.run_until(lambda: lane.leaf == LeafState.OPEN)
    walk_through(lane)
    lane.grant()
    lane.barrier.power_cycle()
    status = lane.status()
    assert status[5:9] == [0, 0, 0, 0]
    assert status[12:16] == [0, 0, 0, 2]
    assert lane.fields("power_up") == [{"power_ups": 2}]
    assert lane.fields("grant_ended")[-1]["how"] == "power_up"


def test_the_fire_input_outlasts_a_power_cut(lane: Lane) -> None:
    lane.barrier.set_fire(active=True)
    lane.run(50)
    lane.barrier.power_cycle()
    lane.run(50)
    assert lane.status()[MODE] == 1


def test_a_late_tick_is_made_up_in_steps_each_told_with_its_time(lane: Lane) -> None:
    lane.polling = False
    lane.grant()
    granted_ms = lane.now_ms
    lane.now_ms += 700
    assert lane.status()[STATE] == LeafState.OPEN
    (opened_ms,) = [at_ms for at_ms, event, _ in lane.events if event == "leaf_at_rest"]
    assert opened_ms - granted_ms <= 620


def test_a_reply_to_a_frame_that_silence_ended_comes_with_a_tick(lane: Lane) -> None:
    lane.polling = False
    lane.barrier.receive(seal(bytes([1, 0x2B, 0x0E])), lane.now_ms)
    assert lane.barrier.tick(lane.now_ms + 20) == seal(bytes([1, 0xAB, 1]))


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (["000", "100", "110", "011", "001", "000"], [Way.ENTRY]),
        (["000", "001", "011", "110", "100", "000"], [Way.EXIT]),
        (["000", "100", "110", "100", "000"], []),
        (["000", "001", "011", "001", "000"], []),
        (["100", "110", "011", "101", "100"], [Way.ENTRY]),
        (["111", "000"], []),
        (["010", "001"], [Way.ENTRY]),
    ],
)
def test_the_beams_tell_who_passed(sequence: list[str], expected: list[Way]) -> None:
    watcher = BeamWatcher()
    seen = [watcher.see(tuple(bit == "1" for bit in beams)) for beams in sequence]
    assert [way for way in seen if way] == expected


@pytest.mark.parametrize(("beams", "bodies"), [("000", 0), ("110", 1), ("111", 1), ("101", 2), ("001", 1)])
def test_bodies_are_told_apart_by_a_free_beam(beams: str, bodies: int) -> None:
    assert bodies_told_apart(tuple(bit == "1" for bit in beams)) == bodies


def test_an_exit_passage_on_an_entry_grant_is_a_reverse_passage() -> None:
    lane = Lane()
    lane.grant()
    controller = lane.barrier._controller
    lane.polling = False
    for beams in ("001", "011", "110", "100", "000"):
        lane.now_ms += 10
        controller.step(lane.now_ms, tuple(bit == "1" for bit in beams))
    assert controller.alarms == Alarm.REVERSE_PASSAGE
    assert controller.passages[Way.EXIT] == 1
    assert controller.granted(Way.ENTRY) == 1


def test_two_bodies_without_a_gap_are_one_to_the_beams_and_two_to_the_truth(lane: Lane) -> None:
    lane.grant()
    lane.run_until(lambda: lane.leaf == LeafState.OPEN)
    lane.barrier.walk_in("t1")
    lane.barrier.walk_in("t2", from_m=-0.9)
    lane.run(4000)
    assert lane.status()[6] == 1
    assert [fields["traveller"] for fields in lane.fields("passed")] == ["t1", "t2"]


def test_a_body_always_breaks_a_beam_while_it_is_between_the_outer_ones() -> None:
    for centimetres in range(81):
        assert any(broken_beams([Body("t", centimetres / 100)]))


def test_a_body_on_the_far_side_stops_at_the_leaf_on_its_way_back() -> None:
    body = Body("t", 1.2, -1.2)
    for _ in range(100):
        body.walk(20, leaf_degrees=0)
    assert body.rear_m > 0.4
    body.walk(1000, leaf_degrees=90)
    assert body.front_m < 0.4


@pytest.mark.parametrize(("degrees", "state"), [(200, LeafState.OPEN), (-5, LeafState.CLOSED), (30, LeafState.STOPPED)])
def test_a_pushed_leaf_stays_within_its_range(degrees: float, state: LeafState) -> None:
    leaf = Leaf()
    leaf.push(degrees)
    assert leaf.state is state
