"""Leaves receipts, what the mirror's keys say of one another, and the newest approval that the centre knows, where the log program finds them
(docs/protocols/audit-log.md, "The inbox").
"""

from __future__ import annotations

from pathlib import Path

from gate import durable


def drop(folder: Path, size: int, note: bytes) -> None:
    """Write `receipt-<size>.note`, complete or not at all. Raises OSError."""
    durable.write(folder / f"receipt-{size}.note", note)


def drop_approval(folder: Path, note: bytes) -> None:
    """Write `approval.note`, complete or not at all. Raises OSError."""
    durable.write(folder / "approval.note", note)


def drop_mirror_key(folder: Path, number: int, note: bytes) -> Path:
    """Write `mirror-key-<number>.note`, complete or not at all, and return where. Raises OSError."""
    path = folder / f"mirror-key-{number}.note"
    durable.write(path, note)
    return path
