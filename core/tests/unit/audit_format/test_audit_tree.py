"""The Merkle tree: frontier, proofs in both directions, and what a proof must not prove."""

from __future__ import annotations

import pytest

from gate_core.audit_format.errors import BadFormatError, BadProofError
from gate_core.audit_format.merkle import (
    EMPTY_ROOT,
    Frontier,
    is_subtree,
    leaf_hash,
    prove_consistency,
    prove_subtree,
    root_of,
    subtree_hash,
    verify_consistency,
    verify_inclusion,
    verify_subtree,
)

LEAVES = [leaf_hash(f"entry {n}".encode()) for n in range(70)]


def hash_at(height: int, index: int) -> bytes:
    return root_of(LEAVES[index << height : (index + 1) << height])


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == root_of([])


def test_a_frontier_survives_being_packed() -> None:
    frontier = Frontier()
    for leaf in LEAVES:
        frontier = frontier.append(leaf)
        assert Frontier.from_bytes(frontier.size, frontier.to_bytes()) == frontier


@pytest.mark.parametrize(("size", "packed"), [(1, b""), (2, bytes(64)), (3, bytes(63)), (-1, b""), (2**63, bytes(32))])
def test_a_frontier_of_another_shape_is_refused(size: int, packed: bytes) -> None:
    with pytest.raises(BadFormatError):
        Frontier.from_bytes(size, packed)


def test_every_leaf_is_proved_in_every_tree_and_nowhere_else() -> None:
    for size in range(1, 20):
        root = root_of(LEAVES[:size])
        for index in range(size):
            proof = prove_subtree(hash_at, index, index + 1, size)
            verify_inclusion(index, size, leaf=LEAVES[index], root=root, proof=proof)
            with pytest.raises(BadProofError):
                verify_inclusion(index, size, leaf=LEAVES[index + 1], root=root, proof=proof)


def test_every_older_tree_is_proved_to_begin_every_newer_one() -> None:
    for size in range(1, 33):
        for size_old in range(1, size + 1):
            proof = prove_consistency(hash_at, size_old, size)
            old, new = root_of(LEAVES[:size_old]), root_of(LEAVES[:size])
            verify_consistency(size_old, size, root_old=old, root=new, proof=proof)
            with pytest.raises(BadProofError):
                verify_consistency(size_old, size, root_old=EMPTY_ROOT, root=new, proof=proof)
            with pytest.raises(BadProofError):
                verify_consistency(size_old, size, root_old=old, root=EMPTY_ROOT, proof=proof)


def test_every_subtree_is_proved_to_be_in_the_tree() -> None:
    size = 21
    root = root_of(LEAVES[:size])
    subtrees = [(start, end) for start in range(size) for end in range(start + 1, size + 1) if is_subtree(start, end)]
    assert (8, 21) not in subtrees
    assert (16, 21) in subtrees
    for start, end in subtrees:
        proof = prove_subtree(hash_at, start, end, size)
        verify_subtree(start, end, size, subtree=subtree_hash(hash_at, start, end), root=root, proof=proof)


def test_a_proof_with_one_hash_more_less_or_changed_is_refused() -> None:
    proof = prove_subtree(hash_at, 5, 6, 21)
    root = root_of(LEAVES[:21])
    wrong = [proof[1:], proof[:-1], (*proof, EMPTY_ROOT), (EMPTY_ROOT, *proof), (*proof[:-1], proof[-1][:31])]
    for bad in wrong:
        with pytest.raises(BadProofError):
            verify_inclusion(5, 21, leaf=LEAVES[5], root=root, proof=bad)


@pytest.mark.parametrize(("size_old", "size"), [(0, 0), (0, 5), (-1, 5), (6, 5), (2, 2**63)])
def test_sizes_that_prove_nothing_are_refused(size_old: int, size: int) -> None:
    with pytest.raises(BadProofError):
        verify_consistency(size_old, size, root_old=EMPTY_ROOT, root=EMPTY_ROOT, proof=[])


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_a_leaf_outside_the_tree_is_refused(index: int) -> None:
    with pytest.raises(BadProofError):
        verify_inclusion(index, 5, leaf=LEAVES[0], root=root_of(LEAVES[:5]), proof=[])


def test_no_proof_is_made_for_what_is_no_subtree() -> None:
    for start, end, size in ((1, 3, 8), (3, 3, 8), (0, 9, 8)):
        with pytest.raises(BadProofError):
            prove_subtree(hash_at, start, end, size)
    with pytest.raises(BadProofError):
        subtree_hash(hash_at, 1, 3)


def test_a_proof_of_more_than_63_hashes_is_refused_before_it_is_followed() -> None:
    with pytest.raises(BadProofError, match="63"):
        verify_subtree(0, 1, 2, subtree=LEAVES[0], root=LEAVES[1], proof=[EMPTY_ROOT] * 64)
