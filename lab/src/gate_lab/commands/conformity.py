"""`gate conformity`: the clauses of standards that this software is held against, each with its tests, or open. It is no certificate.

The clauses stand in conformity.toml.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from gate_core.command_line.output import Exit, emit_json, fail, say


class Clause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One clause. `tests` are pytest's names, of a test or a file. `carriers` are functions, `module:name name`. `open_for` says why a clause is open."""

    id: str
    says: str
    tests: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()
    open_for: str = ""

    @property
    def is_claimed(self) -> bool:
        """True with tests, and with functions whose replacement must turn them red."""
        return bool(self.tests and self.carriers)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of conformity.toml: a table that is misspelt is no clause left out."""

    clause: tuple[Clause, ...]


CLAUSES: Final = msgspec.toml.decode(Path(__file__).with_suffix(".toml").read_bytes(), type=_File).clause
TESTS: Final = frozenset(test for clause in CLAUSES for test in clause.tests if clause.is_claimed)
NO_CERTIFICATE = "This is what its makers say of themselves, and no certificate: whether a product conforms, an accredited laboratory and the BSI say."
NO_CARRIER = "its row names no function that carries it, so no mutant has shown that its tests can fail"
DEADLINE_S = 1800
_RESULT = re.compile(r"(?P<test>\S+\.py::\w+)(\[.*)? (?P<result>PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS)\b")


def command(
    run: Annotated[
        Path | None,
        typer.Option(help="Run the tests in this folder with the source, as it was cloned; one that is skipped fails."),
    ] = None,
    only: Annotated[str, typer.Option("--clause", help="Only the clauses whose name holds this text.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Say of each clause by which tests it is shown, or why it is open. With --run: exit 1 when a test does not pass."""
    wanted = [one for one in CLAUSES if only in one.id]
    if not wanted:
        fail(Exit.USAGE, f"--clause: no clause's name holds {only!r}; gate conformity lists them")
    tests = {test for one in wanted if one.is_claimed for test in one.tests}
    results = None if run is None else ran(run, tests)
    clauses = []
    for one in wanted:
        state = "tested" if one.is_claimed else "open"
        if results is not None and one.is_claimed:
            state = "passed" if all(has_passed(test, results) for test in one.tests) else "failed"
        clauses.append(
            {
                "id": one.id,
                "state": state,
                "test": list(one.tests),
                "carriers": list(one.carriers),
                "says": one.says,
                "open": one.open_for or ("" if one.is_claimed else NO_CARRIER),
            }
        )
    if as_json:
        emit_json("conformity.show/1", {"clauses": clauses, "no_certificate": NO_CERTIFICATE})
    else:
        for shown in clauses:
            say(f"{shown['state']:<7} {shown['id']}: {shown['says']}")
            say(f"        {shown['open'] or ', '.join(str(test).rpartition('::')[2] for test in shown['test'])}")
        opened = sum(one["state"] == "open" for one in clauses)
        say(f"{len(clauses)} clauses, {opened} open. {NO_CERTIFICATE}")
    raise typer.Exit(int(Exit.NO if any(one["state"] == "failed" for one in clauses) else Exit.OK))


def has_passed(test: str, results: Mapping[str, str]) -> bool:
    """True when this test passed; of a file: when it has tests and every one of them passed."""
    of_it = [result for name, result in results.items() if name == test or name.startswith(f"{test}::")]
    return bool(of_it) and set(of_it) == {"passed"}


def ran(folder: Path, tests: Collection[str], *options: str) -> dict[str, str]:
    """Run these tests of that source, with pytest's `options`. The worst example of a test counts; a test that is skipped or missing has not passed."""
    import os
    import subprocess
    import sys

    if not (folder / "tests").is_dir():
        fail(Exit.USAGE if folder.is_dir() else Exit.IO_ERROR, f"--run: {folder} has no tests; name the cloned folder")
    named = sorted(test for test in tests if "::" not in test or test.partition("::")[0] not in tests)
    if not named:
        return {}
    sources = os.pathsep.join(map(str, (folder.resolve(), *sorted(folder.resolve().glob("*/src")))))
    # A folder below has a configuration of its own, by which these tests would have other names.
    words = ("-c", "pyproject.toml", "-vv", "--no-header", "-p", "no:cacheprovider", "--color=no", *options, *named)
    try:
        done = subprocess.run(  # noqa: S603 - the tests of the source that was named
            # Programs that a test starts are that source's, too.
            [
                "/usr/bin/env",
                f"PYTHONPATH={sources}",
                "PYTHONDONTWRITEBYTECODE=1",
                sys.executable,
                "-m",
                "pytest",
                *words,
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        fail(Exit.UNREACHABLE, f"the tests took longer than {DEADLINE_S} s")
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        if (told := _RESULT.match(line)) is not None:
            name, passed = told["test"], told["result"] == "PASSED"
            found[name] = "passed" if passed and found.get(name) != "failed" else "failed"
    if not found:
        fail(Exit.UNREACHABLE, "the tests could not be run: is pytest installed here? See CONTRIBUTING.md")
    return found
