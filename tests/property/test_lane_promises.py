"""A crowd in a lane of two doors, and a judge written from docs/safety.md and docs/lane.md alone (`fakes.crowded_lane`, `fakes.lane_promises`).

What a crowd finds becomes a test of its own. `tests/mutants/crowded.py` has a mutant of the machine for each promise.
"""

from __future__ import annotations

import secrets
from collections import Counter
from pathlib import Path

import pytest
from fakes.crowded_lane import Crowd
from fakes.lane_promises import CLAIMS, BrokenPromiseError
from mutants.crowded import MINE, crowded
from mutants.run import copied, lives
from mutants.sixty import Mutant

CALM = (0.2, 0.5, 0.8, 0.95)


def crowd(seed: int, steps: int) -> Crowd:
    """One crowd. Raises BrokenPromiseError, with the seed."""
    try:
        return Crowd(seed, calm=CALM[seed % len(CALM)]).run(steps)
    except BrokenPromiseError as error:
        raise BrokenPromiseError(f"seed {seed}: {error}") from error


def test_a_fresh_crowd_finds_no_broken_promise() -> None:
    first = secrets.randbits(32)
    print("first seed", first)  # noqa: T201 - to try it again
    for seed in range(first, first + 8):
        crowd(seed, 1_500)


@pytest.mark.long
def test_a_million_steps_break_nothing_and_judge_every_promise() -> None:
    first = secrets.randbits(32)
    print("first seed", first)  # noqa: T201 - to try it again
    judged = sum((Counter(crowd(seed, 8_000).promises.seen) for seed in range(first, first + 125)), Counter[str]())
    assert not [name for name in CLAIMS if not judged[name]], judged


@pytest.mark.long
@pytest.mark.parametrize("mutant", MINE, ids=lambda one: one.name)
def test_each_mutant_breaks_a_promise(mutant: Mutant, tmp_path: Path) -> None:
    broken = lives(mutant, copied(tmp_path), lambda tree: crowded(tree, seeds=200, enough=1)).troubles
    assert broken, mutant.name
