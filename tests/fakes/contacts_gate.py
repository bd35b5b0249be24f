"""The real contacts driver before a simulated chip and turnstile, in the loop's own time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from fakes.gpio_chip import GpioChip
from fakes.gpio_turnstile import LABEL, LINES, Turnstile
from fakes.line_bench import WALKED, Told, way_of

from drivers.barrier.contacts.driver import ContactsBarrier
from drivers.barrier.contacts.gpio import Kernel
from drivers.barrier.contacts.profile import ContactsProfile
from drivers.barrier.profiles import load_profile
from gate_contract.barrier_bench import BarrierBench, Damage
from gate_contract.virtual_time import pass_time
from gate_core.evidence.crossing import Alarm
from gate_core.ports.values import BarrierStatus, Direction
from hardware_sim.barrier.relays import STOP, UNLOCK_A, UNLOCK_B

PATH = "/dev/portcullis-barrier"
TICK_S = 0.01


def shipped() -> ContactsProfile:
    found = load_profile("perco-pulse")
    assert isinstance(found, ContactsProfile)
    return found


class ContactsBench(Kernel, BarrierBench):
    """A driver, a chip, and a turnstile in time."""

    barrier: ContactsBarrier
    fire_ends_it = True
    takes_ttl = False

    def __init__(self, *, profile: ContactsProfile | None, entry_is_left: bool, keeps_outputs: bool) -> None:
        self.told = Told()
        self.turnstile = Turnstile(self.told)
        self.gate = self.turnstile.gate
        self.broken = (False, False, False)
        self.keeps_outputs = keeps_outputs
        self.stops = 0
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
        self.stops += high and line == STOP
        self.turnstile.switched(line, high=high)

    # ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def live(self) -> None:
        """Let the turnstile's time pass for ever."""
        while True:
            self.step()
            await asyncio.sleep(TICK_S)

    def step(self) -> None:
        self.turnstile.step(_now_s() * 1000, self.broken)

    def grants(self, direction: Direction) -> int:
        return self.told.count("grant_ordered", side=int(direction is Direction.EXIT))

    def releases(self) -> int:
        return self.grants(Direction.EXIT)

    def closings(self) -> int:
        return self.stops

    def stands(self, direction: Direction) -> bool:
        self.step()
        return bool(self.gate.granted(way_of(direction)))

    def pass_through(self, direction: Direction) -> None:
        assert self.stands(direction)
        for broken in WALKED if direction is Direction.ENTRY else ((*beams[::-1],) for beams in WALKED):
            self.turnstile.step(_now_s() * 1000, broken)

    def occupy(self, *, occupied: bool) -> None:
        self.broken = (occupied, False, False)

    def set_fire(self, *, active: bool) -> None:
        self.gate.fire = active

    def latch(self) -> tuple[Alarm, ...]:
        return ()

    def turn_key(self) -> None:
        """It has none."""

    def power_cycle(self) -> None:
        """The chip's: the gate's own shows nowhere."""
        self.unplug()
        self.replug()

    def refuse(self) -> None:
        for line in (UNLOCK_A, UNLOCK_B):
            self.chip.stick(line, False)

    # Nothing is asked and answered here: the kernel takes its time instead.

    def deafen(self, *, deaf: bool = True) -> None:
        if deaf:
            self.unplug()

    def lose(self, requests: int) -> None:
        del requests

    def mute(self, answers: int) -> None:
        del answers

    def delay(self, seconds: float) -> None:
        self.slow = lambda: pass_time(seconds)

    def damage(self, damage: Damage) -> None:
        del damage

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
