"""`gate document`: inspect a chip or its files, verify an EF.SOD, read a machine-readable zone from text or pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from gate_core.command_line.input_files import bytes_of, lds_files
from gate_core.command_line.output import Exit, code_of, fail

if TYPE_CHECKING:
    from gate.trust.store import TrustStore
    from gate_documents.mrz.parsing import Mrz

app = typer.Typer(no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output")]
Trust = Annotated[Path, typer.Option(help="The trust store that `gate trust import` filled")]
PrintedMrz = Annotated[str, typer.Option(help="The printed MRZ, if it was seen; - for one on standard input")]
At = Annotated[str, typer.Option(help="Judge as of this time, RFC 3339; left out: now")]
_LINES_MAX = 100_000
_DATA_GROUPS = frozenset(map(str, range(1, 17)))
_CAN_DIGITS = 6
_MRZ_CHARACTERS_MAX = 256
_SOD_CHECKS = ("sod_signature", "ds_signature", "ds_validity", "csca_validity", "revocation", "dg_hashes", "country")


@app.command("inspect")
def inspect_(
    lds: Annotated[Path, typer.Option(help="A folder with one file an EF")],
    trust: Trust,
    mrz: PrintedMrz = "",
    at: At = "",
    json: Json = False,
) -> None:
    """Inspect the files of one chip in full."""
    from gate.cli.document_report import report_inspection
    from gate_documents.inspection import inspect_files

    files = lds_files(lds)
    printed = _parsed(mrz) if mrz else None
    inspection = inspect_files(files, anchors=_store(trust), now=_moment(at), mrz=printed, complete=True)
    report_inspection("document.inspect/1", inspection, json=json)


@app.command("verify-sod")
def verify_sod(
    sod: Annotated[Path, typer.Argument(help="A file with EF.SOD")],
    trust: Trust,
    dg: Annotated[list[str] | None, typer.Option(help="N=FILE: a data group to compare, may be repeated")] = None,
    at: At = "",
    json: Json = False,
) -> None:
    """Carry out passive authentication of one EF.SOD."""
    from gate.cli.document_report import report_inspection
    from gate_documents.inspection import inspect_files

    files = {"EF.SOD": bytes_of(sod)}
    for given in dg or ():
        number, equals, path = given.partition("=")
        if not equals or number.lstrip("0") not in _DATA_GROUPS:
            fail(Exit.USAGE, f"--dg {given}: give the number of a data group and a file, such as 1=EF_DG1.bin")
        files[f"EF.DG{int(number)}"] = bytes_of(Path(path))
    inspection = inspect_files(files, anchors=_store(trust), now=_moment(at), wanted=frozenset())
    report_inspection("document.verify-sod/1", inspection, json=json, only=_SOD_CHECKS)


@app.command("parse-mrz")
def parse_mrz(
    text: Annotated[str, typer.Argument(help="The MRZ; - for one a line on standard input")] = "-",
    json: Json = False,
) -> None:
    """Read the text of machine-readable zones: fields, check digits, problems. What is none keeps no other from being read."""
    from gate.cli.document_report import report_mrz, report_no_mrz
    from gate_documents.errors import MrzError
    from gate_documents.mrz.parsing import parse

    worst = Exit.OK
    for number, line in enumerate(_mrzs(text), 1):
        try:
            mrz = parse(line)
        except MrzError as error:
            report_no_mrz(number, error, json=json)
            worst = Exit.BAD_DATA
            continue
        if not mrz.valid:
            worst = max(worst, Exit.NO)
        report_mrz(mrz, json=json)
    raise typer.Exit(int(worst))


@app.command("read-mrz")
def read_mrz(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="Pictures of pages, or folders of them")],
    models: Annotated[
        Path | None, typer.Option(help="Model folder; default: the user's cache, or the package's")
    ] = None,
    json: Json = False,
) -> None:
    """Read the MRZ of pictures of pages, any way round. Exit 1 when none of them shows one, 65 when one of those is no picture, 74 when one cannot be read."""
    from gate.cli.models import default_folder
    from gate.cli.page_pictures import PageReader, ReaderUnfitError, pictures_in, report_page

    found, unfit = False, ""
    try:
        with PageReader(models or default_folder()) as reader:
            for path in pictures_in(images):
                answer = reader.read(path)
                found |= answer.found
                unfit = unfit or ("" if answer.hints else f"{path}: {answer.reason}")  # of a picture there are hints
                report_page(path, answer, json=json)
            if why := reader.unread or (unfit if not found else ""):
                fail(Exit.IO_ERROR if reader.unread else Exit.BAD_DATA, f"{why}; name a picture, or a folder of them")
    except ReaderUnfitError as error:
        fail(Exit.UNREACHABLE, str(error))
    except OSError as error:
        fail(Exit.IO_ERROR, f"cannot list {error.filename}: {error.strerror}")
    if not found:
        raise typer.Exit(int(Exit.NO))


@app.command("read")
def read_(
    trust: Trust,
    mrz: Annotated[str, typer.Option(help="The printed MRZ, which opens the chip; - for one on standard input")] = "",
    can: Annotated[str, typer.Option(help="The card access number, six digits; opens chips of PACE")] = "",
    reader: Annotated[str, typer.Option(help="Part of the PC/SC reader's name; left out: the first one")] = "",
    wait_s: Annotated[float, typer.Option(help="How long to wait for a document", min=0.1, max=600)] = 10.0,
    centre: Annotated[
        Path | None, typer.Option(help="The socket of a control centre, whose certificates may open the fingers")
    ] = None,
    json: Json = False,
) -> None:
    """Read and inspect the chip that is on a PC/SC reader now. Give its MRZ, its card access number, or both."""
    import asyncio

    from gate.cli.chip import Printed, read_chip
    from gate.cli.document_report import report_inspection
    from gate_core.errors import DriverError, SetupError

    if not mrz and not can:
        fail(Exit.USAGE, "give --mrz or --can: a chip is opened with what is printed on its document")
    if can and not (can.isascii() and can.isdigit() and len(can) == _CAN_DIGITS):
        fail(Exit.USAGE, f"--can: a card access number has {_CAN_DIGITS} digits")
    printed, store = Printed(_parsed(mrz) if mrz else None, can or None), _store(trust)
    try:
        reading = read_chip(printed, anchors=store, reader_name=reader, wait_s=wait_s, centre=centre)
        inspection, took_ms = asyncio.run(reading)
    except SetupError as error:
        fail(Exit.CONFIG, str(error))
    except DriverError as error:
        fail(Exit.UNREACHABLE, str(error))
    report_inspection("document.read/1", inspection, json=json, took_ms=took_ms)


@app.command("verify-seal")
def verify_seal(
    seal: Annotated[Path, typer.Argument(help="A file with the bytes of the bar code")],
    trust: Trust,
    signer: Annotated[
        list[Path] | None,
        typer.Option(help="A certificate that may have signed it and is not in the store, may be repeated"),
    ] = None,
    mrz: PrintedMrz = "",
    at: At = "",
    json: Json = False,
) -> None:
    """Verify a visible digital seal, such as a visa's."""
    from gate.cli.document_report import report_seal
    from gate_documents.errors import DocumentError
    from gate_documents.pki.certificate import parse_certificate
    from gate_documents.seal.judge import judge_seal

    signers = []
    for path in signer or ():
        try:
            signers.append(parse_certificate(bytes_of(path)))
        except DocumentError as error:
            fail(Exit.BAD_DATA, f"{path}: {error}")
    verdict = judge_seal(
        bytes_of(seal),
        signers=signers,
        anchors=_store(trust),
        now=_moment(at),
        printed=_parsed(mrz) if mrz else None,
    )
    report_seal(verdict, json=json)


