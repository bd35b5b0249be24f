"""Whether what was seen follows what was commanded: the core of every challenge to a display or a camera.

A command holds until the next one. Between command and picture lies a lag that nobody knows, within a bound. Slow changes of daylight
are no answer, so both sides lose their straight line before they are compared.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

LAG_MAX_MS: Final = 400
LEVELS_MIN: Final = 2
FRAMES_MIN: Final = 10
_LAG_STEP_MS: Final = 40
_SETTLE_MS: Final = 80  # a frame that was exposed while the command took effect says nothing

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Command:
    """What was commanded, as numbers that the answer should be proportional to, and when, monotonic milliseconds."""

    at_ms: int
    value: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """How well the pictures follow: `correlation` from 0 to 1, and `gain`, how much of the commanded change is seen.

    `power` is the sum of squares of what was commanded while frames came, without its straight line: little of it tells little.
    """

    correlation: float
    gain: float
    power: float


def answer(
    commands: Sequence[Command],
    times_ms: Sequence[int],
    seen: Sequence[Floats],
    *,
    lag_max_ms: int = LAG_MAX_MS,
    power_min: float = 0.0,
) -> Answer | None:
    """The answer at the lag where it is best; None when there is too little to go by: at all lags, or less power than this at any."""
    known = [_at_lag(commands, times_ms, seen, lag) for lag in range(0, lag_max_ms + 1, _LAG_STEP_MS)]
    found = [one for one in known if one is not None]
    if power_min and (len(found) < len(known) or min(one.power for one in found) < power_min):
        return None
    return max(found, key=lambda one: one.correlation, default=None)


def _at_lag(commands: Sequence[Command], times_ms: Sequence[int], seen: Sequence[Floats], lag_ms: int) -> Answer | None:
    in_force = [_in_force(commands, at_ms - lag_ms) for at_ms in times_ms]
    settled = [index for index, value in enumerate(in_force) if value is not None]
    if len(settled) < FRAMES_MIN or len({in_force[index] for index in settled}) < LEVELS_MIN:
        return None
    times_s = np.array([times_ms[index] for index in settled]) / 1000
    asked = _without_drift(np.array([in_force[index] for index in settled], np.float64), times_s)
    came = _without_drift(np.array([seen[index] for index in settled], np.float64), times_s)
    power, shared = float((asked**2).sum()), float((asked * came).sum())
    both = float(np.sqrt(power * (came**2).sum()))
    if not both > 0.0:
        return Answer(0.0, 0.0, power)
    return Answer(correlation=max(0.0, shared / both), gain=max(0.0, shared / power), power=power)


def _in_force(commands: Sequence[Command], at_ms: float) -> tuple[float, ...] | None:
    """What was commanded; None before the first command and while one was just taking effect."""
    index = bisect.bisect_right([command.at_ms for command in commands], at_ms) - 1
    if index < 0 or at_ms - commands[index].at_ms < _SETTLE_MS:
        return None
    return commands[index].value


def _without_drift(values: Floats, times_s: Floats) -> Floats:
    basis = np.stack([np.ones_like(times_s), times_s - times_s.mean()], axis=1)
    fitted, *_ = np.linalg.lstsq(basis, values, rcond=None)
    rest: Floats = values - basis @ fitted
    return rest
