"""Let mutants of the lane live, each in a copy of the tree, and say which of them a simulation kills.

    PYTHONPATH=tests .venv/bin/python -m mutants.run [PART OF A NAME]

One is killed when `gate simulate --crossings 2000 --faults on`, at a fixed seed and before a lane of two doors where the mutant belongs to
one, says no: a violation, too few genuine travellers let through, or a lane that does not even begin. What is run is what the command runs,
without its search for the shortest replay. Exit code 1 when more survive than may.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fakes.roots import SOURCES, search_path
from mutants.sixty import ANY_RECEIPT, COMPANION_ADMITTED, MADE_UP_FOR, MUTANTS, SURVIVES, TOLD_ONCE, Mutant

TREE = Path(__file__).resolve().parents[2]
COPIED = tuple(place for place in (*SOURCES, "gate", "drivers") if place != ".")
SEED = 20_261_126
CROSSINGS = 2_000
KILLED_MIN = 0.9
LONGEST_S = 900.0  # a lane that turns in circles is killed, too
_RUN = """
import json, sys
from gate_demo.simulate.report import Report
from gate_demo.simulate.run import Wishes, run
from hardware_sim.hall.plan import Doors
doors, seed, crossings = Doors(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
print(json.dumps(Report(run(Wishes(seed, tuple(range(crossings)), faults=True, doors=doors))).troubles()))
"""
_WALK = """
import logging
from fakes.oracle_account import BrokenInvariantError
from fakes.hostile_lane import walk
logging.disable(logging.CRITICAL)
try:
    for seed in range(1, 6):
        walk(seed, 20_000)
except BrokenInvariantError as error:
    print(str(error).partition(chr(10))[0])
"""


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: what the simulation found, nothing for one that survived."""

    mutant: Mutant
    troubles: tuple[str, ...]


def copied(into: Path) -> Path:
    """A copy of what a simulation needs of the tree."""
    for part in COPIED:
        shutil.copytree(TREE / part, into / part, ignore=shutil.ignore_patterns("__pycache__"))
    return into


def played(tree: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A script on this tree, with the tests' own fakes. Raises TimeoutExpired."""
    found = os.pathsep.join((search_path(tree), str(TREE / "tests")))
    return subprocess.run(
        (sys.executable, "-B", "-c", script, *words),
        cwd=tree,
        env={**os.environ, "PYTHONPATH": found},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def simulated(tree: Path, *, two_doors: bool, seed: int = SEED, crossings: int = CROSSINGS) -> tuple[str, ...]:
    """Everything for which a simulation of this tree says no."""
    try:
        ended = played(tree, _RUN, "two-door" if two_doors else "one-door", str(seed), str(crossings))
    except subprocess.TimeoutExpired:
        return (f"it was not through after {LONGEST_S:.0f} s",)
    if ended.returncode:
        return (ended.stderr.strip().splitlines()[-1],)
    return tuple(json.loads(ended.stdout))


def walked(tree: Path) -> tuple[str, ...]:
    """What the oracle of the lane's walks says of this tree, in its first line."""
    ended = played(tree, _WALK)
    return tuple(ended.stdout.splitlines()) if ended.returncode == 0 else (ended.stderr[-500:],)


def lives(mutant: Mutant, tree: Path, look: Callable[[Path], tuple[str, ...]] | None = None) -> Fate:
    """Let one live in a copy of the tree for as long as a simulation takes, or another `look` at it."""
    file = tree / mutant.file
    sound = file.read_text()
    if sound.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: what it changes stands {sound.count(mutant.old)} times in {mutant.file}")
    file.write_text(sound.replace(mutant.old, mutant.new))
    try:
        return Fate(mutant, look(tree) if look else simulated(tree, two_doors=mutant.two_doors))
    finally:
        file.write_text(sound)


def fates(mutants: tuple[Mutant, ...]) -> Iterator[Fate]:
    """What becomes of each."""
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder))
        for mutant in mutants:
            yield lives(mutant, tree)


def main() -> int:
    """Run the sixty, or those of all of which the name holds a text."""
    every = (*MUTANTS, TOLD_ONCE, COMPANION_ADMITTED, ANY_RECEIPT, *MADE_UP_FOR)
    mutants = MUTANTS if len(sys.argv) < 2 else tuple(mutant for mutant in every if sys.argv[1] in mutant.name)
    survived = 0
    for fate in fates(mutants):
        survived += not fate.troubles
        said = "; ".join(fate.troubles) or f"SURVIVES: {SURVIVES.get(fate.mutant.name, 'nobody has said why')}"
        sys.stdout.write(f"{fate.mutant.name}: {said}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(mutants) - survived} of {len(mutants)} killed\n")
    return int(survived > (1 - KILLED_MIN) * len(mutants))


if __name__ == "__main__":
    raise SystemExit(main())
