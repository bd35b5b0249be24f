"""Mutants that nobody chose: a function that a clause or a theme names is replaced by machine, and what shows the clause or theme must turn red.

    PYTHONPATH=tests .venv/bin/python -m mutants.by_machine [PART OF A NAME]

A mutant is text at the end of the function's module in a copy of the tree, so that every program that a test starts has it. The tests run once while
each function only notes which lies could change what it returns. Then each function tells each of these lies, and the tests must turn red.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fakes.roots import SOURCES
from mutants.run import TREE

from gate_lab.conformity import CLAUSES, NotRunError, has_passed, ran

ALWAYS, SOMETIMES = ("raise", "skip"), ("accept", "refuse", "empty")
LOOK = "look"
LIAR = Path(__file__).with_name("liar.py")
COPIED = (
    "gate",
    "core",
    "central",
    "contract",
    "officers",
    "lab",
    "documents",
    "drivers",
    "hardware-sim",
    "models",
    "tests",
    "docs",
    "packaging",
    "systemd",
    "verify",
    "conftest.py",
    "pyproject.toml",
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A function, `module:name`, and what it does instead."""

    carrier: str
    lie: str

    def __str__(self) -> str:
        return f"{self.lie} {self.carrier}"


def copied(into: Path) -> Path:
    """A copy of what the tests of a clause or theme need of the tree."""
    for part in COPIED:
        if (TREE / part).is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "node_modules", ".git")
            shutil.copytree(TREE / part, into / part, ignore=ignore, symlinks=True)
        else:
            shutil.copy(TREE / part, into / part)
    return into


def survivors(carriers: Iterable[str], tests: Sequence[str], tree: Path) -> Iterator[tuple[Mutant, bool]]:
    """Every mutant of these functions, and whether it survives: no test turns red. Raises ValueError where the sound tree is red."""
    notes = tree / "notes"
    notes.mkdir()
    looks = {Mutant(carrier, LOOK): notes / str(number) for number, carrier in enumerate(carriers)}
    try:
        if not green(looks, tests, tree):
            raise ValueError(f"the sound tree is red in {', '.join(tests)}")
        applies = [
            (look.carrier, lie) for look, note in looks.items() for lie in SOMETIMES if Path(f"{note}{lie}").exists()
        ]
    finally:
        shutil.rmtree(notes)
    for look in looks:
        for lie in (*ALWAYS, *(lie for carrier, lie in applies if carrier == look.carrier)):
            mutant = Mutant(look.carrier, lie)
            yield mutant, green({mutant: notes}, tests, tree, "-x")


def green(mutants: Mapping[Mutant, Path], tests: Sequence[str], tree: Path, *options: str) -> bool:
    """True when the tests pass in a copy of the tree in which these live."""
    with living(mutants, tree):
        try:
            found = ran(tree, tests, *options)
        except NotRunError:  # not one test could be run
            return False
    return all(has_passed(test, found) for test in tests)


def is_module(path: Path) -> bool:
    """True for a package, or a module without its ending."""
    return path.is_dir() or path.with_suffix(".py").is_file()


@contextmanager
def living(mutants: Mapping[Mutant, Path], tree: Path) -> Iterator[None]:
    """Let mutants live in a copy of the tree. Beside each stands where the lie `look` notes what it sees."""
    sound: dict[Path, str] = {}
    for mutant, notes in mutants.items():
        module, _, name = mutant.carrier.partition(":")
        path = next(path for place in SOURCES if is_module(path := tree.joinpath(place, *module.split("."))))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        sound.setdefault(file, file.read_text())
        called = f"_liar['replace'](globals(), {name!r}, {mutant.lie!r}, {str(notes)!r})"
        file.write_text(f"{file.read_text()}\n\nexec({LIAR.read_text()!r}, _liar := {{}})\n{called}\n")
    try:
        yield
    finally:
        for file, text in sound.items():
            file.write_text(text)


def carriers_of(names: Sequence[str]) -> list[str]:
    """`module:name` for each function of `module:name name`."""
    return [f"{module}:{one}" for row in names for module, _, listed in [row.partition(":")] for one in listed.split()]


def main() -> int:
    """Let every mutant of every claimed clause live, or of those whose name holds a text. Exit code 1 when one survives."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder))
        for clause in (one for one in CLAUSES if one.is_claimed and wanted in one.id):
            for mutant, is_alive in survivors(carriers_of(clause.carriers), clause.tests, tree):
                survived += is_alive
                sys.stdout.write(f"{clause.id} | {mutant} | {'SURVIVES' if is_alive else 'red'}\n")
                sys.stdout.flush()
    return int(survived > 0)


if __name__ == "__main__":
    raise SystemExit(main())
