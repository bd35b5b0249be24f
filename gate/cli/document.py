"""`gate document`: inspect the chip on a reader, verify a seal or a credential."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from gate_core.command_line.input_files import bytes_of
from gate_core.command_line.output import Exit, code_of, fail

if TYPE_CHECKING:
    from gate.trust.store import TrustStore
    from gate_documents.mrz.parsing import Mrz

app = typer.Typer(no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output")]
Trust = Annotated[Path, typer.Option(help="The trust store that `gate trust import` filled")]
PrintedMrz = Annotated[str, typer.Option(help="The printed MRZ, if it was seen; - for one on standard input")]
At = Annotated[str, typer.Option(help="Judge as of this time, RFC 3339; left out: now")]
_CAN_DIGITS = 6
MRZ_CHARACTERS_MAX = 256


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
    printed, store = Printed(parsed(mrz) if mrz else None, can or None), store_of(trust)
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
        anchors=store_of(trust),
        now=moment(at),
        printed=parsed(mrz) if mrz else None,
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
    printed = parsed(mrz) if mrz else None
    inspection = inspect_files(files, anchors=store_of(trust), now=moment(at), mrz=printed)
    report_inspection("document.verify-credential/1", inspection, json=json)


def standard_input() -> TextIO:
    """Standard input, every byte of which is a character: those that are in no MRZ are its reader's to refuse."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    return sys.stdin


def parsed(text: str) -> Mrz:
    """The MRZ that was given, or for `-` the one on standard input: command lines are seen by everybody on the machine."""
    from gate_documents.errors import MrzError
    from gate_documents.mrz.parsing import parse

    try:
        return parse(standard_input().read(MRZ_CHARACTERS_MAX + 1) if text == "-" else text)
    except MrzError as error:
        fail(Exit.BAD_DATA, f"--mrz: {error}")


def store_of(path: Path) -> TrustStore:
    """The trust store. Ends the command for one that cannot be used."""
    from gate.trust.errors import StoreError
    from gate.trust.store import TrustStore

    try:
        return TrustStore.open(path)
    except StoreError as error:
        fail(code_of(error), str(error))


def moment(text: str) -> datetime:
    """The time to judge at; a time without a zone is UTC."""
    from gate_core.programs import clock

    if not text:
        return clock.now()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(Exit.USAGE, f"--at {text}: not a time as in RFC 3339, such as 2026-11-25T10:00:00Z")
    return found if found.tzinfo else found.replace(tzinfo=UTC)
