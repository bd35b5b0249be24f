"""What no file of rules may hold, however it is spelt: found by trying each rule on every kind of traveller that it can tell apart. Pure.

Of each fact that a rule asks for, a value between each two of the limits that stand in it is tried, in every combination. So these are found
whatever way a rule is written: a rule that can mean nobody; eligibility that rests on what says nothing about it; and rules of which one takes
away all that the other gives. Whom a rule picks out by nationality, sex or issuer, `gate.rules.profiling` tells.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any, Final

from drivers.toml_file import Wrong
from gate.passage.conditions import (
    PROTECTED,
    All,
    AnyOf,
    Condition,
    DateBetween,
    Fact,
    Facts,
    Predicate,
    Sex,
    predicates_of,
)
from gate.passage.rulebook import Effect, Rule, RuleBook
from gate.passage.serving import BorderDirection
from gate.rules.profiling import KEPT_MAX, days_of, kept, named_in, population, told_apart, without_values

TRIED_MAX: Final = 200_000  # combinations a rule: one that tells more apart is too much for whoever must understand it
_NOTHING: Final = Facts()
_LAST_DAY: Final = date.max.toordinal()
_NOBODYS: Final = "ZZZ"  # stands for every code that neither a rule nor the population names
_AGE_MAX: Final = 150
_CLOSING: Final = frozenset({Fact.LOCAL, Fact.DIRECTION})
_TAKING: Final = frozenset({Effect.OFFICER, Effect.CUSTOMS, Effect.THRESHOLD})

# The values of each fact that are tried; of a day of expiry, how many days after the crossing it is.
_Tried = dict[Fact, Sequence[object]]


def wrong_with(book: RuleBook) -> Iterator[Wrong]:
    """Everything that is wrong with rules which are spelt well, at the key that is to be changed."""
    fit: list[Rule] = []
    picking: dict[Rule, float] = {}
    for rule in book.rules:
        found = list(_wrong_with_rule(rule, picking))
        yield from found
        if not found:
            fit.append(rule)
    yield from _contradictions(fit)
    yield from _picking_together({rule: share for rule, share in picking.items() if rule in fit})


def _wrong_with_rule(rule: Rule, picking: dict[Rule, float]) -> Iterator[Wrong]:
    """What a targeting rule on a protected attribute keeps of the population comes into `picking`."""
    key = f"rules.{rule.name}.when"
    if unknown := without_values(rule.when.asks):
        yield Wrong(
            key, f"asks about {_names(unknown)}, of which gate/rules/population.csv has no values to try it with"
        )
        return
    tried = _tried_for((rule.when,), rule)
    if math.prod(map(len, tried.values())) > TRIED_MAX:
        yield Wrong(key, "tells too many kinds of travellers apart; make several rules of it")
        return
    if not any(rule.when.holds(one) for one in _combinations(tried, tried)):
        yield Wrong(key, "can never hold: it means nobody")
        return
    if rule.effect is Effect.CLOSED and not rule.when.asks <= _CLOSING:
        yield Wrong(
            key, "closes the lane for everybody, and asks about some: date, weekday, hours, direction and state alone"
        )
    if rule.effect is Effect.ELIGIBLE and not rule.when.asks - _CLOSING:
        yield Wrong(key, "says nothing about who is eligible")
    if rule.effect in _TAKING and rule.when.asks & PROTECTED:
        share, differs = kept(rule.when, rule.first, rule.last, list(_combinations(tried, tried.keys() & PROTECTED)))
        if share <= KEPT_MAX:
            picking[rule] = share
        elif differs or _differs(rule.when, tried):
            yield Wrong(key, f"picks people out by {_alone(rule.when, share)}")


def _differs(when: Condition, tried: _Tried) -> bool:
    """True where nationality, sex or issuer make a difference to anybody."""
    protected = tried.keys() & PROTECTED
    others = _combinations(tried, tried.keys() - PROTECTED)
    return any(len({when.holds(one) for one in _combinations(tried, protected, known)}) > 1 for known in others)


def _picking_together(shares: dict[Rule, float]) -> Iterator[Wrong]:
    """Rules about the same nationality, sex or issuer of which none keeps too many alone, and together they do."""
    judged: set[frozenset[Rule]] = set()
    apart: _Tried = {}
    for rule in shares:
        apart = apart or _tried_for([one.when for one in shares], rule, PROTECTED)
        everybody = _combinations(apart, [fact for fact in apart if fact in rule.when.asks])
        # With nothing else known, the answer is no only where these facts alone give it.
        for whose in (one for one in everybody if rule.when.holds(one) is not False):
            group = [one for one in shares if one.when.holds(whose) is not False]
            if any(before.issuperset(group) for before in judged) or sum(map(shares.__getitem__, group)) <= KEPT_MAX:
                continue
            judged.add(frozenset(group))
            when = AnyOf(tuple(All((DateBetween(one.first, one.last), one.when)) for one in group))
            first, last = min(one.first for one in group), max(one.last for one in group)
            apart_together = _tried_for([when], rule, when.asks & PROTECTED)
            share, _ = kept(when, first, last, list(_combinations(apart_together, apart_together)))
            if share > KEPT_MAX:
                others = ", ".join(f"rules.{one.name}" for one in group[1:])
                wrong = f"picks people out, together with {others}, by {_alone(when, share)}"
                yield Wrong(f"rules.{group[0].name}.when", wrong)


def _alone(when: Condition, share: float) -> str:
    more = f": the other conditions keep {share:.1%} of the population, over {KEPT_MAX:.0%}" if share < 1 else ""
    return f"{_names(when.asks & PROTECTED)} alone; a targeting rule rests on something else as well{more}"


def _names(facts: Collection[Fact]) -> str:
    return " and ".join(sorted(fact.value for fact in facts))


def _contradictions(rules: Sequence[Rule]) -> Iterator[Wrong]:
    """Rules that give nothing: everybody whom they make eligible is an officer's by another one, on all their days."""
    taking = [rule for rule in rules if rule.effect in {Effect.OFFICER, Effect.CUSTOMS, Effect.CLOSED}]
    for given in (rule for rule in rules if rule.effect is Effect.ELIGIBLE):
        for taken in taking:
            if not (taken.first <= given.first and given.last <= taken.last):
                continue
            tried = _tried_for((given.when, taken.when), given)
            if math.prod(map(len, tried.values())) > TRIED_MAX:
                continue
            everybody = _combinations(tried, tried)
            if all(taken.when.holds(one) for one in everybody if given.when.holds(one)):
                yield Wrong(
                    f"rules.{given.name}", f"is contradicted: everybody whom it means is referred by rules.{taken.name}"
                )