@app.command("verify-credential")
def verify_credential(
    credential: Annotated[Path, typer.Argument(help="A file with a digital travel credential of type 1")],
    trust: Trust,
    mrz: PrintedMrz = "",
    at: At = "",
    json: Json = False,
) -> None:
    """Verify a digital travel credential that is bound to a passport, like the files of its chip."""
    from gate.cli.document_report import report_inspection
    from gate_documents.errors import DocumentError
    from gate_documents.inspection import inspect_files
    from gate_documents.lds.dtc import CREDENTIAL_BYTES_MAX, parse_dtc

    try:
        files = parse_dtc(bytes_of(credential, bytes_max=CREDENTIAL_BYTES_MAX))
    except DocumentError as error:
        fail(Exit.BAD_DATA, f"{credential}: {error}")
    printed = _parsed(mrz) if mrz else None
    inspection = inspect_files(files, anchors=_store(trust), now=_moment(at), mrz=printed)
    report_inspection("document.verify-credential/1", inspection, json=json)


def _mrzs(text: str) -> Iterator[str]:
    """The MRZs to read: the one given, or one a line of standard input."""
    if text != "-":
        yield text
        return
    given = _standard_input()
    for number, line in enumerate(iter(lambda: given.readline(_MRZ_CHARACTERS_MAX + 2), "")):
        if number == _LINES_MAX:
            fail(Exit.BAD_DATA, f"standard input: more than {_LINES_MAX} lines")
        if len(line) > _MRZ_CHARACTERS_MAX + 1:
            fail(Exit.BAD_DATA, f"standard input: line {number + 1} is longer than any machine-readable zone")
        if line.strip():
            yield line


def _standard_input() -> TextIO:
    """Standard input, every byte of which is a character: those that are in no MRZ are its reader's to refuse."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    return sys.stdin


def _parsed(text: str) -> Mrz:
    """The MRZ that was given, or for `-` the one on standard input: command lines are seen by everybody on the machine."""
    from gate_documents.errors import MrzError
    from gate_documents.mrz.parsing import parse

    try:
        return parse(_standard_input().read(_MRZ_CHARACTERS_MAX + 1) if text == "-" else text)
    except MrzError as error:
        fail(Exit.BAD_DATA, f"--mrz: {error}")


def _store(path: Path) -> TrustStore:
    from gate.trust.errors import StoreError
    from gate.trust.store import TrustStore

    try:
        return TrustStore.open(path)
    except StoreError as error:
        fail(code_of(error), str(error))


def _moment(text: str) -> datetime:
    """The time to judge at; a time without a zone is UTC."""
    from gate_core.programs import clock

    if not text:
        return clock.now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(Exit.USAGE, f"--at {text}: not a time as in RFC 3339, such as 2026-11-25T10:00:00Z")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
