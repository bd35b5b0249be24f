"""Reads an approver's key for a command; signs and prints approvals and erasure orders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gate_core.command_line.output import Exit, fail, tell

if TYPE_CHECKING:
    from gate_core.approval.erasure import SignedErasure
    from gate_core.approval.note import Approval, SignedNote
    from gate_core.audit_format.note import Signer

Signed = TypeVar("Signed", bound="SignedNote")
KeyFile = Annotated[Path, typer.Option(help="An Ed25519 key, PKCS #8 PEM, mode 0600.")]
Name = Annotated[str, typer.Option(help="Whose key it is: small letters, digits, ._@-")]


def signer_in(path: Path, name: str) -> Signer:
    """Read an approver's key file. Ends the command for an invalid name or file."""
    from gate_core.command_line import key_files as files

    try:
        return signer(name, files.read_authority(path).private_bytes_raw())
    except files.KeyFileError as error:
        fail(error.code, str(error))


def signer(name: str, seed: bytes) -> Signer:
    """Return an approver's key from its 32-byte seed. Ends the command for an invalid name."""
    from gate_core.approval.approvers import require_name
    from gate_core.approval.errors import ApprovalError
    from gate_core.audit_format.note import Signer

    try:
        require_name(name)
    except ApprovalError as error:
        fail(Exit.USAGE, f"--name {error}")
    return Signer(name, seed)


def show_approval(schema: str, approval: Approval, signers: list[str], *, as_json: bool) -> None:
    """Print an approval and its signers."""
    fields = {"gate": approval.origin, "serial": approval.serial, "digest": approval.sha256, "signers": signers}
    lines = (
        f"gate {approval.origin}, serial {approval.serial}, digest {approval.sha256}",
        f"signed by {', '.join(signers)}",
    )
    tell(schema, fields, *lines, as_json=as_json)


def sign(wanted: Callable[[], Signed], path: Path, signer: Signer, other: Callable[[Signed], str]) -> Signed:
    """Sign the note in a file, or the wanted one where no file is yet. Ends the command for one that cannot be.

    `other` says about which thing a file is that is not about the wanted one.
    """
    from gate_core import durable
    from gate_core.approval.errors import ApprovalError
    from gate_core.approval.note import NOTE_BYTES_MAX
    from gate_core.ordinary import read_ordinary

    try:
        new = wanted()
        there = type(new).parse(read_ordinary(path, NOTE_BYTES_MAX)) if path.exists() else new
        if there.note.text != new.note.text:
            fail(Exit.BAD_DATA, f"{path} {other(there)}")
        signed = there.signed_by(signer)
        durable.write(path, signed.note.to_bytes())
    except ApprovalError as error:
        fail(Exit.BAD_DATA, f"{path} {error}")
    except OSError as error:
        fail(Exit.IO_ERROR, f"{path}: {error.strerror}")
    return signed


def read(path: Path) -> SignedErasure:
    """Read an erasure order from a file. Raises ApprovalError and OSError."""
    from gate_core.approval.erasure import SignedErasure
    from gate_core.approval.note import NOTE_BYTES_MAX

    with path.open("rb") as file:
        return SignedErasure.parse(file.read(NOTE_BYTES_MAX + 1))


def show(schema: str, order: SignedErasure, signers: list[str], *, as_json: bool) -> None:
    """Print an erasure order: its gate, number of keys, and signers."""
    gate, keys = order.erasure.origin, list(order.erasure.keys)
    lines = f"gate {gate}, {len(keys)} keys", f"signed by {', '.join(signers)}"
    tell(schema, {"gate": gate, "keys": keys, "signers": signers}, *lines, as_json=as_json)
