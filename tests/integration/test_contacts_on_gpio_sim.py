"""The contacts driver on the kernel's own simulated GPIO chip, and whether ours keeps to what that one does.

Needs root and a kernel with gpio-sim: `modprobe gpio-sim`, configfs mounted. No distribution's usual kernel at hand has it, so these tests are
skipped on most machines; docs/protocols/barrier-contacts.md says where they ran.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from fakes import kernel_chip
from fakes.contacts_gate import shipped
from fakes.gpio_chip import GpioChip
from fakes.gpio_turnstile import LABEL, LINES, PASS_A, READY, Turnstile
from fakes.kernel_chip import KernelChip
from fakes.line_bench import Told

from drivers.barrier.contacts import gpio
from drivers.barrier.contacts.driver import ContactsBarrier
from drivers.barrier.contacts.gpio import Chip, Flag, Kernel, Lines
from gate_core.errors import LinkLostError, SetupError
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition
from hardware_sim.barrier.beams import Way
from hardware_sim.barrier.controller import End

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not kernel_chip.is_here(), reason="no gpio-sim here"),
]
RISING = Flag.INPUT | Flag.EDGE_RISING | Flag.PULL_UP
TICK_S = 0.005
OUTPUTS = (0, 1, 2, 4, 5)


@pytest.fixture
def chip() -> Iterator[KernelChip]:
    with kernel_chip.kernel_chip(label=LABEL, lines=LINES) as made:
        yield made


class Hall:
    """The driver on the kernel's chip, and a turnstile that looks at its pins as often as it can."""

    def __init__(self, chip: KernelChip) -> None:
        self.told = Told()
        self.turnstile = Turnstile(self.told)
        self.turnstile.wire(chip)
        self.barrier = ContactsBarrier(kernel=Kernel(), path=chip.path, profile=shipped())
        self.longest_s = dict.fromkeys(OUTPUTS, 0.0)
        self._chip = chip
        self._since: dict[int, float] = {}

    async def live(self) -> None:
        while True:
            now_s = time.monotonic()
            for line in OUTPUTS:
                high = self._chip.level(line)
                self.turnstile.switched(line, high=high)
                if high:
                    self.longest_s[line] = max(self.longest_s[line], now_s - self._since.setdefault(line, now_s))
                else:
                    self._since.pop(line, None)
            self.turnstile.step(now_s * 1000, (False, False, False))
            self.turnstile.show_again()  # the kernel pulls a line as it is asked to whenever it is asked for
            await asyncio.sleep(TICK_S)

    async def until(self, fits: Callable[[BarrierStatus], bool]) -> BarrierStatus:
        async with asyncio.timeout(10):
            while True:
                status = await self.barrier.status()
                if fits(status):
                    return status
                await asyncio.sleep(0.05)


async def test_a_traveller_is_granted_counted_revoked_and_released(chip: KernelChip) -> None:
    hall = Hall(chip)
    living = asyncio.create_task(hall.live())
    try:
        await hall.barrier.connect()
        await hall.until(lambda status: status.position is LeafPosition.CLOSED)
        await hall.barrier.lamp(LampColour.RED)
        await hall.barrier.grant(Direction.ENTRY, 10_000)
        await hall.until(lambda status: status.position is not LeafPosition.CLOSED)
        hall.turnstile.gate.passages[Way.ENTRY] += 1
        hall.turnstile.gate._end_grant(Way.ENTRY, End.USED)
        status = await hall.until(lambda status: status.count_entry == 1)
        assert (status.count_exit, status.grants_left_entry) == (0, 0)
        await hall.until(lambda status: status.position is LeafPosition.CLOSED)
        await hall.barrier.grant(Direction.ENTRY, 10_000)
        await asyncio.sleep(0.1)  # the turnstile looks now and then only
        await hall.barrier.revoke()
        await hall.until(lambda status: status.position is LeafPosition.CLOSED)
        await hall.barrier.release()
        await hall.until(lambda _: hall.told.count("grant_ordered", side=1) == 1)
        assert hall.told.count("grant_ordered", side=0) == 2
        assert hall.turnstile.at_once == 1
        hall.turnstile.gate.fire = True
        await hall.until(lambda status: status.fire)
        assert hall.turnstile.lamp == 1
        assert hall.longest_s[0] == pytest.approx(0.3, abs=0.05)
        assert hall.longest_s[2] == pytest.approx(0.3, abs=0.05)
        hall.barrier.close()
        assert not any(chip.level(line) for line in OUTPUTS)
        assert hall.barrier.describe()["pulse_ms_max"] < 350
    finally:
        living.cancel()
        hall.barrier.close()


async def test_what_can_never_be_had_is_told_from_what_is_in_use(chip: KernelChip) -> None:
    kernel, usual = Kernel(), ContactsBarrier(kernel=Kernel(), path=chip.path, profile=shipped())
    taken = _taken(kernel, chip.path, (PASS_A, RISING))
    with pytest.raises(LinkLostError, match="in use by another"):
        await usual.connect()
    taken.close()
    with pytest.raises(SetupError, match="cannot be had"):
        _taken(kernel, chip.path, (LINES, RISING))


def test_edges_that_the_kernel_had_no_room_for_are_counted(chip: KernelChip) -> None:
    lines = _taken(Kernel(), chip.path, (PASS_A, RISING))
    _pulses(chip, PASS_A, 270)
    assert lines.edges() == (270,)
    assert lines.edges_forgotten == 270 - gpio.EVENTS_KEPT
    lines.close()


