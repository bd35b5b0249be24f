"""`gate audit`: verify, export and decrypt the audit log."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from gate.cli.output import Exit, emit_json, fail, note, say

if TYPE_CHECKING:
    from gate.audit.record import Header
    from gate.audit.unsealing import OpenedRecord, Unsealer
    from gate.verify.findings import UnreadableError

app = typer.Typer(no_args_is_help=True)


class Form(enum.Enum):
    """What an export looks like."""

    BUNDLE = "bundle"
    TILES = "tiles"


@app.command()
def verify(
    path: Path = typer.Argument(help="A bundle, a spool or tile folder, or a copy of the database."),
    vkey: str = typer.Option(..., help="The log's public key, or a file that holds it."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document instead of text."),
) -> None:
    """Judge a log by its public key. Exit 1 when anything is wrong."""
    from gate.verify.findings import UnreadableError
    from gate.verify.verify import verify as judge

    try:
        report = judge(path, _vkey_text(vkey))
    except UnreadableError as error:
        fail(_code_of(error), str(error))
    if as_json:
        emit_json("audit.verify/1", dataclasses.asdict(report))
    else:
        say("VERIFIED" if report.verified else "NOT VERIFIED")
        say(f"entries {report.entries}, sealed bodies {report.bodies}, keys {report.keys}, erased keys {report.erased}")
        say(f"root {report.root}, from {report.first_time} to {report.last_time}")
        for problem in report.problems:
            say(f"- {problem}")
    raise typer.Exit(int(Exit.OK if report.verified else Exit.NO))


@app.command()
def export(
    out: Path = typer.Option(..., help="The file to write, or with --format tiles an empty folder."),
    since: int = typer.Option(0, min=0, help="Leave out the entries before this one (bundle only)."),
    form: Form = typer.Option(Form.BUNDLE, "--format", help="One file, or a folder of tiles."),
    spool: Path | None = typer.Option(None, help="The spool to read; the configured one when left out."),
    as_json: bool = typer.Option(False, "--json", help="One JSON document instead of text."),
) -> None:
    """Write what an auditor carries away."""
    from gate.audit import export as exporting
    from gate.audit.errors import BadFormatError

    if since and form is Form.TILES:
        fail(Exit.USAGE, "--since is for bundles: a tile folder begins at 0")
    folder = spool or _configured_spool()
    outlet = exporting.Outlet(folder)
    try:
        if form is Form.TILES:
            exported = exporting.tiles(outlet, out)
        else:
            with _fresh_file(out) as file:
                exported = exporting.bundle(outlet, file, since=since)
    except BadFormatError as error:
        fail(Exit.BAD_DATA, str(error))
    except OSError as error:
        read = isinstance(error, FileNotFoundError) and Path(error.filename).is_relative_to(folder)
        hint = "; was anything logged yet?" if read else ""
        fail(Exit.IO_ERROR, f"cannot export: {error.filename}: {error.strerror}{hint}")
    if as_json:
        emit_json("audit.export/1", {"entries": exported.entries, "bytes": exported.bytes_written})
    else:
        say(f"{exported.entries} entries, {exported.bytes_written} bytes in {out}")


@app.command()
def decrypt(
    bundle: Path = typer.Argument(help="An exported bundle."),
    identity: Path = typer.Option(..., help="An auditor's age identity file."),
    vkey: str | None = typer.Option(
        None, help="Verify the bundle first: the log's public key, or a file that holds it."
    ),
    as_json: bool = typer.Option(True, "--json", help="Always so: one JSON document a line."),  # noqa: ARG001 - the contract's flag
) -> None:
    """Print the records in clear, one JSON document a line, for the holder of an auditor's identity."""
    from gate.audit.errors import BadFormatError, SealError
    from gate.audit.unsealing import Unsealer
    from gate.verify.findings import VerifyError

    if vkey is not None:
        _refuse_unless_verified(bundle, vkey)
    try:
        unsealer = Unsealer.from_file(identity)
        for record in _records(bundle, unsealer):
            emit_json("audit.decrypt/1", record)
    except SealError as error:
        fail(Exit.NOT_PERMITTED, f"cannot decrypt {bundle.name}: {error}")
    except (BadFormatError, VerifyError) as error:
        fail(Exit.BAD_DATA, f"cannot decrypt {bundle.name}: {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {error.filename}: {error.strerror}")
    if vkey is None:
        note("gate: the log's signature was not checked; give --vkey, or use gate audit verify")


def _records(bundle: Path, unsealer: Unsealer) -> Iterator[dict[str, Any]]:
    """Yield each record with its body; a body whose key was erased is null, and says so."""
    from gate.audit.record import Header
    from gate.verify.bundle import Closing, EntryLine, KeyLine, Opening, lines
    from gate.verify.findings import StructureError

    with bundle.open("rb") as file:
        for line in lines(file):
            match line:
                case KeyLine(wrapped):
                    unsealer.learn(wrapped)
                case EntryLine(leaf, sealed):
                    header = Header.parse(leaf)
                    yield {"index": header.index, **_in_clear(header, unsealer.open(header, sealed))}
                case Opening():
                    pass
                case Closing():
                    return
    raise StructureError("it is cut off")


def _in_clear(header: Header, record: OpenedRecord | None) -> dict[str, Any]:
    """The rest of a line. `key` names the age file that opens it, which is what is deleted to erase the crossing."""
    outside = {"class": header.about, "key": header.key}
    if record is None:
        inside = dict.fromkeys(("kind", "crossing", "monotonic_ms", "boot", "id", "body"))
        return {"time": header.hour, **inside, **outside, "note": "the key was erased; the time is the hour"}
    return {**dataclasses.asdict(record), **outside}


def _refuse_unless_verified(bundle: Path, vkey: str) -> None:
    from gate.verify.findings import UnreadableError
    from gate.verify.verify import verify as judge

    try:
        report = judge(bundle, _vkey_text(vkey))
    except UnreadableError as error:
        fail(_code_of(error), str(error))
    if not report.verified:
        fail(Exit.NO, f"{bundle.name} is not verified: {report.problems[0]}; see gate audit verify")


def _code_of(error: UnreadableError) -> Exit:
    return Exit.IO_ERROR if isinstance(error.__cause__, OSError) else Exit.BAD_DATA


def _vkey_text(vkey: str) -> str:
    """Return the key itself, reading it from a file when a file is named: a key has two plus signs at least."""
    path = Path(vkey)
    try:
        if vkey.count("+") < 2 or (len(vkey) < 256 and path.is_file()):
            with path.open("rb") as file:
                return file.read(1024).decode("utf-8", errors="replace")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {vkey}: {error.strerror}")
    return vkey


def _configured_spool() -> Path:
    from gate.programs.config import ConfigError, load, path_from_environment

    try:
        return Path(load(path_from_environment()).paths.spool)
    except ConfigError as error:
        fail(Exit.CONFIG, f"{error}; or name the spool with --spool")


@contextlib.contextmanager
def _fresh_file(out: Path) -> Iterator[BinaryIO]:
    """Write under a temporary name and rename, so that half an export never looks like one."""
    temporary = out.with_name(out.name + ".part")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
