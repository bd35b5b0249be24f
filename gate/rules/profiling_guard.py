"""The profiling guard: the share of a population that the conditions of targeting rules keep, without nationality, sex and issuer. Pure.

The population ships with the product (population.csv names its sources). A rule is tried on all of it as nationals of each state, as each
sex and with documents of each issuer that the rule distinguishes. The largest share that it means is what its other conditions keep.

    direction, facts without values   unknown, which counts as true in a targeting rule
    `date`, `state`, the rule's days  select days and no people: each span of days is tried, and the worst one counts
    weekday, hours                    by the times at which the population crosses, in weeks of each span
    `issued`, `expires_within_days`   counted from the day of that crossing; every quarter while documents age is tried
    document code P                   tried as each P code that the rule names: states choose the second letter

The population is public. So the conditions seed a draw of each crossing's minute and of each document's day within 30: a rule written
around the sample meets other values. Near the limit the worst of several draws counts, so that trying formulations is useless.

A profile, this one or a site's own for `gate policy dry-run`, is a CSV table with a head line: a column for each known fact
(document_type, issuer, nationality, sex, age, direction, issued, expires, local), and `count`, the number of such travellers. It consists
of aggregates, without crossings or persons; an empty cell is unknown. A line that begins with # is a comment.
"""

from __future__ import annotations

import csv
import functools
import io
import itertools
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final, cast

from gate.passage.conditions import PROTECTED, Condition, Fact, Facts, Predicate, Sex, Weekday, predicates_of
from gate_core.evidence.service_scope import BorderDirection

KEPT_MAX: Final = 0.5  # of the population, by the other conditions of a rule on a protected attribute
_DATES: Final = frozenset({Fact.ISSUED, Fact.EXPIRES})
_NEAR: Final = 0.4  # a draw that keeps less suffices: the worst rule's varies by 0.022
_DRAWS: Final = 8
_QUARTER: Final = 91
_AGEING: Final = 12 * 366  # days after a date that is named, in which every document of that date expires
_LAST_DAY: Final = date.max.toordinal()
_FACTS: Final = tuple(field.name for field in fields(Facts))
_PASSPORT: Final = "P"
_OTHERS: Final = frozenset(Fact) - PROTECTED
COUNT_MAX: Final = 10**9
_PARSERS: Final[Mapping[Fact, Callable[[str], object]]] = {
    Fact.DOCUMENT_TYPE: str,
    Fact.ISSUER: str,
    Fact.ISSUED: date.fromisoformat,
    Fact.EXPIRES: date.fromisoformat,
    Fact.NATIONALITY: str,
    Fact.SEX: Sex,
    Fact.AGE: int,
    Fact.DIRECTION: BorderDirection,
    Fact.LOCAL: datetime.fromisoformat,
}


class ProfileError(ValueError):
    """An invalid profile; the message names the line."""


def read_profile(text: str) -> Iterator[tuple[Facts, int]]:
    """Yield a profile's travellers, and the number of each kind. Raises ProfileError."""
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = (row for row in table if not (row and row[0].startswith("#")))
    try:
        head = next(rows, [])
        columns = [None if name == "count" else Fact(name) for name in head]
    except (ValueError, csv.Error) as error:
        known = ", ".join(fact.value for fact in Fact)
        raise ProfileError(f"line 1: {error}; columns are count and {known}") from error
    if head.count("count") != 1 or len(set(head)) < len(head):
        raise ProfileError("line 1: each column once, and one of them is count")
    is_empty = True
    try:
        for row in rows:
            if row:
                is_empty = False
                yield _traveller(columns, row)
    except (ValueError, csv.Error) as error:
        raise ProfileError(f"line {table.line_num}: {error}") from error
    if is_empty:
        raise ProfileError("no traveller is in it, and on nobody rules show nothing")


def _traveller(columns: list[Fact | None], row: list[str]) -> tuple[Facts, int]:
    if len(row) != len(columns):
        raise ValueError(f"{len(row)} values for {len(columns)} columns")
    count = 0
    known: dict[str, Any] = {}
    for column, value in zip(columns, row, strict=True):
        if column is None:
            count = int(value)
        elif value:
            known[column.value] = _PARSERS[column](value)
    facts = Facts(**known)
    if not 0 < count <= COUNT_MAX:
        raise ValueError(f"a count is from 1 to {COUNT_MAX}")
    if facts.local is not None and facts.local.tzinfo is not None:
        raise ValueError("local is the site's own time, without an offset")
    return facts, count


@functools.cache
def population() -> tuple[Facts, ...]:
    """The people of the file, in its reference week."""
    text = Path(__file__).with_name("population.csv").read_text(encoding="utf-8")
    return tuple(one for one, count in read_profile(text) for _ in range(count))


def valueless(asked: frozenset[Fact]) -> list[Fact]:
    """Return those of these facts for which the population has no values, without the direction, which selects lanes and no people."""
    return [fact for fact in asked - {Fact.DIRECTION} if {getattr(one, fact.value) for one in population()} == {None}]


def named_in(questions: Iterable[Predicate], kind: type | tuple[type, ...]) -> set[Any]:
    """Return every value of a type in predicates, alone or in a list."""
    values = (getattr(one, field.name) for one in questions for field in fields(one))
    listed = itertools.chain.from_iterable(value if isinstance(value, tuple) else (value,) for value in values)
    return {value for value in listed if isinstance(value, kind)}


