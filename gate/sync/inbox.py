"""Leaves receipts, what the mirror's keys say of one another, and the newest approval that the centre knows, where the log program finds them
(docs/protocols/audit-log.md, "The inbox"), and the newest receipt where sync itself finds it again.
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


def drop(folder: Path, size: int, note: bytes) -> None:
    """Write `receipt-<size>.note`, complete or not at all. Raises OSError."""
    durable.write(folder / f"receipt-{size}.note", note)


def keep_receipt(identity: Path, note: bytes) -> None:
    """Keep the newest receipt for our own next start. Raises OSError."""
    durable.write(identity / LAST_RECEIPT, note)


def last_receipt(identity: Path) -> Receipt | None:
    """The newest receipt of an earlier run, None without one that can be read."""
    try:
        note = read_ordinary(identity / LAST_RECEIPT, NOTE_BYTES_MAX)
        return Receipt(Checkpoint.parse(Note.parse(note).text), note)
    except (OSError, BadFormatError):
        return None


def drop_approval(folder: Path, note: bytes) -> None:
    """Write `approval.note`, complete or not at all. Raises OSError."""
    durable.write(folder / "approval.note", note)


def drop_erasure_receipt(folder: Path, digest: str, note: bytes) -> None:
    """Write `erasure-receipt-<SHA-256 of the order>.note`, complete or not at all. Raises OSError."""
    durable.write(folder / f"erasure-receipt-{digest}.note", note)


def drop_held(folder: Path, note: bytes) -> None:
    """Write `held.note`, complete or not at all. Raises OSError."""
    durable.write(folder / "held.note", note)


def drop_mirror_key(folder: Path, number: int, note: bytes) -> Path:
    """Write `mirror-key-<number>.note`, complete or not at all, and return where. Raises OSError."""
    path = folder / f"mirror-key-{number}.note"
    durable.write(path, note)
    return path
