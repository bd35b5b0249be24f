"""`gate explore`: the crossing's machine explored breadth-first in a small world, and judged by the safety invariants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gate_core.command_line.output import Exit, emit_json

if TYPE_CHECKING:
    from gate_demo.explore.run import Exploration

DOORS_MAX = 2
MINUTES_MAX = 24 * 60.0


def command(
    doors: int | None = typer.Option(None, min=1, max=DOORS_MAX, help="Only lanes of one door, or of two."),
    minutes: float = typer.Option(30.0, min=0.01, max=MINUTES_MAX, help="The processor time of all scopes together."),
    as_json: bool = typer.Option(False, "--json", help="JSON on standard output."),
) -> None:
    """Explore the machine that decides about crossings: every order of events of a small world, with faults, judged by the safety invariants."""
    from rich.console import Console

    from gate_demo.explore.run import explore, of_doors

    console = Console(stderr=True)
    result = explore(
        of_doors(doors),
        minutes * 60,
        lambda found: console.print(
            f"{found.scope.name}: {found.states} states, {'closed' if found.closed else 'not closed'}", highlight=False
        ),
    )
    if as_json:
        emit_json("explore/1", result.fields())
    else:
        _draw(Console(), result)
    raise typer.Exit(int(Exit.NO if result.violations else Exit.OK))


def _draw(console: Console, result: Exploration) -> None:
    from rich.table import Table

    from gate_demo.explore.run import replay
    from gate_demo.explore.scopes import SCOPES

    table = Table("scope", "doors", "states", "steps", "closed", "serves within events", "seconds")
    for one in result.scopes:
        cells = (
            one.scope.doors,
            one.states,
            one.steps,
            "yes" if one.closed else "no",
            one.served_max,
            round(one.cpu_s, 1),
        )
        table.add_row(one.scope.name, *map(str, cells))
    console.print(table)
    for violation in result.violations:
        console.print(f"{violation.scope}: {violation.why}", style="bold red", markup=False, soft_wrap=True)
        scope = next(one for one in SCOPES if one.name == violation.scope)
        for line in replay(scope, violation.moves).lines:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        console.print("again: gate explore --json > F; gate simulate --replay F", markup=False, soft_wrap=True)


if TYPE_CHECKING:
    from rich.console import Console
