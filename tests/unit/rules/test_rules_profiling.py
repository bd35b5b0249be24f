"""No targeting rule picks people out by nationality, sex or issuer: tried as whoever has an interest in such a rule would write it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from gate.passage.conditions import All, AnyOf, Condition, Fact, Facts, HoursBetween, NationalityIs
from gate.passage.rule_set import Effect, Rule, RuleSet
from gate.rules import linter
from gate.rules.linter import wrong_with
from gate.rules.parser import RULES_MAX, read
from gate.rules.profiling_guard import kept, population
from gate_core.command_line.tree import application
from gate_core.settings.toml_file import TomlFile

UTO = '{ nationality = ["UTO"] }'
PROFILE = "age,nationality,count\n8,FRA,5\n40,UTO,95\n"


def file_of(*rules: str, more: str = "", lasting: str = "from = 2026-12-01\nto = 2027-11-30\n") -> str:
    """A file of officers' rules with these conditions, called a, b, c. One that begins with `EFFECT:` has that effect."""
    text = 'schema = 1\nversion = "1"\n'
    for name, rule in zip("abcdefgh", rules, strict=False):
        effect, _, when = rule.partition(":") if rule.split(":")[0].isalpha() else ("officer", "", rule)
        text += f'[rules.{name}]\neffect = "{effect}"\ntitle = "T"\nbasis = "Article 1"\nauthor = "N. N."\n'
        text += f'{lasting}instructions = "Look."\n' + ("face_match_min = 0.5\n" if effect == "threshold" else "")
        text += f"when = {when}\n"
    return text + more


def checked(folder: Path, text: str, verb: str = "check") -> tuple[int, str]:
    """The exit code of a command on these rules, and everything that it prints."""
    rules, profile = folder / "rules.toml", folder / "travellers.csv"
    rules.write_text(text)
    profile.write_text(PROFILE)
    words = ["policy", verb, str(rules)] + (["--profile", str(profile)] if verb == "dry-run" else [])
    done = CliRunner().invoke(application(["policy"]), words)
    return done.exit_code, done.stdout + done.stderr


def both(*others: str) -> str:
    """A nationality, and these as well."""
    return f"{{ all = [{', '.join((UTO, *others))}] }}"


# What stands beside a nationality and keeps nearly everybody.
WIDE = {
    "age_from": "{ age_from = 1 }",
    "age_below": "{ age_below = 120 }",
    "working": "{ any = [{ age_below = 50 }, { age_from = 70 }] }",
    "passport": '{ document_type = ["P"] }',
    "new-code": '{ document_type = ["PP"] }',
    "old-code": '{ not = { document_type = ["PP"] } }',
    "state-code": '{ document_type = ["PO", "PD"] }',
    "no-card": '{ not = { document_type = ["I"] } }',
    "direction": '{ direction = "entry" }',
    "other-direction": '{ not = { direction = "exit" } }',
    "whole-day": "{ hours = { from = 00:00:00, to = 23:59:59 } }",
    "over-midnight": "{ hours = { from = 06:00:00, to = 05:59:00 } }",
    "daytime": "{ hours = { from = 06:00:00, to = 22:00:00 } }",
    "all-but-a-second": "{ not = { hours = { from = 03:00:00, to = 03:00:01 } } }",
    "all-but-marks": "{ not = { any = ["
    + ", ".join(f"{{ hours = {{ from = {hour:02}:00:00, to = {hour:02}:00:01 }} }}" for hour in range(24))
    + "] } }",
    "weekdays": '{ weekday = ["monday", "tuesday", "wednesday", "thursday"] }',
    "issued": "{ issued = { from = 2000-01-01, to = 2027-11-30 } }",
    "issued-lately": "{ issued = { from = 2020-01-01, to = 2027-11-30 } }",
    "not-issued": "{ not = { issued = { from = 2024-01-01, to = 2024-03-31 } } }",
    "expires": "{ expires_within_days = 3660 }",
    "expires-later": "{ not = { expires_within_days = 30 } }",
    "most-days": "{ date = { from = 2026-12-02, to = 2027-11-29 } }",
    "one-day": "{ date = { from = 2026-12-24, to = 2026-12-24 } }",
    "each-half": "{ any = [{ all = [{ direction = 'entry' }, { age_below = 40 }] }, { all = [{ direction = 'exit' }, { age_from = 40 }] }] }",
    "several": "{ all = [{ age_from = 1 }, { not = { hours = { from = 03:00:00, to = 03:00:01 } } }, { document_type = ['P'] }] }",
    "nested": "{ any = [{ not = { any = [{ age_below = 2 }, { age_from = 110 }] } }, { age_below = 1 }] }",
    "not-not": "{ not = { not = { all = [{ any = [{ age_from = 5 }] }] } } }",
}


