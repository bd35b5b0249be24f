"""`gate officer authority`, added to the gate's own `gate officer` commands."""

from __future__ import annotations

import typer

from gate_officers.commands import authority

app = typer.Typer(no_args_is_help=True)
app.add_typer(
    authority.app,
    name="authority",
    help="The officers' authority, off the gate: init, certify; serve, enrol, list, remove",
)


@app.callback()
def _noun() -> None:
    """The officers' authority."""
