"""What a simulation is worth: how many of sixty mutants of the lane it kills in two thousand crossings (`mutants.run`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutants.run import KILLED_MIN, TREE, copied, fates, lives, simulated, walked
from mutants.sixty import (
    ANY_RECEIPT,
    COMPANION_ADMITTED,
    FIRST_AGAIN,
    MADE_UP_FOR,
    MUTANTS,
    STAYS_AWAY,
    SURVIVES,
    TOLD_ONCE,
    Mutant,
)

EVERY = (*MUTANTS, *MADE_UP_FOR, TOLD_ONCE, FIRST_AGAIN, COMPANION_ADMITTED, STAYS_AWAY, ANY_RECEIPT)


def test_there_are_sixty_each_with_its_name() -> None:
    assert len(MUTANTS) == 60
    assert len({mutant.name for mutant in EVERY}) == len(EVERY)
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in EVERY}) == len(EVERY)
    assert SURVIVES.keys() <= {mutant.name for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", EVERY, ids=lambda one: one.name)
def test_what_a_mutant_changes_stands_in_its_file_once(mutant: Mutant) -> None:
    sound = (TREE / mutant.file).read_text()
    assert sound.count(mutant.old) == 1


@pytest.mark.long
@pytest.mark.parametrize("two_doors", [False, True])
def test_the_sound_lane_survives(tmp_path: Path, *, two_doors: bool) -> None:
    assert simulated(copied(tmp_path), two_doors=two_doors) == ()


@pytest.mark.long
def test_nine_of_ten_mutants_are_killed_and_of_the_others_is_said_why() -> None:
    survived = {fate.mutant.name for fate in fates(MUTANTS) if not fate.troubles}
    assert len(survived) <= (1 - KILLED_MIN) * len(MUTANTS), survived
    assert survived <= SURVIVES.keys()  # a change elsewhere may kill one of them


@pytest.mark.long
def test_what_something_else_makes_up_for_is_not_killed() -> None:
    assert [fate.mutant.name for fate in fates(MADE_UP_FOR) if fate.troubles] == []


@pytest.mark.long
def test_with_orders_told_once_the_same_seed_reports_violations(tmp_path: Path) -> None:
    fate = lives(TOLD_ONCE, copied(tmp_path))
    assert any(trouble.startswith("unheard_order") for trouble in fate.troubles), fate


@pytest.mark.parametrize(
    ("mutant", "says"),
    [
        (COMPANION_ADMITTED, "companion went through on t"),
        (STAYS_AWAY, "companion went through on t"),
        (ANY_RECEIPT, "was granted before that was on the disk"),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_few_crossings_kill_whoever_lets_a_companion_through_or_believes_any_receipt(
    tmp_path: Path, mutant: Mutant, says: str
) -> None:
    fate = lives(mutant, copied(tmp_path), lambda tree: simulated(tree, two_doors=False, crossings=100))
    assert any(trouble.startswith("wrong_opening") and says in trouble for trouble in fate.troubles), fate


@pytest.mark.long
def test_walks_kill_a_second_officer_who_is_the_first_and_let_the_sound_lane_live(tmp_path: Path) -> None:
    tree = copied(tmp_path)
    assert walked(tree) == ()
    (trouble,) = lives(FIRST_AGAIN, tree, walked).troubles
    assert trouble.startswith("two officers: ")
