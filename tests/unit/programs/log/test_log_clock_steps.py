"""Steps of the wall clock: what is set is seen, what is slewed is none, and none is forgotten before it is written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gate.programs.log.context import STEP_MIN, Step, Steps

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)


@pytest.mark.parametrize("by", [STEP_MIN, -STEP_MIN, timedelta(days=900), timedelta(hours=-1)])
def test_a_clock_that_is_set_makes_a_step_until_it_is_written_down(by: timedelta) -> None:
    steps = Steps()
    assert steps.look(NOON, 1_000, None) is None
    expected = Step(NOON + 2_000 * MS, NOON + 2_000 * MS + by, running=True)
    assert steps.look(NOON + 2_000 * MS + by, 3_000, None) == expected
    assert expected.step_ms == by / MS
    again = steps.look(NOON + 3_000 * MS + by, 4_000, None)
    assert again is not None, "it could not be written"
    assert again.step_ms == by / MS
    steps.taken(NOON + 3_000 * MS + by, 4_000)
    assert steps.look(NOON + 4_000 * MS + by, 5_000, None) is None


def test_a_clock_that_is_slewed_makes_none_however_far_it_comes() -> None:
    steps = Steps()
    for second in range(10_000):
        assert steps.look(NOON + second * 1_000.5 * MS, second * 1_000, None) is None


def test_a_clock_that_stands_before_the_latest_record_at_the_start_was_set() -> None:
    steps, latest = Steps(), NOON
    hour = timedelta(hours=1)
    assert steps.look(NOON - hour, 0, latest) == Step(NOON, NOON - hour, running=False)
    steps.taken(NOON - hour, 0)
    assert steps.look(NOON - hour + 1_000 * MS, 1_000, latest) is None
    assert Steps().look(NOON, 0, latest) is None
    assert Steps().look(NOON + 9 * hour, 0, latest) is None, "the machine was off"


def test_what_is_written_of_a_step_has_both_times() -> None:
    assert Step(NOON, NOON - 1_500 * MS, running=True).fields() == {
        "before": "2026-11-23T12:00:00.000Z",
        "after": "2026-11-23T11:59:58.500Z",
        "step_ms": -1500,
        "running": True,
    }
