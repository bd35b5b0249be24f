"""`gate update`: updates from the operator's repository: status, fetch, apply, back, check."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gate.cli.configuration import configured, endings, file_errors
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, fail, tell

if TYPE_CHECKING:
    from gate.programs.shared.config import Config

app = typer.Typer(no_args_is_help=True)

UNIT: Final = "gate-update@{}.service"
_DENIED: Final = ("Access denied", "authentication required", "Permission denied")


@app.command()
def status(config: ConfigFile = None, as_json: Json = False) -> None:
    """What is installed, what was fetched, what was not kept and why. Exit 1 when something was not kept or an update is under way."""
    from gate.programs.shared.status_client import ask_one
    from gate.programs.update.ledger import FOLDER, Ledger
    from gate.programs.update.status_report import StatusReport

    settings = configured(config)
    sync = ask_one(settings, "sync")
    with file_errors():
        report = StatusReport(Ledger(FOLDER), sync)
    tell("update.status/1", report.fields(), *report.lines(), as_json=as_json)
    raise typer.Exit(int(Exit.OK if report.is_settled else Exit.NO))


@app.command()
def fetch(
    folder: Annotated[Path, typer.Argument(help="A repository: a stick's folder with metadata/ and targets/ in it.")],
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Bring in what a folder holds for this gate, verified while it is copied. Nothing is installed."""
    from gate.updates.download import Store, read_first_root
    from gate.updates.errors import RefusedError, SourceAwayError
    from gate.updates.layout import Here
    from gate.updates.sources import FolderSource

    settings = configured(config)
    if settings.updates is None:
        fail(Exit.CONFIG, "there is no table [updates]: this gate is updated by its packages only")
    with file_errors(), endings({RefusedError: Exit.BAD_DATA, SourceAwayError: Exit.IO_ERROR}):
        root = read_first_root(Path(settings.updates.root))
        store = Path(settings.updates.folder)
        _become_owner(store)
        if not os.access(folder, os.R_OK | os.X_OK):
            fail(
                Exit.IO_ERROR,
                f"{folder} cannot be read by user {os.geteuid()}, who fetches; mount or copy it so that it can",
            )
        with Store(store).locked():
            verified = Store(store).fetch(
                FolderSource(folder), first_root=root, here=Here.this_machine(settings.gate_id)
            )
    offers = {kind.value: {"number": one.number, "name": one.name} for kind, one in verified.offers.items()}
    until = verified.expires.isoformat()
    said = (f"{kind:14} {one['number']} ({one['name']})" for kind, one in offers.items())
    last = f"until {until}; gate update apply installs what is new"
    tell("update.fetch/1", {"fetched": offers, "expires": until}, *said, last, as_json=as_json)


@app.command()
def apply(
    again: Annotated[bool, typer.Option("--again", help="Try once more what was not kept; root only.")] = False,
    clock_checked: Annotated[
        bool, typer.Option("--clock-checked", help="I have compared this gate's clock with another one; root only.")
    ] = False,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Install what was fetched and is new. The lane is closed, and nobody in it (75 otherwise); what is not well is taken back (1)."""
    if again and clock_checked:
        fail(Exit.USAGE, "--again and --clock-checked one after the other, please")
    _run("again" if again else "clock-checked" if clock_checked else "apply", config, as_json=as_json)


@app.command()
def back(config: ConfigFile = None, as_json: Json = False) -> None:
    """Go back to the version before the newest update; root only. The lane is closed, and nobody in it."""
    _run("back", config, as_json=as_json)


@app.command()
def check(config: ConfigFile = None, as_json: Json = False) -> None:
    """What an update must pass before it is kept: the configuration, and if it is well a dry crossing and the self-test. The lane may be stopped. Exit 1 if one is wrong."""
    from gate.programs.selftest import State, run_all

    rows = [_configuration(config)]
    if rows[0]["state"] == State.WELL.value:
        settings = configured(config)
        rows.append(asyncio.run(_dry_crossing(settings)))
        rows += [
            {"id": one.id, "state": one.state.value, "detail": one.detail} for one in asyncio.run(run_all(settings))
        ]
    well = all(row["state"] in {State.WELL.value, State.BUSY.value} for row in rows)
    said = (f"{row['state']:9} {row['id']:14} {row['detail']}" for row in rows)
    tell("update.check/1", {"ok": well, "checks": rows}, *said, as_json=as_json)
    raise typer.Exit(int(Exit.OK if well else Exit.NO))


def _configuration(config: Path | None) -> dict[str, str]:
    from gate.programs.config_check import check as look
    from gate_core.settings.environment import path_from_environment

    problems = look(config or path_from_environment()).problems
    detail = "; ".join(map(str, problems)) or "well"
    return {"id": "configuration", "state": "wrong" if problems else "well", "detail": detail}


async def _dry_crossing(settings: Config) -> dict[str, str]:
    from gate.programs.dry_crossing import cross
    from gate_core.errors import DriverError

    try:
        return {"id": "dry_crossing", "state": "well", "detail": await cross(settings)}
    except (DriverError, OSError) as error:
        return {"id": "dry_crossing", "state": "wrong", "detail": str(error)}


def _become_owner(folder: Path) -> None:
    """As root, write into another user's folder only as that user: its owner could mislead root with a link."""
    owner = folder if folder.exists() else folder.parent
    found = owner.stat()
    if os.geteuid() == 0 and found.st_uid != 0:
        os.setgroups([])
        os.setresgid(found.st_gid, found.st_gid, found.st_gid)
        os.setresuid(found.st_uid, found.st_uid, found.st_uid)


def _run(verb: str, config: Path | None, *, as_json: bool) -> None:
    """Let systemd run the update program, and print its result."""
    from gate.programs.update.ledger import FOLDER, Ledger

    configured(config)
    ledger = Ledger(FOLDER)
    command = ("systemctl", "start", UNIT.format(verb))
    with file_errors():
        try:
            before = ledger.outcome
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
            outcome = ledger.outcome
        except FileNotFoundError as error:
            fail(Exit.UNREACHABLE, f"there is no {error.filename} here: updates are applied by systemd")
    if any(word in done.stderr for word in _DENIED):
        fail(Exit.NOT_PERMITTED, f"this user may not start {command[-1]}; root may, and for apply the operators' group")
    if outcome is None or outcome == before:
        if done.returncode == 0:  # TRY_LATER to systemd; the running one writes the outcome
            fail(Exit.TRY_LATER, "another update goes on")
        fail(Exit.UNREACHABLE, f"{command[-1]}: {done.stderr.strip()[-300:] or 'it did not start'}")
    fields = {"code": outcome.code, "words": outcome.words, "at": outcome.at, "expires": outcome.expires}
    tell(f"update.{verb}/1", fields, outcome.words, as_json=as_json)
    raise typer.Exit(outcome.code)
