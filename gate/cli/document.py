"""`gate document read`: inspects the chip of a document on a reader."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from gate.cli.configuration import endings
from gate_core.command_line.output import Exit, fail

if TYPE_CHECKING:
    from gate.trust.store import TrustStore
    from gate_documents.mrz.parser import Mrz

app = typer.Typer(no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output")]
Trust = Annotated[Path, typer.Option(help="The trust store that `gate trust import` filled")]
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

    from gate.cli.chip import read_chip
    from gate.cli.document_report import report_inspection
    from gate_core.errors import DriverError, SetupError

    if not mrz and not can:
        fail(Exit.USAGE, "give --mrz or --can: a chip is opened with what is printed on its document")
    if can and not (can.isascii() and can.isdigit() and len(can) == _CAN_DIGITS):
        fail(Exit.USAGE, f"--can: a card access number has {_CAN_DIGITS} digits")
    zone, store = parsed(mrz) if mrz else None, store_of(trust)
    with endings({SetupError: Exit.CONFIG, DriverError: Exit.UNREACHABLE}):
        reading = read_chip(zone, can or None, anchors=store, reader_name=reader, wait_s=wait_s, centre=centre)
        inspection, took_ms = asyncio.run(reading)
    report_inspection("document.read/1", inspection, json=json, took_ms=took_ms)


def standard_input() -> TextIO:
    """Return standard input, which decodes any byte: the reader of the text refuses characters that no MRZ has."""
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    return sys.stdin


def parsed(text: str) -> Mrz:
    """Parse the given MRZ, or with `-` the one on standard input, because every user of the machine can see command lines."""
    from gate_documents.errors import MrzError
    from gate_documents.mrz.parser import parse

    with endings({MrzError: Exit.BAD_DATA}, "--mrz: "):
        return parse(standard_input().read(MRZ_CHARACTERS_MAX + 1) if text == "-" else text)


def store_of(path: Path) -> TrustStore:
    """Open the trust store. Ends the command if it is unusable."""
    from gate.trust.errors import StoreError
    from gate.trust.store import TrustStore

    with endings({StoreError: None}):
        return TrustStore.open(path)
