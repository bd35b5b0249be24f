"""The simulated sensor unit: what it measures of the inside of a lane, bytes from the standard, faults by name, orders."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from hardware_sim.device_server import serve_sensors
from hardware_sim.modbus import seal
from hardware_sim.sensors.device import PROFILES, SensorDevice
from hardware_sim.sensors.inside import BOUNCE_MS, LANE_M, Button
from hardware_sim.sensors.unit import APART_M, COARSE_CM, MERGED_M, SEEN_CM, WARM_UP_MS, Fault, told_apart

if TYPE_CHECKING:
    from pathlib import Path

SIM, INPUTS = "portcullis-sim", "inputs-8"
READ = {SIM: "04 0000 0007", INPUTS: "04 0000 0003"}


class Site:
    """A unit and its time, in steps of ten milliseconds; it has warmed up."""

    def __init__(self, profile: str = SIM) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.device = SensorDevice(profile, lambda what, **fields: self.seen.append((what, fields)))
        self.now_ms = 1000.0
        self.device.tick(self.now_ms)
        self.wait(WARM_UP_MS + 200)

    def wait(self, wait_ms: float) -> None:
        for _ in range(int(wait_ms / 10)):
            self.now_ms += 10
            self.device.tick(self.now_ms)

    def send(self, body: str) -> bytes:
        self.now_ms += 20
        return self.device.receive(seal(bytes.fromhex("01" + body)), self.now_ms)

    def ask(self, body: str) -> str:
        """Send unit 1's request and give its answer's body."""
        answer = self.send(body)
        assert not answer or seal(answer[:-2]) == answer
        return answer[1:-2].hex(" ")

    def words(self) -> list[int]:
        """The input registers of the simulator's map."""
        raw = bytes.fromhex(self.ask(READ[SIM]))[2:]
        return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]

    def happened(self, what: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.seen if name == what]


def test_the_simulators_map_says_who_and_what_is_inside() -> None:
    site = Site()
    identity, version, session, age_ms, people, left, contacts = site.words()
    assert (identity, version, session, people, left, contacts) == (0x5053, 1, 1, 0, 0, 4)
    assert age_ms <= 120
    site.device.walk("anna", 1.0)
    site.device.walk("ben", 2.0)
    site.device.lay("bag", 1.5, 55)
    site.wait(2500)
    assert site.words()[4:6] == [2, 1]
    site.device.walk("anna", -1.0)
    site.device.take("bag")
    site.wait(2500)
    assert site.words()[4:6] == [1, 0]
    assert [said["inside"] for said in site.happened("people")] == [1, 2, 1]


def test_the_map_of_inputs_holds_every_contact_while_all_is_well() -> None:
    site = Site(INPUTS)
    assert site.ask("02 0000 0008") == "02 01 1f"
    assert site.ask("04 0000 0001") == "04 02 00 00"
    site.device.lay("bag", 1.0, 55)
    site.device.press(pressed=True)
    site.device.open_cabinet(is_open=True)
    site.device.set_mains(present=False)
    site.wait(200)
    assert site.ask("02 0000 0008") == "02 01 10"
    site.device.break_by_name("blind")
    site.wait(200)
    assert site.ask("02 0000 0008") == "02 01 00"
    assert site.ask("04 0000 0001") == "04 02 ff ff"


@pytest.mark.parametrize("profile", sorted(PROFILES))
@pytest.mark.parametrize("order", ["03 0000 0001", "06 0000 0001", "01 0000 0001", "05 0000 FF00", "04 0064 0001"])
def test_nothing_else_is_there_and_nothing_can_be_written(profile: str, order: str) -> None:
    function = int(order[:2], 16)
    assert Site(profile).ask(order) == f"{function | 0x80:02x} 02"


def test_a_unit_that_was_powered_up_anew_knows_nothing_until_it_has_measured() -> None:
    site = Site()
    site.device.walk("anna", 1.0)
    site.wait(2000)
    site.device.power_cycle()
    assert site.words()[2:] == [2, 0xFFFF, 0xFFFF, 2, 4]
    site.wait(WARM_UP_MS + 100)
    session, age_ms, people = site.words()[2:5]
    assert (session, people) == (2, 1)
    assert age_ms <= 120


# ── what a counter can tell ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("bodies", "people"),
    [([], 0), ([1.0], 1), ([1.0, 1.0 + APART_M], 2), ([1.0, 0.99 + APART_M], 1), ([0.1, 1.0, 2.9], 3)],
)
def test_people_are_told_apart_from_a_distance_on(bodies: list[float], people: int) -> None:
    assert told_apart(bodies, APART_M) == people


