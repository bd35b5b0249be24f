"""When vision says that it is ready, and when that only a new start helps: from plain facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.programs.vision.readiness import (
    CHILD_MAX_S,
    ERASED_MAX_S,
    PROVEN_MAX_S,
    WATCH_MAX_S,
    CrossingFacts,
    Facts,
    is_alive,
    state_of,
)

WELL = Facts(lost="", page="up", has_spare=True, proven_s=1.0, watched_s=1.0)
CROSSING = CrossingFacts(age_s=3.0, has_child=True, ending_s=None)


def test_a_child_that_proved_itself_lately_is_ready() -> None:
    assert (state_of(WELL), is_alive(WELL)) == ("ready", True)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (replace(WELL, proven_s=PROVEN_MAX_S + 1), "degraded"),
        (replace(WELL, proven_s=None), "degraded"),
        (replace(WELL, lost="lost: the camera is unplugged"), "degraded"),
        (replace(WELL, page="no picture comes"), "degraded"),
        (replace(WELL, page="starting"), "starting"),
        (replace(WELL, has_spare=False, proven_s=None), "starting"),
        (replace(WELL, has_spare=False, proven_s=None, crossing=CROSSING), "ready"),
    ],
)
def test_whoever_waits_for_something_is_alive_and_not_ready_unless_a_crossing_is_served(
    facts: Facts, state: str
) -> None:
    assert (state_of(facts), is_alive(facts)) == (state, True)


@pytest.mark.parametrize(
    "crossing",
    [
        CrossingFacts(age_s=CHILD_MAX_S + 1, has_child=False, ending_s=None),
        CrossingFacts(age_s=3.0, has_child=False, ending_s=ERASED_MAX_S + 1),
        CrossingFacts(age_s=3.0, has_child=True, ending_s=ERASED_MAX_S + 1),
    ],
    ids=["that nobody serves", "that nobody erases", "whose child does not end"],
)
def test_a_crossing_that_stands_still_is_neither_ready_nor_alive(crossing: CrossingFacts) -> None:
    facts = replace(WELL, crossing=crossing)
    assert (state_of(facts), is_alive(facts)) == ("degraded", False)


@pytest.mark.parametrize(
    "crossing",
    [
        CrossingFacts(age_s=CHILD_MAX_S - 1, has_child=False, ending_s=None),
        CrossingFacts(age_s=60.0, has_child=True, ending_s=None),
        CrossingFacts(age_s=60.0, has_child=True, ending_s=ERASED_MAX_S - 1),
    ],
)
def test_a_crossing_that_waits_for_its_child_or_its_end_is_alive(crossing: CrossingFacts) -> None:
    assert is_alive(replace(WELL, crossing=crossing))


def test_a_watch_that_does_not_turn_any_more_is_not_alive() -> None:
    assert not is_alive(replace(WELL, watched_s=WATCH_MAX_S + 1))
