"""Confidence intervals of error rates: bootstrap intervals that draw identities, not pairs (ISO/IEC 19795-1 annex B).

Pairs of one person are correlated, so drawing pairs would make the intervals too narrow. A resample gives each identity a weight,
how often it was drawn; a pair has the product of its two weights.

When the set has no error, or only errors, so has every resample, and the bootstrap interval would be 0 to 0 or 1 to 1. Such a rate
gets Clopper and Pearson's interval instead. It counts independent trials: people for FNMR, pairs of two people for FMR, whatever
their number of pictures. When all resamples give the same rate between 0 and 1, as for a single person, there is no interval.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gate_lab.error_rates import FMR_POINTS, Comparisons, threshold_at
from gate_verify.report.rates import clopper_pearson

RESAMPLES = 1000
LEVEL = 0.95
_SEED = 20_260_101  # the same set gives the same report
_STILL = 1e-12  # of rates that differ by how sums are rounded alone


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval at `LEVEL`."""

    low: float
    high: float

    @classmethod
    def of(cls, rate: float, drawn: Iterable[float], independent: int) -> Interval | None:
        """Return the percentile interval of the resamples' values; for a rate of 0 or 1 the exact one of so many independent trials.

        None when fewer than half of the resamples have a value, when all values are the same, and without a trial.
        """
        if rate in {0.0, 1.0}:
            return cls(*clopper_pearson(int(rate) * independent, independent, LEVEL)) if independent else None
        values = np.fromiter(drawn, np.float64)
        known = values[np.isfinite(values)]
        if known.size < values.size / 2 or float(np.ptp(known)) < _STILL:
            return None
        low, high = np.quantile(known, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        return cls(float(low), float(high))


def draw_weights(identities: int) -> npt.NDArray[np.float64]:
    """Return how often each resample drew each identity, (RESAMPLES, identities)."""
    random = np.random.default_rng(_SEED)
    return random.multinomial(identities, np.full(identities, 1 / identities), size=RESAMPLES).astype(np.float64)


def fnmr_intervals(compared: Comparisons, weights: npt.NDArray[np.float64]) -> tuple[Interval | None, ...]:
    """Return the FNMR interval at each of `FMR_POINTS`. Each resample has its own threshold, as another set of people would.

    A point at which the set has no error, or only errors, has the exact interval of its number of people.
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
    people = np.unique(compared.genuine_of).size
    bounds = [threshold_at(compared.impostor, fmr) for fmr in FMR_POINTS]
    return tuple(
        None if bound is None else Interval.of(float((compared.genuine < np.float32(bound)).mean()), values, people)
        for bound, values in zip(bounds, found, strict=True)
    )


def weighted_fnmr(compared: Comparisons, weight: npt.NDArray[np.float64], threshold: np.floating) -> float:
    """Return the share of the weighted genuine pairs that do not exceed the threshold; NaN without pairs."""
    weights = weight[compared.genuine_of]
    total = float(weights.sum())
    return float(weights[compared.genuine <= threshold].sum()) / total if total else float("nan")


def impostor_pairs(pictures: npt.NDArray[np.float64]) -> float:
    """Return the weight of all pairs of two identities with these weighted pictures; an identity drawn twice makes no pair with itself."""
    return float((pictures.sum() ** 2 - (pictures**2).sum()) / 2)
