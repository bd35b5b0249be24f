"""Read access to the spool for the mirror's client: hashes for proofs, entries, sealed bodies, age files.

Pieces are read whole, and at most TILES_KEPT tiles are cached, so memory does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.export import Outlet
from gate_core.audit_format.merkle import HashAt, root_of
from gate_core.audit_format.note import Note
from gate_core.audit_format.spool import sealed_path
from gate_core.audit_format.tiles import TILE_HEIGHT, TILE_WIDTH, Piece, entries_path, tile_path, width_at
from gate_core.mirror_client.errors import SpoolError

TILES_KEPT = 8


class SpoolLog:
    """The log in a spool. Its methods raise SpoolError for unreadable or invalid files."""

    def __init__(self, folder: Path) -> None:
        self._outlet = Outlet(folder)
        self._tiles: dict[tuple[int, int, int], tuple[bytes, ...]] = {}

    def head(self) -> tuple[Checkpoint, Note] | None:
        """Return the published checkpoint, None if there is none."""
        with _read("the spool's checkpoint"):
            try:
                note = self._outlet.note()
            except FileNotFoundError:
                return None
            return Checkpoint.parse(note.text), note

    def hashes(self, size: int) -> HashAt:
        """Return the look-up of complete subtrees of the tree of `size` entries."""

        def hash_at(height: int, index: int) -> bytes:
            level, rest = divmod(height, TILE_HEIGHT)
            start = index << rest
            n, first = divmod(start, TILE_WIDTH)
            return root_of(self._tile(level, n, size)[first : first + (1 << rest)])

        return hash_at

    def leaves(self, start: int, end: int) -> tuple[bytes, ...]:
        """Return the entries `[start, end)` of one piece."""
        piece = Piece(start // TILE_WIDTH, end - start // TILE_WIDTH * TILE_WIDTH)
        with _read(entries_path(piece)):
            return self._outlet.leaves(piece)[start - piece.start :]

    def sealed_lines(self, start: int, end: int, bytes_max: int) -> bytes:
        """Return the sealed bodies from `start` on as JSON lines: one at least, `bytes_max` at most beyond that."""
        piece = Piece(start // TILE_WIDTH, end - start // TILE_WIDTH * TILE_WIDTH)
        with _read(sealed_path(piece)):
            _, raw = self._outlet.piece(sealed_path, piece)
        lines = raw.splitlines(keepends=True)[start - piece.start : end - piece.start]
        if len(lines) != end - start:
            raise SpoolError(f"{sealed_path(piece)} ends too early")
        taken, length = [lines[0]], len(lines[0])
        for line in lines[1:]:
            length += len(line)
            if length > bytes_max:
                break
            taken.append(line)
        return b"".join(taken)

    def handovers(self) -> tuple[bytes, ...]:
        """Return the handovers of the log's keys, oldest first."""
        with _read("a handover"):
            return self._outlet.handovers()

    def key(self, key_id: str) -> bytes | None:
        """Return an age file, None when it was erased."""
        with _read("an age file"):
            return self._outlet.key(key_id)

    def _tile(self, level: int, n: int, size: int) -> tuple[bytes, ...]:
        wanted = min(TILE_WIDTH, width_at(size, level) - n * TILE_WIDTH)
        if wanted < 1:
            raise SpoolError(f"a tree of {size} entries has no tile {n} of level {level}")
        key = (level, n, wanted)
        if key not in self._tiles:
            with _read(tile_path(level, Piece(n, wanted))):
                self._tiles[key] = self._outlet.hashes(Piece(n, wanted), level)
            if len(self._tiles) > TILES_KEPT:
                del self._tiles[next(iter(self._tiles))]
        return self._tiles[key]


@contextmanager
def _read(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, BadFormatError) as error:
        raise SpoolError(f"{what} cannot be read: {error}") from error
