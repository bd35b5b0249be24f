"""Rates whose intervals are never too narrow, and how many trials such a one takes. Pure."""

from __future__ import annotations

import math

from gate_verify.report.rates import LEVEL, Rate, clopper_pearson


class ExactRate(Rate):
    """The same with Clopper and Pearson's interval, never too narrow: of 60 people without an error, up to 6 % may be flagged."""

    __slots__ = ()

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's."""
        return clopper_pearson(self.errors, self.of, LEVEL)


def trials_for(rate: float, level: float) -> int:
    """How many independent trials without one error show, at a level such as 0.9, that the rate is no higher."""
    if not 0 < rate < 1:
        raise ValueError(f"{rate} is no rate that trials could show")
    return math.ceil(math.log1p(-level) / math.log1p(-rate))
