"""What no rules may be, however they are spelt: a rule about nobody, about a nationality alone, and against one another.

What stands beside a nationality and keeps too many has its own tests (test_rules_profiling.py).
"""

from __future__ import annotations

import itertools
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.passage.conditions import (
    AgeFrom,
    All,
    AnyOf,
    Condition,
    DateBetween,
    ExpiresWithin,
    Facts,
    HoursBetween,
    NationalityIs,
    Not,
    Sex,
    SexIs,
    Weekday,
    WeekdayIs,
)
from gate.passage.rule_set import Effect, Rule, RuleSet
from gate.rules.linter import wrong_with
from gate.rules.parser import read
from gate.rules.profiling_guard import population
from gate_core.settings.toml_file import TomlFile


def judged(*rules: tuple[str, str], more: str = "", lasting: str = "from = 2026-12-01\nto = 2027-11-30\n") -> list[str]:
    """What is said of rules, each an effect and a condition in TOML; they are called a, b, c."""
    text = 'schema = 1\nversion = "1"\n'
    for name, (effect, when) in zip("abc", rules, strict=False):
        text += f'[rules.{name}]\neffect = "{effect}"\ntitle = "T"\nbasis = "Article 1"\nauthor = "N. N."\n'
        text += f'{lasting}instructions = "Look."\n'
        text += "face_match_min = 0.5\n" if effect == "threshold" else ""
        text += f"when = {when}\n" if when else ""
    return [f"{one.key}: {one.why}" for one in wrong_with(read(TomlFile("rules.toml", text + more)))]


@pytest.mark.parametrize("effect", ["officer", "customs", "threshold"])
@pytest.mark.parametrize(
    ("when", "alone"),
    [
        ('{ nationality = ["UTO"] }', "nationality"),
        ('{ issuer = ["UTO"] }', "issuer"),
        ('{ sex = ["M"] }', "sex"),
        ('{ not = { nationality = ["UTO", "FRA"] } }', "nationality"),
        ('{ any = [{ nationality = ["UTO"] }, { age_below = 12 }] }', "nationality"),
        ('{ all = [{ sex = ["M"] }, { nationality = ["UTO"] }] }', "nationality and sex"),
        # What always holds beside it makes it no better.
        ('{ all = [{ nationality = ["UTO"] }, { age_from = 0 }] }', "nationality"),
        ('{ all = [{ sex = ["M"] }, { any = [{ direction = "exit" }, { direction = "entry" }] }] }', "sex"),
        (
            '{ all = [{ sex = ["M"] }, { any = [{ hours = { from = 00:00:00, to = 12:00:00 } }, { hours = { from = 12:00:00, to = 00:00:00 } }] }] }',
            "sex",
        ),
        # So does what holds on all of the rule's own days.
        ('{ all = [{ nationality = ["UTO"] }, { date = { from = 2026-12-01, to = 2027-11-30 } }] }', "nationality"),
        ('{ all = [{ nationality = ["UTO"] }, { issued = { from = 0001-01-01, to = 2027-11-30 } }] }', "nationality"),
    ],
)
def test_no_targeting_rule_rests_on_what_somebody_is_alone(effect: str, when: str, alone: str) -> None:
    (said,) = judged((effect, when))
    assert said == f"rules.a.when: picks people out by {alone} alone; a targeting rule rests on something else as well"


def test_a_rule_about_days_that_are_none_of_its_own_means_nobody() -> None:
    (said,) = judged(("officer", "{ date = { from = 2028-01-01, to = 2028-12-31 } }"))
    assert said == "rules.a.when: can never hold: it means nobody"


@pytest.mark.parametrize("code", ["P<", "P\\n"])
@pytest.mark.parametrize("effect", ["eligible", "officer"])
def test_a_document_code_that_no_document_has_is_refused(effect: str, code: str) -> None:
    """A document's code comes without its filler: a rule about `P<` alone would never hold, and beside others mean fewer than it says."""
    said = judged((effect, f'{{ all = [{{ age_from = 12 }}, {{ document_type = ["I", "{code}"] }}] }}'))
    assert said == [f"rules.a.when: names document code '{code}', which no document has: leave its filler out, as in P"]
    assert judged((effect, '{ all = [{ age_from = 12 }, { document_type = ["I", "P"] }] }')) == []