@pytest.mark.parametrize("verb", ["check", "dry-run"])
@pytest.mark.parametrize("wide", WIDE.values(), ids=list(WIDE))
def test_a_nationality_and_what_keeps_nearly_everybody_is_refused(tmp_path: Path, wide: str, verb: str) -> None:
    code, said = checked(tmp_path, file_of(both(wide)), verb)
    assert (code, "rules.a.when: picks people out by nationality alone" in said) == (65, True), said


@pytest.mark.parametrize("effect", ["officer", "customs", "threshold"])
@pytest.mark.parametrize(
    "protected",
    [
        '{ sex = ["M"] }',
        '{ issuer = ["UTO"] }',
        '{ not = { nationality = ["D", "FRA"] } }',
        '{ nationality = ["XXA"] }',
    ],
)
def test_so_is_every_protected_attribute_for_every_effect_that_takes(
    tmp_path: Path, effect: str, protected: str
) -> None:
    code, said = checked(tmp_path, file_of(f"{effect}:{{ all = [{protected}, {{ age_from = 1 }}] }}"))
    assert (code, "picks people out by" in said) == (65, True), said


@pytest.mark.parametrize(
    "when",
    [
        f"{{ any = [{UTO}, {{ age_below = 40 }}] }}",
        f"{{ any = [{both('{ age_from = 1 }')}, {both('{ age_below = 1 }')}] }}",
        f"{{ any = [{both('{ age_from = 1 }')}, {{ age_below = 3 }}] }}",
        "{ not = { any = [{ not = { nationality = ['UTO'] } }, { age_below = 1 }] } }",
        "{ all = [{ not = { nationality = ['D', 'FRA'] } }, { age_from = 1 }] }",
        f"{{ any = [{{ direction = 'entry' }}, {UTO}] }}",
        f"{{ any = [{{ not = {{ hours = {{ from = 03:00:00, to = 03:00:01 }} }} }}, {UTO}] }}",
        f"{{ any = [{{ date = {{ from = 2026-12-01, to = 2027-10-31 }} }}, {UTO}] }}",
        f"{{ all = [{UTO}, {{ any = [{{ weekday = ['monday'] }}, {{ not = {{ weekday = ['monday'] }} }}] }}] }}",
    ],
)
def test_any_not_and_all_hide_nothing(tmp_path: Path, when: str) -> None:
    code, said = checked(tmp_path, file_of(when))
    assert (code, "picks people out by nationality alone" in said) == (65, True), said


def test_a_rule_written_around_the_sample_meets_other_values(tmp_path: Path) -> None:
    """Each day on which a document of the sample was issued is left out, in the week that the file itself has."""
    issued = sorted({one.issued.isoformat() for one in population() if one.issued is not None})
    parts = [f"{{ issued = {{ from = {day}, to = {day} }} }}" for day in issued]
    lists = [f"{{ any = [{', '.join(parts[at : at + 32])}] }}" for at in range(0, len(parts), 32)]
    when = both(f"{{ not = {{ any = [{', '.join(lists)}] }} }}")
    code, said = checked(tmp_path, file_of(when, lasting="from = 2026-01-05\nto = 2026-01-11\n"))
    assert (code, "picks people out by nationality alone" in said) == (65, True), said[:300]


def test_a_state_of_the_site_that_lasts_nearly_as_long_as_the_rule_makes_it_no_better(tmp_path: Path) -> None:
    state = '[states.s]\ntitle = "T"\nbasis = "B"\nfrom = 2026-12-01\nto = 2027-11-29\n'
    assert checked(tmp_path, file_of(both('{ state = "s" }'), more=state))[0] == 65


