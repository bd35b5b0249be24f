"""Leaves receipts where the log program finds them (docs/protocols/audit-log.md, "The inbox")."""

from __future__ import annotations

import os
from pathlib import Path

_TEMPORARY = ".tmp-"


def drop(folder: Path, size: int, note: bytes) -> None:
    """Write `receipt-<size>.note`, complete or not at all. Raises OSError."""
    target = folder / f"receipt-{size}.note"
    temporary = folder / f"{_TEMPORARY}{target.name}"
    with temporary.open("wb") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
