"""`gate status`: the state of the running programs."""

from __future__ import annotations

from typing import Annotated

import typer

from gate_core.command_line.options import ConfigFile, Json


def command(
    config: ConfigFile = None,
    watch: Annotated[bool, typer.Option("--watch", help="Again every second, one line or document each.")] = False,
    as_json: Json = False,
) -> None:
    """How the gate is. Exit 69: the lane is away. 77: this user may not ask."""
    from gate.cli.status_page import show

    raise typer.Exit(int(show(config, watch=watch, as_json=as_json)))
