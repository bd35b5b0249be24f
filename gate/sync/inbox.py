"""Leaves receipts where the log program finds them (docs/protocols/audit-log.md, "The inbox")."""

from __future__ import annotations

from pathlib import Path

from gate import durable


def drop(folder: Path, size: int, note: bytes) -> None:
    """Write `receipt-<size>.note`, complete or not at all. Raises OSError."""
    durable.write(folder / f"receipt-{size}.note", note)
