"""`gate audit erasure` and `erase`: an order to forget keys, signed by two approvers, and given to the gate's log program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gate_core.command_line.approver_keys import read, show
from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, fail


def sign(
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
    from gate_core import durable
    from gate_core.approval.erasure import Erasure, SignedErasure
    from gate_core.approval.errors import ApprovalError
    from gate_core.command_line.approver_keys import signer_in

    signer = signer_in(key, name)
    try:
        wanted = Erasure(origin, tuple(sorted(set(keys))))
        there = read(note_file) if note_file.exists() else SignedErasure.new(wanted)
        if there.erasure != wanted:
            fail(Exit.BAD_DATA, f"{note_file} is about other keys, or another gate, {there.erasure.origin}")
        signed = there.signed_by(signer)
        durable.write(note_file, signed.note.to_bytes())
    except ApprovalError as error:
        fail(Exit.BAD_DATA, str(error))
    except OSError as error:
        fail(Exit.IO_ERROR, f"{note_file}: {error.strerror}")
    show("audit.erasure/1", signed, [one.name for one in signed.note.signatures], as_json=as_json)
