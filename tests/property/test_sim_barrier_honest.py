"""Whatever a host, a traveller and the building do, the simulated controller opens for nothing that the judge objects to.

The log is the host's own: it admits before each grant and records what it takes back. So every finding would be a fault of
the controller, of the ground truth or of the judge.
"""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hardware_sim.barrier.device import Barrier
from hardware_sim.decision_log import Entry
from hardware_sim.judge import judge
from hardware_sim.modbus import seal
from hardware_sim.truth import Happening

TTL_MS = 2000
BODY = "t1"

deeds = st.sampled_from(
    [
        "grant",
        "revoke",
        "release",
        "walk",
        "turn back",
        "fire on",
        "fire off",
        "end emergency",
        "power cycle",
        "motor fault",
        "motor repaired",
        "host silent",
        "host polls",
    ]
)
scripts = st.lists(st.tuples(deeds, st.integers(0, 3000)), min_size=3, max_size=25)


class Lane:
    """A barrier, an honest host, and one person who comes and goes."""

    def __init__(self) -> None:
        self.truth: list[Happening] = [Happening(0, "presented", {"holder": BODY})]
        self.log: list[Entry] = []
        self.now_ms = 10_000.0
        self.polls = True
        self.crossing: str | None = None
        self.barrier = Barrier(self._report)
        self.run(20)

    def _report(self, event: str, *, at_ms: int, **fields: Any) -> None:
        self.truth.append(Happening(at_ms, event, fields))
        if event == "grant_ended":
            self.crossing = None

    def run(self, ms: float) -> None:
        until = self.now_ms + ms
        while self.now_ms < until:
            self.now_ms += 20
            self.barrier.tick(self.now_ms)
            if self.polls and self.now_ms % 200 == 0:
                self.ask(bytes([1, 4, 0, 0, 0, 17]))

    def ask(self, body: bytes) -> bool:
        return not self.barrier.receive(seal(body), self.now_ms)[1] & 0x80

    def write(self, register: int, value: int) -> bool:
        return self.ask(bytes([1, 6, 0, register]) + value.to_bytes(2, "big"))

    def record(self, kind: str, crossing: str | None, **body: Any) -> None:
        self.log.append(Entry(int(self.now_ms), kind, crossing, body))

    def do(self, deed: str) -> None:
        match deed:
            case "grant":
                self.grant()
            case "revoke":
                if self.crossing is not None:
                    self.record("revoked", self.crossing)
                self.write(1, 0)
            case "release":
                self.record("release", None, officer="o")
                self.write(5, 0x5245)
            case "walk":
                if not self.walking():
                    self.barrier.walk_in(BODY)
            case "turn back":
                self.barrier.turn_back(BODY)
            case "fire on" | "fire off":
                self.barrier.set_fire(active=deed == "fire on")
            case "end emergency":
                self.write(7, 1)
            case "power cycle":
                self.barrier.power_cycle()
            case "motor fault" | "motor repaired":
                self.barrier.set_motor_fault(faulty=deed == "motor fault")
            case _:
                self.polls = deed == "host polls"

    def grant(self) -> None:
        """Admit first, grant then; what already runs is not granted again."""
        if self.crossing is not None:
            return
        crossing = f"c{len(self.log)}"
        self.record("decided", crossing, decision="admit")
        if self.ask(bytes([1, 16, 0, 0, 0, 3, 6]) + TTL_MS.to_bytes(2, "big") + bytes([0, 1, 0, 0])):
            self.crossing = crossing
            self.record("granted", crossing, direction="entry", ttl_ms=TTL_MS)

    def walking(self) -> bool:
        return bool(self.barrier._bodies)


@settings(max_examples=100, deadline=None)
@given(script=scripts)
@example(script=[("grant", 0), ("walk", 501), ("motor fault", 1641), ("walk", 0)])  # a second one through the open leaf
def test_an_honest_host_finds_no_wrong_opening(script: list[tuple[str, int]]) -> None:
    lane = Lane()
    for deed, wait_ms in script:
        lane.do(deed)
        lane.run(wait_ms)
    lane.run(3000)
    ruling = judge(tuple(lane.truth), tuple(lane.log))
    assert ruling.wrong == ()


@settings(max_examples=100, deadline=None)
@given(script=scripts)
def test_a_leaf_that_opens_for_nobody_is_never_left_open(script: list[tuple[str, int]]) -> None:
    lane = Lane()
    for deed, wait_ms in script:
        lane.do(deed)
        lane.run(wait_ms)
    for deed in ("motor repaired", "fire off", "end emergency", "revoke", "turn back"):
        lane.do(deed)
    lane.run(10_000)
    assert lane.barrier.leaf_closed
