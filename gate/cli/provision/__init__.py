"""`gate provision`: from a bare machine to a gate in service, and its single steps, which `gate.provision` implements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
import typer.core

from gate.cli.configuration import endings
from gate.cli.provision.init import init
from gate.cli.provision.verbs import decommission, enrol, find_reader, report, rotate_log_key, seal
from gate.provision.steps import LaterStepError, StepError
from gate_core.command_line.options import Json, Root
from gate_core.command_line.output import Exit, emit_json, fail, note, real, say

if TYPE_CHECKING:
    from typer._click import Command, Context

    from gate.provision.session import Place, Session

INTERRUPTED: Final = 130  # as shells have it: 128 and SIGINT
# What may stand before a single step's name, and the options of that step by which it gets it.
_HANDED_ON = {"root": ("root", "config"), "as_json": ("as_json",)}


class _Group(typer.core.TyperGroup):
    """A single step receives options given before its name; unknown and repeated ones are refused, so none is ignored."""

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
def _provision(
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
    from gate.provision.session import Place, Session
    from gate.provision.steps import TITLES

    if unknown := set(again or ()) - TITLES.keys():
        fail(Exit.USAGE, f"--again {min(unknown)}: there is no such step; there are {', '.join(TITLES)}")
    place = Place.of(real(root) if root else None)
    try:
        with endings({StepError: None}):
            session = Session(place, answers, again=again or (), wait_s=wait_s)
    except (KeyboardInterrupt, EOFError):
        note(
            "gate: interrupted; the answers so far are kept. Run gate provision again, it goes on with the next question"
        )
        raise typer.Exit(INTERRUPTED) from None
    try:
        for one in session.run():
            if not as_json:
                say(f"{one.state.value:8} {one.id:19} {one.detail}")
        _end(place, session, as_json=as_json)
    except (KeyboardInterrupt, EOFError):
        at = session.at or "the report"
        note(f"gate: interrupted at {at}: nothing of it is kept. Run gate provision again, it goes on with {at}")
        raise typer.Exit(INTERRUPTED) from None
    except LaterStepError as error:
        fail(error.code, str(error))
    except StepError as error:
        code = Exit.CONFIG if error.code is Exit.CONFIG else Exit.IO_ERROR
        fail(code, f"{error}. Repeat {session.at or 'gate provision report'}: run gate provision again")


def _end(place: Place, session: Session, *, as_json: bool) -> None:
    """Write the report, and print what is next; ends the command. Raises StepError."""
    import msgspec

    from gate.provision.steps import NEEDED

    made, missing = session.report()
    if as_json:
        rows = [
            {
                "id": one.id,
                "state": one.state.value,
                "detail": one.detail,
                "verified": one.outcome.verified.value,
                "figures": one.outcome.figures,
            }
            for one in session.done
        ]
        fields = {"steps": rows, "report": made, "missing_for_service": msgspec.to_builtins(missing)}
        emit_json("provision.way/1", fields)
    else:
        if made is not None:
            say(f"report   {made['page']}")
        _say_next(place, [one.id for one in session.failed], len(missing))
    if not session.failed:
        raise typer.Exit(int(Exit.OK))
    first = session.failed[0]
    if first.failure is Exit.CONFIG:
        raise typer.Exit(int(Exit.CONFIG))
    raise typer.Exit(int(Exit.IO_ERROR if first.id in NEEDED else Exit.NO))


def _say_next(place: Place, failed: list[str], missing: int) -> None:
    if failed:
        say(f"next     run gate provision again: it goes on with {', '.join(failed)}")
        return
    from gate.programs.screens.kiosk_start import start_page
    from gate.programs.shared import config as configuration

    config = f" --config {place.config}" if place.root is not None else ""
    page = start_page(configuration.load(place.config, refuse_in_service=False).runtime("screens").absolute()).as_uri()
    say("next     hand the report and the .vkey file over; gate provision report --verify FILE checks it")
    say("next     " + ("systemctl enable --now portcullis.target" if place.root is None else f"gate run{config}"))
    say(f"next     open {page} in a browser and keep its window in sight: without it the lane is closed")
    say(f"next     without a central server a supervisor: gate officer accept-head --key SUPERVISOR.KEY{config}")
    say(f"next     an officer: gate officer present --every 60 --key SHIFT.KEY{config}")
    say(f"next     gate status{config} names what still closes the lane")
    if missing:
        say(f"next     for service {missing} proofs are missing: gate provision report{config} lists them")


for _verb in (init, find_reader, enrol, rotate_log_key, seal, decommission, report):
    app.command()(_verb)
