"""How sure error rates are: bootstrap intervals that draw identities, not pairs (ISO/IEC 19795-1 annex B).

Pairs of one person stand or fall together, so drawing pairs would make the intervals too narrow. A resample gives each identity a
weight, how often it was drawn; a pair weighs the product of its two.

No resample has an error where the set has none, and would say 0 to 0: such a rate gets Clopper and Pearson's interval instead. It counts what is
independent, people for FNMR and pairs of two people for FMR, however many pictures of each there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gate.performance.error_rates import FMR_POINTS, threshold_at
from gate.performance.exact import clopper_pearson

if TYPE_CHECKING:
    import numpy.typing as npt

    from gate.performance.error_rates import Comparisons

RESAMPLES = 1000
LEVEL = 0.95
_SEED = 20_260_101  # the same set gives the same report


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval at `LEVEL`."""

    low: float
    high: float

    @classmethod
    def of(cls, values: npt.NDArray[np.float64]) -> Interval | None:
        """The percentile interval of the resamples that gave a value; None when fewer than half did."""
        known = values[np.isfinite(values)]
        if known.size < values.size / 2:
            return None
        low, high = np.quantile(known, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        return cls(float(low), float(high))

    @classmethod
    def without_error(cls, of: int) -> Interval | None:
        """The exact interval of a rate that showed no error in so many independent trials; None without a trial."""
        return cls(*clopper_pearson(0, of, LEVEL)) if of else None


def draw_weights(identities: int) -> npt.NDArray[np.float64]:
    """How often each identity was drawn, (RESAMPLES, identities)."""
    random = np.random.default_rng(_SEED)
    return random.multinomial(identities, np.full(identities, 1 / identities), size=RESAMPLES).astype(np.float64)


def fnmr_intervals(compared: Comparisons, weights: npt.NDArray[np.float64]) -> tuple[Interval | None, ...]:
    """FNMR at each of `FMR_POINTS`; the threshold moves with each resample, as it would with another set of people.

    A point at which the set itself shows no error has the exact interval of so many people.
    """
    found = np.full((len(FMR_POINTS), len(weights)), np.nan)
    for row, weight in enumerate(weights):
        matches = np.cumsum(weight[compared.tail_of[:, 0]] * weight[compared.tail_of[:, 1]])
        pairs = impostor_pairs(weight * compared.pictures)
        for column, fmr in enumerate(FMR_POINTS):
            allowed = fmr * pairs
            first_over = int(np.searchsorted(matches, allowed, side="right"))
            if allowed >= 1 and first_over < compared.tail.size:
                found[column, row] = weighted_fnmr(compared, weight, compared.tail[first_over])
    people, lowest = np.unique(compared.genuine_of).size, float(compared.genuine.min())
    return tuple(
        Interval.without_error(people) if bound is not None and lowest >= bound else Interval.of(values)
        for bound, values in zip((threshold_at(compared.impostor, fmr) for fmr in FMR_POINTS), found, strict=True)
    )


def weighted_fnmr(compared: Comparisons, weight: npt.NDArray[np.float64], threshold: np.floating) -> float:
    """The part of the weighted genuine pairs that does not exceed the threshold; not a number without pairs."""
    weights = weight[compared.genuine_of]
    total = float(weights.sum())
    return float(weights[compared.genuine <= threshold].sum()) / total if total else float("nan")


def impostor_pairs(pictures: npt.NDArray[np.float64]) -> float:
    """The weight of all pairs of two identities with these weighted pictures; an identity that was drawn twice makes no pair."""
    return float((pictures.sum() ** 2 - (pictures**2).sum()) / 2)
