"""How the gate treats groups of travellers, from the counts of its lane per shift; and whether one group fares worse. Pure.

Each rate has its denominator and an interval: Wilson's, or Clopper-Pearson's if there are fewer than FEW on either side. Below OF_MIN it is not
estimable. A false non-match is confirmed by an officer: the face was below the threshold, and the officer admitted the document's owner. A crossing
neither admitted nor confirmed is in no error rate. Operation shows no false matches: they come only from scheduled trials.

The alarm compares every group with all others of its attribute, one-sided, for each rate by Fisher's exact test, with Holm's correction over all of
them at ALARM_LEVEL. So at most one look in a hundred raises a false alarm, for any number of groups. It shows that a group fares worse, not why.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gate_verify.audit_record import rows, text
from gate_verify.report.rates import LEVEL, Rate, clopper_pearson

OF_MIN: Final = 30
FEW: Final = 5  # errors, or what is none: below it Wilson's interval is too narrow
ALARM_LEVEL: Final = 0.01
ALARM_OF_MIN: Final = 100  # of a group, and of the others
EVERYBODY: Final = "everybody"
ATTRIBUTES: Final = ("age_band", "sex", "issuer")
PUT_TOGETHER: Final = frozenset({"others", "unknown"})
RATES: Final = ("referred", "not_acquired", "alarms", "fnmr")
VALUES_MAX: Final = 500  # groups, whatever a lane writes
WORD_MAX: Final = 40
COUNT_MAX: Final = 10**9
_NOTHING: Final = 1e-12
_COUNTS: Final = (
    "crossings", "referred", "attempts", "not_acquired", "compared", "below", "confirmed", "looked", "alarms", "cleared", "timed", "time_s", "time_s2",
)  # fmt: skip


class Estimate(Rate):
    """A rate with its interval's method; below OF_MIN it is not estimable, and `of` may be 0."""

    __slots__ = ()

    @property
    def is_estimable(self) -> bool:
        """True if `of` is at least OF_MIN."""
        return self.of >= OF_MIN

    @property
    def method(self) -> str:
        """Name of the interval's method."""
        return "Clopper-Pearson" if min(self.errors, self.of - self.errors) < FEW else "Wilson"

    @property
    def interval(self) -> tuple[float, float]:
        """The interval; only where the rate is estimable."""
        if self.method == "Wilson":
            return Rate(self.errors, self.of).interval
        return clopper_pearson(self.errors, self.of, LEVEL)

    def fields(self) -> dict[str, object]:
        """Return the estimate for JSON."""
        counted: dict[str, object] = {"errors": self.errors, "of": self.of, "estimable": self.is_estimable}
        if not self.is_estimable:
            return counted
        low, high = self.interval
        return {**counted, "value": self.value, "low": low, "high": high, "method": self.method}


