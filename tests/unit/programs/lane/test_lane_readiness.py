"""Whether the lane is able to serve, and whether it is alive, which is another question."""

from __future__ import annotations

import pytest

from gate.programs.lane.engine import LAGS_KEPT, Pulse
from gate.programs.lane.published_status import BARRIER_AGE_MS_MAX, LAG_MS_MAX, TURN_MS_MAX, is_alive, state_of


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


def test_the_worst_of_the_last_ticks_is_how_late_the_loop_turns() -> None:
    pulse = Pulse()
    assert pulse.lag_ms == 0.0
    for late_ms in (-0.1, 400.0, 3.0):
        pulse.tick(late_ms)
    assert pulse.lag_ms == 400.0
    for _ in range(LAGS_KEPT):
        pulse.tick(5.0)
    assert pulse.lag_ms == 5.0
