"""A lane of two doors under siege, by people, boards, sensors, log, officers and neighbours of whom nothing good is assumed, and a judge that knows
its promises from the documents alone; and the judge against a machine without a control.

What a siege finds becomes a test of its own beside the state that it concerns.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from fakes.lane_in_engine import EngineSiege
from fakes.roots import search_path
from fakes.siege import Siege
from fakes.siege_account import BrokenPromiseError
from fakes.tiers import quick_or_long
from mutants.run import TREE, copied
from mutants.sixty import Mutant

from gate.passage import states

STEPS, ENGINE_STEPS = 2_500, 1_000
REACHED = (
    "grant first", "grant last", "grant first by officer", "grant last by officer", "closed admitted", "closed referred",
    "passed first by grant", "passed last by grant", "way back", "emergency",
)  # fmt: skip


def siege(seed: int, steps: int) -> Siege:
    """One siege. Raises BrokenPromiseError, with the seed."""
    return played(Siege(seed), seed, steps)


def played(besieged: Siege, seed: int, steps: int) -> Siege:
    """The same after so many steps."""
    try:
        for _ in range(steps):
            besieged.step()
    except BrokenPromiseError as error:
        raise BrokenPromiseError(f"seed {seed}: {error}") from error
    return besieged


def test_a_fresh_siege_breaks_nothing() -> None:
    siege(secrets.randbits(32), STEPS)


def test_the_engine_does_what_the_machine_says_over_restarts_too() -> None:
    seed = secrets.randbits(32)
    with closing(EngineSiege(seed)) as engine:
        played(engine, seed, ENGINE_STEPS)
    pure = siege(seed, ENGINE_STEPS)
    assert (engine.events, engine.judge.reached, engine.state) == (pure.events, pure.judge.reached, pure.state), seed


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, 400, 10))
def test_sieges_of_twenty_million_events_break_nothing_and_reach_everything(first: int) -> None:
    sieges = [siege(seed, 20_000) for seed in range(first, first + 10)]
    reached = sum((one.judge.reached for one in sieges), Counter[str]())
    assert not [what for what in REACHED if not reached[what]], reached
    met = {state for one in sieges for arrow in one.moved for state in arrow}
    assert met == {state.__name__ for state in states.State.__args__}


# What a siege must see when it is switched off, in a copy of the tree.
CONTROLS = {
    "1": Mutant("an old look", "gate/passage/passage_stage.py", " and lane.seen_since(state.since_ms)", ""),
    "4": Mutant(
        "strays",
        "gate/passage/passage_stage.py",
        "if objections := strays(lane, state, event):",
        "if objections := ():",
    ),
    "6": Mutant("both doors", "gate/passage/way_back.py", " or _may_leave(lane, now_ms, timing):", ":"),
    "7": Mutant(
        "closing",
        "gate/passage/officer_commands.py",
        "isinstance(state, states.Granted | states.Emergency)",
        "isinstance(state, states.Granted)",
    ),
    "8": Mutant("no way back", "gate/passage/way_back.py", "if not is_due or", "if True or"),
    "help": Mutant("unheard", "gate/passage/machine.py", "elif isinstance(event, TravellerAsked):", "elif False:"),
    "records": Mutant(
        "unsaid", "gate/passage/way_back.py", "(incident(crossing_of(state), IncidentKind.WAY_BACK),)", "()"
    ),
}
SIEGES = """
from fakes.siege import Siege
for seed in range(1, 200):
    siege = Siege(seed)
    for _ in range(10_000):
        siege.step()
"""


@pytest.mark.parametrize("promise", quick_or_long(CONTROLS, quick=["records"]))
def test_the_judge_sees_that_a_control_is_switched_off(promise: str, tmp_path: Path) -> None:
    control, tree = CONTROLS[promise], copied(tmp_path)
    sound = (tree / control.file).read_text()
    assert sound.count(control.old) == 1
    (tree / control.file).write_text(sound.replace(control.old, control.new))
    found = os.pathsep.join((search_path(tree), str(TREE / "tests")))
    command = (sys.executable, "-B", "-c", SIEGES)
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": found}, cwd=tree, capture_output=True, text=True, check=False
    )
    assert f"BrokenPromiseError: {promise}: " in ended.stderr, ended.stderr[-2_000:]
