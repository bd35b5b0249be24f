"""Boards that nobody here wrote: pymodbus's own server and simulator, with the register maps of our profiles.

The driver is before the server on a serial line, two pseudo-terminals end to end, or speaks Modbus TCP to it through a relay, as a gate
does. What a gate does is the test's part: the server only keeps what is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.links import Link, SerialLink, SocketLink
from drivers.modbus.tcp import TcpLink

BAUD = 9600
UNIT = 1
COILS, DISCRETE, HOLDING, INPUT = 1, 2, 3, 4
Way = Literal["serial", "tcp"]
WAYS: tuple[Way, ...] = ("serial", "tcp")


def _bits(*values: bool) -> list[SimData]:
    return [SimData(0, values=[*values, *[False] * (16 - len(values))], datatype=DataType.BITS)]


def _registers(at: int, *values: int) -> SimData:
    return SimData(at, values=list(values), datatype=DataType.REGISTERS)


_OWN_INPUTS = (0x504C, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1000)
MAPS: dict[str, list[SimData] | tuple[list[SimData], list[SimData], list[SimData], list[SimData]]] = {
    "portcullis-sim": (
        _bits(False),
        _bits(False),
        [_registers(0, 5000, 0, 0, 1000, 0, 0, 0, 0)],
        [_registers(0, *_OWN_INPUTS)],
    ),
    "lot": [_registers(0x40, *[0] * 9), _registers(0x3000, 0), _registers(0x3010, 1, 5, 10)],
    "relay-8": (
        _bits(*[False] * 8),
        _bits(True, False, False, False, True),
        [_registers(0, 0)],
        [_registers(0, 0, 0)],
    ),
}


class ForeignBoard:
    """A server's board. `open_link` is the driver's line to it; `writes`: function, address and values of each request that wrote."""

    def __init__(self, profile: str) -> None:
        self.open_link: Callable[[], Awaitable[Link]]
        self.writes: list[tuple[int, int, list[int]]] = []
        self.refusals: list[ExcCodes] = []  # of the next writes, one each
        self.server: ModbusSerialServer | ModbusTcpServer
        self.device = SimDevice(UNIT, simdata=MAPS[profile], action=self._asked)
        self._shows_grants = profile == "portcullis-sim"
        self._ends: tuple[int, ...] = ()

    async def holds(self, function: int, at: int, count: int = 1) -> list[int]:
        """What stands there."""
        return [int(value) for value in await self.server.async_getValues(UNIT, function, at, count)]

    async def put(self, function: int, at: int, *values: int) -> None:
        """The gate behind the board changes what stands there."""
        kept = [bool(value) for value in values] if function in {COILS, DISCRETE} else list(values)
        await self.server.async_setValues(UNIT, function, at, kept)

    async def _asked(
        self, function: int, _start: int, at: int, _count: int, _held: list[int], values: list[int] | list[bool] | None
    ) -> ExcCodes | None:
        if values is None or function in {COILS, DISCRETE, HOLDING, INPUT}:
            return None  # it was read, or changed by the gate behind the board
        self.writes.append((function, at, [int(value) for value in values]))
        if self.refusals:
            return self.refusals.pop(0)
        if self._shows_grants and at in {0, 1}:
            await self.put(INPUT, 12, *self.writes[-1][2][-2:])
        return None

    def wire(self, one: int, other: int) -> None:
        """Pass bytes on between two descriptors, both ways, in place of any before."""
        self.cut()
        self._ends = (one, other)
        for near, far in ((one, other), (other, one)):
            os.set_blocking(near, False)
            asyncio.get_running_loop().add_reader(near, self._pass_on, near, far)

    def cut(self) -> None:
        """Cut the wire: from now on nothing arrives."""
        for end in self._ends:
            asyncio.get_running_loop().remove_reader(end)

    def _pass_on(self, near: int, far: int) -> None:
        received = os.read(near, 1024)
        if not received:
            self.cut()
            return
        os.write(far, received)


@contextlib.asynccontextmanager
async def foreign_board(profile: str, way: Way) -> AsyncIterator[ForeignBoard]:
    """A board with a profile's map. What is asked of other numbers it refuses, unlike a board on a line, which is silent."""
    board = ForeignBoard(profile)
    with contextlib.ExitStack() as ends:
        if way == "serial":
            far, host_port = _pseudo_terminal(ends)
            near, port = _pseudo_terminal(ends)
            board.server = ModbusSerialServer(board.device, port=port, baudrate=BAUD)
            await board.server.serve_forever(background=True)
            board.wire(far, near)
            board.open_link = lambda: SerialLink.open(host_port, BAUD)
        else:
            board.server = ModbusTcpServer(board.device, address=("127.0.0.1", 0))
            await board.server.serve_forever(background=True)
            path = _relay(board, ends)
            board.open_link = lambda: _over_tcp(path)
        try:
            yield board
        finally:
            board.cut()
            await board.server.shutdown()  # type: ignore[no-untyped-call] # pymodbus gives it no type


def _pseudo_terminal(ends: contextlib.ExitStack) -> tuple[int, str]:
    """A raw one: its far end, and the name under which a program opens the other one."""
    far, near = os.openpty()
    tty.setraw(near)
    ends.callback(os.close, far)
    ends.callback(os.close, near)
    return far, os.ttyname(near)


def _relay(board: ForeignBoard, ends: contextlib.ExitStack) -> str:
    """What a gate's relay does: whoever connects to this Unix socket is connected to the server's port."""
    assert isinstance(board.server.transport, asyncio.Server)
    address = board.server.transport.sockets[0].getsockname()
    path = f"{ends.enter_context(tempfile.TemporaryDirectory(prefix='gate-'))}/relay"
    listener = ends.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen()

    def accept() -> None:
        near, far = listener.accept()[0], socket.create_connection(address)
        board.wire(ends.enter_context(near).fileno(), ends.enter_context(far).fileno())

    loop = asyncio.get_running_loop()
    loop.add_reader(listener, accept)
    ends.callback(loop.remove_reader, listener)
    return path


async def _over_tcp(path: str) -> Link:
    return TcpLink(await SocketLink.open(path))
