"""`gate status`: how the running programs are."""

from __future__ import annotations

from pathlib import Path

import typer


def command(
    config: Path | None = typer.Option(None, help="The configuration file."),
    watch: bool = typer.Option(False, "--watch", help="Again every second, one line or document each."),
    as_json: bool = typer.Option(False, "--json", help="JSON on standard output."),
) -> None:
    """How the gate is. Exit 69: the lane is away. 77: this user may not ask."""
    from gate.cli.status_page import show

    raise typer.Exit(int(show(config, watch=watch, as_json=as_json)))
