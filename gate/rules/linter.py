"""Finds what no file of rules may contain, in any formulation, by trying each rule on every kind of traveller that it distinguishes. Pure.

For each fact in a rule, a value between each two neighbouring limits is tried, in every combination. This finds a rule that applies to no
traveller, eligibility that depends on irrelevant facts, and a rule that cancels another one completely.
"""

import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any, Final

from gate.passage.conditions import (
    PROTECTED,
    All,
    AnyOf,
    Condition,
    DateBetween,
    Fact,
    Facts,
    Not,
    Predicate,
    Sex,
    predicates_of,
)
from gate.passage.rule_set import Effect, Rule, RuleSet
from gate.rules.profiling_guard import (
    KEPT_MAX,
    days_of,
    differs,
    kept,
    named_in,
    population,
    told_apart,
    valueless,
    work_of,
)
from gate_core.evidence.service_scope import BorderDirection
from gate_core.settings.toml_file import Wrong

TRIED_MAX: Final = 200_000  # combinations per rule: one that distinguishes more is too complex for its readers
_NOTHING: Final = Facts()
_LAST_DAY: Final = date.max.toordinal()
FILE_TRIED_MAX: Final = 50 * TRIED_MAX  # combinations a file, shared among its rules; and so many for pairs of them
WORK_MAX: Final = 90_000  # of a file, as `work_of` counts: some 35 s of a processor before a lane starts, and what the last group takes
_STRAY: Final = 0.03  # a single draw may be this far below the kept share, and an author may find such a draw
_NOBODYS: Final = "ZZZ"  # stands for every code that neither a rule nor the population names
_AGE_MAX: Final = 150
_VALID_MAX: Final = 15 * 366  # days from a document's issue, after which no document is in use
_CLOSING: Final = frozenset({Fact.LOCAL, Fact.DIRECTION})
_TAKING: Final = frozenset({Effect.OFFICER, Effect.CUSTOMS, Effect.THRESHOLD})
# Rules that ask about one of these, and can mean the same value of it, are tried together: a state is its nationals and its documents.
_SHARED: Final = ((Fact.NATIONALITY,), (Fact.ISSUER,), (Fact.SEX,), (Fact.NATIONALITY, Fact.ISSUER))

# The values of each fact that are tried; of a day of expiry, how many days after the crossing it is.
_Tried = dict[Fact, Sequence[object]]


class _LeftOut(Not):
    """Travellers whom the eligible rules together exclude, but would not with another sex, or a state that no rule names."""

    def holds(self, facts: Facts) -> bool:
        """True also if unknown. The population has no direction, so each is tried."""
        for way in BorderDirection:
            states = itertools.product({facts.nationality, _NOBODYS}, {facts.issuer, _NOBODYS}, Sex)
            others = (replace(facts, direction=way, nationality=n, issuer=i, sex=sex) for n, i, sex in states)
            if not self.condition.holds(replace(facts, direction=way)) and any(
                self.condition.holds(one) is not False for one in others
            ):
                return True
        return False


