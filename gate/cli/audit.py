"""`gate audit` on a gate: export its log, and give it an order of erasure."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from gate.cli.configuration import configuration_errors, configured, file_errors
from gate_core.command_line import approver_keys
from gate_core.command_line.options import ConfigFile, Json
from gate_core.command_line.output import Exit, fail, tell

app = typer.Typer(no_args_is_help=True)


class Form(enum.Enum):
    """The forms of an export."""

    BUNDLE = "bundle"
    TILES = "tiles"


@app.command()
def export(
    out: Path = typer.Option(..., help="The file to write, which must be new, or with --format tiles an empty folder."),
    since: int = typer.Option(0, min=0, help="Leave out the entries before this one (bundle only)."),
    form: Form = typer.Option(Form.BUNDLE, "--format", help="One file, or a folder of tiles."),
    spool: Path | None = typer.Option(None, help="The spool to read; the configured one when left out."),
    as_json: Json = False,
) -> None:
    """Write what an auditor carries away."""
    from gate.programs.shared.runner import load_config
    from gate_core import durable
    from gate_core.audit_format import export as exporting
    from gate_core.audit_format.errors import BadFormatError

    if since and form is Form.TILES:
        fail(Exit.USAGE, "--since is for bundles: a tile folder begins at 0")
    with configuration_errors(None, "or name the spool with --spool"):
        folder = spool or Path(load_config(None).paths.spool)
    outlet = exporting.Outlet(folder)
    try:
        if form is Form.TILES:
            exported = exporting.tiles(outlet, out)
        else:
            with durable.writing(out, new_only=True) as file:
                exported = exporting.bundle(outlet, file, since=since)
    except BadFormatError as error:
        fail(Exit.BAD_DATA, str(error))
    except FileExistsError:
        fail(Exit.IO_ERROR, f"{out} is there already; name another")
    except OSError as error:
        read = isinstance(error, FileNotFoundError) and Path(error.filename).is_relative_to(folder)
        hint = "; was anything logged yet?" if read else ""
        fail(Exit.IO_ERROR, f"cannot export: {error.filename}: {error.strerror}{hint}")
    fields = {"entries": exported.entries, "bytes": exported.bytes_written}
    said = f"{exported.entries} entries, {exported.bytes_written} bytes in {out}"
    tell("audit.export/1", fields, said, as_json=as_json)


@app.command("erase")
def give(
    note_file: Annotated[Path, typer.Argument(metavar="NOTE", help="The order, with two signatures at least.")],
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Give an order to this gate's log program, which forgets the keys and writes who ordered it. Exit 75: another order waits."""
    from gate.audit.inbox import ERASURE
    from gate_core import durable
    from gate_core.approval.approvers import approvers_in
    from gate_core.approval.errors import ApprovalError

    settings = configured(config)
    with configuration_errors(config):
        approvers = approvers_in(settings.approvers_path)
    try:
        with file_errors(note_file):
            order = approver_keys.read(note_file)
            signers = order.require(origin=settings.origin, approvers=approvers)
    except ApprovalError as error:
        fail(Exit.BAD_DATA, f"{note_file} {error}")
    try:
        durable.write(Path(settings.paths.inbox) / ERASURE, order.note.to_bytes(), new_only=True)
    except FileExistsError:
        fail(Exit.TRY_LATER, "another order waits for the log program: is it running?")
    except OSError as error:
        fail(Exit.IO_ERROR, f"{settings.paths.inbox}: {error.strerror}")
    approver_keys.show("audit.erase/1", order, list(signers), as_json=as_json)
