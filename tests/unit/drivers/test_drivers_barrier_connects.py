"""Connecting while others do: however many callers open a barrier's line anew at once, one line is open in the end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

import pytest
from fakes.barrier import Bench, bench
from fakes.framed_boards import FramedBench, framed_bench
from fakes.links import Wrapped
from fakes.virtual_time import run_virtual

from drivers.links import Link
from gate_core.errors import DriverError
from gate_core.ports.values import BarrierStatus


class Barrier(Protocol):
    """What is tried of a driver."""

    async def connect(self) -> None: ...

    async def status(self) -> BarrierStatus: ...


class Counted(Wrapped):
    """A line that says when it is closed."""

    def __init__(self, inner: Link) -> None:
        super().__init__(inner)
        self.is_open = True

    def close(self) -> None:
        self.is_open = False
        super().close()


async def connecting_at_once(made: Bench | FramedBench) -> None:
    lines: list[Counted] = []

    def counted(link: Link) -> Counted:
        lines.append(Counted(link))
        return lines[-1]

    made.host_line = counted
    barrier: Barrier = made.barrier
    await barrier.connect()
    asking = asyncio.ensure_future(barrier.status())
    await asyncio.sleep(0)  # its request is on the wire: who connects now waits
    await asyncio.gather(barrier.connect(), barrier.connect())
    with contextlib.suppress(DriverError):
        await asking
    assert [line.is_open for line in lines] == [False, False, True]
    await barrier.status()


@pytest.mark.parametrize("protocol", ["modbus", "framed"])
def test_two_who_connect_while_a_third_speaks_leave_one_line_open(protocol: str) -> None:
    async def run() -> None:
        async with bench() if protocol == "modbus" else framed_bench() as made:
            await connecting_at_once(made)

    run_virtual(run())
