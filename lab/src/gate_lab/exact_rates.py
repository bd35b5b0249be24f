"""Rates with exact intervals, and the number of trials that such a rate takes. Pure."""

from __future__ import annotations

import math

from gate_verify.report.rates import LEVEL, Rate, clopper_pearson


class ExactRate(Rate):
    """A rate with Clopper and Pearson's interval, which is never too narrow: of 60 people without an error, up to 6 % may be flagged."""

    __slots__ = ()

    @property
    def interval(self) -> tuple[float, float]:
        """Return Clopper and Pearson's interval."""
        return clopper_pearson(self.errors, self.of, LEVEL)


def trials_for(rate: float, level: float) -> int:
    """Return how many independent trials without an error show, at a level such as 0.9, that the rate is no higher."""
    if not 0 < rate < 1:
        raise ValueError(f"{rate} is no rate that trials could show")
    return math.ceil(math.log1p(-level) / math.log1p(-rate))
