"""`gate audit`: verify, export, decrypt and report on the audit log."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, fail, tell
from gate_core.programs.clock import now

if TYPE_CHECKING:
    from gate_verify.findings import Report

app = typer.Typer(no_args_is_help=True)
_FOLLOWED = "or a file that holds it; again for each that followed, the newest last."
_VKEYS = typer.Option(..., help=f"The log's public key, {_FOLLOWED}")
_MIRROR_VKEYS = typer.Option([], help=f"The central server's public key, {_FOLLOWED}")
_AT_LEAST = typer.Option(None, min=0, help="How many entries the log is known to have had.")
_JSON = typer.Option(False, "--json", help="One JSON document instead of text.")
VKEYS_BYTES_MAX = 8 * 1024  # a file with every key that the log has had


@app.command()
def verify(
    paths: list[Path] = typer.Argument(
        metavar="PATH...",
        help="A bundle, a spool or tile folder, a copy of the database, central's export; more of the same log, receipts and handovers of keys are compared.",
    ),
    vkey: list[str] = _VKEYS,
    at_least: int | None = _AT_LEAST,
    mirror_vkey: list[str] = _MIRROR_VKEYS,
    identity: Path | None = typer.Option(
        None, help="An auditor's age identity file: what the records tell is judged, too."
    ),
    as_json: bool = _JSON,
) -> None:
    """Judge a log by its public key, and by all that you have of it. Exit 1 when anything is wrong, 3 when parts are missing that nothing explains."""
    from gate_verify.commands.records import explained
    from gate_verify.records import unsealer_of, with_story
    from gate_verify.verify import Known
    from gate_verify.verify import verify as judge

    with explained():
        unsealer = None if identity is None else unsealer_of(identity)
        known = Known(at_least, "\n".join(map(vkey_text, mirror_vkey)), hour_max())
        report = judge(paths[0], "\n".join(map(vkey_text, vkey)), *paths[1:], known=known)
        report = with_story(report, paths, unsealer)
    tell("audit.verify/1", report.fields(), *_lines(report), as_json=as_json)
    raise typer.Exit(int(Exit.NO if not report.verified else Exit.PARTIAL if report.is_partial else Exit.OK))


def hour_max() -> str:
    """Return the last hour that a record can have, if this machine's clock is at most a day slow."""
    return f"{now() + timedelta(days=1):%Y-%m-%dT%H}:00:00Z"


def _lines(report: Report) -> Iterator[str]:
    from gate_verify.findings import about

    yield _verdict(report)
    yield f"entries {report.entries}, sealed bodies {report.bodies}, keys {report.keys}, erased keys {report.erased}"
    yield f"root {report.root}, from {about(report.first_time)} to {about(report.last_time)}"
    for some in report.recipients:
        named = "recipients that are not named" if some.sha256 is None else f"the recipients {some.sha256}"
        yield f"from entry {some.since} on sealed for {named}"
    for key in report.signers if len(report.signers) > 1 else ():
        yield f"signed by {key.vkey} from entry {key.since} {'on' if key.until is None else f'to {key.until - 1}'}"
    for mark in report.cosignatures:
        if mark.checked:
            yield f"{mark.by} cosigned {mark.size} entries at {mark.time}"
    for copy in report.copies if len(report.copies) > 1 else ():
        part = (
            f"a receipt for {copy.size}"
            if copy.kind == "receipt"
            else f"{copy.kind}, entries {copy.since} to {copy.size - 1}"
        )
        yield f"{copy.name}: {part}, {'intact' if copy.intact else 'NOT INTACT'}"
    for order in report.erasures:
        by = (f" by {', '.join(order.by)}" if order.by else "") + ("" if order.signed else " by the gate's word alone")
        here = f"{order.still_here} are still here" if order.still_here else "none is here"
        mirror = ", nor at the central server" if order.at_mirror and not order.still_here else ""
        yield f"entry {order.index}: {order.keys} keys ordered erased{by}, order {order.note}: {here}{mirror}"
    for problem in report.problems:
        yield f"- {problem}"
    for unknown in report.unknown:
        yield f"? {unknown}"


def _verdict(report: Report) -> str:
    if not report.intact:
        return "NOT VERIFIED"
    if not report.verified:
        return "NOT VERIFIED: AS IT WAS SIGNED, BUT WHAT IT TELLS CANNOT BE"
    if report.is_partial:
        return "VERIFIED, BUT NOT ALL OF IT IS HERE"
    return "VERIFIED AS FAR AS IT GOES" if report.is_open_ended else "VERIFIED"


