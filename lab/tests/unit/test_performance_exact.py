"""Clopper and Pearson's interval, against published values and what defines it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_verify.report.rates import beta_below, clopper_pearson


@pytest.mark.parametrize(
    ("errors", "of", "low", "high"),
    [(0, 10, 0.0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1.0), (1, 30, 0.0008, 0.1722)],
)
def test_the_interval_is_that_of_the_tables(errors: int, of: int, low: float, high: float) -> None:
    found = clopper_pearson(errors, of, 0.95)
    assert found == pytest.approx((low, high), abs=5e-5)


@given(of=st.integers(1, 60), data=st.data())
def test_at_its_ends_what_was_seen_is_as_rare_as_the_level_says(of: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, of))
    low, high = clopper_pearson(errors, of, 0.99)
    if errors:
        assert _at_least(errors, of, low) == pytest.approx(0.005)
    if errors < of:
        assert _at_least(errors + 1, of, high) == pytest.approx(1 - 0.005)


def _at_least(errors: int, of: int, share: float) -> float:
    return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(errors, of + 1))


@pytest.mark.parametrize(("errors", "of"), [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_what_is_no_rate_has_no_interval(errors: int, of: int) -> None:
    with pytest.raises(ValueError, match="no rate"):
        clopper_pearson(errors, of, 0.95)


def test_of_a_distribution_nothing_is_below_its_beginning_and_all_below_its_end() -> None:
    assert (beta_below(0.0, 2, 3), beta_below(1.0, 2, 3)) == (0.0, 1.0)
    assert beta_below(0.5, 7, 7) == pytest.approx(0.5)
