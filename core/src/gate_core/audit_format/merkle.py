"""The Merkle tree of a log (RFC 9162 §2.1, SHA-256): hashing, the frontier, and proofs that a tree grew only at its end. Pure.

Pure. Hashing and trees are those of RFC 9162 §2.1 with SHA-256. Inclusion and consistency proofs are two special cases
of the *subtree consistency proof* of draft-ietf-plants-merkle-tree-certs, which C2SP tlog-mirror sends with every
package of entries: an inclusion proof is about the subtree of one leaf, a consistency proof about one that begins at 0.
So one function makes all three and one function verifies all three.

The caller provides the hashes: a proof is made with `HashAt`, a look-up of complete subtrees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from gate_core.audit_format.errors import BadFormatError, BadProofError

HASH_BYTES = 32
SIZE_MAX = 2**63 - 1
PROOF_HASHES_MAX = 63  # C2SP tlog-mirror: num_hashes MUST be at most 63
EMPTY_ROOT = hashlib.sha256(b"").digest()

HashAt = Callable[[int, int], bytes]
"""`(height, index)` to the hash of the complete subtree over leaves `[index << height, (index + 1) << height)`."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash one log entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours into their parent."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Frontier:
    """The hashes of a tree's complete subtrees, largest first: enough to append and to compute the root."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= SIZE_MAX:
            raise BadFormatError(f"a tree of {self.size} entries is out of range")
        if len(self.hashes) != self.size.bit_count() or set(map(len, self.hashes)) - {HASH_BYTES}:
            raise BadFormatError(f"a tree of {self.size} entries has another frontier")

    @classmethod
    def from_bytes(cls, size: int, packed: bytes) -> Frontier:
        """Decode `to_bytes`. Raises BadFormatError."""
        return cls(size, tuple(packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)))

    def to_bytes(self) -> bytes:
        """Pack the hashes, 32 bytes each."""
        return b"".join(self.hashes)

    def append(self, leaf: bytes) -> Frontier:
        """Return the frontier after one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """Return the frontier after more leaf hashes."""
        hashes, size = list(self.hashes), self.size
        for leaf in leaves:
            hashes.append(leaf)
            height = size
            while height & 1:
                right = hashes.pop()
                hashes[-1] = node_hash(hashes[-1], right)
                height >>= 1
            size += 1
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        """Return the root of the tree."""
        return self._root

    @cached_property
    def _root(self) -> bytes:
        return _fold(self.hashes)


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, or over the hashes of equally high complete subtrees."""
    return Frontier().extend(hashes).root()


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Combine neighbouring complete subtrees of falling size into the hash over all of them."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def is_subtree(start: int, end: int) -> bool:
    """True if `start` is a multiple of the smallest power of two that is at least `end - start`."""
    return 0 <= start < end <= SIZE_MAX and start % (1 << (end - start - 1).bit_length()) == 0


def subtree_hash(hash_at: HashAt, start: int, end: int) -> bytes:
    """Return the hash of the subtree `[start, end)`, whose right side may be incomplete."""
    if not is_subtree(start, end):
        raise BadProofError(f"[{start}, {end}) is no subtree")
    parts = []
    while start < end:
        height = (end - start).bit_length() - 1
        parts.append(hash_at(height, start >> height))
        start += 1 << height
    return _fold(parts)


# ── making proofs ────────────────────────────────────────────────────────────────────────────────────────────────────


def prove_subtree(hash_at: HashAt, start: int, end: int, size: int) -> tuple[bytes, ...]:
    """Prove that the subtree `[start, end)` is part of the tree of `size` entries. Raises BadProofError."""
    if not is_subtree(start, end) or end > size:
        raise BadProofError(f"[{start}, {end}) is no subtree of a tree of {size}")
    return tuple(subtree_hash(hash_at, *part) for part in _proof_parts(start, end, 0, size, known=True))


def prove_consistency(hash_at: HashAt, size_old: int, size: int) -> tuple[bytes, ...]:
    """Prove that a tree of `size_old` is a prefix of that of `size` (RFC 9162 §2.1.4.1). Raises BadProofError."""
    return prove_subtree(hash_at, 0, size_old, size)


def _proof_parts(start: int, end: int, low: int, high: int, *, known: bool) -> Iterator[tuple[int, int]]:
    """Yield the parts that complete `[low, high)`, deepest first; `known`: the verifier has the subtree's hash."""
    if (start, end) == (low, high):
        if not known:
            yield low, high
        return
    middle = low + _left_size(high - low)
    if end <= middle:
        yield from _proof_parts(start, end, low, middle, known=known)
        yield middle, high
    elif start >= middle:
        yield from _proof_parts(start, end, middle, high, known=known)
        yield low, middle
    else:
        yield from _proof_parts(middle, end, middle, high, known=False)
        yield low, middle


