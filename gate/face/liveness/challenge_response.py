"""Whether the pictures follow the commands: the core of every challenge to a display or a camera.

A command holds until the next one. Between command and picture is a lag, measured at set-up or known within a bound: the fewer lags are possible, the
fewer other videos match by chance. Slow changes of daylight do not count: the linear trend of both sides is removed before the comparison.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# About a measured lag: nearly a frame of 15 a second, and later what a busy machine adds.
LAG_EARLIER_MS: Final = 60
LAG_LATER_MS: Final = 100
_AS_GOOD: Final = 0.01  # of the correlation: lags between two frames are indistinguishable


@dataclass(frozen=True, slots=True)
class Command:
    """A command, as numbers to which the answer should be proportional, and its time, monotonic milliseconds.

    It took effect between `at_ms`, when it was sent, and `taken_ms`, when it was answered, if known.
    """

    at_ms: int
    value: tuple[float, ...]
    taken_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How well the pictures follow: `correlation` from 0 to 1, and `gain`, the visible share of the commanded change.

    `power`: sum of squares of the commands during frames, without linear trend: with little of it the answer means little.
    """

    correlation: float
    gain: float
    power: float


@dataclass(frozen=True, slots=True)
class Hearing:
    """How an answer is searched: at which lags, and what must have been seen at one of them for it to count.

    A frame exposed less than `settle_ms` after a command took effect is ignored. Of the others there must be
    `frames_min`, under `commands_min` different commands with `levels_min` different values. With a `power_min` above 0
    there is no answer unless every lag has enough frames, with that power.
    """

    lag_min_ms: int = 0
    lag_max_ms: int = 400
    lag_step_ms: int = 40
    settle_ms: int = 80
    frames_min: int = 10
    commands_min: int = 2
    levels_min: int = 2
    power_min: float = 0.0

    def about(self, lag_ms: int | None) -> Hearing:
        """Return the same around a measured lag; unchanged for None."""
        if lag_ms is None:
            return self
        return replace(self, lag_min_ms=max(0, lag_ms - LAG_EARLIER_MS), lag_max_ms=lag_ms + LAG_LATER_MS)

    @property
    def lags_ms(self) -> range:
        """The possible lags."""
        return range(self.lag_min_ms, self.lag_max_ms + 1, self.lag_step_ms)


@dataclass(frozen=True, slots=True)
class Lag:
    """The pictures' delay: the middle of the lags with the best match, and their span in milliseconds."""

    lag_ms: int
    spread_ms: int
    best: Answer


def lag(
    commands: Sequence[Command], times_ms: Sequence[int], seen: Sequence[Floats], hearing: Hearing = Hearing()
) -> Lag | None:
    """Measure the delay among the possible lags; None with too little data."""
    found = {at: heard for at in hearing.lags_ms if (heard := _at_lag(commands, times_ms, seen, hearing, lag_ms=at))}
    if not found:
        return None
    best = max(found.values(), key=lambda one: one.correlation)
    as_good = [at for at, one in found.items() if one.correlation >= best.correlation - _AS_GOOD]
    return Lag((as_good[0] + as_good[-1]) // 2, as_good[-1] - as_good[0], best)


def answer(
    commands: Sequence[Command], times_ms: Sequence[int], seen: Sequence[Floats], hearing: Hearing = Hearing()
) -> Answer | None:
    """Return the answer at its best lag; None with too little data."""
    known = [_at_lag(commands, times_ms, seen, hearing, lag_ms=lag_ms) for lag_ms in hearing.lags_ms]
    found = [one for one in known if one is not None]
    power_min = hearing.power_min
    if power_min and (len(found) < len(known) or min(one.power for one in found) < power_min):
        return None
    return max(found, key=lambda one: one.correlation, default=None)


def _at_lag(
    commands: Sequence[Command], times_ms: Sequence[int], seen: Sequence[Floats], hearing: Hearing, *, lag_ms: int
) -> Answer | None:
    in_force = [_in_force(commands, at_ms - lag_ms, hearing.settle_ms) for at_ms in times_ms]
    settled = [index for index, command in enumerate(in_force) if command is not None]
    heard = [command for command in in_force if command is not None]
    if (
        len(settled) < hearing.frames_min
        or len({command.at_ms for command in heard}) < hearing.commands_min
        or len({command.value for command in heard}) < hearing.levels_min
    ):
        return None
    times_s = np.array([times_ms[index] for index in settled]) / 1000
    asked = _without_drift(np.array([command.value for command in heard], np.float64), times_s)
    came = _without_drift(np.array([seen[index] for index in settled], np.float64), times_s)
    power, shared = float((asked**2).sum()), float((asked * came).sum())
    both = float(np.sqrt(power * (came**2).sum()))
    if not both > 0.0:
        return Answer(0.0, 0.0, power)
    return Answer(correlation=max(0.0, shared / both), gain=max(0.0, shared / power), power=power)


def _in_force(commands: Sequence[Command], at_ms: float, settle_ms: int) -> Command | None:
    """Return the command in force; None before the first one and while one was taking effect."""
    index = bisect.bisect_right(commands, at_ms, key=lambda command: command.at_ms) - 1
    if index < 0:
        return None
    command = commands[index]
    since_ms = command.at_ms if command.taken_ms is None else command.taken_ms
    return None if at_ms - since_ms < settle_ms else command


def _without_drift(values: Floats, times_s: Floats) -> Floats:
    basis = np.stack([np.ones_like(times_s), times_s - times_s.mean()], axis=1)
    fitted, *_ = np.linalg.lstsq(basis, values, rcond=None)
    rest: Floats = values - basis @ fitted
    return rest
