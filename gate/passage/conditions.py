"""What a written rule may ask of a crossing: a closed set of questions, each answered yes, no, or not known. Pure.

Not known is an answer of its own (None), and `all`, `any` and `not` carry it on as Kleene's logic does: nothing that a gate does not know makes
a rule hold, and nothing makes it fail. What a rule makes of an answer that is not known is `gate.passage.rulebook`'s. No question is about a
name, a birthplace or a score, and none is learned from people.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from gate_core.evidence.service_scope import BorderDirection


class Fact(enum.Enum):
    """What a question looks at. Of a crossing, only what some rule asks is kept."""

    DOCUMENT_TYPE = "document_type"
    ISSUER = "issuer"
    ISSUED = "issued"
    EXPIRES = "expires"
    NATIONALITY = "nationality"
    SEX = "sex"
    AGE = "age"
    DIRECTION = "direction"
    LOCAL = "local"  # date and time of day, by the site's own time


# What no rule may pick people out by alone. Whose document it is, is nearly whose national somebody is.
PROTECTED = frozenset({Fact.NATIONALITY, Fact.SEX, Fact.ISSUER})


class Sex(enum.Enum):
    """As the MRZ spells it (ICAO 9303-3 §4.8): X where it is unspecified, which a `<` says as well."""

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
        """That of a day."""
        return tuple(cls)[day.weekday()]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a crossing; None: not known. `age` in whole years on the day of the crossing, `local` the site's own wall clock."""

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
    """A question. Its answer is not known when one of the facts that it `asks` is not; these are given to `_says` in the order of `Fact`."""

    asks: ClassVar[frozenset[Fact]]
    _says: ClassVar[Callable[..., bool]]

    def holds(self, facts: Facts) -> bool | None:
        """The answer."""
        known = [getattr(facts, fact.value) for fact in Fact if fact in self.asks]
        return None if None in known else self._says(*known)


@dataclass(frozen=True, slots=True)
class DocumentTypeIs(Predicate):
    """One of these document codes of the MRZ, such as P or ID; a letter alone covers the codes that begin with it (ICAO 9303-4 §4.2.2)."""

    types: tuple[str, ...]
    asks: ClassVar = frozenset({Fact.DOCUMENT_TYPE})

    def _says(self, document_type: str) -> bool:
        return any(document_type == one or document_type[:1] == one for one in self.types)


@dataclass(frozen=True, slots=True)
class IssuerIs(Predicate):
    """A document of one of these issuers, in the letters of the MRZ."""

    states: tuple[str, ...]
    asks: ClassVar = frozenset({Fact.ISSUER})

    def _says(self, issuer: str) -> bool:
        return issuer in self.states


@dataclass(frozen=True, slots=True)
class NationalityIs(Predicate):
    """A national of one of these states, in the letters of the MRZ."""

    states: tuple[str, ...]
    asks: ClassVar = frozenset({Fact.NATIONALITY})

    def _says(self, nationality: str) -> bool:
        return nationality in self.states


@dataclass(frozen=True, slots=True)
class SexIs(Predicate):
    """One of these, as the document has it."""

    sexes: tuple[Sex, ...]
    asks: ClassVar = frozenset({Fact.SEX})

    def _says(self, sex: Sex) -> bool:
        return sex in self.sexes


@dataclass(frozen=True, slots=True)
class AgeFrom(Predicate):
    """So many years old, or older."""

    years: int
    asks: ClassVar = frozenset({Fact.AGE})

    def _says(self, age: int) -> bool:
        return age >= self.years


@dataclass(frozen=True, slots=True)
class IssuedBetween(Predicate):
    """Issued from the first to the last of these days, both included."""

    first: date
    last: date
    asks: ClassVar = frozenset({Fact.ISSUED})

    def _says(self, issued: date) -> bool:
        return self.first <= issued <= self.last


@dataclass(frozen=True, slots=True)
class ExpiresWithin(Predicate):
    """Valid for so many days more, or fewer."""

    days: int
    asks: ClassVar = frozenset({Fact.EXPIRES, Fact.LOCAL})

    def _says(self, expires: date, local: datetime) -> bool:
        return expires - local.date() <= timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class DirectionIs(Predicate):
    """Served on this way over the border."""

    direction: BorderDirection
    asks: ClassVar = frozenset({Fact.DIRECTION})

    def _says(self, direction: BorderDirection) -> bool:
        return direction is self.direction


@dataclass(frozen=True, slots=True)
class HoursBetween(Predicate):
    """From one time of day until before another, by the site's clock; over midnight where the second is the earlier one."""

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
    """On one of these days of the week, by the site's clock."""

    days: tuple[Weekday, ...]
    asks: ClassVar = frozenset({Fact.LOCAL})

    def _says(self, local: datetime) -> bool:
        return Weekday.of(local.date()) in self.days


@dataclass(frozen=True, slots=True)
class DateBetween(Predicate):
    """From the first to the last of these days, both included, by the site's clock: a named state of the site is one of these."""

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
        """What it looks at."""
        return asked_by(self.conditions)


@dataclass(frozen=True, slots=True)
class All(_Several):
    """Every one of these; none of them: always."""

    def holds(self, facts: Facts) -> bool | None:
        """The answer: no as soon as one is no."""
        answers = {one.holds(facts) for one in self.conditions}
        return False if False in answers else None if None in answers else True


@dataclass(frozen=True, slots=True)
class AnyOf(_Several):
    """At least one of these."""

    def holds(self, facts: Facts) -> bool | None:
        """The answer: yes as soon as one is yes."""
        answers = {one.holds(facts) for one in self.conditions}
        return True if True in answers else None if None in answers else False


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    condition: Condition

    @property
    def asks(self) -> frozenset[Fact]:
        """What it looks at."""
        return self.condition.asks

    def holds(self, facts: Facts) -> bool | None:
        """The answer."""
        answer = self.condition.holds(facts)
        return None if answer is None else not answer


Condition = Predicate | All | AnyOf | Not


def asked_by(conditions: tuple[Condition, ...]) -> frozenset[Fact]:
    """What any of these looks at."""
    return frozenset().union(*(one.asks for one in conditions))


def predicates_of(condition: Condition) -> Iterator[Predicate]:
    """The questions that a condition is made of, in order."""
    if isinstance(condition, _Several):
        for one in condition.conditions:
            yield from predicates_of(one)
    elif isinstance(condition, Not):
        yield from predicates_of(condition.condition)
    else:
        yield condition
