"""Measures how often a portrait made of two people matches both: the morphing attack potential of ISO/IEC 20059.

Pure arithmetic on scores. A document with such a portrait serves two people; the gate has no morph detection, so only
its comparison can stop them. Differential means that the portrait is compared with live frames of each of its two
people, as a gate does. The caller makes the morphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gate_lab.intervals import LEVEL, Interval, draw_weights


@dataclass(frozen=True, slots=True, eq=False)
class Morphs:
    """Scores of one comparison algorithm: `attempts` (morphs, 2, n) of each morph against single frames of each of its people, NaN
    where a person has fewer; `fused` (morphs, 2) against all frames of a person together, as a crossing compares. `people` (morphs,
    2) numbers the people. `genuine` (people,) are scores of people's own portraits against their frames together.
    """

    name: str
    threshold: float
    attempts: npt.NDArray[np.float64]
    fused: npt.NDArray[np.float64]
    people: npt.NDArray[np.intp]
    genuine: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Potential:
    """The matches of one algorithm: `both` is the share of morphs that match both their people, each by all of their frames
    together; `genuine` is the share of those people who match their own portrait, which a morph cannot be expected to exceed.
    """

    name: str
    morphs: int
    both: float
    interval: Interval | None
    genuine: float


def potential(found: Morphs) -> Potential:
    """Return the share of morphs that match both people, with its interval from resamples of these people."""
    of = len(found.fused)
    if not of:
        raise ValueError("nothing was morphed")
    matched = np.asarray((found.fused >= found.threshold).all(axis=1))
    numbers = np.unique(found.people, return_inverse=True)[1].reshape(found.people.shape)
    weights = draw_weights(int(numbers.max()) + 1)
    drawn = weights[:, numbers[:, 0]] * weights[:, numbers[:, 1]]
    total = drawn.sum(axis=1)
    shares = np.divide((drawn * matched).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)
    return Potential(
        name=found.name,
        morphs=of,
        both=float(matched.mean()),
        interval=Interval.of(float(matched.mean()), shares, of),
        genuine=float((found.genuine >= found.threshold).mean()),
    )


def attack_potential(systems: Sequence[Morphs]) -> npt.NDArray[np.float64]:
    """Return MAP of ISO/IEC 20059, (attempts, systems): row `r`, column `c` is the share of morphs that match both people in at least `r + 1`
    attempts by at least `c + 1` algorithms. All algorithms had the same morphs. A person with fewer frames cannot count in the later rows.
    """
    with np.errstate(invalid="ignore"):
        counts = np.array([(found.attempts >= found.threshold).sum(axis=2).min(axis=1) for found in systems])
    rows = range(1, systems[0].attempts.shape[2] + 1)
    return np.array(
        [
            [float(((counts >= row).sum(axis=0) >= column).mean()) for column in range(1, len(systems) + 1)]
            for row in rows
        ]
    )


def spoken(found: Potential) -> str:
    """Format the result as text."""
    spread = "" if found.interval is None else f" ({LEVEL:.0%}: {found.interval.low:.1%} to {found.interval.high:.1%})"
    return f"{found.name}: {found.both:.1%}{spread} of {found.morphs} morphs match both; {found.genuine:.1%} of these people match their own portrait"