def test_a_rule_that_lasts_long_is_tried_on_later_days_as_well(tmp_path: Path) -> None:
    when = both("{ issued = { from = 2029-01-01, to = 2037-12-31 } }")
    assert checked(tmp_path, file_of(when))[0] == 65, "nobody yet: it means nobody"
    assert checked(tmp_path, file_of(when, lasting="from = 2026-12-01\nto = 2028-12-31\n"))[0] == 65
    assert checked(tmp_path, file_of(when, lasting="from = 2026-12-01\nto = 2030-12-31\n"))[0] == 0
    code, said = checked(tmp_path, file_of(when, lasting="from = 2026-12-01\nto = 2099-12-31\n"))
    assert (code, "picks people out by nationality alone" in said) == (65, True), said
    day = "from = 2026-12-07\nto = 2026-12-07\n"  # a Monday
    code, said = checked(tmp_path, file_of(both('{ weekday = ["monday"] }'), lasting=day))
    assert (code, "picks people out by nationality alone" in said) == (65, True), said


NARROW = {
    "young": "{ age_below = 16 }",
    "old": "{ age_from = 60 }",
    "card": '{ document_type = ["I", "A", "C"] }',
    "official": '{ document_type = ["PD", "PS"] }',
    "stolen": "{ issued = { from = 2024-01-01, to = 2024-03-31 } }",
    "ends-soon": "{ expires_within_days = 90 }",
    "night": "{ hours = { from = 23:00:00, to = 05:00:00 } }",
    "one-weekday": '{ weekday = ["monday"] }',
    "both": '{ age_from = 18 }, { age_below = 40 }, { direction = "exit" }',
    "either": "{ any = [{ age_below = 12 }, { expires_within_days = 30 }] }",
}


@pytest.mark.parametrize("verb", ["check", "dry-run"])
@pytest.mark.parametrize("narrow", NARROW.values(), ids=list(NARROW))
def test_one_that_rests_on_something_else_may_be(tmp_path: Path, narrow: str, verb: str) -> None:
    code, said = checked(tmp_path, file_of(both(narrow)), verb)
    assert code == 0, said


def test_one_that_asks_of_nobody_what_they_are_may_keep_everybody(tmp_path: Path) -> None:
    assert checked(tmp_path, file_of("{ age_from = 1 }"))[0] == 0
    assert checked(tmp_path, file_of(f"{{ any = [{UTO}, {{ not = {UTO} }}] }}"))[0] == 0, "the same for all"
    assert checked(tmp_path, file_of('eligible:{ nationality = ["D", "FRA"] }'))[0] == 0


@pytest.mark.parametrize(
    "parts",
    [
        ("{ age_below = 30 }", "{ age_from = 30 }, { age_below = 50 }", "{ age_from = 50 }"),
        (
            '{ weekday = ["monday", "tuesday"] }',
            '{ weekday = ["wednesday", "thursday"] }',
            '{ weekday = ["friday", "saturday", "sunday"] }',
        ),
        ("{ age_below = 20 }", "{ expires_within_days = 1000 }", "{ hours = { from = 12:00:00, to = 18:00:00 } }"),
    ],
)
@pytest.mark.parametrize("effects", [("officer", "officer", "officer"), ("customs", "officer", "threshold")])
def test_rules_that_share_a_nationality_among_them_are_judged_together(
    tmp_path: Path, parts: tuple[str, ...], effects: tuple[str, ...]
) -> None:
    rules = [f"{effect}:{both(part)}" for effect, part in zip(effects, parts, strict=True)]
    for one in rules:
        assert checked(tmp_path, file_of(one))[0] == 0
    code, said = checked(tmp_path, file_of(*rules))
    assert (code, said.count("picks people out")) == (65, 1), said
    assert "rules.a.when: picks people out, together with rules.b, rules.c, by nationality alone" in said


