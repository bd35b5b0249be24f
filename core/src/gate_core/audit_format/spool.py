"""The spool: the log as a folder of immutable files, for sync and export (docs/protocols/audit-log.md).

Files are written atomically (`gate_core.durable`), `checkpoint` last, so that it never covers missing files. Only the
log program writes it. The caller decides what to publish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from gate_core import durable
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.note import NOTE_BYTES_MAX, encode_base64
from gate_core.audit_format.record import canonical_json
from gate_core.audit_format.tiles import (
    Piece,
    encode_entries,
    encode_tile,
    entries_path,
    levels_of,
    pieces_between,
    tile_path,
    width_at,
)

CHECKPOINT = "checkpoint"
ERASURES = "erasures"
EXPIRED = "expired"  # the log's statement of deleted keys (`gate_core.audit_format.statements`)
PARTIALS_KEPT = 2  # a reader of the previous checkpoint still finds its files


class Source(Protocol):
    """Source of the files' content: the store."""

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Return leaves."""
        ...

    def sealed(self, start: int, end: int) -> list[bytes]:
        """Return sealed bodies."""
        ...

    def keys_first_used(self, start: int, end: int) -> dict[str, bytes]:
        """Return age files by id."""
        ...

    def hashes(self, level: int, start: int, end: int) -> list[bytes]:
        """Return hashes of a tile level."""
        ...


def sealed_path(piece: Piece) -> str:
    """Return the path of a file of sealed bodies below the spool."""
    return f"sealed/{piece.path}"


def key_path(key_id: str) -> str:
    """Return the path of an age file below the spool."""
    return f"keys/{key_id[:2]}/{key_id}.age"


def handover_path(number: int) -> str:
    """Return the path of a handover of the log's keys below the spool, counted from 0."""
    return f"handovers/{number:03}"


def erasure_path(digest: str) -> str:
    """Return the path below the spool of an erasure order to send to the mirror, by the SHA-256 of its note."""
    return f"{ERASURES}/{digest}.note"


def encode_sealed(bodies: Sequence[bytes], start: int) -> bytes:
    """Write sealed bodies as JSON lines."""
    lines = (canonical_json({"ct": encode_base64(body), "i": index}) for index, body in enumerate(bodies, start))
    return b"".join(line + b"\n" for line in lines)


def files_of_piece(source: Source, piece: Piece, published: int) -> dict[str, bytes]:
    """Return the files, by path, with the entries of one piece and the keys that the spool does not have yet."""
    leaves = source.leaves(piece.start, piece.end)
    keys = source.keys_first_used(max(piece.start, published), piece.end)
    return {
        **{key_path(key_id): wrapped for key_id, wrapped in keys.items()},
        sealed_path(piece): encode_sealed(source.sealed(piece.start, piece.end), piece.start),
        entries_path(piece): encode_entries(leaves),
        tile_path(0, piece): encode_tile(source.hashes(0, piece.start, piece.end)),
    }


def files_above(source: Source, published: int, size: int) -> dict[str, bytes]:
    """Return the tiles above level 0 that changed between two sizes of the tree."""
    return {
        tile_path(level, piece): encode_tile(source.hashes(level, piece.start, piece.end))
        for level in levels_of(size)[1:]
        for piece in pieces_between(width_at(published, level), width_at(size, level))
    }


class Spool:
    """The spool's folder. Its methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def checkpoint(self) -> bytes | None:
        """Return the published checkpoint, None if there is none. Raises BadFormatError if it is too large."""
        try:
            with (self._folder / CHECKPOINT).open("rb") as file:
                raw = file.read(NOTE_BYTES_MAX + 1)
        except FileNotFoundError:
            return None
        if len(raw) > NOTE_BYTES_MAX:
            raise BadFormatError("the spool's checkpoint is too large")
        return raw

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write immutable files durably, and delete obsolete partial pieces."""
        for path, content in files.items():
            target = self._folder / path
            durable.make_folder(target.parent)
            durable.write(target, content)
        for path in files:
            self._drop_older_partials(self._folder / path)

    def has_any(self, paths: Sequence[str]) -> bool:
        """True if one of these files exists."""
        return any((self._folder / path).exists() for path in paths)

    def forget(self, paths: Sequence[str]) -> None:
        """Delete files durably."""
        for path in paths:
            (self._folder / path).unlink(missing_ok=True)
        for folder in {(self._folder / path).parent for path in paths}:
            if folder.is_dir():
                durable.sync(folder)

    def erasures(self) -> list[str]:
        """Return the SHA-256 of each erasure order to send to the mirror."""
        folder = self._folder / ERASURES
        return sorted(one.stem for one in folder.glob("*.note")) if folder.is_dir() else []

    def release(self, note: bytes) -> None:
        """Publish the checkpoint. All files that it covers must be written."""
        durable.write(self._folder / CHECKPOINT, note)

    def _drop_older_partials(self, written: Path) -> None:
        is_partial = written.parent.name.endswith(".p")
        partials = written.parent if is_partial else written.with_name(written.name + ".p")
        if not partials.is_dir():
            return
        found = sorted(partials.iterdir(), key=lambda one: int(one.name) if one.name.isdigit() else 0)
        for one in found[:-PARTIALS_KEPT] if is_partial else found:
            one.unlink()
        if not is_partial:
            partials.rmdir()
