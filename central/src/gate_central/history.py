"""Computes the Merkle root that a mirrored log had at any earlier size, from its stored entries.

The hash of each full piece is cached in the database; missing ones are computed when needed. A root is returned only if
the same hashes also give the root that the mirror signed. Otherwise the store is damaged, and the gate not at fault.
"""

from __future__ import annotations

from gate_central.errors import DamagedError
from gate_central.ledger import Head, Ledger
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import EMPTY_ROOT, leaf_hash, root_of, subtree_hash
from gate_core.audit_format.tiles import TILE_HEIGHT, TILE_WIDTH


def root_at(ledger: Ledger, device: str, size: int, head: Head) -> bytes:
    """Return the root over the first `size` entries, which are all stored. Raises DamagedError."""
    try:
        kept = ledger.piece_hashes(device, max(size, head.size) // TILE_WIDTH)
        made = {n: piece_hash(ledger, device, n) for n in range(max(size, head.size) // TILE_WIDTH) if n not in kept}
        pieces = [one for _, one in sorted((kept | made).items())]
        if _root(ledger, device, head.size, pieces) != head.root:
            raise DamagedError(f"what is stored of {device} does not lead to the root that was signed")
        for n in range(head.size // TILE_WIDTH):
            if n in made:
                ledger.keep_piece_hash(device, n, made[n])
        return _root(ledger, device, size, pieces)
    except BadFormatError as error:
        raise DamagedError(f"what is stored of {device} cannot be read: {error}") from error


def piece_hash(ledger: Ledger, device: str, n: int) -> bytes:
    """Read a piece's entries and return the hash over them. Raises DamagedError."""
    return root_of([leaf_hash(one) for one in ledger.entries(device, n * TILE_WIDTH, (n + 1) * TILE_WIDTH)])


def _root(ledger: Ledger, device: str, size: int, pieces: list[bytes]) -> bytes:
    if size == 0:
        return EMPTY_ROOT
    n, rest = divmod(size, TILE_WIDTH)
    first = n * TILE_WIDTH
    leaves = [leaf_hash(one) for one in ledger.entries(device, first, first + rest)] if rest else []
    if len(leaves) < rest:
        raise DamagedError(f"bundle {n} of {device} lacks entries")

    def hash_at(height: int, index: int) -> bytes:
        if height < TILE_HEIGHT:
            at = (index << height) - first
            return root_of(leaves[at : at + (1 << height)])
        width = 1 << (height - TILE_HEIGHT)
        return root_of(pieces[index * width : (index + 1) * width])

    return subtree_hash(hash_at, 0, size)
