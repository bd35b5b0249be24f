"""The real contacts driver before a simulated chip and turnstile, in the loop's own time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from core_fakes.virtual_time import run_virtual
from fakes.gpio_chip import GpioChip
from fakes.gpio_turnstile import LABEL, LINES, Turnstile
from fakes.modbus_boards import Told

from drivers.barrier.contacts.driver import ContactsBarrier
from drivers.barrier.contacts.gpio import Kernel
from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.profiles import load_profile
from gate_core.ports.values import BarrierStatus, Direction
from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.controller import End

PATH = "/dev/portcullis-barrier"
TICK_S = 0.01


def shipped() -> ContactsProfile:
    found = load_profile("perco-pulse")
    assert isinstance(found, ContactsProfile)
    return found


class ContactsBench(Kernel):
    """A driver, a chip, and a turnstile in time."""

    def __init__(self, *, profile: ContactsProfile | None, entry_is_left: bool, keeps_outputs: bool) -> None:
        self.told = Told()
        self.turnstile = Turnstile(self.told)
        self.gate = self.turnstile.gate
        self.broken = (False, False, False)
        self.keeps_outputs = keeps_outputs
        self.watch: Callable[[int, bool], None] = lambda _line, _high: None
        self.slow: Callable[[], None] = lambda: None  # what each call of the kernel waits for
        self.profile = profile or shipped()
        self.chip = self._plugged_in()
        self.barrier = ContactsBarrier(kernel=self, path=PATH, profile=self.profile, entry_is_left=entry_is_left)

    # ── the kernel, before whichever chip is plugged in now ──────────────────────────────────────────────────────────

    def open(self, path: str) -> int:
        return self.chip.open(path)

    def ioctl(self, descriptor: int, request: int, argument: bytearray) -> None:
        self.slow()
        self.chip.ioctl(descriptor, request, argument)

    def read(self, descriptor: int, bytes_max: int) -> bytes:
        return self.chip.read(descriptor, bytes_max)

    def close(self, descriptor: int) -> None:
        self.chip.close(descriptor)

    def unplug(self) -> None:
        self.chip.unplug()

    def replug(self) -> None:
        """The chip comes back, with nothing of what it was told."""
        self.chip = self._plugged_in()

    def _plugged_in(self) -> GpioChip:
        chip = GpioChip(
            PATH,
            label=LABEL,
            lines=LINES,
            clock=_now_s,
            on_output=self._switched,
            keeps_outputs=self.keeps_outputs,
        )
        self.turnstile.wire(chip)
        return chip

    def _switched(self, line: int, high: bool) -> None:  # noqa: FBT001 - the chip's word
        self.watch(line, high)
        self.turnstile.switched(line, high=high)

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def live(self) -> None:
        """Let the turnstile's time pass for ever."""
        while True:
            self.turnstile.step(_now_s() * 1000, self.broken)
            await asyncio.sleep(TICK_S)

    def ordered(self, direction: Direction = Direction.ENTRY) -> int:
        """How often the turnstile was asked for a passage."""
        return self.told.count("grant_ordered", side=int(direction is Direction.EXIT))

    def pass_through(self, way: Way = Way.ENTRY) -> None:
        """The granted traveller is through."""
        assert self.gate.granted(way)
        self.gate.passages[way] += 1
        self.gate._end_grant(way, End.USED)

    async def polled(self, seconds: float) -> BarrierStatus:
        """Look as the lane does for a while; what was seen last."""
        until_s = _now_s() + seconds
        while True:
            status = await self.barrier.status()
            if _now_s() >= until_s:
                return status
            await asyncio.sleep(0.05)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def contacts_bench(
    profile: ContactsProfile | None = None, *, entry_is_left: bool = True, keeps_outputs: bool = False
) -> AsyncIterator[ContactsBench]:
    """A bench that is cleared at the end."""
    async with asyncio.TaskGroup() as tasks:
        made = ContactsBench(profile=profile, entry_is_left=entry_is_left, keeps_outputs=keeps_outputs)
        living = tasks.create_task(made.live())
        try:
            yield made
        finally:
            living.cancel()
            made.barrier.close()


def on_contacts(
    story: Callable[[ContactsBench], Awaitable[None]],
    profile: ContactsProfile | None = None,
    *,
    entry_is_left: bool = True,
    keeps_outputs: bool = False,
) -> None:
    """Tell a story to a connected driver, in virtual time."""

    async def run() -> None:
        async with contacts_bench(profile, entry_is_left=entry_is_left, keeps_outputs=keeps_outputs) as made:
            await made.barrier.connect()
            await story(made)

    run_virtual(run())
