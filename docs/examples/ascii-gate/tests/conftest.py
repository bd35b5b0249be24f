"""The example's board, before its driver, for the contract's stories."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest
from ascii_gate.barrier import AsciiGate
from board import AT_REST, Board

from gate_contract.line_bench import LineBench, standing
from gate_core.ports.drivers import Alarm, Direction


class AsciiBench(LineBench):
    """The driver, a line in memory, and the board at its other end."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        super().__init__(tasks)
        self.board = Board(clock=asyncio.get_running_loop().time)
        self.barrier = AsciiGate().open(self)

    async def answer(self, received: bytes) -> bytes:
        return await self.board.hear(received)

    def grants(self, direction: Direction) -> int:
        return self.board.heard.count(("G", "E" if direction is Direction.ENTRY else "X"))

    def releases(self) -> int:
        return self.board.heard.count(("R",))

    def closings(self) -> int:
        return self.board.heard.count(("C",))

    def stands(self, direction: Direction) -> bool:
        now = self.board.look()
        return bool(now.grants_left_entry if direction is Direction.ENTRY else now.grants_left_exit)

    def pass_through(self, direction: Direction) -> None:
        assert self.stands(direction)
        self.board.pass_through()

    def occupy(self, *, occupied: bool) -> None:
        self.board.now = replace(self.board.look(), bodies=int(occupied))

    def set_fire(self, *, active: bool) -> None:
        self.board.fire(active=active)

    def latch(self) -> Collection[Alarm]:
        self.board.now = replace(self.board.look(), alarms=frozenset({Alarm.FORCED, Alarm.OBSTRUCTED}))
        return self.board.now.alarms

    def turn_key(self) -> None:
        """This board has no key: the host ends its emergencies."""

    def power_cycle(self) -> None:
        self.board.now = replace(AT_REST, restarts=self.board.now.restarts + 1)

    def refuse(self) -> None:
        self.board.refuses = True


@pytest.fixture
def barrier_bench() -> Callable[[], AbstractAsyncContextManager[AsciiBench]]:
    return lambda: standing(AsciiBench)
