"""`gate conformity`: the clauses of standards that this software is held against, each with its tests, or open. It is no certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate.cli.configuration import endings
from gate_core.command_line.output import Exit, emit_json, fail, say
from gate_lab import conformity


def command(
    run: Annotated[
        Path | None,
        typer.Option(help="Run the tests in this folder with the source, as it was cloned; one that is skipped fails."),
    ] = None,
    only: Annotated[str, typer.Option("--clause", help="Only the clauses whose name holds this text.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Say of each clause by which tests it is shown, or why it is open. With --run: exit 1 when a test does not pass."""
    wanted = [one for one in conformity.CLAUSES if only in one.id]
    if not wanted:
        fail(Exit.USAGE, f"--clause: no clause's name holds {only!r}; gate conformity lists them")
    if run is not None and not (run / "tests").is_dir():
        fail(Exit.USAGE if run.is_dir() else Exit.IO_ERROR, f"--run: {run} has no tests; name the cloned folder")
    tests = {test for one in wanted if one.is_claimed for test in one.tests}
    with endings({conformity.NotRunError: Exit.UNREACHABLE}):
        clauses = conformity.rows(wanted, None if run is None else conformity.ran(run, tests))
    if as_json:
        emit_json("conformity.show/1", {"clauses": clauses, "no_certificate": conformity.NO_CERTIFICATE})
    else:
        for shown, clause in zip(clauses, wanted, strict=True):
            say(f"{shown['state']:<7} {shown['id']}: {shown['says']}")
            say(f"        {shown['open'] or ', '.join(test.rpartition('::')[2] for test in clause.tests)}")
        opened = sum(one["state"] == "open" for one in clauses)
        say(f"{len(clauses)} clauses, {opened} open. {conformity.NO_CERTIFICATE}")
    raise typer.Exit(int(Exit.NO if any(one["state"] == "failed" for one in clauses) else Exit.OK))
