"""The hall does what it says: every intention and every fault leaves what it should, or a simulation proves nothing."""

from __future__ import annotations

import pytest

from gate_demo.simulate.run import KINDS, Run, Wishes, run
from hardware_sim.hall.plan import Doors, Intention, Kind, crossing, falls_to

SEED = 5
LEAVES_BEHIND = {
    Intention.GENUINE: "grant_ended",
    Intention.FORGED: "send_back",
    Intention.LOOKALIKE: "send_back",
    Intention.ACCOMPANIED: "send_back",
    Intention.PULLS: "shows go",
    Intention.AGAIN: "incident document_presented_again",
    Intention.STAYS: "'how': 'ttl'",
    Intention.TURNS: "incident walked_back",
    Intention.SWAPS: "-other'}",
    Intention.FOLLOWED: "-follower'}",
    Intention.LEAVES: "incident track_lost",
    Intention.CALLS: "release_received",
    Intention.FORCES: "officer acknowledge",
    Intention.COMPANION: "-companion'}",
}


def run_those(numbers: list[int], kinds: frozenset[Kind] = frozenset()) -> Run:
    """Run these crossings, with these kinds of fault alone."""
    return run(Wishes(SEED, tuple(numbers), faults=bool(kinds), kinds=kinds))


@pytest.mark.parametrize("intention", LEAVES_BEHIND, ids=lambda one: one.value)
def test_an_intention_leaves_its_trace(intention: Intention) -> None:
    numbers = (number for number in range(2_000) if crossing(SEED, number, faults=False).intention is intention)
    result = run_those([next(numbers)])
    assert result.violation is None
    assert any(LEAVES_BEHIND[intention] in line for line in result.lines), result.lines


@pytest.mark.parametrize("kind", KINDS[Doors.ONE].values(), ids=lambda one: one.value)
def test_a_fault_does_something_to_the_crossing_that_it_falls_to(kind: Kind) -> None:
    numbers = [number for number in range(400) if kind in falls_to(SEED, number)][:4]
    result = run_those(numbers, frozenset({kind}))
    assert result.violation is None
    assert result.tally.hits[kind] >= 2, result.lines
    assert set(result.tally.hits) == {kind}


def test_who_passes_on_the_grant_of_a_lane_that_died_is_counted_apart() -> None:
    """The traveller turned back when the screen went dark, and whoever came behind went on: found among 200,000 crossings."""
    result = run(Wishes(424242, (191872,), faults=True, kinds=frozenset({Kind.DEATH})))
    assert result.violation is None
    assert result.tally.by_fault == 1
