"""`gate lists`: makes and verifies signed lists of documents and people. An agency signs them on its own machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gate_core.command_line.approver_keys import KeyFile, Name, signer_in
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, say, tell

if TYPE_CHECKING:
    from gate.lists.header import Header
    from gate_core.audit_format.note import Verifier
    from gate_lab.list_edition import Edition, Said

app = typer.Typer(no_args_is_help=True)

SAID_BYTES_MAX: Final = 64 * 1024
LINES_BYTES_MAX: Final = 512 * 1024 * 1024
SECRET_BYTES_MAX: Final = 1024


@app.callback()
def _noun() -> None:
    """Signed lists of documents and people."""


@app.command()
def sign(
    said: Annotated[Path, typer.Argument(metavar="LIST.toml", help="What the list says of itself.")],
    key: KeyFile,
    name: Name,
    out: Annotated[
        Path,
        typer.Option(
            help="The folder that NAME-SERIAL.note and NAME-SERIAL.entries go to; it is made where there is none."
        ),
    ],
    numbers: Annotated[Path | None, typer.Option(help="Issuers and numbers, a line each.")] = None,
    secret: Annotated[
        Path | None, typer.Option(help="The key of the numbers, 64 hexadecimal digits or more; gates get it apart.")
    ] = None,
    names: Annotated[Path | None, typer.Option(help="People as JSON, a line each.")] = None,
    since: Annotated[
        Path | None,
        typer.Option(metavar="NOTE", help="An edition before, its entries beside it: a delta from it is made as well."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make and sign an edition, and a delta to it (docs/protocols/signed-lists.md). Exit 65 for what a gate would refuse."""
    from gate.lists.errors import ListError
    from gate_core.programs import clock
    from gate_lab import list_edition as making

    signer, at = signer_in(key, name), said
    try:
        wanted = _said(said)
        digests = []
        if numbers is not None:
            digests = making.digests_in(_lines(at := numbers), _secret(secret))
        people = [] if names is None else making.people_in(_lines(at := names))
        at = said
        made = making.edition(wanted, digests, people, clock.now().replace(microsecond=0))
        change = None if since is None else _change(made, at := since, signer.verifier)
    except ListError as error:
        fail(Exit.BAD_DATA, f"{at}: {error}")
    try:
        note, delta = making.write(out, made, change, signer)
    except OSError as error:
        fail(Exit.IO_ERROR, f"{out}: {error.strerror}")
    if as_json:
        files = {"note": str(note), "delta_note": None if delta is None else str(delta)}
        emit_json("lists.sign/1", {**files, **_fields(made.header), "key": signer.verifier.vkey})
    else:
        say(f"{note}: {_summary(made.header)}, signed by {signer.verifier.vkey}")
        if delta is not None:
            say(f"{delta}: the same as a delta, for gates that hold the edition before")


@app.command()
def show(
    note: Annotated[Path, typer.Argument(metavar="NOTE", help="A list's header; its entries lie beside it.")],
    key: Annotated[list[str], typer.Option("--key", help="The agency's verifier key, name+id+base64.")],
    as_json: Json = False,
) -> None:
    """Verify an edition, and say what it says of itself, never whom it names. Exit 65 for one that is not its agency's, or not whole."""
    from gate.lists.entries import Entries
    from gate.lists.errors import ListError
    from gate.lists.header import NOTE_BYTES_MAX, believed
    from gate_core.audit_format.errors import BadFormatError
    from gate_core.audit_format.note import Verifier
    from gate_core.ordinary import read_ordinary

    try:
        keys = [Verifier.parse(one) for one in key]
    except BadFormatError as error:
        fail(Exit.USAGE, f"--key: {error}")
    try:
        header = believed(read_ordinary(note, NOTE_BYTES_MAX), keys)
        if header.delta is None and not header.withdrawn:
            Entries.open(note.with_suffix(".entries"), header).close()
    except ListError as error:
        fail(Exit.BAD_DATA, f"{note}: {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"{error.filename or note}: {error.strerror}")
    lines = (_summary(header), f"  {header.purpose} ({header.basis})", f"  officers: {header.instructions}")
    tell("lists.show/1", _fields(header), *lines, as_json=as_json)


def _fields(header: Header) -> dict[str, object]:
    import msgspec

    fields: dict[str, object] = msgspec.to_builtins(header)
    return fields


def _summary(header: Header) -> str:
    places = ", ".join(header.copies_at) or "no gate"
    what = "withdrawn" if header.withdrawn else f"{header.numbers} numbers, {header.names} names"
    return (
        f"{header.name} of {header.agency}, edition {header.serial}: {what}, in force {header.first} to {header.last}, "
        f"copies at {places} for {header.copies_kept_hours} hours"
    )


def _change(made: Edition, since: Path, key: Verifier) -> Edition:
    """Return the delta from an earlier edition that the same agency signed. Raises ListError; ends the command for a file that cannot be read."""
    from gate.lists.entries import Entries
    from gate.lists.header import NOTE_BYTES_MAX, believed
    from gate_core.ordinary import read_ordinary
    from gate_lab import list_edition as making

    try:
        before = believed(read_ordinary(since, NOTE_BYTES_MAX), [key])
        held = Entries.open(since.with_suffix(".entries"), before)
    except OSError as error:
        fail(Exit.IO_ERROR, f"{error.filename or since}: {error.strerror}")
    try:
        return making.delta(made, before, held)
    finally:
        held.close()


def _said(path: Path) -> Said:
    import tomllib

    import msgspec

    from gate.lists.errors import BadListError
    from gate_lab.list_edition import Said

    try:
        return msgspec.convert(tomllib.loads(_read(path, SAID_BYTES_MAX).decode()), Said)
    except ValueError as error:  # msgspec's, and what TOML or UTF-8 is not
        raise BadListError(str(error)) from error


def _secret(path: Path | None) -> bytes:
    from gate.lists.entries import SECRET_BYTES_MIN

    if path is None:
        fail(Exit.USAGE, "--numbers needs --secret: no number goes into a list in clear")
    try:
        found = bytes.fromhex(_read(path, SECRET_BYTES_MAX).decode("ascii").strip())
    except ValueError:
        found = b""
    if len(found) < SECRET_BYTES_MIN:
        fail(Exit.BAD_DATA, f"{path}: is no key of {SECRET_BYTES_MIN} bytes in hexadecimal")
    return found


def _lines(path: Path) -> Iterator[str]:
    from gate.lists.errors import BadListError

    try:
        yield from _read(path, LINES_BYTES_MAX).decode().splitlines()
    except UnicodeDecodeError as error:
        raise BadListError("is not UTF-8") from error


def _read(path: Path, bytes_max: int) -> bytes:
    from gate_core.ordinary import read_ordinary

    try:
        return read_ordinary(path, bytes_max)
    except OSError as error:
        fail(Exit.IO_ERROR, f"{path}: {error.strerror}")