def wrong_with(rule_set: RuleSet) -> Iterator[Wrong]:
    """Yield every error of well-formed rules, at the key to change."""
    fit: list[Rule] = []
    for rule in rule_set.rules:
        found = list(_wrong_with_rule(rule, min(TRIED_MAX, FILE_TRIED_MAX // len(rule_set.rules))))
        yield from found
        if not found:
            fit.append(rule)
    yield from _contradictions(fit)
    picking = [rule for rule in fit if rule.effect in _TAKING and rule.when.asks & PROTECTED]
    eligible = [rule for rule in fit if rule.effect is Effect.ELIGIBLE]
    if naming := [rule for rule in eligible if rule.when.asks & PROTECTED]:
        first, last = min(one.first for one in eligible), max(one.last for one in eligible)
        picking.append(replace(naming[0], first=first, last=last, when=_LeftOut(_any_of(eligible))))
    yield from _picking(picking)


def _wrong_with_rule(rule: Rule, tried_max: int) -> Iterator[Wrong]:
    key = f"rules.{rule.name}.when"
    if unknown := valueless(rule.when.asks):
        yield Wrong(
            key, f"asks about {_names(unknown)}, of which gate/rules/population.csv has no values to try it with"
        )
        return
    codes = named_in((one for one in predicates_of(rule.when) if Fact.DOCUMENT_TYPE in one.asks), str)
    if filled := [code for code in sorted(codes) if not code.isalpha()]:
        yield Wrong(key, f"names document code {filled[0]!r}, which no document has: leave its filler out, as in P")
        return
    tried = _tried_for((rule.when,), rule)
    if math.prod(map(len, tried.values())) > tried_max:
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


def _differs(when: Condition, rule: Rule) -> bool:
    """True if nationality, sex or issuer make a difference for any traveller."""
    tried = _tried_for([when], rule)
    protected = tried.keys() & PROTECTED
    others = _combinations(tried, tried.keys() - PROTECTED)
    return any(len({when.holds(one) for one in _combinations(tried, protected, known)}) > 1 for known in others)


def _picking(rules: Sequence[Rule]) -> Iterator[Wrong]:
    """Yield rules that select by nationality, sex or issuer: alone, or together if each alone keeps few enough."""
    shares: dict[Rule, float] = {}
    work = 0
    for group in itertools.chain(([rule] for rule in rules), _sharing(shares)):
        when = _any_of(group) if len(group) > 1 else group[0].when
        first, last = min(one.first for one in group), max(one.last for one in group)
        apart = _tried_for([when], group[0], when.asks & PROTECTED)
        work += work_of(when, first, last) + math.prod(map(len, apart.values()))
        if work > WORK_MAX:
            yield Wrong(f"rules.{group[0].name}.when", "makes the file too much to try; make fewer rules of it")
            return
        people = list(_combinations(apart, apart))
        share = kept(when, first, last, people)
        work += work_of(when, first, last, share) - work_of(when, first, last)
        is_eligible = group[0].effect is Effect.ELIGIBLE
        if share <= KEPT_MAX:
            shares |= {group[0]: share + _STRAY} if len(group) == 1 else {}
        elif is_eligible or len(group) > 1 or _differs(when, group[0]) or differs(when, first, last, people):
            others = ", ".join(f"rules.{one.name}" for one in group[1:])
            verb = "leaves" if is_eligible else "picks"
            said = (
                f"{verb} people out{others and f', together with {others},'} by {_names(when.asks & PROTECTED)} alone; "
            )
            said += "a targeting rule rests on something else as well"
            more = (
                f": the other conditions keep {share:.1%} of the population, over {KEPT_MAX:.0%}" if share < 1 else ""
            )
            yield Wrong(f"rules.{group[0].name}.when", said + more)


def _sharing(shares: dict[Rule, float]) -> Iterator[list[Rule]]:
    """Yield groups of rules that can mean the same value of a protected fact in each of them, if together they might keep too many."""
    judged: set[frozenset[Rule]] = set()
    for facts in _SHARED:
        asking = [rule for rule in shares if rule.when.asks.intersection(facts)]
        about = [one for rule in asking for one in predicates_of(rule.when)]
        values = _values(facts[0], about, asking[0]) if asking else ()
        everybody = (replace(_NOTHING, **{fact.value: value for fact in facts}) for value in values)  # type: ignore[arg-type]
        for whose in told_apart(about, everybody, facts):
            # With nothing else known, the answer is no only where these facts alone give it.
            group = [rule for rule in asking if rule.when.holds(whose) is not False]
            if sum(map(shares.__getitem__, group)) > KEPT_MAX / 2 and not any(map(frozenset(group).issubset, judged)):
                judged.add(frozenset(group))
                yield group


def _any_of(rules: Sequence[Rule]) -> AnyOf:
    """Return a condition for what any of these means, on its days."""
    return AnyOf(tuple(All((DateBetween(one.first, one.last), one.when)) for one in rules))


def _names(facts: Collection[Fact]) -> str:
    return " and ".join(sorted(fact.value for fact in facts))


def _contradictions(rules: Sequence[Rule]) -> Iterator[Wrong]:
    """Yield rules without effect: another rule sends everybody whom they make eligible to an officer, on all their days."""
    taking = [rule for rule in rules if rule.effect in {Effect.OFFICER, Effect.CUSTOMS, Effect.CLOSED}]
    people = [replace(one, direction=way) for one in population() for way in BorderDirection]
    meant = {rule: {at for at, one in enumerate(people) if rule.when.holds(one)} for rule in rules}
    left = FILE_TRIED_MAX
    for given in (rule for rule in rules if rule.effect is Effect.ELIGIBLE):
        for taken in taking:
            # A member of the population whom the first one means and the second does not suffices as proof.
            if not (taken.first <= given.first and given.last <= taken.last and meant[given] <= meant[taken]):
                continue
            tried = _tried_for((given.when, taken.when), given)
            kinds = math.prod(map(len, tried.values()))
            left -= min(kinds, TRIED_MAX) + 1_000  # what it costs to make them
            if kinds > TRIED_MAX or left < 0:
                continue
            everybody = _combinations(tried, tried)
            if all(taken.when.holds(one) for one in everybody if given.when.holds(one)):
                yield Wrong(
                    f"rules.{given.name}", f"is contradicted: everybody whom it means is referred by rules.{taken.name}"
                )


# ── what tells travellers apart ──────────────────────────────────────────────────────────────────────────────────────


def _combinations(tried: _Tried, facts: Collection[Fact], known: Facts = _NOTHING) -> Iterator[Facts]:
    """Yield the known facts with every combination of values of these facts."""
    for chosen in itertools.product(*(tried[fact] for fact in facts)):
        named: dict[str, Any] = {fact.value: value for fact, value in zip(facts, chosen, strict=True)}
        if Fact.EXPIRES in facts:
            last_day = named["local"].toordinal() + named["expires"]
            named["expires"] = date.fromordinal(min(last_day, _LAST_DAY))
        yield replace(known, **named)


def _tried_for(conditions: Sequence[Condition], rule: Rule, facts: Collection[Fact] = tuple(Fact)) -> _Tried:
    """Return for each used fact a value between each two of its limits, on the days on which the rule is in force."""
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
            oldest = date.fromordinal(max(1, rule.first.toordinal() - _VALID_MAX))
            return [date.fromordinal(day) for day in days_of(about, oldest, rule.last)] + [rule.first]
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
