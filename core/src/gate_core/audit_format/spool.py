"""The spool: the log as a folder of finished files, for sync and export (docs/protocols/audit-log.md). Only the log program writes it.

Files appear complete or not at all; `checkpoint` comes last, so it never covers what is not there.
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
EXPIRED = "expired"  # the log's word for what it has forgotten (`gate_core.audit_format.statements`)
PARTIALS_KEPT = 2  # a reader of the checkpoint before still finds its files


class Source(Protocol):
    """Where the content of files comes from: the store."""

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
    """Return the path of a word of the log's keys below the spool, counted from 0."""
    return f"handovers/{number:03}"


def erasure_path(digest: str) -> str:
    """Return the path of an erasure below the spool that is on its way to the mirror, by the SHA-256 of its note."""
    return f"{ERASURES}/{digest}.note"


def encode_sealed(bodies: Sequence[bytes], start: int) -> bytes:
    """Write sealed bodies as JSON lines."""
    lines = (canonical_json({"ct": encode_base64(body), "i": index}) for index, body in enumerate(bodies, start))
    return b"".join(line + b"\n" for line in lines)


def files_of_piece(source: Source, piece: Piece, published: int) -> dict[str, bytes]:
    """Return the files, by path, that hold the entries of one piece and the keys the spool does not have yet."""
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
    """The folder. Raises OSError: the caller says what a spool that cannot be written means."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def checkpoint(self) -> bytes | None:
        """Return the published checkpoint, None when nothing was published. Raises BadFormatError for a huge one."""
        try:
            with (self._folder / CHECKPOINT).open("rb") as file:
                raw = file.read(NOTE_BYTES_MAX + 1)
        except FileNotFoundError:
            return None
        if len(raw) > NOTE_BYTES_MAX:
            raise BadFormatError("the spool's checkpoint is too large")
        return raw

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files that never change, durable when this returns, and drop partial pieces that nobody needs."""
        for path, content in files.items():
            target = self._folder / path
            durable.make_folder(target.parent)
            durable.write(target, content)
        for path in files:
            self._drop_older_partials(self._folder / path)

    def has_any(self, paths: Sequence[str]) -> bool:
        """True when one of these files is there."""
        return any((self._folder / path).exists() for path in paths)

    def forget(self, paths: Sequence[str]) -> None:
        """Unlink files that are to be forgotten; they are gone for good when this returns."""
        for path in paths:
            (self._folder / path).unlink(missing_ok=True)
        for folder in {(self._folder / path).parent for path in paths}:
            if folder.is_dir():
                durable.sync(folder)

    def erasures(self) -> list[str]:
        """The SHA-256 of each erasure that is on its way to the mirror."""
        folder = self._folder / ERASURES
        return sorted(one.stem for one in folder.glob("*.note")) if folder.is_dir() else []

    def release(self, note: bytes) -> None:
        """Publish the checkpoint of what is written."""
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
