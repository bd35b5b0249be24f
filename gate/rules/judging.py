"""What no file of rules may hold, however it is spelt: found by trying each rule on every kind of traveller that it can tell apart. Pure.

Of each fact that a rule asks for, a value between each two of the limits that stand in it is tried, in every combination. So these are found
whatever way a rule is written: a rule that can mean nobody; one that picks people out by nationality, sex or the issuer of their document
alone; eligibility that rests on what says nothing about it; and rules of which one takes away all that the other gives.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Final

from drivers.toml_file import Wrong
from gate.passage.conditions import (
    PROTECTED,
    AgeFrom,
    Condition,
    DateBetween,
    DocumentTypeIs,
    ExpiresWithin,
    Fact,
    Facts,
    HoursBetween,
    IssuedBetween,
    IssuerIs,
    NationalityIs,
    Predicate,
    Sex,
    WeekdayIs,
    predicates_of,
)
from gate.passage.rulebook import Effect, Rule, RuleBook
from gate.passage.serving import BorderDirection

TRIED_MAX: Final = 200_000  # combinations a rule: one that tells more apart is too much for whoever must understand it
_NOTHING: Final = Facts()
_LAST_DAY: Final = date.max.toordinal()
_NOBODYS_STATE: Final = "ZZZ"  # stands for every state that a rule does not name
_CLOSING: Final = frozenset({Fact.LOCAL, Fact.DIRECTION})
_TAKING: Final = frozenset({Effect.OFFICER, Effect.CUSTOMS, Effect.THRESHOLD})


@dataclass(frozen=True, slots=True)
class _Tried:
    """The values of each fact that are tried; of a day of expiry, how many days after the crossing it is."""

    values: dict[Fact, Sequence[object]]

    @property
    def count(self) -> int:
        """How many combinations that are."""
        product = 1
        for tried in self.values.values():
            product *= len(tried)
        return product

    def combinations(self, facts: Sequence[Fact], known: Facts = _NOTHING) -> Iterator[Facts]:
        """What is known, with every combination of the values of these facts."""
        for chosen in itertools.product(*(self.values[fact] for fact in facts)):
            named: dict[str, Any] = {fact.value: value for fact, value in zip(facts, chosen, strict=True)}
            if Fact.EXPIRES in facts:
                last_day = named["local"].toordinal() + named["expires"]
                named["expires"] = date.fromordinal(min(last_day, _LAST_DAY))
            yield replace(known, **named)


def wrong_with(book: RuleBook) -> Iterator[Wrong]:
    """Everything that is wrong with rules which are spelt well, at the key that is to be changed."""
    fit: list[Rule] = []
    for rule in book.rules:
        found = list(_wrong_with_rule(rule))
        yield from found
        if not found:
            fit.append(rule)
    yield from _contradictions(fit)


def _wrong_with_rule(rule: Rule) -> Iterator[Wrong]:
    key = f"rules.{rule.name}.when"
    tried = _tried_for((rule.when,), rule)
    if tried.count > TRIED_MAX:
        yield Wrong(key, "tells too many kinds of travellers apart; make several rules of it")
        return
    if not _ever(rule.when, tried):
        yield Wrong(key, "can never hold: it means nobody")
        return
    if rule.effect is Effect.CLOSED and not rule.when.asks <= _CLOSING:
        yield Wrong(
            key, "closes the lane for everybody, and asks about some: date, weekday, hours, direction and state alone"
        )
    if rule.effect is Effect.ELIGIBLE and not rule.when.asks - _CLOSING:
        yield Wrong(key, "says nothing about who is eligible")
    if rule.effect in _TAKING and (alone := _rests_alone_on(rule.when, tried)):
        named = " and ".join(sorted(fact.value for fact in alone))
        yield Wrong(key, f"picks people out by {named} alone; a targeting rule rests on something else as well")


def _ever(when: Condition, tried: _Tried) -> bool:
    return any(when.holds(one) for one in tried.combinations(tuple(tried.values)))


def _rests_alone_on(when: Condition, tried: _Tried) -> frozenset[Fact]:
    """The protected facts of which some values make it hold whatever the others are, and some do not; none when there are no such."""
    protected = tuple(fact for fact in tried.values if fact in PROTECTED)
    others = tuple(fact for fact in tried.values if fact not in PROTECTED)
    if not protected:
        return frozenset()
    always = [
        all(when.holds(one) for one in tried.combinations(others, chosen)) for chosen in tried.combinations(protected)
    ]
    return frozenset(protected) if any(always) and not all(always) else frozenset()


def _contradictions(rules: Sequence[Rule]) -> Iterator[Wrong]:
    """Rules that give nothing: everybody whom they make eligible is an officer's by another one, on all their days."""
    taking = [rule for rule in rules if rule.effect in {Effect.OFFICER, Effect.CUSTOMS, Effect.CLOSED}]
    for given in (rule for rule in rules if rule.effect is Effect.ELIGIBLE):
        for taken in taking:
            if not (taken.first <= given.first and given.last <= taken.last):
                continue
            tried = _tried_for((given.when, taken.when), given)
            if tried.count > TRIED_MAX:
                continue
            everybody = tried.combinations(tuple(tried.values))
            if all(taken.when.holds(one) for one in everybody if given.when.holds(one)):
                yield Wrong(
                    f"rules.{given.name}", f"is contradicted: everybody whom it means is referred by rules.{taken.name}"
                )


