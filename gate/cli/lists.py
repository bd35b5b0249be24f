"""`gate lists show`: a signed list of documents or people, looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, say

if TYPE_CHECKING:
    from gate.lists.header import Header

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """Signed lists of documents and people."""


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
    if as_json:
        emit_json("lists.show/1", fields_of(header))
    else:
        say(summary_of(header))
        say(f"  {header.purpose} ({header.basis})")
        say(f"  officers: {header.instructions}")


def fields_of(header: Header) -> dict[str, object]:
    """What a list says of itself, as JSON has it."""
    import msgspec

    fields: dict[str, object] = msgspec.to_builtins(header)
    return fields


def summary_of(header: Header) -> str:
    """The same in one line."""
    places = ", ".join(header.copies_at) or "no gate"
    what = "withdrawn" if header.withdrawn else f"{header.numbers} numbers, {header.names} names"
    return (
        f"{header.name} of {header.agency}, edition {header.serial}: {what}, in force {header.first} to {header.last}, "
        f"copies at {places} for {header.copies_kept_hours} hours"
    )
