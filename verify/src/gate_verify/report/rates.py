"""Shares with two kinds of confidence interval. Pure, standard library alone.

Wilson's score interval, and Clopper-Pearson's, which is never too narrow, also for few errors or none (Biometrika 26 (1934), 404).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

LEVEL: Final = 0.95
_Z: Final = 1.959964
_HALVINGS: Final = 60
_TERMS_MAX: Final = 10_000
_STILL: Final = 1e-14


@dataclass(frozen=True, slots=True)
class Rate:
    """`errors` of `of`, with Wilson's interval at LEVEL. `of` is never 0."""

    errors: int
    of: int

    @property
    def value(self) -> float:
        """The rate."""
        return self.errors / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval."""
        n, p, z2 = self.of, self.value, _Z**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        reach = _Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return max(0.0, middle - reach), min(1.0, middle + reach)


def clopper_pearson(errors: int, of: int, level: float) -> tuple[float, float]:
    """Return the interval at a level, such as 0.95. Raises ValueError if `errors` exceeds `of`, or `of` is 0."""
    if not 0 <= errors <= of or of == 0:
        raise ValueError(f"{errors} of {of} is no rate")
    tail = (1 - level) / 2
    low = 0.0 if errors == 0 else _quantile(tail, errors, of - errors + 1)
    high = 1.0 if errors == of else _quantile(1 - tail, errors + 1, of - errors)
    return low, high


def _quantile(share: float, a: float, b: float) -> float:
    """Return the quantile of a beta distribution."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if beta_below(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_below(x: float, a: float, b: float) -> float:
    """Return the part of a beta distribution below `x`: the regularised incomplete beta function."""
    if x in {0.0, 1.0}:
        return x
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side
        return 1 - beta_below(1 - x, b, a)
    front = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, 1/(1 + d1/(1 + d2/(1 + …))) (DLMF 8.17.22), by Lentz's method."""
    upper, lower = 1.0, 0.0
    value = 1.0
    for number in range(1, _TERMS_MAX):
        part = _part(number, x, a, b)
        lower = 1 / (1 + part * lower)
        upper = 1 + part / upper
        value *= upper * lower
        if abs(upper * lower - 1) < _STILL:
            break
    return 1 / value


def _part(number: int, x: float, a: float, b: float) -> float:
    m, is_odd = divmod(number, 2)
    if is_odd:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