# ── what tells travellers apart ──────────────────────────────────────────────────────────────────────────────────────


def _tried_for(conditions: Sequence[Condition], rule: Rule) -> _Tried:
    """For each fact that is asked for, a value between each two of its limits, on the days on which the rule is in force."""
    asked = [one for condition in conditions for one in predicates_of(condition)]
    values: dict[Fact, Sequence[object]] = {}
    for fact in Fact:
        about = [one for one in asked if fact in one.asks]
        if about:
            values[fact] = _VALUES[fact](about, rule)
    return _Tried(values)


def _states(asked: Sequence[Predicate], _: Rule) -> Sequence[object]:
    """States that the same questions name alike are one kind of state."""
    questions = [one.states for one in asked if isinstance(one, IssuerIs | NationalityIs)]
    kinds: dict[tuple[bool, ...], str] = {}
    for state in sorted({state for states in questions for state in states}):
        kinds.setdefault(tuple(state in states for states in questions), state)
    return [*kinds.values(), _NOBODYS_STATE]


def _types(asked: Sequence[Predicate], _: Rule) -> Sequence[object]:
    named = {one for question in asked if isinstance(question, DocumentTypeIs) for one in question.types}
    return [*sorted(named), "?"]


def _sexes(_: Sequence[Predicate], __: Rule) -> Sequence[object]:
    return list(Sex)


def _ages(asked: Sequence[Predicate], _: Rule) -> Sequence[object]:
    return sorted({0, *(one.years for one in asked if isinstance(one, AgeFrom))})


def _directions(_: Sequence[Predicate], __: Rule) -> Sequence[object]:
    return list(BorderDirection)


def _days_issued(asked: Sequence[Predicate], rule: Rule) -> Sequence[object]:
    """None is issued after the rule's last day."""
    days = {rule.first.toordinal(), *_limits(one for one in asked if isinstance(one, IssuedBetween))}
    return [one for one in _days(days) if one <= rule.last]


def _days_left(asked: Sequence[Predicate], _: Rule) -> Sequence[object]:
    return sorted({left for one in asked if isinstance(one, ExpiresWithin) for left in (one.days, one.days + 1)})


def _moments(asked: Sequence[Predicate], rule: Rule) -> Sequence[object]:
    """Days of the rule between each two dates, seven running ones where weekdays count, each at the times at which hours begin or end."""
    days = {rule.first.toordinal(), *_limits(one for one in asked if isinstance(one, DateBetween))}
    if any(isinstance(one, WeekdayIs) for one in asked):
        days = {start + more for start in days for more in range(7)}
    times = {end for one in asked if isinstance(one, HoursBetween) for end in (one.start, one.end)} or {time(0)}
    return [datetime.combine(one, at) for one in _days(days) if rule.first <= one <= rule.last for at in sorted(times)]


def _limits(spans: Iterable[IssuedBetween | DateBetween]) -> Iterator[int]:
    """The day before each span of days, its first one, and the day after it, as numbers."""
    for one in spans:
        yield from (one.first.toordinal() - 1, one.first.toordinal(), one.last.toordinal() + 1)


def _days(numbers: Iterable[int]) -> list[date]:
    """Those days that the calendar has: a span may reach to either end of it."""
    return [date.fromordinal(one) for one in sorted(set(numbers)) if 1 <= one <= _LAST_DAY]


_VALUES: Final = {
    Fact.DOCUMENT_TYPE: _types,
    Fact.ISSUER: _states,
    Fact.ISSUED: _days_issued,
    Fact.EXPIRES: _days_left,
    Fact.NATIONALITY: _states,
    Fact.SEX: _sexes,
    Fact.AGE: _ages,
    Fact.DIRECTION: _directions,
    Fact.LOCAL: _moments,
}
