"""Exports of a log for auditors, made from the spool.

`bundle` writes one file; `tiles` copies the spool's files for its checkpoint. `bundle` fails if the entries do not give
the checkpoint's root. Left to the verifier: all other checks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import HASH_BYTES, Frontier, leaf_hash
from gate_core.audit_format.note import NOTE_BYTES_MAX, Note, decode_base64, encode_base64
from gate_core.audit_format.record import Header, canonical_json
from gate_core.audit_format.spool import CHECKPOINT, encode_sealed, handover_path, key_path, sealed_path
from gate_core.audit_format.statements import HANDOVERS_MAX
from gate_core.audit_format.tiles import (
    ENTRY_BYTES_MAX,
    TILE_WIDTH,
    Piece,
    decode_entries,
    decode_tile,
    encode_entries,
    entries_path,
    levels_of,
    pieces_between,
    tile_path,
    width_at,
)
from gate_core.ordinary import NotOrdinaryError, read_ordinary

FORMAT = "portcullis-audit/1"
SEALED_BYTES_MAX = TILE_WIDTH * 128 * 1024
KEY_BYTES_MAX = 64 * 1024
FILE_BYTES_MAX = max(SEALED_BYTES_MAX, TILE_WIDTH * (ENTRY_BYTES_MAX + 2))


@dataclass(frozen=True, slots=True)
class Exported:
    """The number of entries and bytes that were exported."""

    entries: int
    bytes_written: int


class Outlet:
    """Reader of a spool, or of its copy on removable media. Reads regular files only.

    Raises BadFormatError for invalid content, OSError for the disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note(self) -> Note:
        """Return the signed checkpoint."""
        return Note.parse(self._read(CHECKPOINT, NOTE_BYTES_MAX))

    def handovers(self) -> tuple[bytes, ...]:
        """Return the handovers of the log's keys, oldest first."""
        found: list[bytes] = []
        while len(found) < HANDOVERS_MAX:
            try:
                found.append(self._read(handover_path(len(found)), NOTE_BYTES_MAX))
            except FileNotFoundError:
                break
        return tuple(found)

    def piece(self, path_of: Callable[[Piece], str], piece: Piece) -> tuple[int, bytes]:
        """Return the width and content of the piece, or of a wider one that replaced it meanwhile."""
        for width in (piece.width, TILE_WIDTH, *range(piece.width + 1, TILE_WIDTH)):
            try:
                return width, self._read(path_of(Piece(piece.n, width)), FILE_BYTES_MAX)
            except FileNotFoundError:
                continue
        raise BadFormatError(f"{path_of(piece)} is missing from the spool")

    def first_here(self, size: int) -> int:
        """Return the first of `size` entries in the spool; older pieces are dropped after the mirror has held them."""
        for piece in pieces_between(0, size):
            if not piece.is_full or (self._folder / entries_path(piece)).exists():
                return piece.start
        return size

    def hashes(self, piece: Piece, level: int = 0) -> tuple[bytes, ...]:
        """Return the hashes of a piece of a tile level; of level 0 they are those of the entries."""
        width, raw = self.piece(partial(tile_path, level), piece)
        return decode_tile(raw, width)[: piece.width]

    def leaves(self, piece: Piece) -> tuple[bytes, ...]:
        """Return the leaves of a piece."""
        width, raw = self.piece(entries_path, piece)
        return decode_entries(raw, width)[: piece.width]

    def sealed(self, piece: Piece) -> list[bytes]:
        """Return the sealed bodies of a piece."""
        _, raw = self.piece(sealed_path, piece)
        try:
            lines = [json.loads(line)["ct"] for line in raw.splitlines()[: piece.width]]
            return [decode_base64(line) for line in lines]
        except (ValueError, KeyError, TypeError) as error:
            raise BadFormatError(f"{sealed_path(piece)} holds something else than sealed bodies") from error

    def key(self, key_id: str) -> bytes | None:
        """Return an age file, None when it was erased."""
        try:
            return self._read(key_path(key_id), KEY_BYTES_MAX)
        except FileNotFoundError:
            return None

    def _read(self, path: str, bytes_max: int) -> bytes:
        try:
            return read_ordinary(self._folder / path, bytes_max)
        except NotOrdinaryError as error:
            raise BadFormatError(f"{path} is {error.strerror}") from error


