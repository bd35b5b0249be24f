"""The real driver of a board on a line, and the simulator's board at its other end: one bench for every profile, in the loop's own time.

Time passes at the board whenever it is spoken to or looked at. What it was told is counted from the simulator's reports and from its wire.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from fakes.modbus_gateway import Gateway

from drivers.barrier.framed.driver import FramedBarrier
from drivers.barrier.modbus.driver import ModbusBarrier
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import LineProfile, line_barrier, load_profile
from drivers.links import Link
from drivers.modbus.tcp import TcpLink
from gate_contract import line_bench as lines
from gate_contract.barrier_bench import Damage
from gate_contract.cable import Trouble
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import Direction
from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.boards import BOARDS, MODBUS
from hardware_sim.barrier.controller import Alarm as Latched
from hardware_sim.barrier.controller import Controller
from hardware_sim.barrier.frames import FramedSlave, FrameFault
from hardware_sim.barrier.lot import LotTurnstile
from hardware_sim.barrier.registers import BarrierRegisters
from hardware_sim.barrier.swing import SwingBoard
from hardware_sim.modbus import READ_INPUT, Slave, seal

OWN = "portcullis-sim"
TCP = "modbus-tcp"  # the same board behind a gateway
FRAMED = tuple(BOARDS)
PROFILES = (OWN, *MODBUS, *FRAMED)
LINES = (*PROFILES, TCP)
BAUD = {**dict.fromkeys((OWN, TCP, *MODBUS), 115_200), **{name: kind.baud for name, kind in BOARDS.items()}}
WALKED = ((True, False, False), (True, True, False), (False, True, True), (False, False, True), (False, False, False))
STEP_MS = 100.0
WIRE_BAUD = 1_000_000_000  # a line in memory takes no time
TURNAROUND_S = 0.0021
WRONG_STATE = 4
REVOKE, RELEASE = (1, (0, 0)), (5, (0x5245,))  # of our own map: address and values
_BOARD_SEED = 100_000


@dataclass
class Told:
    """What the board and its gate reported."""

    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def __call__(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    def count(self, event: str, **fields: object) -> int:
        return sum(name == event and fields.items() <= said.items() for name, said in self.events)


class LineBench(lines.LineBench):
    """A driver, a line, and a board in time."""

    barrier: ModbusBarrier | FramedBarrier

    def __init__(
        self, name: str, tasks: asyncio.TaskGroup, *, entry_is_left: bool, baud: int, trouble: Trouble | None, seed: int
    ) -> None:
        super().__init__(tasks, trouble=trouble, seed=seed)
        self.profile = OWN if name == TCP else name
        self.told = Told()
        self.board: Controller | SwingBoard
        self.slave: Slave | FramedSlave
        self.board, self.slave = _made(self.profile, self.told)
        self.board.now_ms = _now_ms()  # its time begins now
        self.fire_ends_it, self.shows_fire = name == "relay-8", name != "lot"
        self.takes_ttl = self.profile in {OWN, "lot"}
        self.requests: list[bytes] = []
        self.broken = (False, False, False)
        self.refusals: list[int] = []  # of the next requests to a Modbus board, an exception each
        self.refused: Callable[[bytes], bool] = lambda _: True  # which of them
        self._refuses = False
        self._is_tcp = name == TCP
        self.barrier = line_barrier(
            profile_of(self.profile),
            open_link=lambda: self.open(baud),
            baud=baud,
            unit=1,
            entry_is_left=entry_is_left,
        )

    # ── the line ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def ends(self, near: Link, far: Link) -> tuple[Link, Link]:
        """A gateway stands between a stream and the board."""
        host, board = self._cable.host_end(near), self._cable.board_end(far, own=self._is_tcp)
        return (TcpLink(host), Gateway(board)) if self._is_tcp else (host, board)

    async def answer(self, received: bytes) -> bytes:
        self.step()
        self.requests.append(received)
        return await self._answer(received)

    async def _answer(self, received: bytes) -> bytes:
        code = self.refusals.pop(0) if self.refusals and self.refused(received) else 0
        if code or (self._refuses and is_write(received)):
            return seal(bytes((received[0], received[1] | 0x80, code or WRONG_STATE)))
        answer = self.slave.receive(received, _now_ms())
        if self.slave.answered:
            self.slave.answered = 0
            self.board.host_spoke()
        if isinstance(self.slave, FramedSlave):
            await asyncio.sleep(TURNAROUND_S)
            answer += self.slave.quiet(_now_ms())
        return answer

    def damage(self, damage: Damage) -> None:
        if self._is_tcp and damage not in {"loss", "delay"}:
            return  # a stream's bytes are whole
        super().damage(damage)

    # ── the board ────────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self) -> None:
        """Let the board's time pass until now."""
        while (late_ms := _now_ms() - self.board.now_ms) > STEP_MS:
            self.board.step(self.board.now_ms + min(STEP_MS, late_ms), self.broken)
        self.board.step(_now_ms(), self.broken)

    def grants(self, direction: Direction) -> int:
        if self.profile in MODBUS:
            return self.told.count("grant_ordered", side=int(direction is Direction.EXIT))
        names = ("grant_received", "grant_repeated")
        return sum(self.told.count(name, direction=way_of(direction).value) for name in names)

    def releases(self) -> int:
        return self.told.count("release_received") if self.profile == OWN else self.grants(Direction.EXIT)

    def closings(self) -> int:
        return sum(CLOSES[self.profile](request) for request in self.requests)

    def stands(self, direction: Direction) -> bool:
        self.step()
        way = way_of(direction)
        return bool(self.board.openings(way) if isinstance(self.board, SwingBoard) else self.board.granted(way))

    def pass_through(self, direction: Direction) -> None:
        assert self.stands(direction)
        for broken in WALKED if direction is Direction.ENTRY else ((*beams[::-1],) for beams in WALKED):
            self.board.step(_now_ms(), broken)

    def occupy(self, *, occupied: bool) -> None:
        self.broken = (occupied, False, False)
        self.step()

    def set_fire(self, *, active: bool) -> None:
        self.board.fire = active
        self.step()

    def latch(self) -> tuple[Alarm, ...]:
        if self.profile != OWN or isinstance(self.board, SwingBoard):
            return ()  # the others have no alarms, or clear them all at once
        self.step()
        self.board.alarms |= Latched.FORCED | Latched.PASSAGE_WITHOUT_GRANT
        return Alarm.FORCED, Alarm.PASSAGE_WITHOUT_GRANT

    def turn_key(self) -> None:
        if isinstance(self.board, LotTurnstile):
            self.board.reset()

    def power_cycle(self) -> None:
        self.step()
        self.board.power_cycle()

    def refuse(self) -> None:
        if isinstance(self.slave, FramedSlave):
            self.slave.break_with(FrameFault.REFUSES)
        else:
            self._refuses = True


