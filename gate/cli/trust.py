"""`gate trust`: fills the store for judging documents, and shows what it covers."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate.cli.configuration import endings, file_errors
from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, code_of, emit_json, fail, note, say, tell

if TYPE_CHECKING:
    from gate.trust.list_import import ImportReport
    from gate_documents.pki.certificate import Certificate

app = typer.Typer(no_args_is_help=True)
_FILE_BYTES_MAX = 16 << 20
Store = Annotated[Path, typer.Option(help="The store")]


@app.command("import")
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="CSCA certificates, master, revocation, deviation and defect lists; or a PKD download folder"
        ),
    ],
    store: Annotated[Path, typer.Option(help="The store; made if it is not there")],
    signer: Annotated[Path | None, typer.Option(help="The CSCA certificate that vouches for a list's signer")] = None,
    test: Annotated[bool, typer.Option("--test", help="Mark everything as fit for demos only")] = False,
    json: Json = False,
) -> None:
    """Verify certificates and lists and take them into the store."""
    from rich.console import Console
    from rich.progress import Progress

    from gate.trust.errors import BusyError, SourceError, StoreError
    from gate.trust.folder import read_paths
    from gate.trust.list_import import import_sources
    from gate.trust.sources import Way
    from gate_core.programs import clock

    began = time.monotonic()
    try:
        found = read_paths(files, partial(bytes_of, bytes_max=_FILE_BYTES_MAX))
        if not found.sources and not found.rejected:
            fail(Exit.BAD_DATA, f"{files[0]}: no certificate or list in it; name a file, or the folder of a download")
        vouching = None if signer is None else _certificate(signer)
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("certificates", total=None)
            report = import_sources(
                store,
                found.sources,
                signer=vouching,
                test=test,
                now=clock.now(),
                way=Way.DOWNLOADED if any(path.is_dir() for path in files) else Way.HANDED,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except SourceError as error:
        fail(Exit.BAD_DATA, str(error))
    except BusyError as error:
        fail(Exit.TRY_LATER, str(error))
    except StoreError as error:
        unwritten = isinstance(error.__cause__, sqlite3.OperationalError)
        fail(Exit.IO_ERROR if unwritten else code_of(error), str(error))
    report = replace(report, rejected=found.rejected + report.rejected)
    _report(report, seconds=round(time.monotonic() - began, 3), json=json)
    if report.rejected and report.took_nothing:
        raise typer.Exit(int(Exit.BAD_DATA))


def _report(report: ImportReport, *, seconds: float, json: bool) -> None:
    """Print what an import accepted and skipped."""
    from gate.trust.download_folder import shown

    if json:
        told = {name: value for name, value in asdict(report).items() if name not in {"version", "replaced"}}
        told["rejected"] = [{"subject": one.subject, "reason": one.reason} for one in report.rejected]
        emit_json("trust.import/1", {**told, "seconds": seconds})
        return
    say(f"{report.accepted} of {report.certificates} certificates from {report.countries} countries in {seconds} s")
    say(f"{report.revocation_lists} revocation lists, {report.defect_lists} lists of known defects")
    for count, of in ((report.document_signers, "document signers"), (report.seal_signers, "signers of seals")):
        if count:
            say(f"{count} {of}")
    if report.withdrawn:
        say(
            f"{report.withdrawn} certificates withdrawn: the newer list no longer names them, or their list's signer was revoked"
        )
    for one in report.rejected:
        note(f"left out: {shown(one.subject)}: {shown(one.reason)}")


@app.command("list")
def list_(store: Store, json: Json = False) -> None:
    """Show what the store covers, a row a country."""
    from gate.trust.errors import StoreError
    from gate.trust.store import TrustStore

    with endings({StoreError: None}):
        opened = TrustStore.open(store)
    rows = opened.coverage()
    told = {
        "countries": [{**asdict(row), "revocation_until": row.revocation_until or None} for row in rows],
        "certificates": len(opened),
        "standings": opened.standings(),
        "document_signers": opened.document_signers_count,
        "seal_signers": opened.seal_signers_count,
        "newest_import": None if opened.newest_import is None else opened.newest_import.isoformat(),
        "lists": [asdict(one) for one in opened.published],
    }
    said = [
        f"{'code':6}{'certificates':>13}  {'newest':12}{'expires':12}{'revocation list':15}",
        *(
            f"{row.code:6}{row.certificates:>13}  {row.newest:12}{row.expires:12}{row.revocation_until or '-':15}"
            for row in rows
        ),
        *(f"{one.kind} of {one.publisher}, signed {one.signed_at[:10]}" for one in opened.published),
        f"document signers: {opened.document_signers_count}, signers of seals: {opened.seal_signers_count}",
        f"trusted by a list only: {opened.standings().get('listed', 0)} of {len(opened)}",
    ]
    tell("trust.list/1", told, *said, as_json=json)


@app.command()
def report(
    store: Store,
    out: Annotated[Path | None, typer.Option(metavar="F.html", help="Write the page to this file")] = None,
    age_max_days: Annotated[int, typer.Option(min=1, help="Older lists are alarms; rules.trust_age_max_days")] = 90,
    json: Json = False,
) -> None:
    """Tell what the store covers and what is old, a country at a time."""
    from gate.trust.download_folder import shown
    from gate.trust.errors import StoreError
    from gate.trust.survey import Revocation, survey
    from gate.trust.survey_report import fields, render
    from gate_core.programs import clock

    with endings({StoreError: None}):
        found = survey(store, clock.now(), age_max_days=age_max_days)
    if out is not None:
        with file_errors(out):
            out.write_text(render(found, store), encoding="utf-8")
    said = [
        f"{len(found.countries)} countries, {found.count(Revocation.CURRENT)} with a current revocation list",
        *(f"to look into: {alarm.text}" for alarm in found.alarms),
        *(f"tolerated: {code}: {shown(whose)}: {what}" for code, whose, what in found.tolerated),
    ]
    tell("trust.report/1", fields(found), *said, as_json=json)


def _certificate(path: Path) -> Certificate:
    """Parse a certificate file; an invalid one ends the command."""
    from gate_documents.errors import DocumentError
    from gate_documents.pki.certificate import parse_certificate

    with endings({DocumentError: Exit.BAD_DATA}, f"{path}: "):
        return parse_certificate(bytes_of(path, bytes_max=_FILE_BYTES_MAX))