def bundle(outlet: Outlet, out: BinaryIO, *, since: int = 0) -> Exported:
    """Write the entries from `since`, or the spool's first, on as one bundle. Raises BadFormatError and OSError."""
    note = outlet.note()
    checkpoint = Checkpoint.parse(note.text)
    if not 0 <= since <= checkpoint.size:
        raise BadFormatError(f"the log has {checkpoint.size} entries; nothing begins at {since}")
    since = max(since, outlet.first_here(checkpoint.size))
    # Without cosignatures, which a reader with only the log's key cannot verify.
    own = Note(note.text, tuple(one for one in note.signatures if one.name == checkpoint.origin))
    written = 0
    for fields in _lines(outlet, checkpoint, own, since):
        written += out.write(canonical_json(fields) + b"\n")
    return Exported(checkpoint.size - since, written)


def _lines(
    outlet: Outlet, checkpoint: Checkpoint, note: Note, since: int
) -> Iterator[dict[str, str | int | list[str]]]:
    frontier = Frontier()
    for piece in pieces_between(0, since):
        frontier = frontier.extend(outlet.hashes(piece)[: since - piece.start])
    yield {
        "bundle": FORMAT,
        "checkpoint": note.to_bytes().decode(),
        "frontier": encode_base64(frontier.to_bytes()),
        **({"handovers": [one.decode() for one in handovers]} if (handovers := outlet.handovers()) else {}),
        "since": since,
        "size": checkpoint.size,
    }
    seen: set[str] = set()
    keys = 0
    for leaf, sealed in _entries(outlet, since, checkpoint.size):
        frontier = frontier.append(leaf_hash(leaf))
        key_id = Header.parse(leaf).key
        if key_id not in seen and (wrapped := outlet.key(key_id)) is not None:
            keys += 1
            yield {"key": encode_base64(wrapped)}
        seen.add(key_id)
        yield {"ct": encode_base64(sealed), "leaf": leaf.decode("ascii")}
    if frontier.root() != checkpoint.root:
        raise BadFormatError("the spool's entries do not lead to its checkpoint's root; run gate audit verify on it")
    yield {"entries": checkpoint.size - since, "keys": keys}


def _entries(outlet: Outlet, since: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    for piece in pieces_between(since, size):
        for index, pair in enumerate(zip(outlet.leaves(piece), outlet.sealed(piece), strict=True), piece.start):
            if index >= since:
                yield pair


def tiles(outlet: Outlet, folder: Path) -> Exported:
    """Copy the spool for its checkpoint into an empty folder. Raises BadFormatError and OSError."""
    note = outlet.note()
    size = Checkpoint.parse(note.text).size
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BadFormatError(f"{folder} is not empty")
    written = 0
    for piece in pieces_between(outlet.first_here(size), size):
        leaves = outlet.leaves(piece)
        written += _write(folder, entries_path(piece), encode_entries(leaves))
        written += _write(folder, sealed_path(piece), encode_sealed(outlet.sealed(piece), piece.start))
        for key_id in dict.fromkeys(Header.parse(leaf).key for leaf in leaves):
            wrapped = outlet.key(key_id)
            if wrapped is not None and not (folder / key_path(key_id)).exists():
                written += _write(folder, key_path(key_id), wrapped)
    for level in levels_of(size):
        for piece in pieces_between(0, width_at(size, level)):
            _, raw = outlet.piece(partial(tile_path, level), piece)
            written += _write(folder, tile_path(level, piece), raw[: piece.width * HASH_BYTES])
    for number, word in enumerate(outlet.handovers()):
        written += _write(folder, handover_path(number), word)
    written += _write(folder, CHECKPOINT, note.to_bytes())
    return Exported(size, written)


def _write(folder: Path, path: str, content: bytes) -> int:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.write_bytes(content)