def is_write(request: bytes) -> bool:
    """Of a Modbus board."""
    return request[1] > READ_INPUT


def writes(made: LineBench) -> list[tuple[int, tuple[int, ...]]]:
    """Address and values of each write of registers that a Modbus board heard."""
    return [
        (request[3], tuple(int.from_bytes(request[at : at + 2], "big") for at in range(7, len(request) - 2, 2)))
        for request in made.requests
        if request[1] == 16
    ]


class Lying(BarrierRegisters):
    """Our own map on a board that says something else in some registers, and is deaf to what is written to others."""

    def __init__(
        self,
        board: Controller,
        *,
        inputs: Mapping[int, int] | None = None,
        holding: Mapping[int, int] | None = None,
        deaf_to: tuple[int, ...] = (),
    ) -> None:
        super().__init__(board)
        self._inputs_said, self._holding_said = inputs or {}, holding or {}
        self.deaf_to = deaf_to

    def read_input(self, address: int, count: int) -> list[int]:
        held = super().read_input(address, count)
        return [self._inputs_said.get(at, value) for at, value in enumerate(held, address)]

    def read_holding(self, address: int, count: int) -> list[int]:
        held = super().read_holding(address, count)
        return [self._holding_said.get(at, value) for at, value in enumerate(held, address)]

    def write_holding(self, address: int, values: list[int]) -> None:
        if address not in self.deaf_to:
            super().write_holding(address, values)


def _made(profile: str, told: Told) -> tuple[Controller | SwingBoard, Slave | FramedSlave]:
    if profile in MODBUS:
        return MODBUS[profile](told, 1)
    if profile in BOARDS:
        kind = BOARDS[profile]
        board = SwingBoard(told, lease_ms=kind.lease_ms)
        return board, FramedSlave(board, kind.codec(), number=1, baud=WIRE_BAUD)
    controller = Controller(told)
    return controller, Slave(1, BarrierRegisters(controller))


def _stops(request: bytes) -> bool:
    """Coil 2 is switched on, alone or among others."""
    first, number = request[3], request[5]
    return request[1] == 15 and first <= 2 < first + number and bool(request[7] >> (2 - first) & 1)


# Requests that close the leaf, or take a grant back, by their bytes.
CLOSES: dict[str, Callable[[bytes], bool]] = {
    OWN: lambda request: request[1] == 16 and request[3] in {1, 7},
    "lot": lambda request: request[1] == 16 and (request[2] == 0x30 or not any(request[7:-2])) and request[3] < 0x10,
    "relay-8": _stops,
    "ds205a": lambda request: request[3] == 0x84,
    "italdis": lambda request: request[1] == 0x61 and request[2] in {0x93, 0x94},
}


def way_of(direction: Direction) -> Way:
    return Way.ENTRY if direction is Direction.ENTRY else Way.EXIT


def profile_of(name: str) -> LineProfile:
    found = load_profile(name)
    assert isinstance(found, LineProfile)
    return found


def modbus_profile(name: str) -> ModbusProfile:
    found = load_profile(name)
    assert isinstance(found, ModbusProfile)
    return found


def _now_ms() -> float:
    return asyncio.get_running_loop().time() * 1000


@contextlib.asynccontextmanager
async def line_bench(
    name: str, *, entry_is_left: bool = True, baud: int | None = None, trouble: Trouble | None = None, seed: int = 1
) -> AsyncIterator[LineBench]:
    """A bench that is cleared at the end."""

    def made(tasks: asyncio.TaskGroup) -> LineBench:
        return LineBench(name, tasks, entry_is_left=entry_is_left, baud=baud or BAUD[name], trouble=trouble, seed=seed)

    async with lines.standing(made) as bench:
        yield bench
