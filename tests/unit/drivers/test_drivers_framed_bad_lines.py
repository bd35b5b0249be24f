"""Short-frame boards over every kind of bad line: travellers pass, nobody is granted twice. What a client that repeats blindly does there: test_drivers_doubled_grants.

The board counts every opening that it hears as one more: DS205A's are additive as far as anybody knows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from fakes.framed_boards import KINDS, CountingBoard, FramedBench, Kind, framed_bench

from drivers.links import Link
from gate_contract.links import BitFlips, Bursts, ByteLoss, Delay, Echo, OneByteAtATime, RandomLoss
from gate_contract.virtual_time import run_virtual
from gate_core.errors import DriverError, LinkLostError, NoReplyError, NotWellError
from gate_core.ports.values import BarrierStatus, Direction

_BOARD_SEED = 100_000
Line = Callable[[Link, int], Link]
LINES: dict[str, Line] = {
    "clean": lambda link, _: link,
    "one byte at a time": lambda link, _: OneByteAtATime(link),
    "loss 20 %": lambda link, seed: RandomLoss(link, seed=seed),
    "delay": lambda link, seed: Delay(link, seed=seed, delay_s_max=0.04),
    "bit flips 1e-4": lambda link, seed: BitFlips(link, seed=seed, share=1e-4),
    "bit flips 1e-3": lambda link, seed: BitFlips(link, seed=seed, share=1e-3),
    "bytes lost and invented": lambda link, seed: ByteLoss(link, seed=seed, share=0.005),
    "bursts": lambda link, seed: Bursts(link, seed=seed, share=0.1),
    "echo": lambda link, seed: Echo(link) if seed < _BOARD_SEED else link,
    "everything": lambda link, seed: OneByteAtATime(
        RandomLoss(BitFlips(Delay(link, seed=seed, delay_s_max=0.04), seed=seed, share=1e-4), seed=seed, share=0.1)
    ),
}


async def insisting(made: FramedBench, call: Callable[[], Awaitable[BarrierStatus | None]]) -> BarrierStatus | None:
    """What the lane's keeper does: silence is answered by trying again, a lost line by connecting anew."""
    for _ in range(50):
        try:
            return await call()
        except NoReplyError:
            continue
        except (LinkLostError, NotWellError):
            with contextlib.suppress(DriverError):
                await made.barrier.connect()
    raise AssertionError("50 attempts were not enough")


async def crossings(made: FramedBench, line: Line, *, seed: int, count: int, prompt: bool = True) -> tuple[int, int]:
    """Let `count` travellers through; returns how many grants stood, and how often a call granted twice.

    `prompt`: no answer is so late that it passes for the next one's.
    """
    made.host_line = lambda link: line(link, 1000 * seed + made.barrier.health.connects)
    made.board_line = lambda link: line(link, _BOARD_SEED + 1000 * seed + made.barrier.health.connects)
    await insisting(made, made.barrier.connect)
    stood = doubles = 0
    for _ in range(count):
        made_before, entries_before = made.board.grants_made, made.board.left
        try:
            await made.barrier.grant(Direction.ENTRY, 5000)
            granted = True
        except DriverError:
            await insisting(made, made.barrier.revoke)
            granted = False
        doubles += made.board.grants_made - made_before > 1
        if granted and made.board.granted_left:
            stood += 1
            made.board.pass_through()
        await _seen(made, entries_before, prompt=prompt)
        assert made.board.left - entries_before <= 1
        await insisting(made, made.barrier.revoke)
        await asyncio.sleep(1)
    return stood, doubles


async def _seen(made: FramedBench, entries_before: int, *, prompt: bool) -> None:
    """The passage is counted; a lying answer can hold that up until the next status, and never counts another one."""
    for _ in range(4):
        status = await insisting(made, made.barrier.status)
        assert status is not None
        assert entries_before <= status.count_entry <= made.board.left
        if status.count_entry == made.board.left:
            return
    assert not prompt


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("kind", KINDS)
def test_travellers_pass_over_a_bad_line_and_every_order_arrives(kind: Kind, name: str) -> None:
    async def run() -> None:
        async with framed_bench(CountingBoard(kind=kind)) as made:
            stood, doubles = await crossings(made, LINES[name], seed=1, count=5)
            await insisting(made, made.barrier.release)
            assert made.board.grants_made_right
            assert stood >= 3
            assert doubles == 0

    run_virtual(run())


def test_answers_that_come_too_late_grant_nobody_twice() -> None:
    async def run() -> tuple[int, int]:
        async with framed_bench() as made:
            late: Line = lambda link, seed: Delay(link, seed=seed, delay_s_max=0.12)  # noqa: E731
            return await crossings(made, late, seed=1, count=10, prompt=False)

    assert run_virtual(run())[1] == 0


def test_a_two_wire_adapter_that_hears_itself_confirms_nothing() -> None:
    async def run() -> None:
        async with framed_bench() as made:
            assert await crossings(made, LINES["echo"], seed=1, count=3) == (3, 0)
            made.board.deaf = True
            with pytest.raises(NoReplyError, match="does not answer"):
                await made.barrier.status()

    run_virtual(run())


def test_a_cable_pulled_at_any_moment_leaves_a_driver_that_recovers() -> None:
    async def run(cut_after_s: float) -> None:
        async with framed_bench() as made:
            made.host_line = lambda link: Delay(link, seed=1, delay_s_max=0.02)
            made.board_line = lambda link: Delay(link, seed=2, delay_s_max=0.02)
            await made.barrier.connect()
            async with asyncio.TaskGroup() as tasks:
                story = tasks.create_task(_until_cut(made))
                await asyncio.sleep(cut_after_s)
                made.unplug()
            assert isinstance(story.result(), LinkLostError)
            made.plugged = True
            await made.barrier.connect()
            assert (await made.barrier.status()).grants_left_entry == 0
            assert made.board.granted_left == 0

    for step in range(12):
        run_virtual(run(0.007 * step))


async def _until_cut(made: FramedBench) -> DriverError:
    try:
        while True:
            await made.barrier.grant(Direction.ENTRY, 5000)
            await made.barrier.revoke()
    except DriverError as error:
        return error
