"""The Merkle tree of RFC 9162 §2.1, grown leaf by leaf; remembers what the tiles of the log must hold."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256

from gate.verify.findings import StructureError

_HASH_BYTES = 32
_TILE_BITS = 8


class Tree:
    """A growing tree. `tiles[level]` are the hashes of complete subtrees of `256 ** level` leaves, from level 0 on."""

    def __init__(self, size: int = 0, frontier: bytes = b"", *, keep_tiles: bool = False) -> None:
        self.size = size
        self.tiles: dict[int, list[bytes]] = defaultdict(list)
        self._keep_tiles = keep_tiles
        heights = [height for height in reversed(range(size.bit_length())) if size >> height & 1]
        if len(frontier) != len(heights) * _HASH_BYTES:
            raise StructureError(f"the frontier of {size} entries has another length")
        hashes = [frontier[at : at + _HASH_BYTES] for at in range(0, len(frontier), _HASH_BYTES)]
        self._complete: list[tuple[int, bytes]] = list(zip(heights, hashes, strict=True))

    def add(self, leaf: bytes) -> None:
        """Grow by one entry."""
        height, node = 0, sha256(b"\0" + leaf).digest()
        self._remember(height, node)
        while self._complete and self._complete[-1][0] == height:
            _, left = self._complete.pop()
            height, node = height + 1, sha256(b"\1" + left + node).digest()
            self._remember(height, node)
        self._complete.append((height, node))
        self.size += 1

    def root(self) -> bytes:
        """Return the root."""
        if not self._complete:
            return sha256(b"").digest()
        _, node = self._complete[-1]
        for _, left in self._complete[-2::-1]:
            node = sha256(b"\1" + left + node).digest()
        return node

    def frontier(self) -> bytes:
        """Return the hashes of the complete subtrees, largest first."""
        return b"".join(node for _, node in self._complete)

    def _remember(self, height: int, node: bytes) -> None:
        if self._keep_tiles and height % _TILE_BITS == 0:
            self.tiles[height // _TILE_BITS].append(node)
