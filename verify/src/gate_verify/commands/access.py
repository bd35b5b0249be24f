"""Opens records for `gate audit decrypt`, after an access note names who opens which log, for what purpose and in which
case (docs/protocols/audit-log.md, "Access"). The note is written before the first record is printed, so no access is
without one.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path

import typer

from gate_core import durable
from gate_core.audit_format.errors import BadFormatError, BadSignatureError
from gate_core.audit_format.note import NOTE_BYTES_MAX, Verifier
from gate_core.audit_format.record import time_text
from gate_core.audit_format.unsealer import Unsealer
from gate_core.command_line.output import Exit, emit_json, fail, note, write_new
from gate_verify.access_note import Access
from gate_verify.commands.records import explained, records_of
from gate_verify.findings import StructureError
from gate_verify.records import first_line, unsealer_of
from gate_verify.signed_note import read_head

SCHEMA = "audit.decrypt/1"


def opened(
    log: Path,
    identity: Path,
    vkey: str | None,
    now: datetime,
    *,
    purpose: str | None,
    case: str | None,
    note_file: Path | None,
    crossing: str | None,
    out: Path | None,
    to: str | None,
) -> None:
    """Write the access note, then print or write the records. An error ends the command with one line."""
    with explained():
        unsealer = unsealer_of(identity)
        access = _access(log, unsealer, purpose, case, now)
    records = records_of(log, identity, vkey)
    wanted = (one for one in records if crossing in {None, one["crossing"]})
    first = next(wanted, None)  # what cannot be opened ends the command here, without a note
    if first is None and crossing is not None:
        fail(Exit.USAGE, f"no record that opens is of the crossing {crossing}: another name, or an erased one")
    shown = chain([] if first is None else [first], wanted)
    path = note_file or Path(f"access-{now:%Y%m%dT%H%M%S}.note")
    write_new(path, access.sign(unsealer.signer()))
    note(f"gate: access note {path}, signed by {unsealer.signer().verifier.vkey}")
    if out is None:
        for record in shown:
            emit_json(SCHEMA, record)
        return
    counted, ended = _into(out, shown)
    note(f"gate: {counted} records in {out}")
    if to is not None:
        _hand_over(out, replace(access, to=to, records=str(counted)), unsealer)
    if ended is not None:
        raise ended


def read(path: Path, vkey: str) -> Access:
    """Read an access note that this key signed. Any other ends the command."""
    try:
        with path.open("rb") as file:
            return Access.parse(file.read(NOTE_BYTES_MAX), Verifier.parse(vkey))
    except BadSignatureError as error:
        fail(Exit.NO, f"{path.name}: {error}")
    except BadFormatError as error:
        fail(Exit.BAD_DATA, f"{path.name}: {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {path}: {error.strerror}")


def _access(log: Path, unsealer: Unsealer, purpose: str | None, case: str | None, now: datetime) -> Access:
    """Return the note's content. On a terminal, missing answers are asked for; otherwise they end the command and nothing is opened."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        purpose = purpose or typer.prompt("What are the records opened for?", err=True)
        case = case or typer.prompt("The number of the case", err=True)
    if purpose is None or case is None:
        fail(Exit.USAGE, "say what the records are opened for: --purpose TEXT --case NUMBER")
    try:
        head = read_head(first_line(log).checkpoint)
        at, by = time_text(now), unsealer.signer().verifier.name
        return Access(at, by, head.origin, str(head.size), head.root.hex(), purpose or "", case or "")
    except StructureError as error:
        fail(Exit.BAD_DATA, f"cannot decrypt {log.name}: {error}")
    except BadFormatError as error:
        fail(Exit.USAGE, f"{error}: --purpose and --case")


def _into(out: Path, records: Iterator[dict[str, object]]) -> tuple[int, typer.Exit | None]:
    """Write the records into a new file. Returns their number, and the command's exit if records stayed closed."""
    counted, ended = 0, None
    try:
        with durable.writing(out, mode=0o600, new_only=True) as file:
            try:
                for record in records:
                    counted += 1
                    file.write(json.dumps({"schema": SCHEMA, **record}).encode() + b"\n")
            except typer.Exit as error:
                ended = error
    except FileExistsError:
        fail(Exit.IO_ERROR, f"{out} is there already; name another")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot write {out}: {error.strerror}")
    return counted, ended


def _hand_over(out: Path, access: Access, unsealer: Unsealer) -> None:
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    path = out.with_name(f"{out.name}.handover.note")
    write_new(path, replace(access, file=out.name, sha256=digest).sign(unsealer.signer()))
    note(f"gate: hand-over record {path}")
