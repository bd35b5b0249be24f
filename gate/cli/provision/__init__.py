"""`gate provision`: a technician's way from a bare machine to a gate in service, and its single steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import typer.core

from gate.cli.provision.acceptance import report
from gate.cli.provision.ending import decommission
from gate.cli.provision.keys import enrol, rotate_log_key, seal
from gate.cli.provision.making import find_reader, init, making_steps, site_of
from gate.programs.shared import config as configuration
from gate_core.command_line.options import Json, Root
from gate_core.command_line.output import Exit, fail, real
from gate_core.settings import environment
from gate_core.settings.config_file import ConfigError

if TYPE_CHECKING:
    from typer._click import Command, Context


# What may stand before a single step's name, and the options of that step by which it gets it.
_HANDED_ON = {"root": ("root", "config"), "as_json": ("as_json",)}


class _Group(typer.core.TyperGroup):
    """A single step gets what stands before its name as if it stood after it; what it has not, or has twice, is refused: nothing is ignored."""

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command is None:
            return name, command, rest
        taken = {one.name for one in command.params}
        if name == "seal":  # what it writes is for this machine's own units, wherever the configuration lies
            taken.discard("config")
        for one in self.params:
            source = ctx.get_parameter_source(str(one.name))
            if source is None or source.name != "COMMANDLINE":
                continue
            option = one.opts[0]
            wanted = next((key for key in _HANDED_ON.get(str(one.name), ()) if key in taken), None)
            if wanted is None:
                fail(Exit.USAGE, f"{option} is not for gate provision {name}: leave it out")
            if one.name == "root" and any(word.partition("=")[0] in {"--root", "--config"} for word in rest):
                fail(Exit.USAGE, f"{option} before {name}, and where everything is after it: leave one out")
            match wanted:
                case "root":
                    rest = [option, str(ctx.params["root"]), *rest]
                case "config":
                    rest = ["--config", str(real(ctx.params["root"]) / "gate.toml"), *rest]
                case _:
                    rest = [option, *rest]
        return name, command, rest


app = typer.Typer(cls=_Group)


@app.callback(invoke_without_command=True)
def _way(
    context: typer.Context,
    answers: Annotated[
        Path | None, typer.Option(help="A file of answers (TOML); without one they are asked for on the terminal.")
    ] = None,
    root: Root = None,
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
    path = place / "gate.toml" if place else environment.DEFAULT_PATH
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
