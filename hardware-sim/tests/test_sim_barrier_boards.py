"""The simulated LOT turnstile and relay board on lines of their own: bytes from the standard, passages, watchdog, faults by name."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from hardware_sim.barrier.boards import ModbusDevice
from hardware_sim.device_server import serve_barrier
from hardware_sim.modbus import seal

if TYPE_CHECKING:
    from pathlib import Path


class Hall:
    """A board and its time, in steps of ten milliseconds."""

    def __init__(self, profile: str) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.barrier = ModbusDevice(profile, lambda what, **fields: self.seen.append((what, fields)))
        self.now_ms = 1000.0
        self.wait(20)

    def wait(self, wait_ms: float) -> None:
        for _ in range(int(wait_ms / 10)):
            self.now_ms += 10
            self.barrier.tick(self.now_ms)

    def ask(self, body: str) -> str:
        """Send unit 1's request and give its answer's body."""
        self.now_ms += 20
        answer = self.barrier.receive(seal(bytes.fromhex("01" + body)), self.now_ms)
        assert not answer or seal(answer[:-2]) == answer
        return answer[1:-2].hex(" ")

    def happened(self, what: str) -> int:
        return sum(name == what for name, _ in self.seen)


def test_a_turnstile_lets_one_through_and_counts_low_word_first() -> None:
    hall = Hall("lot")
    assert hall.ask("10 3011 0001 02 000A") == "10 30 11 00 01"
    assert hall.ask("10 0040 0001 02 0001") == "10 00 40 00 01"
    assert hall.ask("03 0040 0002") == "03 04 00 01 00 00"
    hall.barrier.walk_in("anna")
    hall.wait(4000)
    assert hall.ask("03 0040 0009") == "03 12 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00"
    assert hall.ask("03 3000 0002") == "83 02"
    assert hall.ask("10 0040 0001 02 FFFF") == "90 03"
    assert hall.ask("04 0000 0001") == "84 02"
    assert hall.ask("01 0000 0001") == "81 01"


def test_a_turnstile_keeps_its_emergency_until_somebody_turns_the_key() -> None:
    hall = Hall("lot")
    hall.barrier.set_fire(active=True)
    hall.wait(20)
    assert hall.ask("03 3000 0001") == "03 02 00 02"
    hall.barrier.reset()
    hall.barrier.set_fire(active=False)
    hall.wait(20)
    assert hall.ask("03 3000 0001") == "03 02 00 02"
    hall.barrier.reset()
    assert hall.ask("03 3000 0001") == "03 02 00 00"


def test_a_relay_boards_pulse_asks_for_one_passage_which_its_gate_ends() -> None:
    hall = Hall("relay-8")
    assert hall.ask("02 0000 0008") == "02 01 11"  # closed, and the fire loop whole
    assert hall.ask("0F 0000 0001 01 01") == "0f 00 00 00 01"
    hall.wait(200)
    assert hall.ask("01 0000 0008") == "01 01 01"
    assert hall.ask("05 0000 0000") == "05 00 00 00 00"
    hall.wait(5100)
    assert (hall.happened("grant_received"), hall.happened("grant_ended")) == (1, 1)
    hall.ask("05 0001 FF00")
    hall.wait(1600)
    assert hall.happened("held_open")
    assert hall.ask("05 0001 1234") == "85 03"
    assert hall.ask("0F 0007 0002 01 01") == "8f 02"


@pytest.mark.parametrize(("fault", "coils"), [(None, "01 01 00"), ("watchdog", "01 01 80")])
def test_a_relay_board_drops_its_outputs_once_its_watchdog_is_set(fault: str | None, coils: str) -> None:
    hall = Hall("relay-8")
    hall.barrier.break_by_name(fault)
    hall.ask("0F 0007 0001 01 01")
    hall.wait(2000)
    assert hall.ask("01 0000 0008") == "01 01 80"  # as delivered it is off
    assert hall.ask("10 0000 0001 02 03E8") == "10 00 00 00 01"
    hall.wait(1100)
    assert hall.ask("01 0000 0008") == coils
    hall.barrier.power_cycle()
    assert hall.ask("03 0000 0001") == "03 02 00 00"


@pytest.mark.parametrize(("fault", "answer"), [("deaf", ""), ("busy", "83 06"), (None, "03 02 00 00")])
def test_faults_are_switched_by_name(fault: str | None, answer: str) -> None:
    hall = Hall("relay-8")
    hall.barrier.break_by_name(fault)
    assert hall.ask("03 0000 0001") == answer
    with pytest.raises(ValueError, match="late"):
        hall.barrier.break_by_name("late")
    with pytest.raises(ValueError, match="no key"):
        hall.barrier.reset()


def test_orders_move_a_modbus_board_as_every_other(tmp_path: Path) -> None:
    orders = [{"do": "fault", "what": "busy"}, {"do": "reset"}, {"do": "fault", "what": "echo"}, {"do": "stop"}]
    told, out = io.StringIO("".join(json.dumps(order) + "\n" for order in orders)), io.StringIO()
    serve_barrier("lot", tmp_path / "barrier", number=1, baud=None, seed=1, orders=told, out=out)
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert events[0] == {"event": "ready", "profile": "lot", "port": str(tmp_path / "barrier"), "baud": 9600, "unit": 1}
    assert [event["event"] for event in events[1:]] == ["done", "done", "error"]
