"""What a rule may ask: yes, no, or not known, and never yes from what is not known."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.passage.conditions import (
    AgeFrom,
    All,
    AnyOf,
    Condition,
    DateBetween,
    DirectionIs,
    DocumentTypeIs,
    ExpiresWithin,
    Fact,
    Facts,
    HoursBetween,
    IssuedBetween,
    IssuerIs,
    NationalityIs,
    Not,
    Sex,
    SexIs,
    Weekday,
    WeekdayIs,
    predicates_of,
)
from gate_core.evidence.service_scope import BorderDirection

# A Saturday.
KNOWN = Facts(
    document_type="P",
    issuer="UTO",
    issued=date(2024, 2, 29),
    expires=date(2026, 12, 31),
    nationality="FRA",
    sex=Sex.FEMALE,
    age=17,
    direction=BorderDirection.EXIT,
    local=datetime(2026, 11, 28, 22, 30),  # noqa: DTZ001 - the site's own wall
)


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        (DocumentTypeIs(("P",)), True),
        (DocumentTypeIs(("I", "P")), True),
        (DocumentTypeIs(("I", "PD")), False),
        (IssuerIs(("UTO", "FRA")), True),
        (IssuerIs(("FRA",)), False),
        (NationalityIs(("FRA",)), True),
        (NationalityIs(("UTO",)), False),
        (SexIs((Sex.FEMALE, Sex.UNSPECIFIED)), True),
        (SexIs((Sex.MALE,)), False),
        (AgeFrom(17), True),
        (AgeFrom(18), False),
        (IssuedBetween(date(2024, 2, 29), date(2024, 2, 29)), True),
        (IssuedBetween(date(2024, 3, 1), date(2024, 3, 31)), False),
        (IssuedBetween(date(2024, 1, 1), date(2024, 2, 28)), False),
        (ExpiresWithin(33), True),
        (ExpiresWithin(32), False),
        (DirectionIs(BorderDirection.EXIT), True),
        (DirectionIs(BorderDirection.ENTRY), False),
        (HoursBetween(time(22, 30), time(22, 31)), True),
        (HoursBetween(time(22, 0), time(22, 30)), False),
        (HoursBetween(time(22, 0), time(5, 0)), True),
        (HoursBetween(time(23, 0), time(22, 31)), True),
        (HoursBetween(time(23, 0), time(22, 30)), False),
        (WeekdayIs((Weekday.SATURDAY,)), True),
        (WeekdayIs((Weekday.SUNDAY, Weekday.FRIDAY)), False),
        (DateBetween(date(2026, 11, 28), date(2026, 11, 28)), True),
        (DateBetween(date(2026, 11, 29), date(2026, 12, 1)), False),
        (DateBetween(date(2026, 11, 1), date(2026, 11, 27)), False),
    ],
)
def test_each_question_is_answered_and_not_known_where_its_fact_is_not(condition: Condition, *, answer: bool) -> None:
    assert condition.holds(KNOWN) is answer
    assert Not(condition).holds(KNOWN) is not answer
    for fact in condition.asks:
        without = replace(KNOWN, **{fact.value: None})
        assert condition.holds(without) is None
        assert Not(condition).holds(without) is None
    assert (
        condition.holds(replace(Facts(), **{fact.value: getattr(KNOWN, fact.value) for fact in condition.asks}))
        is answer
    )


def test_a_letter_alone_covers_the_document_codes_that_begin_with_it() -> None:
    diplomatic = replace(KNOWN, document_type="PD")
    assert DocumentTypeIs(("P",)).holds(diplomatic) is True
    assert DocumentTypeIs(("PD",)).holds(diplomatic) is True
    assert DocumentTypeIs(("PD",)).holds(KNOWN) is False


def test_every_fact_has_its_place_in_what_is_known() -> None:
    assert [fact.value for fact in Fact] == [one.name for one in fields(Facts)]


def test_nothing_is_asked_of_nobody() -> None:
    assert All(()).holds(Facts()) is True
    assert AnyOf(()).holds(KNOWN) is False
    assert All(()).asks == frozenset()


# ── whatever a condition is made of ──────────────────────────────────────────────────────────────────────────────────

TRUE, FALSE, UNKNOWN = AgeFrom(1), AgeFrom(100), SexIs((Sex.MALE,))
OF: dict[bool | None, Condition] = {True: TRUE, False: FALSE, None: UNKNOWN}
ANSWERING = replace(Facts(), age=50)


@pytest.mark.parametrize("answers", [(one, other) for one in OF for other in OF], ids=str)
def test_all_and_any_are_kleenes(answers: tuple[bool | None, bool | None]) -> None:
    both = tuple(OF[one] for one in answers)
    order = {False: 0, None: 1, True: 2}
    lower, higher = sorted(answers, key=order.__getitem__)
    assert All(both).holds(ANSWERING) is lower
    assert AnyOf(both).holds(ANSWERING) is higher


values = {
    Fact.ISSUER: st.sampled_from(["UTO", "FRA"]),
    Fact.NATIONALITY: st.sampled_from(["UTO", "FRA"]),
    Fact.SEX: st.sampled_from(Sex),
    Fact.AGE: st.integers(0, 4),
    Fact.DIRECTION: st.sampled_from(BorderDirection),
}
leaves = st.one_of(
    st.builds(IssuerIs, st.sampled_from([("UTO",), ("FRA",)])),
    st.builds(NationalityIs, st.sampled_from([("UTO",), ("FRA",)])),
    st.builds(SexIs, st.lists(st.sampled_from(Sex), min_size=1, max_size=2).map(tuple)),
    st.builds(AgeFrom, st.integers(0, 4)),
    st.builds(DirectionIs, st.sampled_from(BorderDirection)),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)


def by_python(condition: Condition, facts: Facts) -> bool:
    """An answer of its own making, for facts that are all known."""
    match condition:
        case All(parts):
            return all(by_python(one, facts) for one in parts)
        case AnyOf(parts):
            return any(by_python(one, facts) for one in parts)
        case Not(inner):
            return not by_python(inner, facts)
        case IssuerIs(states):
            return facts.issuer in states
        case NationalityIs(states):
            return facts.nationality in states
        case SexIs(sexes):
            return facts.sex in sexes
        case AgeFrom(years):
            assert facts.age is not None
            return facts.age >= years
        case DirectionIs(direction):
            return facts.direction is direction
        case _:
            raise AssertionError(condition)


@given(conditions, st.data())
def test_what_is_known_is_answered_and_what_is_not_changes_no_answer_by_becoming_known(
    condition: Condition, data: st.DataObject
) -> None:
    whole = Facts(**{fact.value: data.draw(drawn) for fact, drawn in values.items()})
    assert condition.holds(whole) is by_python(condition, whole)
    hidden = data.draw(st.sets(st.sampled_from(list(values))))
    part = replace(whole, **{fact.value: None for fact in hidden})
    assert condition.holds(part) in {None, by_python(condition, whole)}
    assert condition.asks == frozenset().union(*(one.asks for one in predicates_of(condition)))
