"""Whether the lane is able to serve, and whether it is alive, which is another question."""

from __future__ import annotations

import asyncio
import time

import pytest

from gate.programs.lane.able import BARRIER_AGE_MS_MAX, LAG_MS_MAX, TURN_MS_MAX, Pulse, is_alive, state_of


@pytest.mark.parametrize(
    ("barrier_age_ms", "lag_ms", "state"),
    [
        (0.0, 0.0, "ready"),
        (BARRIER_AGE_MS_MAX, LAG_MS_MAX, "ready"),
        (BARRIER_AGE_MS_MAX + 1, 0.0, "degraded"),
        (None, 0.0, "degraded"),
        (0.0, LAG_MS_MAX + 1, "degraded"),
    ],
)
def test_ready_is_a_fresh_barrier_and_a_loop_that_is_not_late(
    barrier_age_ms: float | None, lag_ms: float, state: str
) -> None:
    assert state_of(barrier_age_ms=barrier_age_ms, lag_ms=lag_ms) == state


def test_a_lane_without_its_barrier_is_alive_and_one_that_answers_nothing_is_not() -> None:
    assert is_alive(turned_ms=TURN_MS_MAX)
    assert not is_alive(turned_ms=TURN_MS_MAX + 1)


async def test_a_loop_that_something_holds_up_is_seen_to_be_late() -> None:
    pulse = Pulse(clock_ms=lambda: asyncio.get_running_loop().time() * 1000)
    assert pulse.lag_ms == 0.0
    running = asyncio.ensure_future(pulse.run())
    await asyncio.sleep(0.15)
    time.sleep(0.6)  # noqa: ASYNC251 - what must not happen in a loop
    await asyncio.sleep(0.15)
    assert pulse.lag_ms > LAG_MS_MAX
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
