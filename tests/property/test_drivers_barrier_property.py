"""What holds for every barrier driver on a line in every order of calls, on every bad line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from fakes.line_bench import PROFILES, LineBench, line_bench
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.links import Link
from gate_contract.links import BitFlips, Bursts, Delay, RandomLoss
from gate_contract.virtual_time import in_virtual_time
from gate_core.errors import DriverError
from gate_core.ports.values import Direction

_CALLS: dict[str, Callable[[LineBench], Awaitable[object]]] = {
    "grant": lambda made: made.barrier.grant(Direction.ENTRY, 30_000),
    "revoke": lambda made: made.barrier.revoke(),
    "release": lambda made: made.barrier.release(),
    "status": lambda made: made.barrier.status(),
    "connect": lambda made: made.barrier.connect(),
}
_steps = st.lists(st.tuples(st.sampled_from(sorted(_CALLS)), st.floats(0, 0.3)), min_size=1, max_size=12)


def _worn(made: LineBench, seed: int) -> Callable[[Link], Link]:
    def wrap(link: Link) -> Link:
        ours = seed + 2 * made.barrier.health.connects  # another seed each time: else the same frames are lost again
        delayed = BitFlips(Delay(link, seed=ours, delay_s_max=0.04), seed=ours, share=1e-3)
        return Bursts(RandomLoss(delayed, seed=ours, share=0.1), seed=ours, share=0.02)

    return wrap


@pytest.mark.parametrize("profile", PROFILES)
@given(steps=_steps, seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
@in_virtual_time
async def test_grants_never_exceed_the_calls_and_a_revoke_has_the_last_word(
    profile: str, steps: list[tuple[str, float]], seed: int
) -> None:
    async with line_bench(profile) as made:
        made.host_line, made.board_line = _worn(made, seed), _worn(made, seed + 1)
        await _insist(made, made.barrier.connect)
        async with asyncio.TaskGroup() as tasks:
            for name, pause_s in steps:
                tasks.create_task(_quietly(_CALLS[name](made)))
                await asyncio.sleep(pause_s)
            # While grants may still be under way: none of them may be sent behind this.
            await _insist(made, made.barrier.revoke)
            assert not made.stands(Direction.ENTRY)
        assert not made.stands(Direction.ENTRY)
        assert made.grants(Direction.ENTRY) <= sum(name == "grant" for name, _ in steps)


async def _insist(made: LineBench, call: Callable[[], Awaitable[None]]) -> None:
    """What the lane's keeper does: whatever is lost is connected anew, and that revokes, too."""
    for _ in range(50):
        with contextlib.suppress(DriverError):
            return await call()
        with contextlib.suppress(DriverError):
            await made.barrier.connect()
    raise AssertionError("50 attempts were not enough")


async def _quietly(call: Awaitable[object]) -> None:
    with contextlib.suppress(DriverError):
        await call