def test_so_are_rules_whose_states_only_overlap_and_one_that_asks_for_sex_as_well(tmp_path: Path) -> None:
    young = "{ all = [{ nationality = ['UTO', 'FRA'] }, { age_below = 30 }] }"
    old = "{ all = [{ not = { nationality = ['FRA', 'D'] } }, { sex = ['M'] }, { age_from = 40 }] }"
    code, said = checked(tmp_path, file_of(young, old))
    assert (code, "together with rules.b, by nationality and sex alone" in said) == (65, True), said
    assert checked(tmp_path, file_of(young, old.replace("'FRA', 'D'", "'UTO', 'FRA'")))[0] == 0, "nobody is in both"
    later = (
        file_of(young, lasting="from = 2026-12-01\nto = 2027-01-31\n")
        + file_of(old, old, lasting="from = 2027-02-01\nto = 2027-11-30\n").partition("[rules.b]")[1]
        + file_of(old, old, lasting="from = 2027-02-01\nto = 2027-11-30\n").partition("[rules.b]")[2]
    )
    assert checked(tmp_path, later)[0] == 0, "never on one day"


def test_so_are_rules_about_nationals_and_about_documents_of_one_state(tmp_path: Path) -> None:
    documents = "{ all = [{ issuer = ['UTO'] }, { age_from = 30 }, { age_below = 60 }] }"
    code, said = checked(tmp_path, file_of(both("{ age_below = 30 }"), documents))
    assert (code, "together with rules.b, by issuer and nationality alone" in said) == (65, True), said
    assert checked(tmp_path, file_of(both("{ age_below = 30 }"), documents.replace("'UTO'", "'FRA'")))[0] == 0
    assert checked(tmp_path, file_of(both("{ age_below = 10 }"), documents.replace("60", "50")))[0] == 0


def test_many_narrow_rules_about_many_states_are_judged_soon_and_may_be(tmp_path: Path) -> None:
    rules = [
        f"{{ all = [{{ issuer = ['{state}'] }}, {{ issued = {{ from = 20{year}-01-01, to = 20{year}-03-31 }} }}] }}"
        for state, year in zip(("UTO", "FRA", "D", "UTO", "FRA", "D", "UTO", "ESP"), range(17, 25), strict=True)
    ]
    assert checked(tmp_path, file_of(*rules))[0] == 0


@pytest.mark.parametrize(("age", "code"), [(31, 65), (32, 0)])  # 51.2 % of the population, and 49.8 %
def test_half_of_the_population_is_the_limit(tmp_path: Path, age: int, code: int) -> None:
    assert checked(tmp_path, file_of(both(f"{{ age_from = {age} }}")))[0] == code


AGEING = (
    "{ all = [{ age_from = 18 }, { issued = { from = 2019-12-01, to = 2026-11-27 } }, { expires_within_days = 2555 }] }"
)


def test_documents_age_while_a_rule_lasts(tmp_path: Path) -> None:
    """These keep 49 % in December 2026, and 63 % three years later; from 2035 on the same happens twelve years on."""
    when = both(f"{{ any = [{{ age_below = 9 }}, {AGEING}] }}")
    assert checked(tmp_path, file_of(when, lasting="from = 2026-12-01\nto = 2027-01-01\n"))[0] == 0
    long = "from = 2026-12-01\nto = 2060-12-31\n"
    code, said = checked(tmp_path, file_of(when, lasting=long))
    assert (code, "picks people out by nationality alone" in said) == (65, True), said
    later = when.replace("2019-12-01", "2041-12-01").replace("2026-11-27", "2048-11-27")
    assert checked(tmp_path, file_of(later, lasting=long))[0] == 65


def test_no_spelling_is_drawn_more_kindly_than_another(tmp_path: Path) -> None:
    """Hours that keep 50.1 %, with a state code more: the draw is another one for each."""
    when = "{{ all = [{{ nationality = ['UTO', '{}'] }}, {{ hours = {{ from = 08:00:00, to = 16:20:00 }} }}] }}"
    week = "from = 2026-12-01\nto = 2026-12-07\n"
    for code in sorted({one.issuer for one in population() if one.issuer})[:12]:
        ended, said = checked(tmp_path, file_of(when.format(code), lasting=week))
        assert (ended, "picks people out by nationality alone" in said) == (65, True), said


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("issuer = ['FRA']", "nationality = ['D']"),
        ("sex = ['F']", "nationality = ['D']"),
        ("sex = ['F']", "issuer = ['D']"),
        ("nationality = ['FRA']", "nationality = ['D']"),
        ("sex = ['F']", "sex = ['M']"),
    ],
)
def test_narrow_rules_that_share_no_value_are_not_joined(tmp_path: Path, first: str, second: str) -> None:
    young, grown = "{ age_below = 18 }", "{ age_from = 18 }, { age_below = 36 }"
    rules = [f"{{ all = [{{ {first} }}, {young}] }}", f"{{ all = [{{ {second} }}, {grown}] }}"]
    assert checked(tmp_path, file_of(*rules))[0] == 0
    joined = [rules[0], rules[1].replace(second, first)]
    code, said = checked(tmp_path, file_of(*joined))
    assert (code, "rules.a.when: picks people out, together with rules.b" in said) == (65, True), said


