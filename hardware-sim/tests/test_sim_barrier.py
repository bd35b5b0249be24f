"""The simulated barrier: what the controller does by itself and what its registers say, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from hardware_sim.barrier.beams import BeamWatcher, Way, bodies_told_apart
from hardware_sim.barrier.controller import OPEN_TOO_LONG_MS, RELEASE_MS_MIN, Alarm
from hardware_sim.barrier.device import Barrier
from hardware_sim.barrier.leaf import Leaf, LeafState
from hardware_sim.barrier.zone import START_M, Body, Place, broken_beams
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


class Teller:
    """Plays a story in words: orders, milliseconds that pass, people, and after = what is true then."""

    def __init__(self) -> None:
        self.lane = Lane()
        self.code = 0

    def play(self, story: str) -> None:
        for step in story.split(", "):
            word, *more = step.removeprefix("=").split()
            if step.startswith("="):
                assert self.shown(word, more) == more, step
            elif word == "until":
                self.lane.run_until(partial(self._is, *more))
            elif word.isdigit():
                self.lane.run(int(word))
            else:
                self.do(word, *more)

    def _is(self, what: str, place: str = "") -> bool:
        if place:
            return self.lane.barrier.place_of(what) is Place[place.upper()]
        return self.lane.leaf == LeafState[what.upper()]

    def do(self, word: str, *more: str) -> None:
        lane, barrier = self.lane, self.lane.barrier
        match word:
            case "grant":
                self.code = lane.grant(*map(int, more))
            case "write":
                self.code = lane.write(*(int(one, 0) for one in more))
            case "in":
                barrier.walk_in(more[0], from_m=float(more[1]) if more[1:] else START_M)
            case "out":
                barrier.walk_out(*more)
            case "back":
                barrier.turn_back(*more)
            case "forget":
                barrier.forget(*more)
            case "fire" | "no-fire":
                barrier.set_fire(active=word == "fire")
            case "broken" | "mended":
                barrier.set_motor_fault(faulty=word == "broken")
            case "push":
                barrier.push_leaf(float(*more))
            case "power":
                barrier.power_cycle()
            case "silent" | "polls":
                lane.polling = word == "polls"
            case _:
                raise AssertionError(word)

    def shown(self, word: str, wanted: list[str]) -> list[str]:
        """What the world reported, or the registers have; who asks for registers is heard by the board."""
        names = self.lane.names()
        match word:
            case "place":
                return [wanted[0], self.lane.barrier.place_of(wanted[0]).name.lower()]
            case "last":
                return names[-len(wanted) :]
            case "code":
                return [str(self.code)]
            case "leaf":
                return [LeafState(self.lane.leaf).name.lower()]
            case "alarms":
                return [one.name.lower() for one in Alarm if self.lane.status()[ALARMS] & one and one.name]
            case _ if word in TOLD:
                return ["/".join(map(str, fields.values())) for fields in self.lane.fields(TOLD[word])]
            case _ if word in REGISTERS:
                return [str(value) for value in self.lane.status()[REGISTERS[word]]]
            case _:
                return [str(names.count(word))]


REGISTERS = {
    "beams": slice(3, 4),
    "bodies": slice(4, 5),
    "counts": slice(5, 9),
    "fire": slice(10, 11),
    "mode": slice(11, 12),
    "left": slice(12, 15),
    "ups": slice(15, 16),
}
# Events whose fields are compared, all of them and in their order; of another event it is the number that is compared.
TOLD = {
    "ended": "grant_ended",
    "passed": "passed",
    "moved": "leaf_moved",
    "rests": "leaf_at_rest",
    "forced": "leaf_forced",
    "powered": "power_up",
}
REVOKE, RELEASE, END, CLEAR = "write 1 0", "write 5 0x5245", "write 7 1", "write 6 0xFFFF"
OPENED = "grant, until open"
STORIES = {
    "whoever comes out through an open leaf is counted in exit direction":
        f"{OPENED}, out t1, until t1 passed, back t1, 2000, =counts 0 0 0 1, =beams 0, =alarms reverse_passage, =passed exit/t1, =walked_back 0",
    "nobody comes out through a closed leaf and they go back":
        "out t1, 3000, =place t1 in_zone, back t1, until t1 back, 2000, =beams 0, =last walked_back",
    "nobody walks through a closed leaf":
        "in t1, 5000, =place t1 in_zone, =bodies 1, back t1, until t1 back, 1000, =beams 0, =passed, =last walked_back",
    "one who turns back before the zone was not in it":
        "in t1, 50, back t1, until t1 back, =body_entered 0, forget t1, =place t1 waiting",
    "repeating a grant grants nothing more and does not prolong it":
        "grant 1000, 700, grant 1000, 400, =left 0 0 0, =ended entry/ttl, =grant_received 1",
    "a revoked grant closes at once": f"grant, 700, {REVOKE}, 20, =leaf closing, =ended entry/revoked",
    "revoking what was not granted is nothing": "write 1 0 0, =code 0, =ended",
    "a silent host loses its grants":
        f"write 3 500, grant 10000, silent, 480, =host_lost 0, 40, =last host_lost grant_ended leaf_moved, polls, 20, =alarms host_lost, {CLEAR}, =alarms",
    "a body in a closing leaf turns it back and keeps it open":
        f"grant 1000, 600, in t1 0.1, 200, {REVOKE}, 60, =leaf open, until t1 passed, =alarms passage_without_grant",
    "an obstacle turns the leaf, and its alarm stays with it":
        "grant 1000, until closing, 30, in t1 0.15, 40, =alarms obstructed, =moved closed/opening/False open/closing/False closing/opening/True, write 6 0xFFFF, =alarms obstructed",
    "the fire input opens whatever the host says and stays latched":
        f"grant, fire, fire, 700, =fire 1, =mode 1, =leaf open, grant, =code 4, {END}, =code 4, {REVOKE}, =code 0, no-fire, 3000, =leaf open, "
        f"{END}, =code 0, 700, =leaf closed, =ended entry/emergency, =fire_on 1, {END}, =emergency_ended 1",
    "passages in an emergency are counted without an alarm": "fire, 700, in t1, until t1 passed, =counts 0 1 0 0, =alarms",
    "a release stays open until the zone is empty":
        f"in t1, 1500, {RELEASE}, =code 0, until t1 passed, until closed, =release_received 1, =alarms",
    "a release of an empty lane gives time to leave":
        f"{RELEASE}, {RELEASE_MS_MIN - 20}, =leaf open, 40, =leaf closing",
    "a forced leaf raises an alarm that goes when it is closed":
        f"push 40, =forced closed/40, {CLEAR}, =alarms forced, until closed, {CLEAR}, =alarms",
    "pushing a leaf that is granted open is no force": "grant, push 90, =alarms",
    "a body that stays in the leaf is open too long":
        f"grant 1000, 700, in t1 0.2, 100, back t1, broken, {OPEN_TOO_LONG_MS + 1000}, =alarms open_too_long motor_fault, "
        f"{CLEAR}, =alarms open_too_long motor_fault, mended, 1000, {CLEAR}, =alarms",
    "a faulty motor stops the leaf where it is": "grant, 200, broken, 20, =leaf stopped, =rests stopped",
    "power begins everything anew but the leaf":
        f"{OPENED}, in t1, until t1 passed, grant, power, =counts 0 0 0 0, =left 0 0 0, =ups 2, =powered 2, =ended entry/used entry/power_up",
    "the fire input outlasts a power cut": "fire, 50, power, 50, =mode 1",
    "two bodies without a gap are one to the beams and two to the truth":
        f"{OPENED}, in t1, in t2 -0.9, 4000, =counts 0 1 0 0, =passed entry/t1 entry/t2",
}  # fmt: skip


@pytest.mark.parametrize("what", STORIES)
def test_the_controller_does_what_the_row_says(what: str) -> None:
    Teller().play(STORIES[what])


def test_a_grant_ends_at_its_time_to_live_and_the_leaf_closes(lane: Lane) -> None:
    lane.grant(ttl_ms=2000)
    assert 1900 <= lane.status()[GRANT_LEFT] <= 2000
    lane.run(2050)
    assert lane.status()[12:15] == [0, 0, 0]
    lane.run_until(lambda: lane.leaf == LeafState.CLOSED, 700)


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