@pytest.mark.parametrize(
    "when",
    [
        "",
        "{ age_below = 12 }",
        '{ document_type = ["I"] }',
        '{ all = [{ sex = ["M"] }, { document_type = ["I"] }] }',
        '{ all = [{ issuer = ["UTO"] }, { issued = { from = 2024-01-01, to = 2024-03-31 } }] }',
        '{ all = [{ nationality = ["UTO"] }, { expires_within_days = 90 }] }',
        '{ all = [{ sex = ["F"] }, { age_below = 16 }, { direction = "exit" }] }',
        # The same for every nationality.
        '{ any = [{ nationality = ["UTO"] }, { not = { nationality = ["UTO"] } }] }',
    ],
)
def test_one_that_rests_on_something_else_as_well_may_be(when: str) -> None:
    assert judged(("officer", when)) == []


def test_eligibility_may_be_a_matter_of_nationality() -> None:
    assert judged(("eligible", '{ nationality = ["D", "FRA"] }')) == []


@pytest.mark.parametrize("effect", ["eligible", "officer", "customs", "threshold", "closed"])
@pytest.mark.parametrize(
    "when",
    [
        '{ all = [{ direction = "exit" }, { direction = "entry" }] }',
        "{ all = [{ date = { from = 2026-12-01, to = 2026-12-02 } }, { date = { from = 2026-12-03, to = 2026-12-04 } }] }",
        '{ all = [{ weekday = ["monday"] }, { not = { weekday = ["monday", "sunday"] } }] }',
        "{ all = [{ hours = { from = 06:00:00, to = 07:00:00 } }, { hours = { from = 07:00:00, to = 08:00:00 } }] }",
        '{ all = [{ weekday = ["monday"] }, { date = { from = 2026-12-01, to = 2026-12-06 } }] }',
    ],
)
def test_a_rule_that_can_mean_nobody_is_refused(effect: str, when: str) -> None:
    assert judged((effect, when)) == ["rules.a.when: can never hold: it means nobody"]


@pytest.mark.parametrize(
    "when",
    [
        "{ all = [{ age_from = 18 }, { age_below = 18 }] }",
        '{ all = [{ nationality = ["UTO"] }, { not = { nationality = ["UTO", "FRA"] } }] }',
        '{ all = [{ document_type = ["P"] }, { not = { document_type = ["P"] } }] }',
    ],
)
def test_the_same_of_what_asks_about_travellers(when: str) -> None:
    assert judged(("officer", when)) == ["rules.a.when: can never hold: it means nobody"]


@pytest.mark.parametrize(
    "when",
    [
        "{ all = [{ age_from = 17 }, { age_below = 18 }] }",
        "{ all = [{ hours = { from = 06:00:00, to = 07:01:00 } }, { hours = { from = 07:00:00, to = 08:00:00 } }] }",
        '{ all = [{ weekday = ["monday"] }, { date = { from = 2026-12-01, to = 2026-12-07 } }] }',
        "{ all = [{ expires_within_days = 90 }, { not = { expires_within_days = 89 } }] }",
        '{ weekday = ["monday"] }',  # the seventh day from the rule's first, a Tuesday
        '{ not = { document_type = ["P"] } }',
        "{ age_below = 1 }",
        "{ all = [{ date = { from = 2027-03-01, to = 2027-03-10 } }, { not = { date = { from = 2027-03-01, to = 2027-03-09 } } }] }",
        "{ all = [{ issued = { from = 2024-03-01, to = 2024-03-10 } }, { not = { issued = { from = 2024-03-01, to = 2024-03-09 } } }] }",
        # Days that are left count from the day of the crossing, whichever that is.
        '{ all = [{ weekday = ["monday"] }, { not = { expires_within_days = 90 } }] }',
        "{ all = [{ date = { from = 2027-03-01, to = 2027-03-31 } }, { expires_within_days = 90 }, { not = { expires_within_days = 89 } }] }",
    ],
)
def test_one_that_hardly_means_anybody_may_be(when: str) -> None:
    assert judged(("officer", when)) == []