LEAVING = {
    "nobody-else": f"{{ not = {UTO} }}",
    "age": f"{{ not = {both('{ age_from = 1 }')} }}",
    "half": f"{{ not = {both('{ age_from = 31 }')} }}",
    "any": f"{{ any = [{{ not = {UTO} }}, {{ age_below = 2 }}] }}",
    "beside-a-list": f"{{ any = [{{ nationality = ['D', 'FRA'] }}, {{ not = {both('{ age_from = 5 }')} }}] }}",
    "issuer": "{ all = [{ nationality = ['D', 'FRA'] }, { not = { issuer = ['FRA'] } }] }",
    "sex": "{ sex = ['M'] }",
    "direction": f"{{ all = [{{ direction = 'entry' }}, {{ not = {UTO} }}] }}",
    "each-way": f"{{ any = [{{ direction = 'entry' }}, {{ not = {UTO} }}] }}",
}


@pytest.mark.parametrize("when", LEAVING.values(), ids=list(LEAVING))
def test_nobody_is_left_out_of_eligibility_by_what_they_are(tmp_path: Path, when: str) -> None:
    code, said = checked(tmp_path, file_of(f"eligible:{when}"))
    assert (code, "rules.a.when: leaves people out by " in said) == (65, True), said


@pytest.mark.parametrize(
    "rules",
    [
        ("eligible:{ nationality = ['D', 'FRA'] }",),
        ("eligible:{ all = [{ nationality = ['D', 'FRA'] }, { issuer = ['D', 'FRA'] }, { age_from = 12 }] }",),
        ("eligible:{ any = [{ nationality = ['D', 'FRA'] }, { all = [{ nationality = ['GBR'] }, { age_from = 60 }] }] }",),
        ("eligible:{ all = [{ direction = 'entry' }, { nationality = ['D', 'FRA'] }, { age_from = 12 }] }",),
        (f"eligible:{{ not = {both('{ age_below = 18 }')} }}",),
        (f"eligible:{{ all = [{{ direction = 'entry' }}, {{ not = {both('{ age_below = 18 }')} }}] }}",),
        (f"eligible:{{ not = {UTO} }}", "eligible:{ age_from = 12 }"),  # together they leave out children of one state
        ("eligible:{ nationality = ['D', 'UTO'] }", both("{ age_below = 30 }")),
    ],
)  # fmt: skip
def test_eligibility_may_name_states_and_leave_some_out_for_another_cause(
    tmp_path: Path, rules: tuple[str, ...]
) -> None:
    code, said = checked(tmp_path, file_of(*rules))
    assert code == 0, said


def test_whom_eligibility_leaves_out_and_whom_officers_see_are_judged_together(tmp_path: Path) -> None:
    given, seen = f"eligible:{{ not = {both('{ age_from = 32 }')} }}", both("{ age_below = 30 }")
    assert checked(tmp_path, file_of(given))[0] == checked(tmp_path, file_of(seen))[0] == 0
    code, said = checked(tmp_path, file_of(given, seen))
    assert (code, "rules.b.when: picks people out, together with rules.a, by nationality alone" in said) == (65, True)
    assert checked(tmp_path, file_of(given, seen.replace("UTO", "FRA")))[0] == 0
    halves = [f"eligible:{{ all = [{{ {age} }}, {{ not = {UTO} }}] }}" for age in ("age_from = 31", "age_below = 31")]
    assert checked(tmp_path, file_of(halves[1]))[0] == 0
    code, said = checked(tmp_path, file_of(*halves))
    assert (code, "leaves people out by nationality alone" in said) == (65, True), said


