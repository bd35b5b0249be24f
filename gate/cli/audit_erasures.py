"""`gate audit erasure` and `erase`: an order to forget keys, signed by two approvers, and given to the gate's log program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.options import Json
from gate_core.command_line.output import Exit, emit_json, fail, refuse_configuration, say

if TYPE_CHECKING:
    from gate_core.approval.erasure import SignedErasure


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
        there = _read(note_file) if note_file.exists() else SignedErasure.new(wanted)
        if there.erasure != wanted:
            fail(Exit.BAD_DATA, f"{note_file} is about other keys, or another gate, {there.erasure.origin}")
        signed = there.signed_by(signer)
        durable.write(note_file, signed.note.to_bytes())
    except ApprovalError as error:
        fail(Exit.BAD_DATA, str(error))
    except OSError as error:
        fail(Exit.IO_ERROR, f"{note_file}: {error.strerror}")
    _show("audit.erasure/1", signed, [one.name for one in signed.note.signatures], as_json=as_json)


def give(
    note_file: Annotated[Path, typer.Argument(metavar="NOTE", help="The order, with two signatures at least.")],
    config: Annotated[Path | None, typer.Option(help="The configuration file.")] = None,
    as_json: Json = False,
) -> None:
    """Give an order to this gate's log program, which forgets the keys and writes who ordered it. Exit 75: another order waits."""
    from gate.audit.inbox import ERASURE
    from gate.programs.shared.config import load
    from gate_core import durable
    from gate_core.approval.approvers_file import approvers_in
    from gate_core.approval.errors import ApprovalError
    from gate_core.settings.config_file import ConfigError
    from gate_core.settings.environment import path_from_environment

    try:
        settings = load(config or path_from_environment())
        approvers = approvers_in(settings.approvers_path)
    except ConfigError as error:
        refuse_configuration(error, config)
    try:
        order = _read(note_file)
        signers = order.require(origin=settings.origin, approvers=approvers)
    except ApprovalError as error:
        fail(Exit.BAD_DATA, f"{note_file} {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"{note_file}: {error.strerror}")
    try:
        durable.write(Path(settings.paths.inbox) / ERASURE, order.note.to_bytes(), new_only=True)
    except FileExistsError:
        fail(Exit.TRY_LATER, "another order waits for the log program: is it running?")
    except OSError as error:
        fail(Exit.IO_ERROR, f"{settings.paths.inbox}: {error.strerror}")
    _show("audit.erase/1", order, list(signers), as_json=as_json)


def _read(path: Path) -> SignedErasure:
    """Raises ApprovalError and OSError."""
    from gate_core.approval.erasure import SignedErasure
    from gate_core.approval.note import NOTE_BYTES_MAX

    with path.open("rb") as file:
        return SignedErasure.parse(file.read(NOTE_BYTES_MAX + 1))


def _show(schema: str, order: SignedErasure, signers: list[str], *, as_json: bool) -> None:
    erasure = order.erasure
    if as_json:
        emit_json(schema, {"gate": erasure.origin, "keys": list(erasure.keys), "signers": signers})
    else:
        say(f"gate {erasure.origin}, {len(erasure.keys)} keys")
        say(f"signed by {', '.join(signers)}")