@app.command()
def decrypt(
    log: Path = typer.Argument(help="An exported bundle, a spool, a copy of the database, or central's export."),
    identity: Path = typer.Option(..., help="An auditor's age identity file."),
    vkey: str | None = typer.Option(None, help="Verify the log first: its public key, or a file that holds it."),
    purpose: str | None = typer.Option(None, help="What the records are opened for; asked for on a terminal."),
    case: str | None = typer.Option(None, help="The number of the case that it belongs to; asked for on a terminal."),
    access_note: Path | None = typer.Option(
        None, help="The access note to write; access-TIME.note here when left out."
    ),
    crossing: str | None = typer.Option(None, help="The records of this crossing only."),
    out: Path | None = typer.Option(None, help="Write the records into this new file, and not to standard output."),
    to: str | None = typer.Option(
        None, help="The authority that --out is handed over to: a hand-over record is written beside it."
    ),
    as_json: bool = typer.Option(True, "--json", help="Always so: one JSON document a line."),  # noqa: ARG001 - the contract's flag
) -> None:
    """Print the records in clear, one JSON document a line, for the holder of an auditor's identity, and note the access.

    What does not open is listed: exit 1 for what is sealed for others, 65 for what is damaged; 77 when nothing is for this identity; 2
    without a purpose and a case where nobody can be asked for them.
    """
    from gate_verify.commands.access import opened

    if to is not None and out is None:
        fail(Exit.USAGE, "--to needs --out: what is handed over is a file")
    key = None if vkey is None else vkey_text(vkey)
    opened(
        log, identity, key, now(), purpose=purpose, case=case, note_file=access_note, crossing=crossing, out=out, to=to
    )


@app.command()
def access(
    notes: list[Path] = typer.Argument(metavar="NOTE...", help="Access notes and hand-over records."),
    vkey: str = typer.Option(..., help="The auditor's key, as gate audit decrypt names it, or a file that holds it."),
    as_json: bool = typer.Option(False, "--json", help="JSON on standard output."),
) -> None:
    """Read access notes that an auditor's key signed. Exit 1 for one that it did not."""
    from gate_verify.commands.access import read

    found = [read(one, vkey_text(vkey)) for one in notes]
    lines = []
    for one in found:
        lines.append(f"{one.at} {one.log}, {one.entries} entries: {one.purpose}, case {one.case}")
        if one.to:
            lines.append(f"    handed over to {one.to}: {one.records} records in {one.file}, SHA-256 {one.sha256}")
    tell("audit.access/1", {"notes": [dataclasses.asdict(one) for one in found]}, *lines, as_json=as_json)


@app.command()
def report(
    logs: list[Path] = typer.Argument(
        metavar="BUNDLE...", help="An exported bundle, a spool or central's export; several parts of one log; receipts."
    ),
    identity: Path = typer.Option(..., help="An auditor's age identity file."),
    vkey: list[str] = _VKEYS,
    out: Path = typer.Option(..., help="The page to write, such as report.html. A file that is there is kept."),
    tables: Path | None = typer.Option(
        None, "--csv", help="A folder for tables with every crossing, figure and entry."
    ),
    at_least: int | None = _AT_LEAST,
    mirror_vkey: list[str] = _MIRROR_VKEYS,
    as_json: bool = _JSON,
) -> None:
    """Write a page that says what a log tells, for people, each figure with its entries. Exit 1 when something in it cannot have been.

    A log that is not what was signed gives no report.
    """
    from gate_verify.commands.records import explained
    from gate_verify.report_files import make
    from gate_verify.verify import Known

    with explained():
        made = make(
            logs,
            identity=identity,
            vkey="\n".join(map(vkey_text, vkey)),
            known=Known(at_least, "\n".join(map(vkey_text, mirror_vkey)), hour_max()),
            out=out,
            tables=tables,
            now=now(),
        )
    tell("audit.report/1", made.fields(), *made.lines(), as_json=as_json)
    raise typer.Exit(int(Exit.OK if made.report.verified and not made.draws.problems else Exit.NO))


@app.command()
def erasure(
    origin: Annotated[str, typer.Argument(help="The origin of the gate's log, such as border.example/north-7.")],
    keys: Annotated[list[str], typer.Argument(metavar="KEY…", help="What `gate audit decrypt` prints as key.")],
    key: Annotated[Path, typer.Option(help="The approver's key.")],
    name: Annotated[str, typer.Option(help="The approver's name, as in approvers.toml.")],
    note_file: Annotated[
        Path, typer.Option("--note", help="Where the order goes; one that is there is signed as well.")
    ],
    as_json: Json = False,
) -> None:
    """Sign an order to forget these keys, on an approver's own machine. It counts when two have signed it."""
    from gate_core.approval.erasure import Erasure, SignedErasure
    from gate_core.command_line.approver_keys import show, sign, signer_in

    signed = sign(
        lambda: SignedErasure.new(Erasure(origin, tuple(sorted(set(keys))))),
        note_file,
        signer_in(key, name),
        lambda there: f"is about other keys, or another gate, {there.erasure.origin}",
    )
    show("audit.erasure/1", signed, [one.name for one in signed.note.signatures], as_json=as_json)


def vkey_text(vkey: str) -> str:
    """Return the key itself, or the keys in the named file, one per line. A key contains at least two plus signs."""
    path = Path(vkey)
    try:
        if vkey.count("+") < 2 or (len(vkey) < 256 and path.is_file()):
            with path.open("rb") as file:
                return file.read(VKEYS_BYTES_MAX).decode("utf-8", errors="replace")
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot read {vkey}: {error.strerror}")
    return vkey
