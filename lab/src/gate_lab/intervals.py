"""How sure error rates are: bootstrap intervals that draw identities, not pairs (ISO/IEC 19795-1 annex B).

Pairs of one person stand or fall together, so drawing pairs would make the intervals too narrow. A resample gives each identity a
weight, how often it was drawn; a pair weighs the product of its two.

No resample has an error where the set has none, and would say 0 to 0, or leaves one out where there is nothing else, and would say 1 to 1: such a rate
gets Clopper and Pearson's interval instead. It counts what is independent, people for FNMR and pairs of two people for FMR, however many
pictures of each there are. Where all resamples say the same of a rate between, as they do of a single person, they say nothing of how sure it is.
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
        """The percentile interval of the values that the resamples gave; of a rate of 0 or 1 the exact one of so many independent trials.

        None when fewer than half of the resamples gave a value, when all gave the same, and without a trial.
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
    """How often each identity was drawn, (RESAMPLES, identities)."""
    random = np.random.default_rng(_SEED)
    return random.multinomial(identities, np.full(identities, 1 / identities), size=RESAMPLES).astype(np.float64)


def fnmr_intervals(compared: Comparisons, weights: npt.NDArray[np.float64]) -> tuple[Interval | None, ...]:
    """FNMR at each of `FMR_POINTS`; the threshold moves with each resample, as it would with another set of people.

    A point at which the set itself shows no error, or nothing else, has the exact interval of so many people.
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
    """The part of the weighted genuine pairs that does not exceed the threshold; not a number without pairs."""
    weights = weight[compared.genuine_of]
    total = float(weights.sum())
    return float(weights[compared.genuine <= threshold].sum()) / total if total else float("nan")


def impostor_pairs(pictures: npt.NDArray[np.float64]) -> float:
    """The weight of all pairs of two identities with these weighted pictures; an identity that was drawn twice makes no pair."""
    return float((pictures.sum() ** 2 - (pictures**2).sum()) / 2)
