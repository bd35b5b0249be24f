"""The clock of an honest gate, whose log program looks each second and records each step, is no contradiction to the verifier."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from gate.programs.log.context import Steps
from gate_core.audit_format.record import time_text
from gate_verify.audit_record import AuditRecord
from gate_verify.clock import Clock

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UP = timedelta(seconds=100)  # since the machine's start, at noon


class Honest:
    """A gate whose clock is set by whoever sets it, and whose log program does what it does: it looks each second and records each step."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.told: list[AuditRecord] = []
        self.now, self.started, self.ahead, self.boots = timedelta(), timedelta(), timedelta(), 0
        self.written = ""
        self.waiting: list[timedelta] = []
        self.was_set_forward_unseen = False
        self.steps = Steps()

    def wall(self) -> datetime:
        return NOON + self.now + self.ahead

    def mono(self, at: timedelta) -> int:
        return round((UP + at - self.started) / timedelta(milliseconds=1))

    def record(
        self, kind: str = "presence", body: dict[str, object] | None = None, at: timedelta | None = None
    ) -> None:
        time = time_text(self.wall())
        about = "administration" if body else "device"
        mono = self.mono(self.now if at is None else at)
        boot = f"{self.boots}"
        self.told.append(
            AuditRecord(
                len(self.told), time[:13], about, "k", kind, None, time, mono, boot, "", body or {}, recipients="a"
            )
        )
        self.written = max(self.written, f"{time[:13]}:00:00.000Z")

    def look(self) -> None:
        latest = datetime.fromisoformat(self.written) if self.written else None
        if (step := self.steps.look(self.wall(), self.mono(self.now), latest)) is not None:
            self.record("clock_stepped", step.fields())
            self.steps.taken(self.wall(), self.mono(self.now))

    def set(self) -> timedelta:
        far = self.random.choice(
            [timedelta(seconds=3), timedelta(minutes=20), timedelta(minutes=50), 5 * HOUR, 200 * DAY]
        )
        by = far * self.random.uniform(-1, 1)
        if self.wall() + by < NOON - 300 * DAY:
            by = -by
        self.ahead += by
        return by

    def pass_on(self, most: timedelta) -> None:
        self.now += most * self.random.random()

    def begin(self, *, boots: bool) -> None:
        """The log program again, the machine, too, and somebody may have set the clock meanwhile."""
        self.look()
        if boots:
            self.boots += 1
            self.started, self.waiting = self.now, []
        if self.random.random() < 0.5:
            by = self.set()
            self.was_set_forward_unseen |= not boots and by > timedelta(minutes=9)
        self.steps = Steps()
        self.look()

    def live(self, events: int) -> None:
        self.look()
        for _ in range(events):
            match self.random.choices(
                ("record", "busy", "set", "wait", "flush", "start", "boot"), (40, 20, 3, 8, 4, 1, 1)
            )[0]:
                case "record":
                    self.pass_on(timedelta(minutes=20))
                    self.look()
                    self.record()
                case "busy":
                    for _ in range(9):
                        self.pass_on(timedelta(seconds=3))
                        self.record()
                case "set":
                    self.look()
                    self.set()
                    if self.random.random() < 0.3:
                        self.record()  # before the next look
                    self.look()
                case "wait":
                    self.pass_on(timedelta(minutes=5))
                    self.waiting.append(self.now)
                case "flush":
                    self.look()
                    for at_ in self.waiting:
                        self.record(at=at_)
                    self.waiting = []
                case "start" | "boot" as what:
                    self.begin(boots=what == "boot")


@pytest.mark.parametrize("seed", range(40))
def test_no_clock_of_an_honest_gate_is_a_contradiction(seed: int) -> None:
    gate, clock = Honest(seed), Clock()
    gate.live(600)
    for one in gate.told:
        clock.take(one)
    found = list(clock.jumps())
    assert [one for one, is_sure in found if is_sure] == []
    assert found == [] or gate.was_set_forward_unseen, found
    assert sum(one.kind == "clock_stepped" for one in gate.told) > 5