def test_a_rule_about_documents_that_nobody_shows_any_more_means_nobody(tmp_path: Path) -> None:
    """Were it none, an officer would see everybody of that state whose document does not say when it was issued."""
    for days in ("from = 1950-01-01, to = 1950-01-02", "from = 2005-01-01, to = 2011-01-01"):
        code, said = checked(tmp_path, file_of(both(f"{{ issued = {{ {days} }} }}")))
        assert (code, "rules.a.when: can never hold: it means nobody" in said) == (65, True), said
    assert checked(tmp_path, file_of(both("{ issued = { from = 2012-01-01, to = 2013-01-02 } }")))[0] == 0


@dataclass(frozen=True)
class MonthIs:
    """A question as somebody may add it: about days, and it names none."""

    month: int
    asks: ClassVar = frozenset({Fact.LOCAL})

    def holds(self, facts: Facts) -> bool | None:
        return None if facts.local is None else facts.local.month == self.month


@pytest.mark.parametrize("month", range(1, 13))
def test_a_question_about_days_that_names_none_is_tried_all_the_year(month: int) -> None:
    when = All((NationalityIs(("UTO",)), MonthIs(month)))  # type: ignore[arg-type]
    rule = Rule("a", Effect.OFFICER, "", "", "", date(2026, 12, 1), date(2027, 11, 30), when)
    (said,) = wrong_with(RuleSet("1", "", (rule,)))
    assert said.why.startswith("picks people out by nationality alone")


@dataclass(frozen=True)
class HourIs:
    """Another: of the values that are tried of a time of day, none tells whom it means from the others."""

    hours: tuple[int, ...]
    asks: ClassVar = frozenset({Fact.LOCAL})

    def holds(self, facts: Facts) -> bool | None:
        return None if facts.local is None else facts.local.hour in self.hours


@dataclass(frozen=True)
class ExpiresInMonths:
    """And one that asks for two facts."""

    months: int
    asks: ClassVar = frozenset({Fact.EXPIRES, Fact.LOCAL})

    def holds(self, facts: Facts) -> bool | None:
        if facts.expires is None or facts.local is None:
            return None
        return (facts.expires - facts.local.date()).days <= 30 * self.months


OF_UTO = NationalityIs(("UTO",))


@pytest.mark.parametrize(
    "when",
    [
        AnyOf((HourIs((0,)), OF_UTO)),  # type: ignore[arg-type]
        AnyOf((HourIs((0,)), All((OF_UTO, HourIs(tuple(range(1, 24))))))),  # type: ignore[arg-type]
        AnyOf((ExpiresInMonths(1), OF_UTO)),  # type: ignore[arg-type]
    ],
    ids=["hour", "hours", "months"],
)
def test_a_question_whose_limits_nothing_names_hides_nothing(when: Condition) -> None:
    rule = Rule("a", Effect.OFFICER, "", "", "", date(2026, 12, 1), date(2027, 11, 30), when)
    (said,) = wrong_with(RuleSet("1", "", (rule,)))
    assert said.why.startswith("picks people out by nationality alone")


# The seconds of a day at which windows begin of which each, with UTO's nationals, was tuned until nobody of the sample falls into it.
TUNED = (
    0, 1444, 2891, 5291, 7619, 9969, 12321, 13821, 16206, 17679, 19107, 20606, 22047, 22543, 23540, 24206, 25148, 25629,
    26293, 26701, 27133, 27617, 28109, 28503, 28947, 29404, 29876, 30355, 30841, 31221, 31712, 32133, 32607, 33065, 33479, 34120,
    34504, 34922, 35308, 36229, 36705, 37137, 37834, 38223, 38651, 39129, 39767, 40248, 40724, 41396, 41839, 42326, 42719, 43201,
    43676, 44132, 44571, 45056, 45701, 46063, 46506, 46998, 47496, 47934, 48388, 48881, 49376, 49843, 50325, 50816, 51309, 51801,
    52253, 52882, 53537, 54195, 54839, 55338, 55773, 56240, 57186, 57584, 58044, 58532, 58887, 59375, 60017, 60417, 60881, 61562,
    62515, 63005, 63456, 64140, 64622, 64992, 65424, 65889, 66363, 66993, 67635, 68067, 68456, 68942, 69611, 70578, 71023, 71500,
    71868, 72530, 73216, 73877, 74564, 75546, 76243, 76942, 77592, 78570, 79496, 80195, 81179, 82616, 83608, 84548, 85522, 86204,
    86398,
)  # fmt: skip
# Seeds of which each draws, of the windows of a fifth of the hours, some that fewer of the sample fall into than share these hours.
DRAWN_KINDLY = (44, 317, 71, 324, 424)


