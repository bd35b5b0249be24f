"""One end-to-end story over every kind of bad line, and a sweep of errors that must never grant twice.

The shape is bellows' ASH test: a fake peer, and one test that runs over one-byte, lossy, delayed and noisy transports.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from fakes.barrier import Bench, bench

from drivers.barrier.modbus import session
from drivers.barrier.orders import GrantFate
from drivers.links import Link
from gate_contract.links import BitFlips, Bursts, ByteLoss, Delay, Echo, OneByteAtATime, RandomLoss
from gate_contract.virtual_time import run_virtual
from gate_core.errors import DriverError, LinkLostError, NoReplyError
from gate_core.ports.values import BarrierStatus, Direction, LampColour

_BOARD_SEED = 100_000
Line = Callable[[Link, int], Link]

LINES: dict[str, Line] = {
    "clean": lambda link, _: link,
    "one byte at a time": lambda link, _: OneByteAtATime(link),
    "loss 20 %": lambda link, seed: RandomLoss(link, seed=seed),
    "delay": lambda link, seed: Delay(link, seed=seed, delay_s_max=0.025),
    "delay past the deadline": lambda link, seed: Delay(link, seed=seed, delay_s_max=0.05),
    "bit flips 1e-4": lambda link, seed: BitFlips(link, seed=seed, share=1e-4),
    "bit flips 1e-3": lambda link, seed: BitFlips(link, seed=seed, share=1e-3),
    "bytes lost and invented": lambda link, seed: ByteLoss(link, seed=seed, share=0.005),
    "bursts": lambda link, seed: Bursts(link, seed=seed, share=0.1),
    "echo": lambda link, seed: Echo(link) if seed < _BOARD_SEED else link,
    "everything": lambda link, seed: RandomLoss(
        BitFlips(Delay(link, seed=seed, delay_s_max=0.025), seed=seed, share=1e-4), seed=seed, share=0.1
    ),
}


async def insisting(call: Callable[[], Awaitable[BarrierStatus | None]]) -> BarrierStatus | None:
    """What the lane's poll loop does: silence is answered by trying again."""
    for _ in range(50):
        with contextlib.suppress(NoReplyError):
            return await call()
    raise AssertionError("50 attempts were not enough")


async def grant_once(made: Bench) -> bool:
    """One grant on a line that may eat it; True when the driver says that it stands."""
    try:
        await made.barrier.grant(Direction.ENTRY, 5000)
    except NoReplyError:
        await insisting(made.barrier.revoke)
        return False
    return True


async def crossings(made: Bench, line: Line, *, seed: int, count: int) -> tuple[int, int]:
    """Let `count` travellers through; returns how many grants stood, and how often a call granted twice."""
    # Another seed at each connect: the same line would lose the same frame again.
    made.host_line = lambda link: line(link, 1000 * seed + made.barrier.health.connects)
    made.board_line = lambda link: line(link, _BOARD_SEED + 1000 * seed + made.barrier.health.connects)
    await insisting(made.barrier.connect)
    stood = doubles = 0
    for _ in range(count):
        made_before, entries_before = made.controller.grants_made, made.controller.entries
        granted = await grant_once(made)
        doubles += made.controller.grants_made - made_before > 1
        assert not granted or made.controller.grants_made - made_before >= 1
        if granted:
            stood += 1
            made.controller.pass_through()
        status = await insisting(made.barrier.status)
        assert status is not None
        assert status.count_entry == entries_before + granted
        assert status.grants_left_entry == 0
        await asyncio.sleep(1)
    return stood, doubles


@pytest.mark.parametrize("name", LINES)
def test_travellers_pass_over_a_bad_line_and_every_order_arrives(name: str) -> None:
    async def run() -> None:
        async with bench() as made:
            stood, doubles = await crossings(made, LINES[name], seed=1, count=5)
            await insisting(lambda: made.barrier.lamp(LampColour.GREEN))
            await insisting(made.barrier.release)
            assert made.controller.lamp == 2
            assert made.controller.releases
            assert stood >= 3
            assert doubles == 0

    run_virtual(run())


@pytest.mark.parametrize("name", LINES)
def test_no_grant_is_made_twice_in_a_sweep_of_errors(name: str) -> None:
    async def run(seed: int) -> tuple[int, int]:
        async with bench() as made:
            return await crossings(made, LINES[name], seed=seed, count=20)

    stood, doubles = (sum(column) for column in zip(*(run_virtual(run(seed)) for seed in range(3)), strict=True))
    assert doubles == 0
    assert stood >= 50


def test_the_sweep_would_see_a_driver_that_repeats_blindly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "grant_fate", lambda *_: GrantFate.NEVER_ARRIVED)

    async def run() -> tuple[int, int]:
        async with bench() as made:
            return await crossings(made, LINES["loss 20 %"], seed=1, count=20)

    assert run_virtual(run())[1] > 0


def test_a_two_wire_adapter_that_hears_itself_confirms_nothing() -> None:
    async def run() -> None:
        async with bench() as made:
            stood, doubles = await crossings(
                made, lambda link, seed: Echo(link) if seed < _BOARD_SEED else link, seed=1, count=3
            )
            assert (stood, doubles) == (3, 0)
            made.controller.deaf = True
            with pytest.raises(NoReplyError):
                await made.barrier.release()

    run_virtual(run())


def test_a_cable_pulled_at_any_moment_leaves_a_driver_that_recovers() -> None:
    async def run(cut_after_s: float) -> None:
        async with bench() as made:
            await made.barrier.connect()
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

    for step in range(20):
        run_virtual(run(0.004 * step))


async def _until_cut(made: Bench) -> DriverError:
    try:
        while True:
            await made.barrier.grant(Direction.ENTRY, 5000)
            await made.barrier.revoke()
    except DriverError as error:
        return error
