"""An exploration: the smallest scope closes without a violation, and mutants of the machine turn it red."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutants.explored import CPU_S, KILLED_MIN, OF_PASSAGE, SURVIVES, explored, fate
from mutants.run import copied
from mutants.sixty import MUTANTS, Mutant

from gate_demo.explore.run import explore, fields_of, read, replay
from gate_demo.explore.scopes import ALONE, SCOPES
from gate_demo.explore.search import Search, Violation

SOUND = (
    ("tick",),
    ("lay", 0),
    ("write",),
    ("read", "good"),
    ("compare", "good"),
    ("write",),
    ("poll", 0),
    ("enter", 0),
    ("pass", 0, 0),
    ("poll", 0),
    ("leave view",),
    ("close", 0),
    ("tick",),
    ("poll", 0),
)
QUICKLY = {  # found where one traveller is alone, by the number of the invariant
    "the door opens before the decision is durable": "1: ",
    "one passage is none": "3: ",
}


@pytest.mark.no_cover
def test_one_traveller_alone_is_explored_to_closure_and_the_lane_serves_again_from_every_state() -> None:
    found = Search(ALONE).run(lambda: False)
    assert found.violations == []
    assert found.closed
    assert found.states > 1_000
    assert 0 < found.served_max <= 30


@pytest.mark.no_cover
@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.name in QUICKLY], ids=lambda one: one.name)
def test_a_mutant_of_the_machine_is_found(tmp_path: Path, mutant: Mutant) -> None:
    found = fate(mutant, copied(tmp_path), cpu_s=36)
    assert found
    assert found[0].startswith(QUICKLY[mutant.name])


def test_a_time_limit_ends_an_exploration_that_is_not_closed() -> None:
    result = explore(SCOPES[:2], 0.0).fields()
    assert result["closed"] is False
    assert result["violations"] == []


def test_a_crossing_is_replayed_with_the_answers_of_a_lane_on_a_clock() -> None:
    scope, moves = read({"violations": [fields_of(Violation(ALONE.name, "4: an example", SOUND))]})
    played = replay(scope, moves)
    assert played.same
    assert played.broken == ()
    assert any("ADMITTED" in line for line in played.lines)


@pytest.mark.parametrize("document", [{}, [], {"scope": "nowhere", "moves": []}, {"violations": []}])
def test_what_is_no_violation_is_not_replayed(document: object) -> None:
    with pytest.raises(ValueError, match="no violation"):
        read(document)


def test_a_move_that_is_not_possible_is_not_replayed() -> None:
    with pytest.raises(ValueError, match="not possible"):
        replay(ALONE, (("arrive", 0),))


def test_survivors_are_mutants_of_the_passage() -> None:
    assert SURVIVES.keys() <= {one.name for one in OF_PASSAGE}


@pytest.mark.long
@pytest.mark.parametrize("two_doors", [False, True])
def test_the_sound_machine_survives(tmp_path: Path, *, two_doors: bool) -> None:
    assert explored(copied(tmp_path), two_doors=two_doors, cpu_s=2 * CPU_S) == ()


@pytest.mark.long
@pytest.mark.parametrize("two_doors", [False, True])
def test_three_of_four_mutants_are_killed_and_of_the_others_is_said_why(tmp_path: Path, *, two_doors: bool) -> None:
    tree, mutants = copied(tmp_path), [one for one in OF_PASSAGE if one.two_doors is two_doors]
    survived = {mutant.name for mutant in mutants if not fate(mutant, tree)}
    assert len(survived) <= (1 - KILLED_MIN) * len(mutants), survived
    assert survived <= SURVIVES.keys()