def test_a_bouncing_button_is_one_press_and_is_shown_long_enough_to_be_asked_for() -> None:
    levels = []
    button = Button()
    button.move(pressed=True, now_ms=0.0)
    levels = [button.level(at) for at in range(int(BOUNCE_MS) + 5)]
    assert {True, False} == set(levels[: int(BOUNCE_MS)])
    assert all(levels[int(BOUNCE_MS) :])
    site = Site()
    site.device.press(pressed=True)
    site.wait(20)
    assert site.words()[6] == 4  # not believed yet
    site.wait(80)
    site.device.press(pressed=False)
    shown = []
    for _ in range(150):
        site.wait(10)
        shown.append(site.device.unit.call_shown)
    assert shown == sorted(shown, reverse=True)
    assert 90 <= sum(shown) <= 105


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_counter_that_is_stuck_says_for_ever_what_it_said_and_takes_it_for_fresh() -> None:
    site = Site()
    site.device.break_by_name("stuck")
    site.device.walk("anna", 1.0)
    site.wait(3000)
    assert site.words()[4] == 0
    assert site.words()[3] <= 140


@pytest.mark.parametrize(("apart_m", "fault", "people"), [(0.5, None, 2), (0.5, "merging", 1), (1.0, "merging", 2)])
def test_two_people_close_together_are_one_to_a_counter_that_merges(
    apart_m: float, fault: str | None, people: int
) -> None:
    assert APART_M < 0.5 < MERGED_M < 1.0
    site = Site()
    site.device.break_by_name(fault)
    site.device.walk("anna", 1.0)
    site.device.walk("ben", 1.0 + apart_m)
    site.wait(4000)
    assert site.words()[4] == people


@pytest.mark.parametrize(
    ("size_cm", "fault", "left"),
    [(SEEN_CM - 1, None, 0), (SEEN_CM, None, 1), (COARSE_CM - 1, "coarse", 0), (COARSE_CM, "coarse", 1)],
)
def test_an_object_is_seen_from_a_size_on(size_cm: float, fault: str | None, left: int) -> None:
    site = Site()
    site.device.break_by_name(fault)
    site.device.lay("bag", 1.0, size_cm)
    site.device.lay("outside", LANE_M + 0.1, 99)
    site.wait(200)
    assert site.words()[5] == left


def test_a_unit_that_measures_no_more_says_how_long_ago_it_did() -> None:
    site = Site()
    site.device.break_by_name("stale")
    site.wait(5000)
    age_ms, people = site.words()[3:5]
    assert 5000 <= age_ms <= 5200
    assert people == 0
    site.wait(70_000)
    assert site.words()[3] == 0xFFFF


def test_the_other_faults_do_what_their_names_say() -> None:
    site = Site()
    site.device.break_by_name("blind")
    site.wait(200)
    assert site.words()[4:6] == [0xFFFF, 2]
    site.device.break_by_name("button_stuck")
    site.wait(200)
    assert site.words()[6] == 5
    site.device.break_by_name("restarting")
    site.wait(9000)
    assert site.words()[2] >= 3
    site.device.break_by_name("silent")
    assert site.send(READ[SIM]) == b""
    site.device.break_by_name(None)
    assert site.words()[6] == 4
    with pytest.raises(ValueError, match="drunk"):
        site.device.break_by_name("drunk")


def test_others_on_the_line_speak_before_the_unit() -> None:
    site = Site()
    site.device.walk("anna", 1.0)
    site.wait(2000)
    alone = site.send("04 0004 0001")
    site.device.break_by_name(Fault.STRANGER.value)
    answer = site.send("04 0004 0001")
    assert answer == seal(b"\x02" + alone[1:-2]) + alone
    site.device.break_by_name(Fault.CLASH.value)
    twin = seal(bytes.fromhex("0104020000"))
    assert site.send("04 0004 0001") == twin + alone


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_orders_move_people_things_and_contacts(tmp_path: Path) -> None:
    orders: list[object] = [
        {"do": "walk", "person": "anna", "to_m": 1.5},
        {"do": "lay", "thing": "bag", "at_m": 1.0, "size_cm": 55},
        {"do": "take", "thing": "bag"},
        {"do": "press"},
        {"do": "let_go"},
        {"do": "cabinet", "open": True},
        {"do": "mains", "present": False},
        {"do": "power_cycle"},
        *({"do": "fault", "what": fault.value} for fault in Fault),
        {"do": "fault", "what": None},
        {"do": "line", "flip": 0.001},
        {"do": "unplug"},
        {"do": "replug"},
    ]
    wrong: list[object] = [{"do": "take", "thing": "bag"}, {"do": "fault", "what": "late"}, {"do": "dance"}, {}, 7]
    lines = [*orders, *wrong, {"do": "stop"}, {"do": "press"}]
    told, out = io.StringIO("".join(json.dumps(order) + "\n" for order in lines)), io.StringIO()
    serve_sensors(SIM, tmp_path / "sensors", number=3, baud=None, seed=1, orders=told, out=out)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert events[0] == {"event": "ready", "profile": SIM, "port": str(tmp_path / "sensors"), "baud": 9600, "unit": 3}
    answers = [event["event"] for event in events if event["event"] in {"done", "error"}]
    assert answers == ["done"] * len(orders) + ["error"] * len(wrong)
    assert [event for event in events if event.get("what") == "power_up"]