@pytest.mark.parametrize("days", ["{ from = 0001-01-01, to = 9999-12-31 }", "{ from = 9999-12-31, to = 9999-12-31 }"])
def test_the_ends_of_the_calendar_are_days_like_others(days: str) -> None:
    asked = f'{{ issued = {days} }}, {{ date = {days} }}, {{ expires_within_days = 90 }}, {{ issuer = ["UTO"] }}'
    for weekday in ("", ', { weekday = ["friday"] }'):
        rule = ("officer", f"{{ all = [{asked}{weekday}] }}")
        for said in judged(rule, lasting="from = 0001-01-01\nto = 9999-12-31\n"):
            assert "picks people out by issuer alone" in said, "whatever expires, expires before the calendar ends"


@pytest.mark.parametrize("fact", ["issued", "date"])
@pytest.mark.parametrize(
    "days", ["{ from = 0001-01-01, to = 2026-12-04 }", "{ from = 2026-12-05, to = 9999-12-31 }"], ids=["until", "from"]
)
def test_a_span_of_days_may_reach_to_either_end_of_the_calendar(fact: str, days: str) -> None:
    assert judged(("officer", f"{{ {fact} = {days} }}"), ("officer", f"{{ not = {{ {fact} = {days} }} }}")) == []
    never = f"{{ all = [{{ {fact} = {days} }}, {{ not = {{ {fact} = {days} }} }}] }}"
    assert judged(("officer", never)) == ["rules.a.when: can never hold: it means nobody"]


def test_on_the_last_day_of_the_calendar_documents_may_expire_as_well() -> None:
    when = '{ all = [{ date = { from = 9999-12-31, to = 9999-12-31 } }, { weekday = ["friday"] }, { expires_within_days = 90 }] }'
    assert judged(("officer", when), lasting="from = 2026-12-01\nto = 9999-12-31\n") == []


def test_what_closes_the_lane_asks_about_nobody() -> None:
    assert (
        judged(("closed", '{ all = [{ direction = "exit" }, { date = { from = 2026-12-24, to = 2026-12-26 } }] }'))
        == []
    )
    assert judged(("closed", "{ hours = { from = 23:00:00, to = 05:00:00 } }")) == []
    assert judged(("closed", "")) == []
    (said,) = judged(("closed", '{ nationality = ["UTO"] }'))
    assert said.startswith("rules.a.when: closes the lane for everybody, and asks about some")


@pytest.mark.parametrize("when", ["", '{ direction = "exit" }', "{ hours = { from = 06:00:00, to = 22:00:00 } }"])
def test_what_makes_eligible_says_whom(when: str) -> None:
    assert judged(("eligible", when)) == ["rules.a.when: says nothing about who is eligible"]


def test_what_one_rule_gives_and_another_takes_is_a_contradiction() -> None:
    taken = judged(("eligible", "{ age_from = 18 }"), ("officer", "{ age_from = 12 }"))
    assert taken == ["rules.a: is contradicted: everybody whom it means is referred by rules.b"]
    assert judged(("eligible", "{ age_from = 18 }"), ("closed", "")) == [
        "rules.a: is contradicted: everybody whom it means is referred by rules.b"
    ]
    assert judged(("eligible", "{ age_from = 18 }"), ("officer", "{ age_from = 19 }")) == []
    assert judged(("eligible", "{ age_from = 18 }"), ("officer", "{ age_below = 30 }")) == []
    assert judged(("eligible", "{ age_from = 18 }"), ("threshold", "{ age_from = 12 }")) == []


def test_what_one_takes_on_some_of_the_others_days_is_none() -> None:
    given = Rule("a", Effect.ELIGIBLE, "", "", "", date(2026, 12, 1), date(2027, 11, 30), AgeFrom(18))
    taken = Rule("b", Effect.OFFICER, "", "", "", date(2026, 12, 2), date(2027, 11, 30), AgeFrom(12))
    assert list(wrong_with(RuleSet("1", "", (given, taken)))) == []


AGES = ", ".join(f"{{ age_from = {age} }}" for age in range(1, 31))
TYPES = ", ".join(f'{{ document_type = ["{first}{second}"] }}' for first in "IAC" for second in "ABCDEFGHIJ")
DAYS = ", ".join(f"{{ date = {{ from = 2026-12-{day:02}, to = 2026-12-{day:02} }} }}" for day in range(1, 31))
STATES = ", ".join(f'{{ nationality = ["{state}"] }}' for state in ("UTO", "FRA", "ESP", "ITA", "D", "AUT", "POL"))


