"""Paths, tiles and entry bundles: the specification's own examples, and what is refused."""

from __future__ import annotations

import pytest

from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.tiles import (
    ENTRY_BYTES_MAX,
    Piece,
    decode_entries,
    decode_tile,
    encode_entries,
    encode_tile,
    levels_of,
    pieces_between,
    tile_path,
    width_at,
)


def test_paths_are_those_of_the_specification() -> None:
    assert tile_path(0, Piece(1234067, 256)) == "tile/0/x001/x234/067"
    assert tile_path(1, Piece(0, 17)) == "tile/1/000.p/17"
    assert Piece(999, 256).path == "999"
    assert Piece(1000, 1).path == "x001/000.p/1"


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    size = 70_000
    found = {level: list(pieces_between(0, width_at(size, level))) for level in levels_of(size)}
    assert sum(piece.is_full for piece in found[0]) == 273
    assert found[0][-1] == Piece(273, 112)
    assert found[1] == [Piece(0, 256), Piece(1, 17)]
    assert found[2] == [Piece(0, 1)]
    assert len(found) == 3


@pytest.mark.parametrize(("n", "width"), [(-1, 1), (0, 0), (0, 257), (2**63, 1)])
def test_a_piece_out_of_bounds_cannot_be_built(n: int, width: int) -> None:
    with pytest.raises(BadFormatError):
        Piece(n, width)


def test_a_tile_of_another_width_is_refused() -> None:
    raw = encode_tile([bytes(32), bytes(32)])
    assert len(decode_tile(raw, 2)) == 2
    for width in (1, 3):
        with pytest.raises(BadFormatError):
            decode_tile(raw, width)


def test_an_entry_bundle_of_another_width_is_refused() -> None:
    raw = encode_entries([b"one", b"", b"three"])
    assert decode_entries(raw, 3) == (b"one", b"", b"three")
    for width in (2, 4):
        with pytest.raises(BadFormatError):
            decode_entries(raw, width)
    for at in range(1, len(raw)):
        with pytest.raises(BadFormatError):
            decode_entries(raw[:at], 3)


def test_an_entry_too_long_for_the_format_is_refused() -> None:
    assert len(encode_entries([b"x" * ENTRY_BYTES_MAX])) == ENTRY_BYTES_MAX + 2
    with pytest.raises(BadFormatError):
        encode_entries([b"x" * (ENTRY_BYTES_MAX + 1)])
