"""Whether the lane can serve: how fresh its barrier's status is, and how late its loop turns.

Able is proven: a status of the barrier younger than a second, and a loop that is late by no more than a bound. A lane whose barrier is
unplugged is not able and yet alive: only one that answers no events any more is started anew.
"""

from __future__ import annotations

from collections import deque
from typing import Final

BARRIER_AGE_MS_MAX: Final = 1_000
LAG_MS_MAX: Final = 250  # a decision's evidence may be 300 ms old
TURN_MS_MAX: Final = 5_000  # a tick comes five times a second at least
LAGS_KEPT: Final = 100  # of its ticks: five seconds of a crossing, ten at rest


class Pulse:
    """How late the loop turns, by its ticks. `lag_ms` is the worst of the last seconds."""

    def __init__(self) -> None:
        self._lags_ms: deque[float] = deque(maxlen=LAGS_KEPT)

    def tick(self, late_ms: float) -> None:
        """A tick came so late."""
        self._lags_ms.append(max(0.0, late_ms))

    @property
    def lag_ms(self) -> float:
        """The worst of the last seconds."""
        return max(self._lags_ms, default=0.0)


def state_of(*, barrier_age_ms: float | None, lag_ms: float) -> str:
    """`ready` or `degraded`. `barrier_age_ms` is None when the barrier says nothing."""
    fresh = barrier_age_ms is not None and barrier_age_ms <= BARRIER_AGE_MS_MAX
    return "ready" if fresh and not is_late(lag_ms=lag_ms) else "degraded"


def is_late(*, lag_ms: float) -> bool:
    """True while the loop turns so late that a look at the lane may be too old."""
    return lag_ms > LAG_MS_MAX


def is_alive(*, turned_ms: float) -> bool:
    """False when events are answered no more."""
    return turned_ms <= TURN_MS_MAX
