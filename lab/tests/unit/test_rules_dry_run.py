"""Whom rules would concern: counted over a profile that tells of nobody."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from gate.passage.conditions import AgeFrom, All, Fact, Facts, HoursBetween, NationalityIs, Not, Sex, SexIs
from gate.passage.rule_set import Effect, Rule, RuleSet
from gate.rules.profiling_guard import ProfileError, read_profile
from gate_core.evidence.crossing import Score
from gate_core.evidence.service_scope import BorderDirection
from gate_lab.rules_dry_run import (
    NOT_ELIGIBLE,
    Again,
    RecordsError,
    Share,
    age_band,
    decisions_again,
    decisions_in,
    impact_of,
)

NOON = datetime(2026, 12, 5, 12)  # noqa: DTZ001 - the site's own wall


def rule(name: str, effect: Effect, when: object, at_least: float | None = None) -> Rule:
    """A rule that is in force on the day of every traveller here."""
    threshold = None if at_least is None else Score(at_least)
    return Rule(name, effect, "", "", "", NOON.date(), NOON.date(), when, "", threshold)  # type: ignore[arg-type]


def traveller(age: int | None = 30, nationality: str = "UTO", sex: Sex = Sex.FEMALE, at: datetime = NOON) -> Facts:
    """A kind of traveller."""
    return Facts("P", "UTO", age=age, nationality=nationality, sex=sex, local=at)


def test_a_profile_is_read_with_what_it_leaves_open() -> None:
    text = (
        "document_type,issuer,issued,expires,nationality,sex,age,direction,local,count\r\n"
        "P,UTO,2024-02-29,2034-02-28,FRA,X,17,exit,2026-12-05T12:00,3\r\n"
        "\r\n"
        ",,,,,,,,,2\r\n"
    )
    known = Facts(
        "P",
        "UTO",
        date(2024, 2, 29),
        date(2034, 2, 28),
        "FRA",
        Sex.UNSPECIFIED,
        17,
        BorderDirection.EXIT,
        NOON,
    )
    assert list(read_profile(text)) == [(known, 3), (Facts(), 2)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: each column once, and one of them is count"),
        ("age,age,count\n", "line 1: each column once"),
        ("age\n3\n", "line 1: each column once"),
        ("name,count\n", "line 1: 'name' is not a valid Fact; columns are count and document_type,"),
        ("age,count\n1,2\nx,3\n", "line 3: invalid literal"),
        ("age,count\n1\n", "line 2: 1 values for 2 columns"),
        ("age,count\n1,\n", "line 2: invalid literal"),
        ("age,count\n1,0\n", "line 2: a count is from 1 to"),
        ("age,count\n1,-5\n", "line 2: a count is from 1 to"),
        ("sex,count\nfemale,1\n", "line 2: 'female' is not a valid Sex"),
        ("local,count\n2026-12-05T12:00+01:00,1\n", "line 2: local is the site's own time"),
        ('age,count\n"1,1\n', "line 2: unexpected end of data"),
    ],
)
def test_what_is_no_profile_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ProfileError) as refused:
        list(read_profile(text))
    assert str(refused.value).startswith(said)


def test_impact_is_counted_by_rule_and_by_group() -> None:
    rule_set = RuleSet(
        "1",
        "",
        (
            rule("adults", Effect.ELIGIBLE, AgeFrom(18)),
            rule("young", Effect.OFFICER, All((Not(AgeFrom(21)), SexIs((Sex.FEMALE,))))),
            rule("face", Effect.THRESHOLD, NationalityIs(("FRA",)), 0.6),
            rule("night", Effect.CLOSED, HoursBetween(NOON.time().replace(hour=23), NOON.time().replace(hour=5))),
        ),
    )
    found = impact_of(
        rule_set,
        [
            (traveller(30), 100),
            (traveller(17, sex=Sex.MALE), 10),
            (traveller(20), 7),
            (traveller(None, "FRA", Sex.MALE), 3),
            (traveller(at=NOON.replace(hour=23)), 5),
        ],
    )
    assert (found.everybody, found.closed, found.stricter, found.unknown) == (Share(20, 120), 5, 3, 3)
    assert found.by_rule == {NOT_ELIGIBLE: 13, "young": 7}
    assert found.groups[Fact.NATIONALITY] == {"UTO": Share(17, 117), "FRA": Share(3, 3)}
    assert found.groups[Fact.AGE] == {
        "30-44": Share(0, 100),
        "12-17": Share(10, 10),
        "18-29": Share(7, 7),
        "not known": Share(3, 3),
    }
    assert found.groups[Fact.SEX] == {"F": Share(7, 107), "M": Share(13, 13)}
    assert found.alone() == {}


def test_it_is_said_when_only_one_group_is_concerned_whatever_the_rule_asks() -> None:
    rule_set = RuleSet("1", "", (rule("old", Effect.OFFICER, AgeFrom(60)),))
    found = impact_of(rule_set, [(traveller(61, "FRA", Sex.MALE), 10), (traveller(30, "UTO", Sex.FEMALE), 90)])
    assert found.alone() == {Fact.NATIONALITY: "FRA", Fact.SEX: "M", Fact.AGE: "60-74"}
    assert impact_of(rule_set, [(traveller(61), 10)]).alone() == {}, "nobody else came"


@pytest.mark.parametrize(
    ("age", "band"), [(0, "0-11"), (11, "0-11"), (12, "12-17"), (74, "60-74"), (75, "75+"), (120, "75+"), (-3, "0-11")]
)
def test_age_bands(age: int, band: str) -> None:
    assert age_band(age) == band


def test_decisions_are_read_of_json_lines_and_a_line_that_is_none_is_named() -> None:
    lines = [b'{"kind": "decided", "crossing": "c1", "body": {}}', b'{"kind": "opened", "body": {}}', b"[]"]
    assert list(decisions_in(lines[:2])) == [("c1", {})]
    with pytest.raises(RecordsError, match="line 3 is no record"):
        list(decisions_in(lines))
    with pytest.raises(RecordsError, match="line 1 is no JSON"):
        list(decisions_in([b"{"]))


def test_a_decision_that_cannot_be_taken_again_is_counted_and_not_taken_for_changed() -> None:
    assert decisions_again(RuleSet(), [("c1", {})]) == Again(crossings=0, others=1)
