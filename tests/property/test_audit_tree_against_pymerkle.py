"""Roots against an implementation by others; proofs against trees of any shape."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from gate_core.audit_format.merkle import Frontier, leaf_hash, prove_consistency, root_of, verify_consistency
from gate_core.audit_format.tiles import Piece, decode_entries, encode_entries, levels_of, pieces_between, width_at
from gate_verify.folder import number_path, split_entries
from gate_verify.tree import Tree

entries = st.lists(st.binary(max_size=40), min_size=1, max_size=80)


@given(entries=entries)
def test_writer_verifier_and_pymerkle_agree_on_every_root(entries: list[bytes]) -> None:
    oracle, verifier, frontier = InmemoryTree(algorithm="sha256"), Tree(), Frontier()
    for entry in entries:
        oracle.append_entry(entry)
        verifier.add(entry)
        frontier = frontier.append(leaf_hash(entry))
        assert frontier.root() == verifier.root() == oracle.get_root()
        assert frontier.to_bytes() == verifier.frontier()


@given(entries=entries, data=st.data())
def test_growth_is_proved_and_any_other_past_is_not(entries: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(entry) for entry in entries]
    size_old = data.draw(st.integers(1, len(leaves)))
    proof = prove_consistency(
        lambda height, index: root_of(leaves[index << height : (index + 1) << height]), size_old, len(leaves)
    )
    verify_consistency(size_old, len(leaves), root_old=root_of(leaves[:size_old]), root=root_of(leaves), proof=proof)


@given(entries=entries, at=st.integers(0, 79))
def test_the_verifier_goes_on_from_any_frontier(entries: list[bytes], at: int) -> None:
    at = min(at, len(entries))
    whole, first = Tree(), Tree()
    for index, entry in enumerate(entries):
        whole.add(entry)
        if index < at:
            first.add(entry)
    rest = Tree(at, first.frontier())
    for entry in entries[at:]:
        rest.add(entry)
    assert rest.root() == whole.root()


@given(entries=entries)
def test_entry_bundles_come_back_for_writer_and_verifier_alike(entries: list[bytes]) -> None:
    raw = encode_entries(entries)
    assert list(decode_entries(raw, len(entries))) == entries == split_entries(raw)


@given(n=st.integers(0, 10**9))
def test_both_write_piece_numbers_alike(n: int) -> None:
    assert Piece(n, 256).path == number_path(n)


@given(size=st.integers(0, 2**24), published=st.integers(0, 2**24))
def test_pieces_cover_what_is_new_and_widths_add_up(size: int, published: int) -> None:
    pieces = list(pieces_between(published, size)) if size - published < 10**5 else []
    if published < size and pieces:
        assert pieces[0].start <= published < pieces[0].end
        assert pieces[-1].end == size
        assert all(one.end == other.start for one, other in pairwise(pieces))
    for level in levels_of(size):
        assert width_at(size, level) > 0
    assert width_at(size, len(levels_of(size))) == 0
