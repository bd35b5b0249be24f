"""`gate provision`: a technician's way from a bare machine to a gate in service, and its single steps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate.cli.options import Json
from gate.cli.output import Exit, fail, real
from gate.cli.provision.acceptance import report
from gate.cli.provision.ending import decommission
from gate.cli.provision.keys import enrol, rotate_log_key, seal
from gate.cli.provision.making import find_reader, init, making_steps, site_of
from gate.programs.shared import config as configuration
from gate.programs.shared.config import ConfigError

app = typer.Typer()


@app.callback(invoke_without_command=True)
def _way(
    context: typer.Context,
    answers: Annotated[
        Path | None, typer.Option(help="A file of answers (TOML); without one they are asked for on the terminal.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="One folder for everything, instead of the system's.")] = None,
    again: Annotated[list[str] | None, typer.Option(help="A step to be done again; repeatable.")] = None,
    wait_s: Annotated[float, typer.Option(min=1, max=900, help="How long the technician may take for an act.")] = 90.0,
    as_json: Json = False,
) -> None:
    """From a bare machine to a gate in service, step by step; ends with the acceptance report. Run again, it goes on where it stopped."""
    if context.invoked_subcommand is not None:
        return
    from gate.cli.provision.way import Place, go
    from gate.provision.way import TITLES

    steps = again or []
    if unknown := set(steps) - TITLES.keys():
        fail(Exit.USAGE, f"--again {min(unknown)}: there is no such step; there are {', '.join(TITLES)}")
    place = real(root) if root else None
    path = place / "gate.toml" if place else configuration.DEFAULT_PATH
    go(
        Place(path, _kept_in(path, place), place),
        answers_file=answers,
        again=steps,
        wait_s=wait_s,
        as_json=as_json,
        init=making_steps,
        check=site_of,
    )


def _kept_in(path: Path, root: Path | None) -> Path:
    """Where what is kept of the way lies: in the gate's state, also before there is a configuration."""
    from gate.programs.shared.config import Paths
    from gate.provision.course import FOLDER

    try:
        state = configuration.load(path).paths.state
    except ConfigError:
        state = str(root / "state") if root else Paths().state
    return Path(state) / FOLDER


app.command()(init)
app.command("find-reader")(find_reader)
app.command()(enrol)
app.command("rotate-log-key")(rotate_log_key)
app.command()(seal)
app.command()(decommission)
app.command()(report)
