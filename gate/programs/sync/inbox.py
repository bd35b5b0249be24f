"""Leaves receipts, handovers of the mirror's keys, and the centre's newest approval for the log program
(docs/protocols/audit-log.md, "The inbox"), and the newest receipt for sync itself.
"""

from __future__ import annotations

from pathlib import Path

from gate_core import durable
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import NOTE_BYTES_MAX, Note
from gate_core.mirror_client.mirror_state import Receipt
from gate_core.ordinary import read_ordinary

LAST_RECEIPT = "receipt.note"  # beside the identity: of the server that the gate is enrolled at


def drop(folder: Path, name: str, note: bytes) -> Path:
    """Write `<name>.note`, complete or not at all, and return where. Raises OSError.

    `receipt-<size>`, `approval`, `held`, `mirror-key-<number>`, and `erasure-receipt-<SHA-256 of the order>`.
    """
    path = folder / f"{name}.note"
    durable.write(path, note)
    return path


def keep_receipt(identity: Path, note: bytes) -> None:
    """Store the newest receipt for the next start. Raises OSError."""
    durable.write(identity / LAST_RECEIPT, note)


def last_receipt(identity: Path) -> Receipt | None:
    """Return an earlier run's newest receipt, None without a readable one."""
    try:
        note = read_ordinary(identity / LAST_RECEIPT, NOTE_BYTES_MAX)
        return Receipt(Checkpoint.parse(Note.parse(note).text), note)
    except (OSError, BadFormatError):
        return None
