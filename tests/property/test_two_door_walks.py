"""Random walks of a lane of two doors: people, boards, sensors, log, officers and other programs do anything at any time. A judge, written from the
documents alone, checks the lane's promises. It must also find a machine in which one control is switched off.

What a walk finds becomes a test of its own beside the state that it concerns.
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
from fakes.hostile_two_doors import HostileTwoDoors
from fakes.lane_in_engine import EngineTwoDoors
from fakes.roots import search_path
from fakes.tiers import quick_or_long
from fakes.two_door_account import BrokenPromiseError
from mutants.run import TREE, copied
from mutants.sixty import Mutant

from gate.passage import states

STEPS, ENGINE_STEPS = 2_500, 1_000
REACHED = (
    "grant first", "grant last", "grant first by officer", "grant last by officer", "closed admitted", "closed referred",
    "passed first by grant", "passed last by grant", "way back", "emergency",
)  # fmt: skip


def walk(seed: int, steps: int) -> HostileTwoDoors:
    """Walk once. Raises BrokenPromiseError, with the seed."""
    return played(HostileTwoDoors(seed), seed, steps)


def played(world: HostileTwoDoors, seed: int, steps: int) -> HostileTwoDoors:
    """The same after so many steps."""
    try:
        for _ in range(steps):
            world.step()
    except BrokenPromiseError as error:
        raise BrokenPromiseError(f"seed {seed}: {error}") from error
    return world


def test_a_fresh_walk_breaks_nothing() -> None:
    walk(secrets.randbits(32), STEPS)


def test_the_engine_does_what_the_machine_says_over_restarts_too() -> None:
    seed = secrets.randbits(32)
    with closing(EngineTwoDoors(seed)) as engine:
        played(engine, seed, ENGINE_STEPS)
    pure = walk(seed, ENGINE_STEPS)
    assert (engine.events, engine.judge.reached, engine.state) == (pure.events, pure.judge.reached, pure.state), seed


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, 400, 10))
def test_walks_of_twenty_million_events_break_nothing_and_reach_everything(first: int) -> None:
    walks = [walk(seed, 20_000) for seed in range(first, first + 10)]
    reached = sum((one.judge.reached for one in walks), Counter[str]())
    assert not [what for what in REACHED if not reached[what]], reached
    met = {state for one in walks for arrow in one.moved for state in arrow}
    assert met == {state.__name__ for state in states.State.__args__}


# What a walk must find when it is switched off, in a copy of the tree.
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
WALKS = """
from fakes.hostile_two_doors import HostileTwoDoors
for seed in range(1, 200):
    world = HostileTwoDoors(seed)
    for _ in range(10_000):
        world.step()
"""


@pytest.mark.parametrize("promise", quick_or_long(CONTROLS, quick=["records"]))
def test_the_judge_sees_that_a_control_is_switched_off(promise: str, tmp_path: Path) -> None:
    control, tree = CONTROLS[promise], copied(tmp_path)
    sound = (tree / control.file).read_text()
    assert sound.count(control.old) == 1
    (tree / control.file).write_text(sound.replace(control.old, control.new))
    found = os.pathsep.join((search_path(tree), str(TREE / "tests")))
    command = (sys.executable, "-B", "-c", WALKS)
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": found}, cwd=tree, capture_output=True, text=True, check=False
    )
    assert f"BrokenPromiseError: {promise}: " in ended.stderr, ended.stderr[-2_000:]
