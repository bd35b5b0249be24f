"""The people whom targeting rules are tried on, gate/rules/population.csv: `python tests/unit/rules/test_rules_population.py` prints it.

No chance is in it. Row i takes the age at (i + 1/2)/PEOPLE of the age distribution. Each other column takes its value at the fraction of
(i + 1) times the square root of a prime of its own, which spreads columns evenly against one another.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import pytest

from gate.passage.conditions import PROTECTED, Fact
from gate.rules.profiling_guard import read_profile
from gate_documents.countries import is_state_code

FILE = Path(__file__).parents[3] / "gate" / "rules" / "population.csv"
PEOPLE = 500
WEEK = date(2026, 1, 5)  # a Monday
# Thousands of men and women by age group: 0-4, 5-9, ... 95-99, 100 and over.
MEN = (
    329738, 348107, 354695, 340081, 321370, 309984, 307791, 306563, 275985, 243300, 231458,
    209989, 177591, 139106, 107732, 69564, 38036, 18961, 6318, 1219, 120,
)  # fmt: skip
WOMEN = (
    313824, 328945, 333004, 319019, 302680, 292348, 291576, 293403, 267949, 239505, 232116,
    215498, 188213, 155173, 128394, 88603, 53809, 32211, 13567, 3557, 509,
)  # fmt: skip
TYPES = {"P": 87, "I": 5, "ID": 4, "AC": 1, "PD": 1, "PS": 1}
HOURS = (2, 1, 1, 1, 1, 2, 4, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 5, 4, 3, 2, 2)  # per cent of a day, from midnight on
HEAD = f"""\
# The people that targeting rules are tried on (docs/rules.md). Made by: python tests/unit/rules/test_rules_population.py
# age, sex: United Nations, World Population Prospects 2024, medium variant: the world on 1 July 2025, by age group of five years and sex.
# nationality, issuer: each code of ICAO 9303-3 section 5 in turn, because a rule is tried on everybody as a national of each state.
# The other columns are assumptions, because no public statistics cover them:
# document_type: per cent {", ".join(f"{kind} {share}" for kind, share in TYPES.items())}. Another code that begins with P is tried in place of P.
# issued, expires: valid for ten years, five for people under 18; every age of a document is equally likely, in steps of 30 days.
# local: every weekday is equally likely. Per cent by hour, from midnight: {" ".join(map(str, HOURS))}.
# The gate adds the minute, and the day within the step of 30, so that no rule can be written around these values.
"""
STATES = [
    code for count in (1, 2, 3) for code in map("".join, itertools.product(ascii_uppercase, repeat=count))
    if is_state_code(code)
]  # fmt: skip


def at(weights: Sequence[float], share: float) -> tuple[int, float]:
    """The place at a share of weights, and how far within it."""
    left = share * sum(weights)
    for place, weight in enumerate(weights):
        if left < weight:
            return place, left / weight
        left -= weight
    return len(weights) - 1, 0.0


def population() -> str:
    """The file."""
    lines = [HEAD, "document_type,issuer,issued,expires,nationality,sex,age,local,count\n"]
    both = [men + women for men, women in zip(MEN, WOMEN, strict=True)]
    for row in range(PEOPLE):
        spread = [math.sqrt(prime) * (row + 1) % 1 for prime in (2, 3, 5, 7, 11)]
        group, within = at(both, (row + 0.5) / PEOPLE)
        age = 5 * group + int(5 * within)
        sex = "M" if spread[0] < MEN[group] / both[group] else "F"
        kind = list(TYPES)[at(list(TYPES.values()), spread[1])[0]]
        day, state = WEEK + timedelta(days=int(7 * spread[4])), STATES[row % len(STATES)]
        valid = 30 * (61 if age < 18 else 122)
        steps = min(valid // 30, 12 * age + 6)  # no document is older than its holder
        issued = day - timedelta(days=30 * int(spread[2] * steps))
        local = datetime.combine(day, datetime.min.time()) + timedelta(hours=at(HOURS, spread[3])[0])
        expires = issued + timedelta(days=valid)
        lines.append(f"{kind},{state},{issued},{expires},{state},{sex},{age},{local.isoformat(timespec='minutes')},1\n")
    return "".join(lines)


def test_the_file_is_what_its_sources_make() -> None:
    assert FILE.read_text() == population()


@pytest.mark.parametrize("fact", Fact)
def test_it_has_a_value_of_each_fact_that_tells_people_apart(fact: Fact) -> None:
    known = [getattr(one, fact.value) is not None for one, _ in read_profile(FILE.read_text())]
    assert set(known) == {fact is not Fact.DIRECTION}


def test_its_shares_are_those_of_its_sources() -> None:
    people = [one for one, _ in read_profile(FILE.read_text())]
    assert len(people) == PEOPLE
    total = sum(MEN) + sum(WOMEN)
    for place, (men, women) in enumerate(zip(MEN, WOMEN, strict=True)):
        aged = sum(5 * place <= (one.age or 0) < 5 * place + 5 for one in people)
        assert abs(aged - PEOPLE * (men + women) / total) <= 1
    columns: dict[str, tuple[dict[Any, int], list[object]]] = {
        "document_type": (TYPES, [one.document_type for one in people]),
        "hour": (dict(enumerate(HOURS)), [one.local and one.local.hour for one in people]),
        "weekday": (dict.fromkeys(range(7), 1), [one.local and one.local.weekday() for one in people]),
        "sex": ({"M": sum(MEN), "F": sum(WOMEN)}, [one.sex and one.sex.value for one in people]),
    }
    for shares, found in columns.values():
        for value, share in shares.items():
            assert found.count(value) / PEOPLE == pytest.approx(share / sum(shares.values()), abs=0.01)
    assert {one.nationality for one in people} == set(STATES)
    assert {Fact.NATIONALITY, Fact.ISSUER, Fact.SEX} == PROTECTED


if __name__ == "__main__":
    sys.stdout.write(population())
