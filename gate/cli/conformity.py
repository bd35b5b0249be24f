"""`gate conformity`: the clauses of standards that this software is held against, each with its tests, or open. It is no certificate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from gate.cli.conformity_clauses import CLAUSES, TESTS
from gate.cli.output import Exit, emit_json, fail, say

NO_CERTIFICATE = "This is what its makers say of themselves, and no certificate: whether a product conforms, an accredited laboratory and the BSI say."
DEADLINE_S = 900
_RESULT = re.compile(r"(?P<test>\S+\.py::\w+)(\[.*)? (?P<result>PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS)\b")


def command(
    run: Annotated[
        Path | None,
        typer.Option(help="Run the tests in this folder with the source, as it was cloned; one that is skipped fails."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Say of each clause by which tests it is shown, or why it is open. With --run: exit 1 when a test does not pass."""
    results = None if run is None else _ran(run)
    clauses = []
    for one in CLAUSES:
        state = "tested" if one.tests else "open"
        if results is not None and one.tests:
            state = "passed" if all(results.get(test) == "passed" for test in one.tests) else "failed"
        clauses.append({"id": one.id, "state": state, "test": list(one.tests), "says": one.says, "open": one.open_for})
    if as_json:
        emit_json("conformity.show/1", {"clauses": clauses, "no_certificate": NO_CERTIFICATE})
    else:
        for shown in clauses:
            say(f"{shown['state']:<7} {shown['id']}: {shown['says']}")
            say(f"        {shown['open'] or ', '.join(str(test).rpartition('::')[2] for test in shown['test'])}")
        opened = sum(one["state"] == "open" for one in clauses)
        say(f"{len(clauses)} clauses, {opened} open. {NO_CERTIFICATE}")
    raise typer.Exit(int(Exit.NO if any(one["state"] == "failed" for one in clauses) else Exit.OK))


def _ran(folder: Path) -> dict[str, str]:
    """What became of each test; the worst of its examples counts, and one that is skipped or not there has not passed."""
    import subprocess
    import sys

    if not (folder / "tests").is_dir():
        fail(Exit.USAGE, f"--run: {folder} has no tests; name the folder that the source was cloned into")
    words = ("-vv", "--no-header", "-p", "no:cacheprovider", "--color=no", *sorted(TESTS))
    try:
        done = subprocess.run(  # noqa: S603 - the tests of the source that was named
            [sys.executable, "-m", "pytest", *words],
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
