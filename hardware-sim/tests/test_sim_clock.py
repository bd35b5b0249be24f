"""The world's time, in virtual time: it goes with the machine's, stands still for a part that is late, and says how late."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.barrier.device import LATE_MS_MAX, TICK_MS, Barrier
from hardware_sim.barrier.zone import WALK_M_S
from hardware_sim.clock import Lateness, Times, WorldClock
from hardware_sim.modbus import seal
from hardware_sim.screen import Screen


def times(*names: str) -> Times:
    """Parts that move every 10 ms and may be 50 ms late, and have just moved at 100 s."""
    made = Times()
    for name in names:
        made.part(name, every_s=0.01, late_s_max=0.05)
        made.moved(name, 100.0)
    return made


def test_time_goes_with_the_machines_while_every_part_keeps_up() -> None:
    world, real_s = times("barrier"), 100.0
    for _ in range(1000):
        real_s += 0.059
        assert world.at(real_s) == pytest.approx(real_s)
        world.moved("barrier", real_s)
    assert world.behind_s == 0.0


def test_time_stands_still_for_a_part_that_is_late_and_goes_on_from_there() -> None:
    world = times("barrier")
    assert world.at(100.06) == pytest.approx(100.06)
    assert world.at(101.1) == pytest.approx(100.06)
    world.moved("barrier", 101.1)
    assert world.at(101.1) == pytest.approx(100.06)
    assert world.at(101.15) == pytest.approx(100.11)
    assert world.behind_s == pytest.approx(1.04)


def test_time_stands_for_the_latest_of_all_parts() -> None:
    world = times("barrier", "camera")
    for step in range(1, 101):
        world.moved("camera", 100.0 + step / 100)
    assert world.at(101.0) == pytest.approx(100.06)
    world.moved("barrier", 101.0)
    assert world.at(101.02) == pytest.approx(100.08)


def test_nobody_waits_for_a_part_that_rests() -> None:
    world = times("barrier", "camera")
    world.rests("camera", 100.0)
    for step in range(1, 101):
        world.moved("barrier", 100.0 + step / 100)
    assert world.at(101.0) == pytest.approx(101.0)
    world.moved("camera", 101.0)
    world.moved("barrier", 101.05)
    world.moved("barrier", 101.1)
    assert world.at(101.2) == pytest.approx(101.06)


def test_a_part_that_rests_while_time_stands_for_it_lets_it_go_on() -> None:
    world = times("camera")
    world.rests("camera", 101.0)
    assert world.at(101.5) == pytest.approx(100.56)


def test_how_late_each_part_was_is_told_once() -> None:
    world = times("barrier", "camera")
    world.moved("camera", 100.03)
    world.moved("barrier", 100.3)
    world.moved("camera", 100.31)
    late = world.take_lateness()
    assert late == Lateness("barrier", late_ms=290, stood_ms=240)
    assert world.take_lateness() == Lateness()


@given(gaps=st.lists(st.tuples(st.sampled_from(["barrier", "camera"]), st.floats(0, 2)), max_size=40))
def test_time_never_goes_back_nor_faster_than_the_machines(gaps: list[tuple[str, float]]) -> None:
    world, real_s, now_s = times("barrier", "camera"), 100.0, 100.0
    for name, gap_s in gaps:
        for later_s in (real_s + gap_s / 2, real_s + gap_s):
            assert now_s - 1e-9 <= world.at(later_s) <= now_s + gap_s + 1e-9
        real_s += gap_s
        now_s = world.at(real_s)
        world.moved(name, real_s)
        assert world.at(real_s) == pytest.approx(now_s)
        assert world.behind_s <= real_s - now_s + 1e-6


class Line:
    """A barrier in a world whose machine's clock is set by hand, and a host that polls it every 50 ms."""

    def __init__(self, *, in_a_world: bool) -> None:
        self.real_s = 100.0
        self.events: list[str] = []
        clock = WorldClock(lambda: self.real_s)
        part = clock.part("barrier", every_s=TICK_MS / 1000, late_s_max=LATE_MS_MAX / 1000)
        self.barrier = Barrier(lambda event, **_: self.events.append(event), part=part if in_a_world else None)

    def run(self, seconds: float, *, every_s: float = 0.01) -> None:
        for _ in range(round(seconds / every_s)):
            self.real_s += every_s
            self.barrier.tick(self.real_s * 1000)
            self.barrier.receive(seal(bytes([1, 4, 0, 0, 0, 17])), self.real_s * 1000)

    def stall(self, seconds: float) -> None:
        """Neither the world nor the host gets the processor."""
        self.real_s += seconds

    def walked_m(self) -> float:
        (body,) = self.barrier._bodies
        return body.centre_m


@pytest.mark.parametrize("in_a_world", [True, False])
def test_a_world_that_stalls_neither_loses_its_host_nor_lets_anybody_jump(*, in_a_world: bool) -> None:
    line = Line(in_a_world=in_a_world)
    line.run(0.1)
    line.barrier.walk_in("t1")
    line.run(0.1)
    before_m = line.walked_m()
    line.stall(1.1)
    line.run(0.01)
    walked_m = line.walked_m() - before_m
    slow_enough = walked_m <= WALK_M_S * (TICK_MS + LATE_MS_MAX + 10) / 1000
    assert slow_enough is in_a_world
    assert ("host_lost" not in line.events) is in_a_world


def test_who_waits_on_the_screen_waits_in_the_worlds_time() -> None:
    real_s = [100.0]
    clock = WorldClock(lambda: real_s[0])
    part = clock.part("barrier", every_s=0.01, late_s_max=0.05)
    part.moved()
    screen, over = Screen(clock), threading.Event()

    def wait() -> None:
        screen.pause(1000)
        screen.rest()
        over.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    real_s[0] += 60.0
    assert not over.wait(0.2), "a minute of the machine is a moment of a world that stands still"
    for _ in range(1000):
        real_s[0] += 0.01
        part.moved()
        if over.wait(0.002):
            break
    waiting.join(5)
    assert over.is_set()
    assert clock.behind_s > 58.0


def test_a_timer_acts_in_the_worlds_time_and_not_when_cancelled() -> None:
    real_s, acted = [100.0], threading.Event()
    clock = WorldClock(lambda: real_s[0])
    cancelled = clock.later(1.0, acted.set)
    cancelled.cancel()
    cancelled.join(5)
    timer = clock.later(1.0, acted.set)
    assert not acted.wait(0.1)
    real_s[0] += 1.0
    timer.join(5)
    assert acted.is_set()
