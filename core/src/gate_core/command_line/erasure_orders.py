"""Orders of erasure, as commands read and show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gate_core.command_line.output import tell

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
    gate, keys = order.erasure.origin, list(order.erasure.keys)
    lines = f"gate {gate}, {len(keys)} keys", f"signed by {', '.join(signers)}"
    tell(schema, {"gate": gate, "keys": keys, "signers": signers}, *lines, as_json=as_json)
