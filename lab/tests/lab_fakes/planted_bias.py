"""Shifts of a simulated gate whose referrals are, or are not, unfair to one group: what the bias alarm makes of them."""

from __future__ import annotations

from typing import Final

import numpy as np

from gate_verify.report.fairness import Group, raised

DAY: Final = 1_500  # crossings of one lane
BASE: Final = 0.05  # referred of everybody
SHARES: Final = {"age_band": (0.05, 0.2, 0.3, 0.25, 0.15, 0.05), "sex": (0.5, 0.5)}
PLANTED: Final = ("sex", 0)


def alarmed(days: int, gap: float, runs: int, seed: int) -> tuple[float, float]:
    """The share of runs in which the planted group raised an alarm, and of those in which anything else did."""
    drawn = np.random.default_rng(seed)
    hits = others = 0
    for _ in range(runs):
        found = {(one.attribute, one.value) for one in raised(_groups(drawn, days * DAY, gap))}
        planted = (PLANTED[0], str(PLANTED[1]))
        hits += planted in found
        others += bool(found - {planted})
    return hits / runs, others / runs


def _groups(drawn: np.random.Generator, crossings: int, gap: float) -> list[Group]:
    found = []
    for attribute, shares in SHARES.items():
        sizes = drawn.multinomial(crossings, shares)
        for number, size in enumerate(sizes):
            rate = BASE + (gap if (attribute, number) == PLANTED else 0.0)
            counts = {
                "crossings": size,
                "referred": drawn.binomial(size, rate),
                "attempts": size,
                "not_acquired": drawn.binomial(size, 0.02),
                "looked": size,
                "alarms": drawn.binomial(size, 0.02),
                "compared": size,
                "below": 0,
                "confirmed": drawn.binomial(size, 0.01),
                "timed": 0,
                "time_s": 0.0,
                "time_s2": 0.0,
            }
            found.append(Group(attribute, str(number), {name: float(count) for name, count in counts.items()}))
    return found
