"""Traces captured from our simulated boards while they are brought up, in virtual time. Of hardware they are not."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import LineProfile, line_barrier, load_profile
from drivers.barrier.tracing.recorder import OpenLink, Recorder, bring_up
from drivers.barrier.tracing.trace import Head, Trace, read_trace, spelt
from drivers.links import Link
from drivers.profile_file import ProfileFile
from gate_contract.virtual_time import run_virtual
from gate_core.errors import LinkLostError
from gate_core.ports.memory_link import memory_pair
from hardware_sim.barrier.boards import MODBUS, FramedDevice, ModbusDevice, baud_of, device_of

NAMES = ("ds205a", "italdis", *MODBUS)
TICK_S = 0.002


@dataclass
class Recorded:
    """A board with a leaf, beams and bodies, and what a technician does to it and types."""

    device: FramedDevice | ModbusDevice
    orders: asyncio.Queue[str]
    said: list[str]

    async def typed(self, order: str, *, wait_s: float = 0.5) -> None:
        self.orders.put_nowait(order)
        await asyncio.sleep(wait_s)

    async def at_rest(self) -> None:
        await asyncio.sleep(1.5)


async def walk(made: Recorded, name: str) -> None:
    """What the guide asks for, one after the other."""
    await made.at_rest()
    await made.typed("grant entry")
    made.device.walk_in("anna")
    await asyncio.sleep(4)
    await made.typed("grant entry")
    await made.typed("revoke")
    await made.at_rest()
    await made.typed("note the exit button")
    await made.typed("release", wait_s=1)
    await asyncio.sleep(8)
    made.device.set_fire(active=True)
    await asyncio.sleep(0.5)
    made.device.set_fire(active=False)
    await asyncio.sleep(0.5)
    if name == "lot":
        made.device.reset()
    await made.typed("end-emergency", wait_s=2)
    await made.typed("lamp green")
    await made.typed("clear-alarms")
    made.device.power_cycle()
    await asyncio.sleep(2)


@contextlib.asynccontextmanager
async def _standing(name: str, orders: asyncio.Queue[str]) -> AsyncIterator[tuple[Recorded, OpenLink]]:
    device = device_of(name, lambda *_, **__: None, number=1, baud=baud_of(name), seed=1)
    ends: list[Link] = []

    def now_ms() -> float:
        return asyncio.get_running_loop().time() * 1000

    def wire_s(sent: bytes) -> float:
        return len(sent) * 10 / baud_of(name)

    async def deliver(far: Link, answer: bytes) -> None:
        await asyncio.sleep(wire_s(answer))
        with contextlib.suppress(LinkLostError):
            if answer:
                await far.write(answer)

    async def open_link() -> Link:
        near, far = memory_pair()
        ends.append(far)
        tasks.create_task(serve(far))
        return near

    async def serve(far: Link) -> None:
        with contextlib.suppress(LinkLostError):
            while True:
                received = await far.read(256)
                await asyncio.sleep(wire_s(received))
                await deliver(far, device.receive(received, now_ms()))

    async def live() -> None:
        while True:
            if (answer := device.tick(now_ms())) and ends:
                tasks.create_task(deliver(ends[-1], answer))
            await asyncio.sleep(TICK_S)

    async with asyncio.TaskGroup() as tasks:
        living = tasks.create_task(live())
        try:
            yield Recorded(device, orders, []), open_link
        finally:
            living.cancel()
            for end in ends:
                end.close()


def profile_of(name: str) -> LineProfile:
    found = load_profile(name)
    assert isinstance(found, LineProfile)
    return found


def head_of(name: str, *, simulated: bool = True) -> Head:
    return Head(
        board=f"simulated {name}", firmware="none", profile=name, protocol="modbus-rtu" if isinstance(profile_of(name), ModbusProfile) else "framed",
        baud=baud_of(name), unit=1, entry_is_left=True, simulated=simulated, captured_by="a test",
        captured_at="2026-11-27T02:00:00Z",
    )  # fmt: skip


@functools.cache
def text_of(name: str) -> str:
    """The trace of a board that is brought up as the guide says."""
    out = io.StringIO()
    out.write(spelt(head_of(name)))

    async def run() -> None:
        orders = asyncio.Queue[str]()
        async with _standing(name, orders) as (made, open_link):
            recorder = Recorder(out)
            barrier = line_barrier(
                profile_of(name), open_link=recorder.tapped(open_link), baud=baud_of(name), unit=1, entry_is_left=True
            )
            up = asyncio.ensure_future(
                bring_up(barrier, recorder, orders, poll_s=0.05, grant_ms=10_000, say=made.said.append)
            )
            await walk(made, name)
            await made.typed("end")
            await up

    run_virtual(run())
    return out.getvalue()


def trace_of(name: str, *, simulated: bool = True) -> Trace:
    """The same, read back."""
    found = read_trace(ProfileFile(f"{name}.trace", text_of(name)))
    return replace(found, head=head_of(name, simulated=simulated))
