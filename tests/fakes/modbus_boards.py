"""The real Modbus driver before a simulated board with its gate, over a line in memory: every profile but the usual one's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from drivers.barrier.modbus.driver import ModbusBarrier
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import load_profile
from drivers.links import Link
from gate_core.errors import LinkLostError
from gate_core.ports.memory_link import memory_pair
from gate_core.ports.values import Direction
from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.controller import Controller, End
from hardware_sim.barrier.lot import LotRegisters, LotTurnstile
from hardware_sim.barrier.relays import RelayBoard, RelayRegisters
from hardware_sim.modbus import Slave

PROFILES = ("lot", "relay-8")
TICK_S = 0.01


@dataclass
class Told:
    """What the board and its gate reported."""

    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __call__(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    def count(self, event: str, **fields: object) -> int:
        return sum(name == event and fields.items() <= said.items() for name, said in self.events)


class BoardBench:
    """A driver, a line, and a board in time. `side` 0 is the left one."""

    def __init__(self, profile: str, tasks: asyncio.TaskGroup, *, baud: int, entry_is_left: bool) -> None:
        self.told = Told()
        self.board: Controller
        if profile == "lot":
            turnstile = LotTurnstile(self.told)
            self.board, self._slave = turnstile, Slave(1, LotRegisters(turnstile))
        else:
            relays = RelayBoard(self.told)
            registers = RelayRegisters(relays)
            self.board, self._slave = relays, Slave(1, registers, registers)
        self.broken = (False, False, False)
        self.plugged = True
        self.tick_s = TICK_S
        self.host_line: Callable[[Link], Link] = lambda link: link
        self.board_line: Callable[[Link], Link] = lambda link: link
        self._tasks = tasks
        self._near: Link | None = None
        found = load_profile(profile)
        assert isinstance(found, ModbusProfile)
        self.barrier = ModbusBarrier(open_link=self.open_link, profile=found, baud=baud, entry_is_left=entry_is_left)

    async def open_link(self) -> Link:
        """The host's end of a new line, with the board at the other one. Raises LinkLostError while it is unplugged."""
        if not self.plugged:
            raise LinkLostError("no such port")
        near, far = memory_pair()
        self._near = near
        self._tasks.create_task(self._serve(self.board_line(far)))
        return self.host_line(near)

    async def _serve(self, link: Link) -> None:
        with contextlib.suppress(LinkLostError):
            while True:
                received = await link.read(256)
                self.step()
                await self._answer(link, self._slave.receive(received, _now_ms()))

    async def _answer(self, link: Link, reply: bytes) -> None:
        if self._slave.answered:
            self._slave.answered = 0
            self.board.host_spoke()
        if reply:
            await link.write(reply)

    async def live(self) -> None:
        """Let the board's time pass for ever."""
        while True:
            self.step()
            await asyncio.sleep(self.tick_s)

    def step(self) -> None:
        self.board.step(_now_ms(), self.broken)

    def unplug(self) -> None:
        """Pull the cable; nothing opens until it is put back."""
        self.plugged = False
        if self._near is not None:
            self._near.close()

    def ordered(self, direction: Direction = Direction.ENTRY) -> int:
        """How many grants the board was given, those that change nothing as well."""
        return self.told.count("grant_ordered", side=int(direction is Direction.EXIT))

    def pass_through(self, way: Way = Way.ENTRY) -> None:
        """The granted traveller is through."""
        assert self.board.granted(way)
        self.board.passages[way] += 1
        self.board._end_grant(way, End.USED)


def _now_ms() -> float:
    return asyncio.get_running_loop().time() * 1000


@contextlib.asynccontextmanager
async def board_bench(profile: str, *, baud: int = 115200, entry_is_left: bool = True) -> AsyncIterator[BoardBench]:
    """A bench that is cleared at the end."""
    async with asyncio.TaskGroup() as tasks:
        made = BoardBench(profile, tasks, baud=baud, entry_is_left=entry_is_left)
        living = tasks.create_task(made.live())
        try:
            yield made
        finally:
            living.cancel()
            made.barrier.close()
            made.unplug()
