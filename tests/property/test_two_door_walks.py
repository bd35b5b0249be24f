"""Random days of a lane of two doors, against a judge who knows what truly happens; and the judge against a machine without a control."""

from __future__ import annotations

from typing import Any

import pytest
from fakes.mutants import Mutant, living
from fakes.two_door_world import World, WrongError

from gate.passage import machine, policy, way_back

STEPS = 6_000  # five minutes


def day(seed: int, steps: int = STEPS, *, officers: bool = True) -> World:
    """One day."""
    world = World(seed, officers=officers)
    for _ in range(steps):
        world.step()
    return world


def _none(*_: Any) -> None:
    return None


def _nothing(*_: Any, **__: Any) -> tuple[()]:
    return ()


def days(seeds: range, *, officers: bool = True) -> list[World]:
    """Several."""
    return [day(seed, officers=officers) for seed in seeds]


@pytest.mark.parametrize("seed", range(4))
def test_nobody_unverified_passes_and_nobody_is_locked_in(seed: int) -> None:
    assert day(seed).through


def test_days_meet_every_state_and_every_way() -> None:
    worlds = days(range(20, 24))
    met = set().union(*(world.met for world in worlds))
    assert met == {state.__name__ for state in machine.State.__args__}
    assert sum(world.ways_back for world in worlds) > 3
    assert sum(world.by_officer for world in worlds) > 0


def test_whom_no_officer_answers_is_offered_the_way_back() -> None:
    assert sum(world.ways_back for world in days(range(30, 34), officers=False)) > 3


def test_the_judge_sees_a_lane_that_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of these controls alone is made up for by the others."""
    for name, instead in (("lane_objections", _nothing), ("_breaks_in", _none), ("_of_several", _none)):
        monkeypatch.setattr(machine, name, instead)
    monkeypatch.setattr(policy, "lane_objections", _nothing)
    with (
        living(Mutant(machine._entering, "interior.people == 1 and interior.looks >= LOOKS_MIN", "interior.people")),
        pytest.raises(WrongError, match=r"nobody verified|door is granted w"),
    ):
        days(range(8))


def test_the_judge_sees_a_lane_without_a_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way_back, "_way_back", lambda around, *_: (around, ()))
    with pytest.raises(WrongError, match="locked in"):
        days(range(33, 38), officers=False)
