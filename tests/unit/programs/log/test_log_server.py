"""How long the log's disk lasts, at the pace at which it fills."""

from __future__ import annotations

import pytest

from gate.programs.log.server import EVERY_S, SEEN_MIN_S, Growth

DAY_S = 86_400.0


def test_it_lasts_as_long_as_the_pace_says() -> None:
    growth = Growth()
    growth.see(0.0, 10_000)
    assert growth.days_left(DAY_S, 9_000) == pytest.approx(9.0)


def test_of_less_than_an_hour_nothing_is_said() -> None:
    growth = Growth()
    assert growth.days_left(0.0, 10_000) is None
    growth.see(0.0, 10_000)
    assert growth.days_left(SEEN_MIN_S - 1, 5_000) is None
    assert growth.days_left(SEEN_MIN_S, 5_000) is not None


def test_a_disk_that_does_not_fill_has_no_end() -> None:
    growth = Growth()
    growth.see(0.0, 10_000)
    assert growth.days_left(DAY_S, 10_000) is None
    assert growth.days_left(DAY_S, 12_000) is None


def test_the_pace_is_that_of_the_last_week() -> None:
    growth = Growth()
    growth.see(0.0, 1_000_000)
    for number in range(1, 8 * 24 * 6):
        growth.see(number * EVERY_S, 10_000 - number)
    at_s = 8 * DAY_S
    left = growth.days_left(at_s, 8_000)
    assert left is not None
    assert left > 30, "what was before is forgotten"
