"""The Merkle tree of RFC 9162 §2.1. Stores the hash of every entry, 32 bytes each; computes roots, frontiers and tiles on request."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from gate_verify.findings import StructureError

HASH_BYTES = 32
_TILE_BITS = 8


class Tree:
    """A growing tree. For entries before `since` it has only the hashes of complete subtrees (the frontier), largest first."""

    def __init__(self, since: int = 0, frontier: bytes = b"") -> None:
        heights = [height for height in reversed(range(since.bit_length())) if since >> height & 1]
        if len(frontier) != len(heights) * HASH_BYTES:
            raise StructureError(f"the frontier of {since} entries has another length")
        self.since = since
        self.size = since
        self._left = dict(zip(heights, _cut(frontier), strict=True))
        self._leaves = bytearray()
        self._frontiers: dict[int, tuple[bytes, ...]] = {}

    def add(self, leaf: bytes) -> None:
        """Add an entry."""
        self.add_hash(sha256(b"\0" + leaf).digest())

    def add_hash(self, hashed: bytes) -> None:
        """Add an entry of which only the hash is here."""
        self._leaves += hashed
        self.size += 1

    def root(self, size: int | None = None) -> bytes:
        """Return the root, or the earlier one for `size` entries; `size` is at least `since`."""
        complete = self._complete(self.size if size is None else size)
        if not complete:
            return sha256(b"").digest()
        node = complete[-1]
        for left in complete[-2::-1]:
            node = _parent(left + node)
        return node

    def frontier(self) -> bytes:
        """Return the hashes of the complete subtrees, largest first."""
        return b"".join(self._complete(self.size))

    def tiles(self) -> dict[int, bytes]:
        """Return the content of a whole log's tiles: at each level the hashes of complete subtrees of `256 ** level` entries."""
        tiles: dict[int, bytes] = {}
        complete: list[bytes] = []
        for height, row in self._rows(self.size):
            if height % _TILE_BITS == 0 and row:
                tiles[height // _TILE_BITS] = row
            if self.size >> height & 1:
                complete.append(row[-HASH_BYTES:])
        self._frontiers[self.size] = tuple(reversed(complete))
        return tiles

    def first_difference(self, other: Tree) -> int | None:
        """Return the first entry that both trees have and that differs; None if there is none."""
        start, end = max(self.since, other.since), min(self.size, other.size)
        mine, theirs = (one.hashes(start, end) for one in (self, other))
        if mine == theirs:
            return None
        return next(
            at for at, pair in enumerate(zip(_cut(mine), _cut(theirs), strict=True), start) if pair[0] != pair[1]
        )

    def hashes(self, start: int, end: int) -> bytes:
        """Return the hashes of these entries."""
        return bytes(self._leaves[(start - self.since) * HASH_BYTES : (end - self.since) * HASH_BYTES])

    def _complete(self, size: int) -> tuple[bytes, ...]:
        if size not in self._frontiers:
            found = [row[-HASH_BYTES:] for height, row in self._rows(size) if size >> height & 1]
            self._frontiers[size] = tuple(reversed(found))
        return self._frontiers[size]

    def _rows(self, size: int) -> Iterator[tuple[int, bytes]]:
        """Yield each height with the hashes of its complete subtrees, from those over the entries before `since` on."""
        row = self.hashes(self.since, size)
        for height in range(size.bit_length()):
            if self.since >> height & 1:
                row = self._left[height] + row
            yield height, row
            pairs = range(0, len(row) - HASH_BYTES, 2 * HASH_BYTES)
            row = b"".join([_parent(row[at : at + 2 * HASH_BYTES]) for at in pairs])


def _parent(pair: bytes) -> bytes:
    return sha256(b"\1" + pair).digest()


def _cut(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
