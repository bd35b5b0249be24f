"""The conditions of written rules: a closed set of predicates about a crossing, each true, false or unknown. Pure.

`All`, `AnyOf` and `Not` treat unknown (None) as Kleene's logic does: an unknown fact makes a condition neither true nor
false. `gate.passage.rule_set` defines the effect of an unknown result. No predicate is about a name, a birthplace or a
score, and none is learned from people.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from gate_core.evidence.service_scope import BorderDirection


class Fact(enum.Enum):
    """The facts that predicates use. Of a crossing, only those that a rule uses are kept."""

    DOCUMENT_TYPE = "document_type"
    ISSUER = "issuer"
    ISSUED = "issued"
    EXPIRES = "expires"
    NATIONALITY = "nationality"
    SEX = "sex"
    AGE = "age"
    DIRECTION = "direction"
    LOCAL = "local"  # date and time of day, by the site's own time


# Facts that alone must not select people. The issuer nearly equals the nationality.
PROTECTED = frozenset({Fact.NATIONALITY, Fact.SEX, Fact.ISSUER})


class Sex(enum.Enum):
    """As in the MRZ (ICAO 9303-3 §4.8); X: unspecified, which the MRZ may also write as `<`."""

    FEMALE = "F"
    MALE = "M"
    UNSPECIFIED = "X"


class Weekday(enum.Enum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @classmethod
    def of(cls, day: date) -> Weekday:
        """Return a day's weekday."""
        return tuple(cls)[day.weekday()]


@dataclass(frozen=True, slots=True)
class Facts:
    """A crossing's facts; None: unknown. `age`: whole years on the day of the crossing; `local`: the site's local time."""

    document_type: str | None = None
    issuer: str | None = None
    issued: date | None = None
    expires: date | None = None
    nationality: str | None = None
    sex: Sex | None = None
    age: int | None = None
    direction: BorderDirection | None = None
    local: datetime | None = None


@dataclass(frozen=True, slots=True)
class Predicate:
    """A predicate. It is unknown if a fact in `asks` is unknown. `_says` receives these facts in the order of `Fact`."""

    asks: ClassVar[frozenset[Fact]]
    _says: ClassVar[Callable[..., bool]]

    def holds(self, facts: Facts) -> bool | None:
        """Return the result."""
        known = [getattr(facts, fact.value) for fact in Fact if fact in self.asks]
        return None if None in known else self._says(*known)


@dataclass(frozen=True, slots=True)
class DocumentTypeIs(Predicate):
    """The MRZ has one of these document codes, such as P or ID. A single letter covers all codes with that letter first (ICAO 9303-4 §4.2.2)."""

    types: tuple[str, ...]
    asks: ClassVar = frozenset({Fact.DOCUMENT_TYPE})

    def _says(self, document_type: str) -> bool:
        return any(document_type == one or document_type[:1] == one for one in self.types)


@dataclass(frozen=True, slots=True)
class IssuerIs(Predicate):
    """The document has one of these issuers, in the MRZ's letters."""

    states: tuple[str, ...]
    asks: ClassVar = frozenset({Fact.ISSUER})

    def _says(self, issuer: str) -> bool:
        return issuer in self.states


@dataclass(frozen=True, slots=True)
class NationalityIs(Predicate):
    """The holder has one of these nationalities, in the MRZ's letters."""

    states: tuple[str, ...]
    asks: ClassVar = frozenset({Fact.NATIONALITY})

    def _says(self, nationality: str) -> bool:
        return nationality in self.states


@dataclass(frozen=True, slots=True)
class SexIs(Predicate):
    """The document has one of these."""

    sexes: tuple[Sex, ...]
    asks: ClassVar = frozenset({Fact.SEX})

    def _says(self, sex: Sex) -> bool:
        return sex in self.sexes


@dataclass(frozen=True, slots=True)
class AgeFrom(Predicate):
    """The holder is at least this many years old."""

    years: int
    asks: ClassVar = frozenset({Fact.AGE})

    def _says(self, age: int) -> bool:
        return age >= self.years


@dataclass(frozen=True, slots=True)
class IssuedBetween(Predicate):
    """Issued between these days, both included."""

    first: date
    last: date
    asks: ClassVar = frozenset({Fact.ISSUED})

    def _says(self, issued: date) -> bool:
        return self.first <= issued <= self.last


@dataclass(frozen=True, slots=True)
class ExpiresWithin(Predicate):
    """Expires within this number of days."""

    days: int
    asks: ClassVar = frozenset({Fact.EXPIRES, Fact.LOCAL})

    def _says(self, expires: date, local: datetime) -> bool:
        return expires - local.date() <= timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class DirectionIs(Predicate):
    """The crossing has this direction over the border."""

    direction: BorderDirection
    asks: ClassVar = frozenset({Fact.DIRECTION})

    def _says(self, direction: BorderDirection) -> bool:
        return direction is self.direction


@dataclass(frozen=True, slots=True)
class HoursBetween(Predicate):
    """From the first time of day until before the second, by the site's clock; past midnight if the second is earlier."""

    start: time
    end: time
    asks: ClassVar = frozenset({Fact.LOCAL})

    def _says(self, local: datetime) -> bool:
        now = local.time()
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


@dataclass(frozen=True, slots=True)
class WeekdayIs(Predicate):
    """Today is one of these weekdays, by the site's clock."""

    days: tuple[Weekday, ...]
    asks: ClassVar = frozenset({Fact.LOCAL})

    def _says(self, local: datetime) -> bool:
        return Weekday.of(local.date()) in self.days


@dataclass(frozen=True, slots=True)
class DateBetween(Predicate):
    """Today is between these days, both included, by the site's clock. A named state of the site is one of these."""

    first: date
    last: date
    asks: ClassVar = frozenset({Fact.LOCAL})

    def _says(self, local: datetime) -> bool:
        return self.first <= local.date() <= self.last


@dataclass(frozen=True, slots=True)
class _Several:
    conditions: tuple[Condition, ...]

    @property
    def asks(self) -> frozenset[Fact]:
        """The facts that are used."""
        return asked_by(self.conditions)


@dataclass(frozen=True, slots=True)
class All(_Several):
    """True if all of these are; without any, always true."""

    def holds(self, facts: Facts) -> bool | None:
        """Return the result: false as soon as one is false."""
        answers = {one.holds(facts) for one in self.conditions}
        return False if False in answers else None if None in answers else True


@dataclass(frozen=True, slots=True)
class AnyOf(_Several):
    """True if at least one of these is."""

    def holds(self, facts: Facts) -> bool | None:
        """Return the result: true as soon as one is true."""
        answers = {one.holds(facts) for one in self.conditions}
        return True if True in answers else None if None in answers else False


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    condition: Condition

    @property
    def asks(self) -> frozenset[Fact]:
        """The facts that are used."""
        return self.condition.asks

    def holds(self, facts: Facts) -> bool | None:
        """Return the result."""
        answer = self.condition.holds(facts)
        return None if answer is None else not answer


Condition = Predicate | All | AnyOf | Not


def asked_by(conditions: tuple[Condition, ...]) -> frozenset[Fact]:
    """Return the facts that any of these conditions uses."""
    return frozenset().union(*(one.asks for one in conditions))


def predicates_of(condition: Condition) -> Iterator[Predicate]:
    """Yield a condition's predicates in order."""
    if isinstance(condition, _Several):
        for one in condition.conditions:
            yield from predicates_of(one)
    elif isinstance(condition, Not):
        yield from predicates_of(condition.condition)
    else:
        yield condition