@dataclass(frozen=True, slots=True)
class Group:
    """One group's counts, over all shifts."""

    attribute: str
    value: str
    counts: Mapping[str, float]

    def estimate(self, rate: str) -> Estimate:
        """Return the estimate of one of RATES."""
        get = self.counts
        errors, of = {
            "referred": (get["referred"], get["crossings"]),
            "not_acquired": (get["not_acquired"], get["attempts"]),
            "alarms": (get["alarms"], get["looked"]),
            "fnmr": (get["confirmed"], get["compared"] - get["below"] + get["confirmed"]),
        }[rate]
        return Estimate(int(min(errors, max(of, 0))), int(max(of, 0)))

    @property
    def mean_s(self) -> tuple[float, float] | None:
        """The mean time to the decision and the half-width of its interval, in seconds; None for too few."""
        n = self.counts["timed"]
        if n < OF_MIN:
            return None
        mean = self.counts["time_s"] / n
        variance = max(0.0, (self.counts["time_s2"] - n * mean**2) / (n - 1))
        return mean, 1.959964 * math.sqrt(variance / n)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A group that fares worse than the others of its attribute."""

    attribute: str
    value: str
    rate: str
    of_group: Estimate
    of_others: Estimate
    p: float

    def fields(self) -> dict[str, object]:
        """Return the alarm for JSON."""
        rates = {"group": self.of_group.fields(), "others": self.of_others.fields()}
        return {"attribute": self.attribute, "value": self.value, "rate": self.rate, **rates, "p": self.p}


@dataclass(slots=True)
class Fairness:
    """Adds up the records of shifts."""

    shifts: list[int] = field(default_factory=list)  # their entries
    since: str = ""
    until: str = ""
    bases: Counter[str] = field(default_factory=Counter)
    _cells: defaultdict[tuple[str, str], dict[str, float]] = field(
        default_factory=lambda: defaultdict(lambda: dict.fromkeys(_COUNTS, 0.0))
    )

    def take(self, index: int, body: Mapping[str, object]) -> None:
        """Add a `groups_counted` record, as far as it can be parsed."""
        self.shifts.append(index)
        self.since = self.since or _word(body, "since")
        self.until = _word(body, "until") or self.until
        if len(self.bases) < VALUES_MAX:
            self.bases[text(body, "basis")[:300]] += 1
        for cell in rows(body, "cells"):
            self._add(cell)

    def groups(self) -> list[Group]:
        """Return every group, sorted by attribute, then by size, largest first."""
        order = (EVERYBODY, *ATTRIBUTES)

        def place(one: Group) -> tuple[int, bool, float, str]:
            return order.index(one.attribute), one.value in PUT_TOGETHER, -one.counts["crossings"], one.value

        return sorted((Group(*key, counts) for key, counts in self._cells.items()), key=place)

    def alarms(self) -> list[Alarm]:
        """Return the groups that fare worse."""
        return raised(self.groups())

    def _add(self, cell: Mapping[str, object]) -> None:
        key = (_word(cell, "attribute"), _word(cell, "value"))
        if key[0] not in {EVERYBODY, *ATTRIBUTES} or (key not in self._cells and len(self._cells) >= VALUES_MAX):
            return
        for name in _COUNTS:
            count = cell.get(name)
            if isinstance(count, int | float) and 0 <= count < COUNT_MAX:
                self._cells[key][name] += count


def raised(groups: Iterable[Group]) -> list[Alarm]:
    """Return the groups that fare worse than the others of their attribute, most certain first."""
    of_attribute: defaultdict[str, list[Group]] = defaultdict(list)
    for one in groups:
        if one.attribute != EVERYBODY:
            of_attribute[one.attribute].append(one)
    tests = sorted(
        (test for members in of_attribute.values() for test in _tests(members)), key=lambda one: (one.p, one.value)
    )
    found: list[Alarm] = []
    for number, test in enumerate(tests):
        if test.p * (len(tests) - number) > ALARM_LEVEL:
            break  # Holm: what is less sure is none, either
        found.append(test)
    return found


def _tests(members: Sequence[Group]) -> Iterator[Alarm]:
    for rate in RATES:
        estimates = {one.value: one.estimate(rate) for one in members}
        errors, of = sum(one.errors for one in estimates.values()), sum(one.of for one in estimates.values())
        for value, mine in estimates.items():
            others = Estimate(errors - mine.errors, of - mine.of)
            if value in PUT_TOGETHER or min(mine.of, others.of) < ALARM_OF_MIN:
                continue
            yield Alarm(members[0].attribute, value, rate, mine, others, _one_sided(mine, others))


def _one_sided(mine: Estimate, others: Estimate) -> float:
    """Return the probability that chance alone gives this group at least so many of the errors (Fisher's exact test). 1 if it fares no worse."""
    if mine.value <= others.value:
        return 1.0  # and no sum that begins far out on the other side, where nothing is left of it
    errors, of = mine.errors + others.errors, mine.of + others.of
    chance = math.exp(
        _ways(mine.of, mine.errors) + _ways(others.of, others.errors) - _ways(of, errors)
    )  # of exactly so many
    whole = 0.0
    for number in range(mine.errors, min(errors, mine.of) + 1):
        whole += chance
        left = errors - number
        chance *= (mine.of - number) * left / ((number + 1) * (others.of - left + 1))
        if chance < whole * _NOTHING:
            break
    return min(1.0, whole)


def _ways(of: int, errors: int) -> float:
    """Return the logarithm of the number of ways to choose `errors` of `of`."""
    return math.lgamma(of + 1) - math.lgamma(errors + 1) - math.lgamma(of - errors + 1)


def _word(body: object, name: str) -> str:
    return text(body, name)[:WORD_MAX]
