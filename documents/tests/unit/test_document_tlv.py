"""BER-TLV: read strictly, within bounds."""

from __future__ import annotations

import pytest

from gate_documents import tlv
from gate_documents.errors import MalformedError
from gate_documents.tlv import Tlv


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0500", (0x05, 0, 2)),
        ("7F6103", (0x7F61, 3, 3)),
        ("5F2E82010000", (0x5F2E, 256, 5)),
        ("778401000000", (0x77, 1 << 24, 6)),
        ("30", None),
        ("5F", None),
        ("5FAA", None),
        ("", None),
        ("3082", None),
        ("308201", None),
    ],
)
def test_headers_are_read_or_found_to_be_incomplete(data: str, expected: tuple[int, int, int] | None) -> None:
    assert tlv.header(bytes.fromhex(data)) == expected


@pytest.mark.parametrize("data", ["3080", "308501020304050000", "5FFFFFFF0100", "30FF"])
def test_headers_that_no_document_has_are_refused(data: str) -> None:
    with pytest.raises(MalformedError):
        tlv.header(bytes.fromhex(data))


def test_elements_follow_each_other() -> None:
    assert list(tlv.elements(bytes.fromhex("0101AA5F1F00"))) == [Tlv(1, b"\xaa"), Tlv(0x5F1F, b"")]


@pytest.mark.parametrize("data", ["0102AA", "0101AA02", "0184FFFFFFFFAA"])
def test_a_length_that_lies_is_refused(data: str) -> None:
    with pytest.raises(MalformedError):
        list(tlv.elements(bytes.fromhex(data)))


def test_the_number_of_elements_is_bounded() -> None:
    assert len(list(tlv.elements(b"\x01\x00" * tlv.ELEMENTS_MAX))) == tlv.ELEMENTS_MAX
    with pytest.raises(MalformedError, match="too many"):
        list(tlv.elements(b"\x01\x00" * (tlv.ELEMENTS_MAX + 1)))


def test_exactly_one_element_can_be_asked_for() -> None:
    assert tlv.only(b"\x01\x01\xaa", 1) == b"\xaa"
    for data in (b"", b"\x02\x00", b"\x01\x00\x01\x00"):
        with pytest.raises(MalformedError, match="not exactly one"):
            tlv.only(data, 1)


def test_the_first_element_of_a_kind_is_found() -> None:
    assert tlv.first(b"\x02\x00\x01\x01\xaa\x01\x00", 1) == b"\xaa"
    assert tlv.first(b"\x02\x00", 1) is None


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_536])
def test_encoding_undoes_reading_with_the_shortest_length(size: int) -> None:
    encoded = tlv.encode(0x7F61, bytes(size))
    assert tlv.only(encoded, 0x7F61) == bytes(size)
    assert len(encoded) - size == (3 if size < 128 else 4 if size < 256 else 5 if size < 65_536 else 6)


def test_an_element_never_shows_its_value() -> None:
    assert "secret" not in repr(Tlv(1, b"secret"))
