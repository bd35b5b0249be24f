"""The world in real time: a host that knows nothing but the two serial lines serves travellers, and the judge agrees.

Camera, chip and people are doubles; barrier, swipe reader, cables, stories, ground truth and judge are the real ones.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hardware_sim.decision_log import Entry
from hardware_sim.judge import Ruling, judge
from hardware_sim.modbus import seal, sound
from hardware_sim.readers.elyctis import frame
from hardware_sim.scenario import Scenario, Sight, read_scenarios, scenario_folder
from hardware_sim.stage import Cast
from hardware_sim.truth import read_truth
from hardware_sim.world import TRUTH_NAME, World

LINES = ("P<UTO" + "A" * 39, "B" * 44)
REST_DEADLINE_S = 20.0
POLL_S = 0.03
CLOSED = 1
STATE, BODIES, PASSED, ALARMS = 2, 4, 6, 9


class Quiet:
    """A camera and a chip reader that do nothing."""

    def show(self, scene: Any) -> None:
        pass

    def follow(self, nearness: Any) -> None:
        pass

    def insert(self, passport: Any, *, pull_out_after_apdus: int | None, **_pace: float) -> None:
        pass

    def remove(self) -> None:
        pass


class Casting:
    """Casts everybody as nobody."""

    def chance(self, traveller: str) -> random.Random:
        return random.Random(traveller)

    def cast(self, traveller: str, scenario: Scenario) -> Cast:  # noqa: ARG002 - the port's words
        return Cast("passport", (LINES,), {sight: sight.value for sight in Sight})


class Line:
    """The host's end of a serial line."""

    def __init__(self, path: Path) -> None:
        self._end = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._end)

    def ask(self, data: bytes, reply_bytes: int, *, wait_s: float = 5.0) -> bytes:
        os.write(self._end, data)
        reply = b""
        while len(reply) < reply_bytes:
            ready, _, _ = select.select([self._end], [], [], wait_s)
            piece = os.read(self._end, reply_bytes - len(reply)) if ready else b""
            if not piece:
                raise OSError("no answer")
            reply += piece
        return reply

    def close(self) -> None:
        os.close(self._end)


class Host:
    """A lane of ten lines: admits every document at once, and keeps the log that the judge will read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.log: list[Entry] = []
        self.bodies_most = 0
        self.stood_s = 0.0
        orders_read, orders_write = os.pipe()
        events_read, events_write = os.pipe()
        self._orders = os.fdopen(orders_write, "w")
        self._said = os.fdopen(events_read)
        self._ends = (os.fdopen(orders_read), os.fdopen(events_write, "w"))
        self.world = World(
            folder,
            seed=1,
            chip=Quiet(),
            camera=Quiet(),
            casting=Casting(),
            scenarios=read_scenarios(scenario_folder()),
            out=self._ends[1],
        )
        self._thread = threading.Thread(target=self.world.run, args=(self._ends[0], {}))
        self._thread.start()
        assert self.event()["event"] == "ready"
        self._barrier, self._swipe = Line(folder / "barrier"), Line(folder / "swipe")

    def tell(self, order: dict[str, Any]) -> None:
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()

    def see(self, screen: str) -> None:
        self.tell({"see": {"screen": screen, "guidance": "none"}})

    def event(self) -> dict[str, Any]:
        """The next event, without how late the machine was: that is summed up in `stood_s`."""
        event: dict[str, Any] = json.loads(self._said.readline())
        self.stood_s += event.pop("late", {"stood_ms": 0})["stood_ms"] / 1000
        return event

    def status(self) -> list[int]:
        reply = self._barrier.ask(seal(bytes([1, 4, 0, 0, 0, 17])), 39)
        assert sound(reply)
        status = [int.from_bytes(reply[at : at + 2], "big") for at in range(3, 37, 2)]
        self.bodies_most = max(self.bodies_most, status[BODIES])
        return status

    def record(self, kind: str, crossing: str, **body: Any) -> None:
        self.log.append(Entry(time.monotonic_ns() // 1_000_000, kind, crossing, body))

    def admit(self, traveller: str, scenario: str, *, recorded: bool = True) -> None:
        """From the invitation to GO."""
        self._swipe.ask(frame(b"C", b"\x01"), 4)
        self.tell({"do": "traveller", "id": traveller, "scenario": scenario})
        self.see("welcome")
        assert self._swipe.ask(b"", 92) == frame(b"I", "\r".join(LINES).encode())
        self.see("look")
        if recorded:
            self.record("decided", traveller, decision="admit")
        self._barrier.ask(seal(bytes([1, 16, 0, 0, 0, 3, 6, 0x13, 0x88, 0, 1, 0, 0])), 8)
        if recorded:
            self.record("granted", traveller, direction="entry", ttl_ms=5000)
        self.see("go")

    def until_at_rest(self, passages: int) -> None:
        end_s = time.monotonic() + REST_DEADLINE_S
        while time.monotonic() < end_s:
            status = self.status()
            if status[PASSED] >= passages and status[STATE] == CLOSED and not status[BODIES]:
                return
            time.sleep(POLL_S)
        raise TimeoutError(f"{passages} passages and a lane at rest did not come")

    def close(self) -> Ruling:
        self._barrier.close()
        self._swipe.close()
        self.tell({"do": "stop"})
        self._thread.join(10)
        self.world.close()
        for end in (self._orders, self._said, *self._ends):
            end.close()
        return judge(read_truth(self._folder / TRUTH_NAME), tuple(self.log))

    def poll_until_cut(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.status()

    def reconnect_barrier(self) -> None:
        self._barrier.close()
        while not (self._folder / "barrier").exists():
            time.sleep(POLL_S)
        self._barrier = Line(self._folder / "barrier")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    if host._thread.is_alive():
        host.close()


def test_travellers_pass_one_by_one_and_a_tailgater_does_not(host: Host) -> None:
    began_s = time.monotonic()
    host.admit("t1", "genuine")
    host.until_at_rest(1)
    took_s = time.monotonic() - began_s
    assert host.event() == {"event": "done", "id": "t1", "passed": 1, "served": True, "left": True}
    assert took_s - host.stood_s < 5
    host.bodies_most = 0
    host.admit("t2", "tailgater")
    host.until_at_rest(2)
    assert host.event()["passed"] == 1
    assert host.bodies_most == 2
    ruling = host.close()
    assert ruling == Ruling(2, 2, ())


def test_a_pulled_cable_ends_the_grant_and_nobody_passes(host: Host) -> None:
    host.admit("t1", "barrier_cut")
    host.poll_until_cut()
    host.see("officer")
    host.see("welcome")
    assert host.event()["passed"] == 0
    host.reconnect_barrier()
    assert host.status()[ALARMS] == 32
    ruling = host.close()
    assert ruling == Ruling(1, 0, ())


def test_the_judge_finds_an_admission_that_was_never_written(host: Host) -> None:
    host.admit("t1", "genuine", recorded=False)
    host.until_at_rest(1)
    assert host.event()["passed"] == 1
    (wrong,) = host.close().wrong
    assert wrong.kind.value == "no_admission"


def test_a_swap_that_the_lane_misses_is_found_by_the_judge(host: Host) -> None:
    host.admit("t1", "swap_after_match")
    host.until_at_rest(1)
    host.event()
    (wrong,) = host.close().wrong
    assert wrong.kind.value == "wrong_person"
