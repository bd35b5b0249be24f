"""Orders of erasure, as commands read and show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gate_core.command_line.output import emit_json, say

if TYPE_CHECKING:
    from gate_core.approval.erasure import SignedErasure


def read(path: Path) -> SignedErasure:
    """An order in a file. Raises ApprovalError and OSError."""
    from gate_core.approval.erasure import SignedErasure
    from gate_core.approval.note import NOTE_BYTES_MAX

    with path.open("rb") as file:
        return SignedErasure.parse(file.read(NOTE_BYTES_MAX + 1))


def show(schema: str, order: SignedErasure, signers: list[str], *, as_json: bool) -> None:
    """Say whose order it is, over how many keys, and who signed it."""
    erasure = order.erasure
    if as_json:
        emit_json(schema, {"gate": erasure.origin, "keys": list(erasure.keys), "signers": signers})
    else:
        say(f"gate {erasure.origin}, {len(erasure.keys)} keys")
        say(f"signed by {', '.join(signers)}")
