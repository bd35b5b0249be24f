"""The real driver before a counting controller."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from fakes.modbus_controller import CountingController

from drivers.barrier.modbus.driver import ModbusBarrier
from drivers.barrier.modbus.profile import ModbusProfile
from drivers.barrier.profiles import load_profile
from drivers.links import Link
from gate_contract.links import Wrapped
from gate_contract.virtual_time import run_virtual
from gate_core.errors import LinkLostError
from gate_core.ports.memory_link import memory_pair
from gate_core.ports.values import BarrierStatus, LeafPosition

# What the board is told, as the counting controller notes it.
RELEASE = (5, (0x5245,))
REVOKE = (1, (0, 0))
AT_REST = BarrierStatus(
    LeafPosition.CLOSED, 0, 0, 0, 0, 0, fire=False, emergency_open=False, alarms=frozenset(), restarts=1
)


def at_rest(status: BarrierStatus) -> bool:
    """True when closed, with nobody in the zone and no grant outstanding."""
    return (status.position, status.bodies, status.grants_left_entry, status.grants_left_exit) == (
        LeafPosition.CLOSED,
        0,
        0,
        0,
    )


def simulators_profile() -> ModbusProfile:
    """The register map of the simulated controller."""
    profile = load_profile("portcullis-sim")
    assert isinstance(profile, ModbusProfile)
    return profile


class Bench:
    """The real driver, a line in memory, and a counting controller at its far end."""

    def __init__(self, controller: CountingController, tasks: asyncio.TaskGroup, *, entry_is_left: bool = True) -> None:
        self.controller = controller
        self.plugged = True
        self.host_line: Callable[[Link], Link] = lambda link: link
        self.board_line: Callable[[Link], Link] = lambda link: link
        self._tasks = tasks
        self._near: Link | None = None
        self.barrier = ModbusBarrier(
            open_link=self.open_link, profile=simulators_profile(), baud=115200, entry_is_left=entry_is_left
        )

    async def open_link(self) -> Link:
        """The host's end of a new line, with the board at the other one. Raises LinkLostError while it is unplugged."""
        if not self.plugged:
            raise LinkLostError("no such port")
        near, far = memory_pair()
        self._near = near
        self._tasks.create_task(self.controller.serve(self.board_line(far)))
        return self.host_line(near)

    def unplug(self) -> None:
        """Pull the cable; nothing opens until it is put back."""
        self.plugged = False
        if self._near is not None:
            self._near.close()


@contextlib.asynccontextmanager
async def bench(controller: CountingController | None = None, *, entry_is_left: bool = True) -> AsyncIterator[Bench]:
    """A bench that is cleared at the end."""
    async with asyncio.TaskGroup() as tasks:
        made = Bench(controller or CountingController(), tasks, entry_is_left=entry_is_left)
        try:
            yield made
        finally:
            made.barrier.close()
            made.unplug()


def on_bench(
    story: Callable[[Bench], Awaitable[None]],
    controller: CountingController | None = None,
    *,
    entry_is_left: bool = True,
) -> None:
    """Tell a story to a connected driver."""

    async def run() -> None:
        async with bench(controller, entry_is_left=entry_is_left) as made:
            await made.barrier.connect()
            await story(made)

    run_virtual(run())


class LosesWrites(Wrapped):
    """Loses the first `count` frames that write registers."""

    count = 0

    async def write(self, payload: bytes) -> None:
        if payload[1] == 16 and self.count:
            self.count -= 1
            return
        await self.inner.write(payload)


def with_lossy_line(made: Bench) -> list[LosesWrites]:
    made_links: list[LosesWrites] = []

    def wrap(link: Wrapped) -> LosesWrites:
        made_links.append(LosesWrites(link))
        return made_links[-1]

    made.host_line = wrap  # type: ignore[assignment]
    return made_links
