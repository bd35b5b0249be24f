"""What was verified of each gate's log: `verified.json` in the folder, so that a daily look reads what came since, and a thirtieth of what was there before.

Promise: it makes a look shorter and never more lenient. The head's own note is verified each time, the hashes of all pieces lead to its root and, at the size
that was verified last, to the root of then; what contradicts the memory changes nothing in it. Without the file all is read.
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
BYTES_MAX = 64 * 1024 * 1024  # of some 400,000 gates
LOOKS = 30  # in how many looks all that is older is read again


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The size and root that were verified, and which thirtieth of the older pieces the next look reads again: every thirtieth one from `next` on."""

    size: Annotated[int, msgspec.Meta(ge=0)] = 0
    root: str = EMPTY_ROOT.hex()
    next: Annotated[int, msgspec.Meta(ge=0)] = 0


class Verified:
    """The memory of all gates. Without a path nothing is known and nothing kept; `reads_all`: what is known is held against the log, and all is read."""

    def __init__(self, path: Path | None = None, *, reads_all: bool = False) -> None:
        """Raises FolderError for a file that cannot be used."""
        self._path, self._reads_all, self.seen = path, reads_all, dict[str, Seen]()
        try:
            if path is not None and path.exists():
                self.seen = msgspec.json.decode(read_ordinary(path, BYTES_MAX), type=dict[str, Seen])
        except (OSError, msgspec.DecodeError) as error:
            raise FolderError(f"cannot use {path}: {error}; delete it, and fleet reads all logs again") from error

    def pieces(self, device: str, count: int) -> set[int]:
        """Which of so many full pieces are to be read."""
        seen = Seen() if self._reads_all else self.seen.get(device, Seen())
        old = seen.size // TILE_WIDTH
        return {*range(seen.next % LOOKS, old, LOOKS), *range(old, count)}

    def keep(self, device: str, size: int, root: bytes) -> None:
        """Note that all of this is well."""
        seen = self.seen.get(device, Seen())
        self.seen[device] = Seen(size, root.hex(), (seen.next + 1) % LOOKS)

    def save(self) -> None:
        """Make it durable. Raises OSError."""
        if self._path is not None:
            durable.write(self._path, msgspec.json.encode(self.seen, order="sorted"), mode=0o600)