def at_second(second: int) -> time:
    return time(second // 3600 % 24, second // 60 % 60, second % 60)


def kindly(fifth: int, seed: int) -> Condition:
    draw = random.Random(seed).randrange
    begins = [(5 * at + fifth) * 864 + draw(60) for at in range(20)]
    return AnyOf(tuple(HoursBetween(at_second(begin), at_second(begin + 455)) for begin in begins))


@pytest.mark.parametrize(
    ("hours", "alone"),
    [
        ([HoursBetween(at_second(begin), at_second(end)) for begin, end in pairwise((*TUNED, 86_400))], 0.0),
        ([kindly(fifth, seed) for fifth, seed in enumerate(DRAWN_KINDLY)], 0.34),
    ],
    ids=["nobody each", "few each"],
)
def test_rules_that_were_tuned_until_the_sample_hides_whom_they_mean_are_judged_together(
    hours: list[Condition], alone: float
) -> None:
    """Each rule's own draw says less than it keeps, and so does their sum; the draw of the rules together is another one."""
    first, last = date(2026, 12, 1), date(2027, 11, 30)
    rules = [
        Rule(f"h{at}", Effect.OFFICER, "", "", "", first, last, All((OF_UTO, one))) for at, one in enumerate(hours)
    ]
    assert sum(kept(rule.when, first, last, [Facts(nationality="UTO")]) for rule in rules) <= alone
    (said,) = wrong_with(RuleSet("1", "", tuple(rules)))
    assert said.why.startswith("picks people out, together with rules.h1, ")


def many(count: int, lasting: str) -> RuleSet:
    """So many rules as a site has them for stolen documents, each with a month and a state, and every fourth one for another effect."""
    states = sorted({one.issuer for one in population() if one.issuer})
    text = 'schema = 1\nversion = "1"\n'
    for at in range(count):
        month = f"20{14 + at % 12}-{1 + at % 7:02}"
        when = f"{{ issuer = ['{states[at % len(states)]}'] }}, {{ issued = {{ from = {month}-01, to = {month}-28 }} }}"
        effect = "eligible:{ age_from = 12 }" if at % 4 == 0 else f"officer:{{ all = [{when}] }}"
        text += file_of(effect, lasting=lasting).partition('"1"\n')[2].replace("rules.a]", f"rules.r{at}]")
    return read(TomlFile("rules.toml", text))


def test_a_file_that_is_too_much_to_try_is_refused_before_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one of fewer rules that keep nearly half of the population each: they are drawn eight times."""
    year, years, decades = (f"from = 2026-12-01\nto = {last}-11-30\n" for last in (2027, 2028, 2056))
    tried: list[int] = []
    found = [0.01]

    def kept(*_: object) -> float:
        tried.append(1)
        return found[0]

    monkeypatch.setattr(linter, "kept", kept)
    assert list(wrong_with(many(RULES_MAX, year))) == []
    assert len(tried) >= RULES_MAX * 3 // 4
    for found[0], lasting, most in ((0.01, decades, RULES_MAX * 3 // 4), (0.45, years, RULES_MAX // 2)):
        tried.clear()
        (said,) = wrong_with(many(RULES_MAX, lasting))
        assert said.why == "makes the file too much to try; make fewer rules of it"
        assert len(tried) < most


def test_of_rules_that_population_tells_apart_no_combination_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of many rules is judged soon: each pair of an eligible rule and an officer's would take milliseconds."""
    pairs: list[object] = []
    real = linter._tried_for

    def tried_for(*given: Any) -> object:
        pairs.extend(given[0] if isinstance(given[0], tuple) and len(given[0]) == 2 else ())
        return real(*given)

    monkeypatch.setattr(linter, "_tried_for", tried_for)
    assert list(wrong_with(many(40, "from = 2026-12-01\nto = 2027-11-30\n"))) == []
    assert pairs == []
