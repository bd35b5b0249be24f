"""Judges whether a quantity stays flat over a soak. Pure, apart from `measure`.

A straight line is fitted to the samples after the warm-up, over the number of crossings. The quantity is flat if the line's
rise from the first of these samples to the last, plus two standard errors, is within the quantity's allowance.
"""

from __future__ import annotations

import gc
import math
import os
import sys
from collections import OrderedDict, deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SAMPLES_MIN: Final = 5
ERRORS: Final = 2.0  # standard errors of the slope, to the quantity's disadvantage
_TABLES: Final = (list, dict, set, deque, OrderedDict)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured quantity. Its rise may be `fixed`, plus `per_crossing` for each crossing between first and last sample."""

    name: str
    title: str
    unit: str
    fixed: float
    per_crossing: float = 0.0


KIB, MIB = 1024, 1024 * 1024
QUANTITIES: Final = (
    Quantity("memory", "Resident memory", "bytes", 24 * MIB),  # the allocator's pages do not go back at once
    Quantity("blocks", "Objects in memory", "blocks", 16_000),  # the log knows its latest 4,096 records
    Quantity("entries", "Entries of tables in memory", "entries", 6_000),  # the same
    Quantity("descriptors", "Open descriptors", "descriptors", 1),  # one file more or less at the time of the look
    Quantity("threads", "Threads", "threads", 4),  # the pools start threads when they need them
    Quantity("rows", "Records on the gate's disk", "records", 2_800, 1),  # the log keeps its latest 4,096
    Quantity("disk", "The gate's disk", "bytes", 40 * MIB, 1.5 * KIB),  # the hashes of each record stay for ever
)


@dataclass(frozen=True, slots=True)
class Sample:
    """The quantities after so many crossings."""

    day: int
    crossings: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement about one quantity: the fitted rise, its upper bound, and the allowance. NaN without enough samples."""

    quantity: Quantity
    first: float
    last: float
    rise: float
    bound: float
    allowed: float

    @property
    def flat(self) -> bool:
        """Return True when the bound is known, and within the allowance."""
        return self.bound <= self.allowed


def judge(quantity: Quantity, samples: Sequence[Sample], warm_days: int) -> Verdict:
    """Judge a quantity by the samples after the warm-up."""
    seen = [(one.crossings, one.values[quantity.name]) for one in samples if one.day >= warm_days]
    first, last = (seen[0][1], seen[-1][1]) if seen else (math.nan, math.nan)
    span = seen[-1][0] - seen[0][0] if seen else 0
    allowed = quantity.fixed + quantity.per_crossing * span
    if len(seen) < SAMPLES_MIN or not span:
        return Verdict(quantity, first, last, math.nan, math.nan, allowed)
    slope, error = _fitted(seen)
    bound = (slope + ERRORS * error) * span
    return Verdict(quantity, first, last, slope * span, bound, allowed)


def _fitted(seen: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the slope of the least squares line, and its standard error."""
    count = len(seen)
    mean_x, mean_y = sum(x for x, _ in seen) / count, sum(y for _, y in seen) / count
    squares = sum((x - mean_x) ** 2 for x, _ in seen)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in seen) / squares
    rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in seen)
    return slope, math.sqrt(rest / (count - 2) / squares)


def measure() -> dict[str, float]:
    """Return what this process takes now."""
    gc.collect()
    tables = sum(len(one) for one in gc.get_objects() if type(one) in _TABLES)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "blocks": sys.getallocatedblocks(),
        "entries": tables,
        "memory": pages * os.sysconf("SC_PAGE_SIZE"),
        "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "threads": sum(1 for _ in Path("/proc/self/task").iterdir()),
    }