HOLDS = """
import sys, time
from drivers.barrier.contacts.gpio import Chip, Flag, Kernel
lines = Chip.open(Kernel(), sys.argv[1]).request([(0, Flag.OUTPUT)])
lines.set(1)
print("closed", flush=True)
time.sleep(60)
"""


def die_with_a_contact_closed(chip: KernelChip) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDS, chip.path], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"closed\n"
        assert chip.level(0)
        os.kill(child.pid, signal.SIGKILL)


async def test_who_dies_with_a_contact_closed_leaves_it_to_the_chip_and_connecting_opens_it(chip: KernelChip) -> None:
    await asyncio.to_thread(die_with_a_contact_closed, chip)
    hall = Hall(chip)
    living = asyncio.create_task(hall.live())
    try:
        await hall.barrier.connect()
        assert not chip.level(0)
    finally:
        living.cancel()
        hall.barrier.close()


# ── ours against the kernel's ────────────────────────────────────────────────────────────────────────────────────────

World = KernelChip | GpioChip
Step = Callable[[Kernel, str, World], object]


def refusal(kernel: Kernel, path: str, *lines: tuple[int, int], debounce_us: int = 0) -> int:
    """The number with which lines are refused; 0 when they are had, and let go again."""
    descriptor, asked = (
        kernel.open(path),
        bytearray(gpio._request([(at, Flag(flags)) for at, flags in lines], debounce_us)),
    )
    try:
        kernel.ioctl(descriptor, gpio.GET_LINE, asked)
    except OSError as error:
        return error.errno or -1
    finally:
        kernel.close(descriptor)
    kernel.close(struct.unpack_from("=i", asked, len(asked) - 4)[0])
    return 0


def _pulses(world: World, line: int, times: int, *, apart_s: float = 0.008) -> None:
    """As quick as a relay, not as quick as a program: gpio-sim interrupts with the next tick at the latest, and edges before it are one."""
    for _ in range(times):
        world.drive(line, False)
        time.sleep(apart_s)
        world.drive(line, None)
        time.sleep(apart_s)


def _taken(kernel: Kernel, path: str, *lines: tuple[int, Flag], debounce_us: int = 0) -> Lines:
    chip = Chip.open(kernel, path)
    try:
        return chip.request(lines, debounce_us=debounce_us)
    finally:
        chip.close()


def _outputs(kernel: Kernel, path: str, world: World) -> object:
    lines = _taken(kernel, path, (0, Flag.OUTPUT), (1, Flag.OUTPUT | Flag.ACTIVE_LOW))
    seen = [lines.get(), world.level(0), world.level(1)]
    lines.set(3)
    seen += [lines.get(), world.level(0), world.level(1)]
    lines.close()
    return [*seen, world.level(0)]


def _inputs(kernel: Kernel, path: str, world: World) -> object:
    lines = _taken(kernel, path, (READY, RISING), (PASS_A, RISING | Flag.ACTIVE_LOW))
    seen: list[object] = [lines.get()]
    _pulses(world, READY, 3)
    _pulses(world, PASS_A, 270)
    seen += [lines.edges(), lines.edges_forgotten]
    world.drive(PASS_A, False)
    seen.append(lines.get())
    world.drive(PASS_A, None)
    try:
        lines.set(1)
    except LinkLostError as error:
        seen.append(str(error))
    lines.close()
    return seen


def _debounced(kernel: Kernel, path: str, world: World) -> object:
    lines = _taken(kernel, path, (PASS_A, RISING), debounce_us=20_000)
    _pulses(world, PASS_A, 5, apart_s=0.002)
    time.sleep(0.05)
    seen: list[object] = [lines.get(), lines.edges()]
    world.drive(PASS_A, False)
    seen.append(lines.get())
    time.sleep(0.05)
    seen.append(lines.get())
    world.drive(PASS_A, None)
    time.sleep(0.05)
    seen += [lines.get(), lines.edges()]
    lines.close()
    return seen


def _refusals(kernel: Kernel, path: str, _: World) -> object:
    held = _taken(kernel, path, (3, Flag.INPUT))
    out, read = int(Flag.OUTPUT), int(Flag.INPUT)
    refused = [
        refusal(kernel, path, (3, read)),
        refusal(kernel, path, (4, read), (4, read)),
        refusal(kernel, path, (LINES, read)),
        refusal(kernel, path, (4, out | read)),
        refusal(kernel, path, (4, out | int(Flag.EDGE_RISING))),
        refusal(kernel, path, (4, read | 1 << 8 | 1 << 9)),
        refusal(kernel, path, (4, read | 1 << 40)),
        refusal(kernel, path, (4, read), (5, out)),
    ]
    held.close()
    return [*refused, refusal(kernel, path, (3, read))]


@pytest.mark.parametrize("step", [_outputs, _inputs, _debounced, _refusals])
def test_our_simulated_chip_answers_as_the_kernels_does(chip: KernelChip, step: Step) -> None:
    ours = GpioChip(chip.path, label=LABEL, lines=LINES, clock=time.monotonic)
    simulated, real = step(ours, chip.path, ours), step(Kernel(), chip.path, chip)
    assert simulated == real


def test_the_kernel_reads_whole_events_only(chip: KernelChip) -> None:
    kernel, ours = Kernel(), GpioChip(chip.path, label=LABEL, lines=LINES, clock=time.monotonic)
    for one in (kernel, ours):
        lines = _taken(one, chip.path, (PASS_A, RISING))
        with pytest.raises(OSError, match=r"\[Errno") as raised:
            one.read(lines._descriptor, 20)
        assert raised.value.errno == errno.EINVAL
        lines.close()
