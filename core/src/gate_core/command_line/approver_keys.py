"""Reads an approver's key for a command, and prints approvals and erasure orders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.output import Exit, emit_json, fail, say, tell

if TYPE_CHECKING:
    from gate_core.approval.erasure import SignedErasure
    from gate_core.approval.note import Approval
    from gate_core.audit_format.note import Signer


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
    if as_json:
        fields = {"gate": approval.origin, "serial": approval.serial, "digest": approval.sha256, "signers": signers}
        emit_json(schema, fields)
    else:
        say(f"gate {approval.origin}, serial {approval.serial}, digest {approval.sha256}")
        say(f"signed by {', '.join(signers)}")


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
