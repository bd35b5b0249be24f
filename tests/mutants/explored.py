"""What `gate explore` finds in mutants of the crossing's machine, each in a copy of the tree.

PYTHONPATH=tests .venv/bin/python -m mutants.explored [PART OF A NAME]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from fakes.roots import search_path
from mutants.run import LONGEST_S, copied, lives
from mutants.sixty import ANY_RECEIPT, COMPANION_ADMITTED, MUTANTS, STAYS_AWAY, TOLD_ONCE, Mutant

OF_PASSAGE = tuple(
    one
    for one in (*MUTANTS, TOLD_ONCE, COMPANION_ADMITTED, STAYS_AWAY, ANY_RECEIPT)
    if one.file.startswith("gate/passage/")
)
KILLED_MIN = 0.75
CPU_S = 60.0  # of all scopes of a lane together
# What an exploration does not see, and why.
SURVIVES: dict[str, str] = {}
_RUN = """
import json, sys
from gate_demo.explore.run import explore, of_doors
print(json.dumps([one.why for one in explore(of_doors(int(sys.argv[1])), float(sys.argv[2]), first=True).violations]))
"""


def explored(tree: Path, *, two_doors: bool, cpu_s: float = CPU_S) -> tuple[str, ...]:
    """Every violation that an exploration of this tree finds, up to the first scope with one."""
    ended = subprocess.run(
        (sys.executable, "-B", "-c", _RUN, "2" if two_doors else "1", str(cpu_s)),
        cwd=tree,
        env={**os.environ, "PYTHONPATH": search_path(tree)},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    if ended.returncode:
        return (ended.stderr.strip().splitlines()[-1],)
    return tuple(json.loads(ended.stdout))


def fate(mutant: Mutant, tree: Path, cpu_s: float = CPU_S) -> tuple[str, ...]:
    """Let a mutant live in a copy of the tree, and explore it."""
    return lives(mutant, tree, lambda one: explored(one, two_doors=mutant.two_doors, cpu_s=cpu_s)).troubles


def main() -> int:
    """Explore every mutant of the passage, or those of which the name holds a text."""
    import tempfile

    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    mutants, survived = tuple(one for one in OF_PASSAGE if wanted in one.name), 0
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder))
        for mutant in mutants:
            found = fate(mutant, tree)
            survived += not found
            said = "; ".join(found) or f"SURVIVES: {SURVIVES.get(mutant.name, 'nobody has said why')}"
            sys.stdout.write(f"{mutant.name}: {said}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(mutants) - survived} of {len(mutants)} killed\n")
    return int(survived > (1 - KILLED_MIN) * len(mutants))


if __name__ == "__main__":
    raise SystemExit(main())
