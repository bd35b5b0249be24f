"""`gate sync`: the outbox to the central mirror."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from gate.cli.configuration import configuration_errors, configured, endings, file_errors
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, fail, tell

app = typer.Typer(no_args_is_help=True)


@app.command()
def status(config: ConfigFile = None, as_json: Json = False) -> None:
    """How much of the log is mirrored, and how the import of lists goes. Exit 1 while the mirror is away or an import fails."""
    from gate.channel.row import OPERATORS
    from gate.programs.shared.program_status import Silence
    from gate.programs.shared.status_client import ask_one

    settings = configured(config)
    answer = ask_one(settings, "sync")
    if answer is Silence.NO_RIGHT:
        fail(Exit.NOT_PERMITTED, f"this user may not ask the sync program; root and members of {OPERATORS} may")
    if answer is Silence.AWAY:
        fail(Exit.UNREACHABLE, "the sync program does not answer; is it running?")
    tell("sync.status/1", answer.detail, *_lines(answer.detail), as_json=as_json)
    raise typer.Exit(int(Exit.OK if answer.state == "ready" else Exit.NO))


@app.command()
def push(config: ConfigFile = None, as_json: Json = False) -> None:
    """Carry what is new to the mirror now, whether or not the program runs."""
    from gate.programs.sync.program import push as carry
    from gate_core.mirror_client.errors import ExpiredError, MirrorAwayError, SyncError

    with (
        file_errors(),
        endings({ExpiredError: Exit.NOT_PERMITTED, SyncError: Exit.BAD_DATA}),
        endings({MirrorAwayError: Exit.UNREACHABLE}, "the mirror: "),
        configuration_errors(config),
    ):
        detail = asyncio.run(carry(configured(config)))
    tell("sync.push/1", detail, *_lines(detail), as_json=as_json)


@app.command("export-usb")
def export_usb(
    out: Annotated[Path, typer.Option(help="An empty folder, on the stick.")],
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Copy the log for carrying, as a folder that `gate audit verify` accepts. The mirror is not asked."""
    from gate.programs.shared.runner import status_of
    from gate_core.audit_format.errors import BadFormatError
    from gate_core.audit_format.export import Outlet, tiles

    settings = configured(config)
    with file_errors(), endings({BadFormatError: Exit.BAD_DATA}):
        try:
            exported = tiles(Outlet(Path(settings.paths.spool)), out)
        except FileNotFoundError as error:
            fail(Exit.IO_ERROR, f"{error.filename} is not there; was anything logged yet?")
    answer = asyncio.run(status_of(settings, "sync"))
    known = answer.detail if answer is not None else {"mirrored": None, "last_receipt": None}
    mirrored = known["mirrored"]
    fields = {
        "head": exported.entries,
        "mirrored": mirrored,
        "pending": max(0, exported.entries - mirrored) if isinstance(mirrored, int) else None,
        "last_receipt": known["last_receipt"],
        "bytes": exported.bytes_written,
    }
    said = f"{exported.entries} entries, {exported.bytes_written} bytes in {out}"
    tell("sync.export-usb/1", fields, said, as_json=as_json)


def _lines(detail: dict[str, object]) -> Iterator[str]:
    if detail["head"] is None:
        yield "no central server is configured"
    else:
        yield f"{detail['mirrored']} of {detail['head']} entries mirrored, {detail['pending']} to go"
        yield f"last receipt {detail['last_receipt'] or 'none since the program started'}"
    if detail["problem"]:
        yield f"problem: {detail['problem']}"
    for part in ("identity", "lists"):
        match detail.get(part):
            case {"expires": expires, "days_to_go": days, "problem": problem}:
                yield f"certificate {days} days to go, until {expires}"
            case {"state": state, "replaced_at": replaced_at, "problem": problem}:
                yield f"lists {state}, last replaced {replaced_at or 'before the program started'}"
            case _:
                problem = None
        if problem:
            yield f"problem: {problem}"
