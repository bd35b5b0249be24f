"""Connecting while others do: however many callers open a barrier's line anew at once, one line is open in the end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

import pytest
from fakes.barrier import Bench, bench
from fakes.framed_boards import FramedBench, framed_bench
from fakes.modbus_boards import board_bench

from drivers.links import Link
from gate_contract.links import Delay, Wrapped
from gate_contract.virtual_time import run_virtual
from gate_core.errors import DriverError, LinkLostError
from gate_core.ports.memory_link import memory_pair
from gate_core.ports.values import BarrierStatus, Direction


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


def test_a_status_beside_connecting_keeps_nobody_waiting() -> None:
    """The status finds a relay on that nobody means to be on, and would tidy it up on a line that connecting does not let go."""

    async def story() -> None:
        async with board_bench("relay-8") as made:
            made.host_line = lambda link: Delay(link, seed=3, delay_s_max=0.02)
            barrier = made.barrier
            await barrier.connect()
            for gap_ms in range(0, 150, 3):
                await barrier.connect()
                with contextlib.suppress(DriverError):
                    await barrier.grant(Direction.ENTRY, 30_000)
                connecting = asyncio.ensure_future(barrier.connect())
                await asyncio.sleep(gap_ms / 1000)
                asking = asyncio.ensure_future(barrier.status())
                await asyncio.sleep(2)
                async with asyncio.timeout(60):
                    await barrier.release()
                    await asyncio.gather(connecting, asking, return_exceptions=True)

    run_virtual(story())


async def test_a_captured_loss_without_words_ends_the_line() -> None:
    host, _ = memory_pair()
    host.lose("")
    with pytest.raises(LinkLostError, match="the other end is gone"):
        await host.write(b"x")
