"""A controller that says for how long nothing will happen is stepped less often, and nothing of its story changes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from hardware_sim.barrier.controller import Controller
from hardware_sim.barrier.device import UNIT, BarrierDevice
from hardware_sim.barrier.registers import BarrierRegisters
from hardware_sim.barrier.relays import PulseGate, RelayBoard
from hardware_sim.modbus import Slave, seal

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 250
READ_ALL = seal(bytes([UNIT, 4, 0, 0, 0, 17]))
WRITES = tuple(  # grants, revokes, another watchdog, a release, alarms cleared, the end of an emergency
    seal(bytes([UNIT, 6, 0, register]) + value.to_bytes(2, "big"))
    for register, value in ((1, 1), (2, 1), (1, 0), (3, 200), (3, 5_000), (5, 0x5245), (6, 0x7F), (7, 1))
)


class Restless(Controller):
    """One that never says that nothing will happen."""

    @property
    def calm_until_ms(self) -> float:
        """Not beyond now."""
        return self.now_ms


class Lane:
    """A board of such a controller, what happened to it and what it answered."""

    def __init__(self, kind: type[Controller]) -> None:
        self.events: list[str] = []
        self.story: list[object] = []

        def make(told: Callable[..., None]) -> tuple[Controller, Slave]:
            controller = kind(told)
            return controller, Slave(UNIT, BarrierRegisters(controller))

        self.board = BarrierDevice(self._happened, make)

    def _happened(self, event: str, **fields: object) -> None:
        self.events.append(event)
        self.story.append((event, fields))

    def act(self, chance: random.Random, happen: list[int], now_ms: float, at: int) -> None:
        """One of what may happen to it does, or nothing for a while."""
        board = self.board
        match chance.choice(happen):
            case 0:
                board.walk_in(f"t{at}")
            case 1:
                board.walk_out(f"t{at}")
            case 2:
                board.turn_back(f"t{at - chance.randrange(8)}")
            case 3:
                board.push_leaf(chance.uniform(0.0, 90.0))
            case 4:
                board.set_fire(active=chance.random() < 0.3)
            case 5:
                board.stick_beam(chance.choice((None, None, 0, 1, 2)))
            case 6:
                board.power_cycle()
            case 7:
                board.set_motor_fault(faulty=chance.random() < 0.3)
            case act if act < 16:
                self.story.append(board.receive(chance.choice(WRITES), now_ms))
            case _:
                pass
        self.story.append(board.receive(READ_ALL, now_ms) if chance.random() < 0.7 else board.tick(now_ms))


def lived_through(kind: type[Controller], seed: int) -> list[object]:
    """The story of one lane under a seed."""
    lane, chance, now_ms = Lane(kind), random.Random(seed), 1_000.0
    happen = [*chance.sample(range(16), 5), 0, 2, 16, 16, 16]  # somebody comes and turns back in each of them
    for at in range(STEPS):
        now_ms += chance.choice((0.0, 3.7, 20.0, 50.0, 150.0, 1_300.0))
        lane.act(chance, happen, now_ms, at)
    return lane.story


@pytest.mark.parametrize("seed", range(24))
def test_a_calm_controller_lives_through_the_same_as_one_that_is_stepped_all_the_time(seed: int) -> None:
    assert lived_through(Controller, seed) == lived_through(Restless, seed)


def test_nothing_happens_to_a_closed_leaf_until_the_host_counts_as_lost() -> None:
    lane = Lane(Controller)
    assert lane.board.receive(READ_ALL, 1_000.0)
    controller = lane.board._controller
    assert controller.calm_until_ms == 1_000.0 + controller.watchdog_ms
    lane.board.tick(1_990.0)
    assert lane.events == ["host_seen"]
    lane.board.tick(2_010.0)
    assert lane.events == ["host_seen", "host_lost"]
    assert controller.calm_until_ms == float("inf")


@pytest.mark.parametrize("kind", [PulseGate, RelayBoard])
def test_a_gate_with_timers_of_its_own_is_stepped_all_the_time(kind: type[Controller]) -> None:
    assert kind(lambda *_, **__: None).calm_until_ms == 0.0
