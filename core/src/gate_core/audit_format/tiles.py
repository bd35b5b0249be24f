"""How a log is cut into files (C2SP tlog-tiles): paths, tiles of up to 256 hashes, bundles of up to 256 entries. Pure.

The last file of a level is *partial* and has its width in its path. A hash of tile level 1 is the root over 256 leaves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import HASH_BYTES, SIZE_MAX

TILE_WIDTH = 256
TILE_HEIGHT = 8
ENTRY_BYTES_MAX = 65_535
_LENGTH = struct.Struct(">H")


@dataclass(frozen=True, slots=True)
class Piece:
    """One file: number `n` of its level, with `width` items, at most 256."""

    n: int
    width: int

    def __post_init__(self) -> None:
        if not 0 <= self.n <= SIZE_MAX or not 1 <= self.width <= TILE_WIDTH:
            raise BadFormatError(f"no tile {self.n} of width {self.width}")

    @property
    def start(self) -> int:
        """The index of its first item in its level."""
        return self.n * TILE_WIDTH

    @property
    def end(self) -> int:
        """The index after its last item."""
        return self.start + self.width

    @property
    def is_full(self) -> bool:
        """True if it has 256 items, and so will not be replaced by a wider one."""
        return self.width == TILE_WIDTH

    @property
    def path(self) -> str:
        """`x001/x234/067`, with `.p/<width>` when partial."""
        groups = [f"{self.n % 1000:03d}"]
        rest = self.n // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        return "/".join(groups) + ("" if self.is_full else f".p/{self.width}")


def tile_path(level: int, piece: Piece) -> str:
    """Return the path of a tile of hashes below the log's folder."""
    return f"tile/{level}/{piece.path}"


def entries_path(piece: Piece) -> str:
    """Return the path of an entry bundle below the log's folder."""
    return f"tile/entries/{piece.path}"


def width_at(size: int, level: int) -> int:
    """Return how many hashes a tree of `size` entries has at a tile level."""
    return size >> (TILE_HEIGHT * level)


def pieces_between(published: int, wanted: int) -> Iterator[Piece]:
    """Yield the pieces with the items `[published, wanted)`, each as wide as `wanted` allows."""
    if published < wanted:
        for n in range(published // TILE_WIDTH, (wanted + TILE_WIDTH - 1) // TILE_WIDTH):
            yield Piece(n, min(TILE_WIDTH, wanted - n * TILE_WIDTH))


def levels_of(size: int) -> range:
    """Return the tile levels of a tree of `size` entries."""
    count = 0
    while width_at(size, count):
        count += 1
    return range(count)


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """Write a tile: the hashes, one after another."""
    return b"".join(hashes)


def decode_tile(raw: bytes, width: int) -> tuple[bytes, ...]:
    """Read a tile of `width` hashes. Raises BadFormatError."""
    if len(raw) != width * HASH_BYTES:
        raise BadFormatError(f"a tile of {width} hashes has {width * HASH_BYTES} bytes, not {len(raw)}")
    return tuple(raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES))


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """Write an entry bundle: each entry after its length in two bytes. Raises BadFormatError for one too long."""
    parts = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise BadFormatError(f"an entry of {len(entry)} bytes exceeds {ENTRY_BYTES_MAX}")
        parts += [_LENGTH.pack(len(entry)), entry]
    return b"".join(parts)


def decode_entries(raw: bytes, width: int) -> tuple[bytes, ...]:
    """Read an entry bundle of `width` entries and nothing after them. Raises BadFormatError."""
    entries: list[bytes] = []
    at = 0
    for index in range(width):
        start = at + _LENGTH.size
        if start > len(raw):
            raise BadFormatError(f"an entry bundle ends after {index} of {width} entries")
        at = start + _LENGTH.unpack_from(raw, at)[0]
        if at > len(raw):
            raise BadFormatError(f"an entry bundle ends inside entry {index} of {width}")
        entries.append(raw[start:at])
    if at != len(raw):
        raise BadFormatError(f"an entry bundle has {len(raw) - at} bytes after its {width} entries")
    return tuple(entries)
