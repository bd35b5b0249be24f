"""What holds for the barrier driver in every order of calls, on every bad line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from fakes.barrier import Bench, bench
from fakes.modbus_boards import PROFILES, BoardBench, board_bench
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.links import Link
from gate_contract.links import BitFlips, Bursts, Delay, RandomLoss
from gate_contract.virtual_time import run_virtual
from gate_core.errors import NoReplyError, RefusedError
from gate_core.ports.values import Direction
from hardware_sim.barrier.beams import Way

_CALLS: dict[str, Callable[[Bench], Awaitable[object]]] = {
    "grant": lambda made: made.barrier.grant(Direction.ENTRY, 30_000),
    "revoke": lambda made: made.barrier.revoke(),
    "release": lambda made: made.barrier.release(),
    "status": lambda made: made.barrier.status(),
}
_steps = st.lists(st.tuples(st.sampled_from(sorted(_CALLS)), st.floats(0, 0.3)), min_size=1, max_size=12)


def _worn(seed: int) -> Callable[[Link], Link]:
    return lambda link: RandomLoss(
        BitFlips(Delay(link, seed=seed, delay_s_max=0.05), seed=seed, share=1e-3), seed=seed, share=0.1
    )


async def _insist(call: Callable[[], Awaitable[None]]) -> None:
    for _ in range(50):
        with contextlib.suppress(NoReplyError):
            return await call()
    raise AssertionError("50 attempts were not enough")


@given(steps=_steps, seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_grants_never_exceed_the_calls_and_a_revoke_has_the_last_word(
    steps: list[tuple[str, float]], seed: int
) -> None:
    async def run() -> None:
        async with bench() as made:
            await made.barrier.connect()
            made.host_line, made.board_line = _worn(seed), _worn(seed + 1)
            await _insist_on_connecting(made, seed)
            made_before = made.controller.grants_made
            async with asyncio.TaskGroup() as tasks:
                for name, pause_s in steps:
                    tasks.create_task(_quietly(_CALLS[name](made)))
                    await asyncio.sleep(pause_s)
                # While grants may still be under way: none of them may be sent behind this.
                await _insist(made.barrier.revoke)
                granted_after_revoke = made.controller.granted_entry
            assert granted_after_revoke == 0
            assert made.controller.granted_entry == 0
            asked = sum(name == "grant" for name, _ in steps)
            assert made.controller.grants_made - made_before <= asked

    run_virtual(run())


_BOARD_CALLS: dict[str, Callable[[BoardBench], Awaitable[object]]] = {
    "grant": lambda made: made.barrier.grant(Direction.ENTRY, 30_000),
    "revoke": lambda made: made.barrier.revoke(),
    "release": lambda made: made.barrier.release(),
    "status": lambda made: made.barrier.status(),
}


@pytest.mark.parametrize("profile", PROFILES)
@given(steps=_steps, seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=40)
def test_the_same_of_boards_of_passages_and_of_pulses(profile: str, steps: list[tuple[str, float]], seed: int) -> None:
    async def run() -> None:
        async with board_bench(profile) as made:
            health = made.barrier.health  # another seed at each connect: the same line would lose the same frame again
            made.host_line = lambda link: Bursts(_worn(seed + 2 * health.connects)(link), seed=seed, share=0.05)
            made.board_line = lambda link: Bursts(_worn(seed + 2 * health.connects + 1)(link), seed=seed, share=0.05)
            await _insist(made.barrier.connect)
            before = made.ordered()
            async with asyncio.TaskGroup() as tasks:
                for name, pause_s in steps:
                    tasks.create_task(_quietly(_BOARD_CALLS[name](made)))
                    await asyncio.sleep(pause_s)
                await _insist(made.barrier.revoke)
                assert made.board.granted(Way.ENTRY) == 0
            assert made.board.granted(Way.ENTRY) == 0
            assert made.ordered() - before <= sum(name == "grant" for name, _ in steps)

    run_virtual(run())


async def _insist_on_connecting(made: Bench, seed: int) -> None:
    for attempt in range(50):
        made.host_line, made.board_line = _worn(seed + 2 * attempt), _worn(seed + 2 * attempt + 1)
        with contextlib.suppress(NoReplyError):
            return await made.barrier.connect()
    raise AssertionError("50 attempts were not enough")


async def _quietly(call: Awaitable[object]) -> None:
    with contextlib.suppress(NoReplyError, RefusedError):
        await call