def test_a_rule_that_tells_too_many_kinds_apart_is_refused() -> None:
    (said,) = judged(
        ("officer", "{ all = [" + ", ".join(f"{{ any = [{one}] }}" for one in (AGES, TYPES, DAYS, STATES)) + "] }")
    )
    assert said.startswith("rules.a.when: tells too many kinds of travellers apart")


def test_of_two_rules_that_tell_too_many_kinds_apart_together_no_contradiction_is_looked_for() -> None:
    given = f"{{ all = [{{ any = [{AGES}] }}, {{ any = [{TYPES}] }}] }}"
    either = f"{{ any = [{DAYS}, {{ not = {{ any = [{STATES}] }} }}] }}"
    always = f"{{ any = [{either}, {{ not = {either} }}] }}"
    assert judged(("eligible", given), ("officer", always)) == []
    assert judged(("eligible", "{ age_from = 18 }"), ("officer", always)) != []


# ── against trying everything ────────────────────────────────────────────────────────────────────────────────────────

PARTS: list[Condition] = [
    AgeFrom(2),
    Not(AgeFrom(1)),
    NationalityIs(("UTO",)),
    SexIs((Sex.MALE,)),
    Not(SexIs((Sex.FEMALE,))),
]
EVERYBODY = [
    Facts(age=age, nationality=state, sex=sex)
    for age, state, sex in itertools.product(range(4), ("UTO", "FRA", "ESP"), Sex)
]


def picks_out(when: Condition) -> bool:
    """Whether it keeps over half of the population's ages of some nationality and sex, and makes a difference between any, tried on all of them."""
    answers = {}
    for state, sex in itertools.product(("UTO", "FRA", "ESP"), Sex):
        shares = [when.holds(Facts(age=one.age, nationality=state, sex=sex)) for one in population()]
        each = [when.holds(one) for one in EVERYBODY if (one.nationality, one.sex) == (state, sex)]
        answers[state, sex] = (sum(map(bool, shares)) > len(shares) / 2, tuple(each))
    return any(most for most, _ in answers.values()) and len({each for _, each in answers.values()}) > 1


@pytest.mark.parametrize("parts", list(itertools.combinations(PARTS, 2)), ids=str)
def test_what_is_found_is_what_trying_everybody_finds(parts: tuple[Condition, Condition]) -> None:
    for when in (All(parts), AnyOf(parts), Not(All(parts)), Not(AnyOf(parts))):
        rule = Rule("a", Effect.OFFICER, "", "", "", date(2026, 12, 1), date(2027, 11, 30), when)
        said = [one.why for one in wrong_with(RuleSet("1", "", (rule,)))]
        never = not any(when.holds(one) for one in EVERYBODY)
        assert any("never hold" in one for one in said) is never
        assert any("alone" in one for one in said) is (picks_out(when) and not never)


WINDOW = [date(2026, 12, 1) + timedelta(days=more) for more in range(4)]
leaves = st.one_of(
    st.builds(DateBetween, st.sampled_from(WINDOW[:2]), st.sampled_from(WINDOW[1:])),
    st.builds(WeekdayIs, st.lists(st.sampled_from(Weekday), min_size=1, max_size=3).map(tuple)),
    st.sampled_from([HoursBetween(time(8), time(16)), HoursBetween(time(16), time(8)), HoursBetween(time(0), time(8))]),
    st.builds(ExpiresWithin, st.integers(0, 3)),
    st.just(NationalityIs(("UTO",))),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
EVERY_MOMENT = {
    state: [
        Facts(nationality=state, local=datetime.combine(day, time(hour)), expires=day + timedelta(days=left))
        for day in (date(2026, 12, 1) + timedelta(days=more) for more in range(19))
        for hour in (0, 8, 16, 20)
        for left in range(5)
    ]
    for state in ("UTO", "FRA")
}


@given(when=conditions)
def test_days_hours_and_expiry_are_judged_as_trying_every_one_of_them_does(when: Condition) -> None:
    answers = [[when.holds(one) for one in moments] for moments in EVERY_MOMENT.values()]
    rule = Rule("a", Effect.OFFICER, "", "", "", date(2026, 12, 1), date(2027, 11, 30), when)
    said = [one.why for one in wrong_with(RuleSet("1", "", (rule,)))]
    assert any("never hold" in one for one in said) is not any(map(any, answers))
    picks_out = any("alone" in one for one in said)
    assert picks_out or sorted(map(all, answers)) != [False, True]
    assert not picks_out or answers[0] != answers[1]
