"""Remembers how far each gate's log was verified (`verified.json` in the folder), to shorten the next verification.

A run then reads only the new pieces and a thirtieth of the old ones. It still verifies the head's note, and that all
piece hashes give its root and the remembered one. A failure changes nothing. Without the file everything is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from gate_central.errors import FolderError
from gate_core import durable
from gate_core.audit_format.merkle import EMPTY_ROOT
from gate_core.audit_format.tiles import TILE_WIDTH
from gate_core.ordinary import read_ordinary

NAME = "verified.json"
BYTES_MAX = 64 * 1024 * 1024  # enough for some 400,000 gates
LOOKS = 30  # number of runs in which all old pieces are read once


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The verified size and root. Of the old pieces, the next run reads every LOOKS-th from number `next` on."""

    size: Annotated[int, msgspec.Meta(ge=0)] = 0
    root: str = EMPTY_ROOT.hex()
    next: Annotated[int, msgspec.Meta(ge=0)] = 0


class Verified:
    """The state of all gates. Without a path it is empty and not saved. `reads_all`: all pieces are read."""

    def __init__(self, path: Path | None = None, *, reads_all: bool = False) -> None:
        """Raises FolderError if the file is unusable."""
        self._path, self._reads_all, self.seen = path, reads_all, dict[str, Seen]()
        try:
            if path is not None and path.exists():
                self.seen = msgspec.json.decode(read_ordinary(path, BYTES_MAX), type=dict[str, Seen])
        except (OSError, msgspec.DecodeError) as error:
            raise FolderError(f"cannot use {path}: {error}; delete it, and fleet reads all logs again") from error

    def pieces(self, device: str, count: int) -> set[int]:
        """Return which of the first `count` full pieces to read."""
        seen = Seen() if self._reads_all else self.seen.get(device, Seen())
        old = seen.size // TILE_WIDTH
        return {*range(seen.next % LOOKS, old, LOOKS), *range(old, count)}

    def keep(self, device: str, size: int, root: bytes) -> None:
        """Remember that the log is verified up to this size and root."""
        seen = self.seen.get(device, Seen())
        self.seen[device] = Seen(size, root.hex(), (seen.next + 1) % LOOKS)

    def save(self) -> None:
        """Write the file. Raises OSError."""
        if self._path is not None:
            durable.write(self._path, msgspec.json.encode(self.seen, order="sorted"), mode=0o600)
