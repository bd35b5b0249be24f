"""The simulated DS205A and Italdis boards: bytes, openings that add up, timer and lease, faults by name."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from hardware_sim.barrier.boards import BOARDS, FramedDevice
from hardware_sim.barrier.frames import FrameFault
from hardware_sim.device_server import serve_barrier

if TYPE_CHECKING:
    from pathlib import Path

ASK = {"ds205a": bytes.fromhex("7e00011000000070"), "italdis": bytes.fromhex("21709080aab1c0")}
OPEN_LEFT = {"ds205a": bytes.fromhex("7e000180010000ff"), "italdis": bytes.fromhex("21619181a9b4c0")}
CLOSE = {"ds205a": bytes.fromhex("7e000184000000fc"), "italdis": bytes.fromhex("21619380a9b5c0")}
CLOSED, OPENING = 1, 2


class Hall:
    """A board and its time, in steps of ten milliseconds."""

    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.barrier = FramedDevice(profile, lambda what, **fields: self.seen.append((what, fields)))
        self.now_ms = 1000.0
        self.barrier.tick(self.now_ms)

    def wait(self, wait_ms: float) -> bytes:
        said = b""
        for _ in range(int(wait_ms / 10)):
            self.now_ms += 10
            said += self.barrier.tick(self.now_ms)
        return said

    def tell(self, request: bytes) -> bytes:
        self.now_ms += 60
        said = self.barrier.receive(request, self.now_ms)
        return said + self.wait(60)

    def leaf(self) -> int:
        status = self.tell(ASK[self.profile])
        return status[4] if self.profile == "ds205a" else status[1] & 0x0F

    def entries(self) -> int:
        status = self.tell(ASK[self.profile])
        return status[8] if self.profile == "ds205a" else status[8] & 0x0F

    def ended(self) -> list[str]:
        return [fields["how"] for what, fields in self.seen if what == "grant_ended"]


@pytest.fixture(params=sorted(BOARDS))
def hall(request: pytest.FixtureRequest) -> Hall:
    return Hall(str(request.param))


def test_a_board_answers_in_the_bytes_that_its_page_shows() -> None:
    assert Hall("ds205a").tell(ASK["ds205a"]).hex(" ") == "7f 12 01 00 01 00 00 00 00 00 00 00 00 55 18 00 00 ff"
    assert Hall("italdis").tell(ASK["italdis"]).hex(" ") == "41 81 80 80 80 80 80 80 80 80 80 80 80 a4 b2 e0"


def test_openings_add_up_and_each_lets_one_person_through(hall: Hall) -> None:
    for _ in range(2):
        hall.tell(OPEN_LEFT[hall.profile])
    assert hall.leaf() == OPENING
    for number in (1, 2):
        hall.barrier.walk_in(f"traveller {number}")
        hall.wait(2500)
        assert hall.entries() == number
    assert hall.ended() == ["used"]
    hall.wait(2000)
    assert hall.leaf() == CLOSED


def test_an_opening_that_nobody_uses_is_ended_by_the_timer(hall: Hall) -> None:
    hall.tell(OPEN_LEFT[hall.profile])
    for _ in range(70):
        hall.tell(ASK[hall.profile])
    assert hall.ended() == ["ttl"]
    assert hall.leaf() == CLOSED


def test_closing_takes_every_opening_back(hall: Hall) -> None:
    hall.tell(OPEN_LEFT[hall.profile])
    hall.tell(OPEN_LEFT[hall.profile])
    hall.tell(CLOSE[hall.profile])
    assert hall.ended() == ["revoked"]
    hall.wait(1000)
    assert hall.leaf() == CLOSED


def test_an_italdis_goes_on_by_itself_when_nobody_asks_for_seven_seconds() -> None:
    hall = Hall("italdis")
    hall.tell(ASK["italdis"])
    hall.wait(3000)
    hall.tell(OPEN_LEFT["italdis"])
    hall.wait(5000)
    assert not hall.ended()
    hall.tell(OPEN_LEFT["italdis"])  # its timer begins anew, the lease as well
    hall.wait(6900)
    assert hall.ended() == ["ttl"]
    hall.wait(200)
    assert [what for what, _ in hall.seen if what.startswith("host")] == ["host_seen", "host_lost"]
    assert hall.tell(ASK["italdis"])[-1] == 0xE8
    assert hall.tell(ASK["italdis"])[-1] == 0xE0


def test_fire_opens_and_only_a_word_after_it_closes(hall: Hall) -> None:
    hall.tell(ASK[hall.profile])
    hall.barrier.set_fire(active=True)
    hall.wait(1000)
    hall.tell(CLOSE[hall.profile])
    assert hall.leaf() == 3
    hall.barrier.set_fire(active=False)
    hall.wait(1000)
    assert hall.leaf() == 3
    hall.tell(CLOSE[hall.profile])
    hall.wait(1000)
    assert hall.leaf() == CLOSED


def test_a_power_cut_begins_the_counters_anew_and_leaves_no_opening(hall: Hall) -> None:
    hall.tell(OPEN_LEFT[hall.profile])
    hall.barrier.power_cycle()
    assert hall.ended() == ["power_up"]
    assert hall.entries() == 0
    if hall.profile == "italdis":
        assert hall.tell(ASK["italdis"])[-1] == 0xE4
        assert hall.tell(CLOSE["italdis"])[-1] == 0xE0


@pytest.mark.parametrize("wrong", ["another number", "a wrong check", "noise"])
def test_what_is_not_for_it_moves_nothing(hall: Hall, wrong: str) -> None:
    request = bytearray(OPEN_LEFT[hall.profile])
    if wrong == "another number":
        at = 2 if hall.profile == "ds205a" else 0
        request[at] += 1
    elif wrong == "a wrong check":
        request[-2] ^= 1
        request[-1] ^= 4 if hall.profile == "ds205a" else 0
    else:
        request = bytearray(range(256))
    assert hall.tell(bytes(request)) == b""
    assert hall.leaf() == CLOSED


def test_a_request_behind_noise_is_heard_however_it_is_cut(hall: Hall) -> None:
    for byte in b"\x7e\x21\x00" + ASK[hall.profile]:
        hall.now_ms += 1
        hall.barrier.receive(bytes((byte,)), hall.now_ms)
    assert hall.wait(20)


@pytest.mark.parametrize("fault", list(FrameFault))
def test_each_fault_begins_and_ends_while_the_board_runs(hall: Hall, fault: FrameFault) -> None:
    whole = hall.tell(ASK[hall.profile])
    hall.barrier.break_with(fault)
    answer = hall.tell(ASK[hall.profile])
    match fault:
        case FrameFault.SILENT | FrameFault.DEAF | FrameFault.LATE:
            assert answer == b""
        case FrameFault.GARBLED | FrameFault.REFUSES:
            assert answer != whole
            assert len(answer) == len(whole)
        case FrameFault.STRANGER | FrameFault.CLASH:
            assert len(answer) == 2 * len(whole)
            assert (answer[len(whole) :] == whole) is (fault is FrameFault.CLASH)
        case FrameFault.ECHO:
            assert answer == ASK[hall.profile] + whole
        case FrameFault.SLOW:
            hall.tell(OPEN_LEFT[hall.profile])
            assert hall.leaf() == CLOSED
            hall.wait(200)
            assert hall.leaf() == OPENING
            hall.tell(CLOSE[hall.profile])
            hall.wait(1000)
    hall.wait(200)
    hall.barrier.break_with(None)
    assert hall.tell(ASK[hall.profile]) == whole


def test_a_board_is_run_by_orders_and_says_what_is_none(tmp_path: Path) -> None:
    orders = [
        {"do": "fault", "what": "silent"},
        {"do": "fault", "what": None},
        {"do": "line", "flip": 0.001},
        {"do": "unplug"},
        {"do": "replug"},
        {"do": "fire", "active": True},
        {"do": "dance"},
        {"do": "fault", "what": "hungry"},
        {"do": "walk_in"},
        {"do": "stop"},
    ]
    out = io.StringIO()
    told = io.StringIO("".join(json.dumps(order) + "\n" for order in orders))
    serve_barrier("ds205a", tmp_path / "barrier", number=1, baud=None, seed=1, orders=told, out=out)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert events[0] == {
        "event": "ready",
        "profile": "ds205a",
        "port": str(tmp_path / "barrier"),
        "baud": 9600,
        "unit": 1,
    }
    answers = [event["event"] for event in events if event["event"] in {"done", "error"}]
    assert answers == ["done"] * 6 + ["error"] * 3
    assert {"event": "happened", "what": "fire_on"}.items() <= next(
        event for event in events if event["event"] == "happened" and event["what"] == "fire_on"
    ).items()
