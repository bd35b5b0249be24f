"""`gate shadow`: compares the decisions of a gate in shadow mode with those of the officer who did the checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.output import Exit, emit_json, note, one_line, say

if TYPE_CHECKING:
    from gate_lab.shadow import Beside, Row

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _shadow() -> None:
    """The decisions of a gate that only watches, beside the officer's."""


@app.command()
def report(
    bundles: Annotated[
        list[Path], typer.Argument(metavar="BUNDLE...", help="Exported bundles of the gate's log, in order.")
    ],
    identity: Annotated[Path, typer.Option(help="An auditor's age identity file.")],
    vkey: Annotated[
        str | None, typer.Option(help="Verify the bundles first: the log's public key, or a file that holds it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Set the gate's decisions beside the officer's: where they differ, by the gate's reason and the document's issuer.

    A log of which a part stays closed gives no report: exit 1 for what is sealed for others, 65 for what is damaged. Exit 1, too, when no
    crossing is in it.
    """
    from gate_lab.shadow import compare, crossings_in
    from gate_verify.commands.audit import vkey_text
    from gate_verify.commands.records import records_of

    key = None if vkey is None else vkey_text(vkey)
    beside = compare(crossings_in(record for bundle in bundles for record in records_of(bundle, identity, key)))
    if as_json:
        emit_json("shadow.report/1", _fields(beside))
    else:
        _print(beside)
    if not beside.crossings:
        note("gate: no crossing was decided in shadow mode in there")
        raise typer.Exit(int(Exit.NO))


def _fields(beside: Beside) -> dict[str, object]:
    return {
        "crossings": beside.crossings,
        "settled": beside.settled,
        "agreed": beside.agreed,
        "disagreed": [{"reason": row.name, **row.fields} for row in beside.reasons],
        "issuers": [{"issuer": row.name, **row.fields} for row in beside.issuers],
    }


def _print(beside: Beside) -> None:
    say(
        f"{beside.crossings} crossings, {beside.settled} settled by an officer; in {beside.agreed} gate and officer agreed"
    )
    for title, rows in (("the gate said", beside.reasons), ("issuer", beside.issuers)):
        _table(title, rows)


def _table(title: str, rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title, "crossings", "officer did otherwise", "95 % interval", box=None)
    for row in rows:
        low, high = row.otherwise.interval
        table.add_row(
            escape(one_line(row.name or "unknown")),
            str(row.otherwise.of),
            f"{row.otherwise.errors} ({row.otherwise.value:.1%})",
            f"{low:.1%} to {high:.1%}",
        )
    Console().print(table)