def told_apart(questions: Iterable[Predicate], people: Iterable[Facts], by: Collection[Fact]) -> Counter[Facts]:
    """Return one person for each kind that predicates distinguish by these facts, and the number of people of that kind.

    A predicate that also uses other facts may distinguish all of them.
    """
    about = [one for one in questions if one.asks.intersection(by)]
    is_mixed = any(one.asks.difference(by) for one in about)
    kinds: dict[object, Facts] = {}
    return Counter(kinds.setdefault(who if is_mixed else tuple(one.holds(who) for one in about), who) for who in people)


def days_of(questions: Collection[Predicate], first: date, last: date) -> list[int]:
    """Return days from the first to the last, in order: the first, and around each date in a predicate.

    If predicates about days contain neither a date nor a weekday, also one in four weeks of the first year.
    """
    days = range(first.toordinal(), last.toordinal() + 1)
    is_dateless = any(one.asks == {Fact.LOCAL} and not named_in((one,), (date, time, Weekday)) for one in questions)
    around = {named.toordinal() + more for named in named_in(questions, date) for more in (-1, 0, 1)}
    return sorted({day for day in around if day in days}.union(days[: 366 if is_dateless else 1 : 28]))


def kept(when: Condition, first: date, last: date, protected: Sequence[Facts]) -> float:
    """Return the largest share of the population that a condition means with one of these protected facts."""
    questions = tuple(predicates_of(when))
    worst, spelt = 0.0, repr(when)
    everybody = [{fact.value: getattr(whose, fact.value) for fact in PROTECTED} for whose in protected]
    for (start, days), code in itertools.product(_weeks(questions, first, last), _passports(questions)):
        for draw in range(_DRAWS):
            kinds = told_apart(questions, _crossing(f"{draw} {spelt}", start, days, code), _OTHERS)
            meant = {tuple(when.holds(replace(one, **whose)) is not False for one in kinds) for whose in everybody}
            share = max(sum(itertools.compress(kinds.values(), each)) for each in meant) / len(population())
            worst = max(worst, share)
            if not _NEAR < share <= KEPT_MAX:
                break
    return worst


def differs(when: Condition, first: date, last: date, protected: Sequence[Facts]) -> bool:
    """True if these protected facts make a difference for any member of the population."""
    questions = tuple(predicates_of(when))
    everybody = [{fact.value: getattr(whose, fact.value) for fact in PROTECTED} for whose in protected]
    return any(
        len({when.holds(replace(one, **whose)) for whose in everybody}) > 1
        for (start, days), code in itertools.product(_weeks(questions, first, last), _passports(questions))
        for one in told_apart(questions, _crossing(repr(when), start, days, code), _OTHERS)
    )


def work_of(when: Condition, first: date, last: date, share: float = 0.0) -> int:
    """Return the work of `kept`, in predicates evaluated on the population, to find this share."""
    draws = _DRAWS if _NEAR < share <= KEPT_MAX else 1
    questions = tuple(predicates_of(when))
    return draws * (len(questions) + 8) * len(_tried_days(questions, first, last)) * len(_passports(questions))


def _tried_days(questions: Collection[Predicate], first: date, last: date) -> list[int]:
    named = named_in(questions, date) | {first} if any(one.asks & _DATES for one in questions) else ()
    starts = (max(first, one).toordinal() // _QUARTER * _QUARTER for one in named)
    quarters = {day for start in starts for day in range(start, min(start + _AGEING, last.toordinal()), _QUARTER)}
    return sorted({*days_of(questions, first, last), *(day for day in quarters if day >= first.toordinal())})


def _passports(questions: Iterable[Predicate]) -> set[str]:
    """Return P and each P code that questions name, except codes that the population has for others, such as diplomats."""
    named = named_in((one for one in questions if Fact.DOCUMENT_TYPE in one.asks), str)
    others = {one.document_type for one in population()}
    return {_PASSPORT, *(code for code in named - others if code.startswith(_PASSPORT))}


def _weeks(questions: Sequence[Predicate], first: date, last: date) -> set[tuple[int, int]]:
    """Return a week at each tried day, within days on which all dates give the same result: its first day, and its number of days."""
    dated = [one for one in questions if Fact.LOCAL in one.asks and named_in((one,), date)]
    tried = _tried_days(questions, first, last)
    alike = itertools.groupby(tried, lambda day: [one.holds(Facts(local=_midnight(day))) for one in dated])
    spans = [list(days) for _, days in alike]
    found = set()
    for span, following in itertools.zip_longest(spans, spans[1:]):
        after = following[0] if following else last.toordinal() + 1
        for day in (*span, after):
            start = max(span[0], min(day, after - 7))
            found.add((start, min(7, after - start)))
    return found


def _crossing(drawn_by: str, start: int, days: int, code: str) -> Iterator[Facts]:
    """Yield the population, crossing on these days, with this code of an ordinary passport."""
    draw = random.Random(drawn_by).random  # noqa: S311 - spreads samples; nothing is secret
    for one in population():
        then = cast("datetime", one.local)  # every row has it
        day = start + then.weekday() % days
        back = day - then.toordinal() - int(30 * draw())
        moved: dict[str, Any] = {
            name: date.fromordinal(min(max(1, value.toordinal() + back), _LAST_DAY))
            for name in _FACTS
            if isinstance(value := getattr(one, name), date)
        }
        moved["local"] = _midnight(day) + timedelta(hours=then.hour, seconds=int(3600 * draw()))
        if one.document_type == _PASSPORT:
            moved["document_type"] = code
        yield replace(one, **moved)


def _midnight(day: int) -> datetime:
    return datetime.combine(date.fromordinal(day), time())
