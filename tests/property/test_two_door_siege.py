"""A lane of two doors under siege, and a judge that knows its promises from the documents alone: what was broken is said with the history.

`tests/property/test_two_door_walks.py` plays honest days; here boards, sensors, log, officers and neighbours are anything but. What a siege found
became a test of its own beside the state that it concerns.
"""

from __future__ import annotations

import secrets
from collections import Counter

import pytest
from fakes.mutants import Mutant, living
from fakes.siege import Siege
from fakes.siege_account import BrokenPromiseError

from gate.passage import machine, obeying, way_back

STEPS = 4_000
REACHED = (
    "grant first", "grant last", "grant first by officer", "grant last by officer", "closed admitted", "closed referred",
    "passed first by grant", "passed last by grant", "way back", "emergency",
)  # fmt: skip


def siege(seed: int, steps: int) -> Counter[str]:
    """One siege, and what it reached. Raises BrokenPromiseError, with the seed."""
    besieged = Siege(seed)
    try:
        for _ in range(steps):
            besieged.step()
    except BrokenPromiseError as error:
        raise BrokenPromiseError(f"seed {seed}: {error}") from error
    return besieged.judge.reached


def test_a_fresh_siege_breaks_nothing() -> None:
    siege(secrets.randbits(32), STEPS)


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, 400, 10))
def test_sieges_of_twenty_million_events_break_nothing_and_reach_everything(first: int) -> None:
    reached = sum((siege(seed, 20_000) for seed in range(first, first + 10)), Counter[str]())
    assert not [what for what in REACHED if not reached[what]], reached


# What a siege must see when it is switched off: each was so once, or holds the rest up.
CONTROLS = {
    "1: ": Mutant(machine._is_looked_at, "and around.seen_since(state.since_ms)", ""),
    "1 or 3: ": Mutant(obeying._admit, "if crossing in around.unanswered:", "if False:"),
    "4: ": Mutant(machine._of_the_other, "if not seen.closed or seen.grants_left:", "if False:"),
    "6: ": Mutant(way_back._way_back, "or around.last.may_be_passed()", ""),
    "7: ": Mutant(machine._emergency_begins, "Revoke | Show", "Revoke"),
    "8: ": Mutant(way_back._way_back, "interior.people or interior.went_in or interior.called", "interior.people"),
    "records: ": Mutant(machine._nobody_is_freed, "freeing=None", "freeing=one.freeing"),
}
SEEDS_MAX = 200


@pytest.mark.long
@pytest.mark.parametrize("promise", CONTROLS)
def test_the_judge_sees_that_a_control_is_switched_off(promise: str) -> None:
    found = ""
    with living(CONTROLS[promise]):
        for seed in range(SEEDS_MAX):
            try:
                siege(seed, 10_000)
            except BrokenPromiseError as error:
                found = str(error)
                break
    assert found.split(": ", 1)[1].startswith(promise[0]), found[:2_000]
