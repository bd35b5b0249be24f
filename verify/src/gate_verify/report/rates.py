"""Shares of what was counted, and how sure they are. Pure, standard library alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

LEVEL: Final = 0.95
_Z: Final = 1.959964


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
