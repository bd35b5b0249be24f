"""The inbox: where sync leaves the mirror's receipts for the log program (docs/protocols/audit-log.md).

Names and sizes are checked here; whether a receipt is true is the writer's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RECEIPT_BYTES_MAX = 16 * 1024
RECEIPTS_MAX = 16  # a round; the rest waits for the next one
_NAME = re.compile(r"receipt-(\d{1,19})\.note")


@dataclass(frozen=True, slots=True)
class Found:
    """A receipt that lies in the inbox, not yet believed."""

    path: Path
    note: bytes

    def remove(self) -> None:
        """Take it out: it is remembered."""
        self.path.unlink(missing_ok=True)

    def refuse(self) -> None:
        """Put it aside for whoever looks into it; a later one of the same size takes its place."""
        self.path.replace(self.path.with_name("refused-" + self.path.name.removeprefix("receipt-")))


def receipts(folder: Path) -> Iterator[Found]:
    """Yield the receipts, the largest first. Raises OSError."""
    if not folder.is_dir():
        return
    named = [(int(match[1]), one) for one in folder.iterdir() if (match := _NAME.fullmatch(one.name))]
    for _, path in sorted(named, reverse=True)[:RECEIPTS_MAX]:
        with path.open("rb") as file:
            yield Found(path, file.read(RECEIPT_BYTES_MAX + 1))
