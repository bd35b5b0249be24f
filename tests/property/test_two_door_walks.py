"""Random days of a lane of two doors, against a judge who knows what truly happens; and the judge against a machine without a control."""

from __future__ import annotations

import pytest
from fakes.two_door_world import Person, World, WrongError

from gate.passage import machine, way_back
from gate.passage.evidence import Door

STEPS = 6_000  # five minutes


def day(seed: int, steps: int = STEPS, *, officers: bool = True) -> World:
    """One day."""
    world = World(seed, officers=officers)
    for _ in range(steps):
        world.step()
    return world


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


def _judged(*inside: str, durable: str = "decided", other: int = -1) -> World:
    """A world in which these are inside, such a record is durable, and the first door stands open until `other`."""
    world = World(0)
    world.run.now_ms += 10_000
    world.people = [Person(name, good=True, place="inside") for name in inside]
    world.by_crossing["c1"] = Person("a", good=True)
    world.durable.add(("c1", durable))
    for leaf in world.leaves.values():
        leaf.heard_ms = world.run.now_ms
    world.leaves[Door.FIRST].release_until = other
    return world


@pytest.mark.parametrize(
    ("world", "why"),
    [
        (_judged("a", durable="entry_decided"), "before that is durable"),
        (_judged("a", "b"), "with 2 inside"),
        (_judged(), "with 0 inside"),
        (_judged("a", other=100_000), "while the other is open"),
    ],
)
def test_the_judge_sees_a_grant_that_must_not_be(world: World, why: str) -> None:
    with pytest.raises(WrongError, match=why):
        world.may_grant("c1", Door.LAST)


def test_the_judge_has_nothing_against_a_grant_that_may_be() -> None:
    _judged("a").may_grant("c1", Door.LAST)


def test_the_judge_sees_a_lane_without_a_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way_back, "_way_back", lambda around, *_: (around, ()))
    with pytest.raises(WrongError, match="locked in"):
        days(range(33, 38), officers=False)