def _left_size(size: int) -> int:
    """Return the largest power of two below `size`, which is 2 at least."""
    return 1 << ((size - 1).bit_length() - 1)


# ── verifying proofs ─────────────────────────────────────────────────────────────────────────────────────────────────


def verify_subtree(start: int, end: int, size: int, *, subtree: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that `subtree` is the hash of `[start, end)` in the tree of `size` entries and `root`.

    An empty subtree is part of every tree, if its hash is that of nothing and the proof is empty. Raises BadProofError.
    """
    if 0 <= start == end <= size:
        if subtree != EMPTY_ROOT or proof:
            raise BadProofError("an empty subtree has the hash of nothing and needs no proof")
        return
    if not is_subtree(start, end) or not end <= size <= SIZE_MAX:
        raise BadProofError(f"[{start}, {end}) is no subtree of a tree of {size}")
    if len(proof) > PROOF_HASHES_MAX or any(len(one) != HASH_BYTES for one in proof):
        raise BadProofError("a proof has 63 hashes of 32 bytes at most")
    rest = list(proof)
    subtree_proved, root_proved = _rebuild(start, end, 0, size, known=subtree, rest=rest)
    if rest:
        raise BadProofError(f"the proof has {len(rest)} hashes too many")
    if subtree_proved != subtree or root_proved != root:
        raise BadProofError("the proof leads to other hashes")


def verify_inclusion(index: int, size: int, *, leaf: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that `leaf`, a leaf hash, is at `index` of the tree (RFC 9162 §2.1.3.2). Raises BadProofError."""
    if len(leaf) != HASH_BYTES:
        raise BadProofError("a leaf hash has 32 bytes")
    if not 0 <= index < size:
        raise BadProofError(f"index {index} is outside a tree of {size}")
    verify_subtree(index, index + 1, size, subtree=leaf, root=root, proof=proof)


def verify_consistency(size_old: int, size: int, *, root_old: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that a tree only grew (RFC 9162 §2.1.4.2). An empty old tree proves nothing. Raises BadProofError."""
    if size_old <= 0:
        raise BadProofError("consistency with an empty tree says nothing")
    verify_subtree(0, size_old, size, subtree=root_old, root=root, proof=proof)


def _rebuild(
    start: int, end: int, low: int, high: int, *, known: bytes | None, rest: list[bytes]
) -> tuple[bytes, bytes]:
    """Compute the hashes of the subtree and of `[low, high)` from the proof, taking `rest` from its end."""
    if (start, end) == (low, high):
        whole = known if known is not None else _take(rest)
        return whole, whole
    middle = low + _left_size(high - low)
    other = _take(rest)
    if end <= middle:
        part, left = _rebuild(start, end, low, middle, known=known, rest=rest)
        return part, node_hash(left, other)
    if start >= middle:
        part, right = _rebuild(start, end, middle, high, known=known, rest=rest)
        return part, node_hash(other, right)
    part, right = _rebuild(middle, end, middle, high, known=None, rest=rest)
    return node_hash(other, part), node_hash(other, right)


def _take(rest: list[bytes]) -> bytes:
    if not rest:
        raise BadProofError("the proof is too short")
    return rest.pop()