# ── what tells travellers apart ──────────────────────────────────────────────────────────────────────────────────────


def _combinations(tried: _Tried, facts: Collection[Fact], known: Facts = _NOTHING) -> Iterator[Facts]:
    """What is known, with every combination of the values of these facts."""
    for chosen in itertools.product(*(tried[fact] for fact in facts)):
        named: dict[str, Any] = {fact.value: value for fact, value in zip(facts, chosen, strict=True)}
        if Fact.EXPIRES in facts:
            last_day = named["local"].toordinal() + named["expires"]
            named["expires"] = date.fromordinal(min(last_day, _LAST_DAY))
        yield replace(known, **named)


def _tried_for(conditions: Sequence[Condition], rule: Rule, facts: Collection[Fact] = tuple(Fact)) -> _Tried:
    """For each of these facts that is asked for, a value between each two of its limits, on the days on which the rule is in force."""
    asked = [one for condition in conditions for one in predicates_of(condition)]
    tried: _Tried = {}
    for fact in Fact:
        if fact in facts and (about := [one for one in asked if fact in one.asks]):
            values = (replace(_NOTHING, **{fact.value: value}) for value in _values(fact, about, rule))  # type: ignore[arg-type]
            tried[fact] = [getattr(one, fact.value) for one in told_apart(about, values, {fact})]
    return tried


def _values(fact: Fact, about: Sequence[Predicate], rule: Rule) -> Sequence[object]:
    match fact:
        case Fact.LOCAL:
            days = {
                min(day + more, rule.last.toordinal())
                for day in days_of(about, rule.first, rule.last)
                for more in range(7)
            }
            times = sorted({time(), *named_in(about, time)})
            return [datetime.combine(date.fromordinal(day), at) for day in sorted(days) for at in times]
        case Fact.ISSUED:  # none is issued after the rule's last day
            return [date.fromordinal(day) for day in days_of(about, date.min, rule.last)] + [rule.first]
        case Fact.EXPIRES:
            return sorted({0, *(named + more for named in named_in(about, int) for more in (0, 1))})
        case Fact.AGE:
            return range(_AGE_MAX)
        case Fact.DIRECTION:
            return list(BorderDirection)
        case Fact.SEX:
            return list(Sex)
        case _:
            known = {getattr(one, fact.value) for one in population()} - {None}
            named = {_NOBODYS, *named_in(about, object)}
            return sorted(known | {one for one in named if type(one) in set(map(type, known))}, key=str)
