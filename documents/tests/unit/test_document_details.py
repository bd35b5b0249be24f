"""The data groups beside face and MRZ: fingerprints present or not, signatures, details of person and document, contacts."""

from __future__ import annotations

from datetime import date

import pytest

from gate_documents.errors import MalformedError
from gate_documents.lds.details import day, read_fields, read_list, text
from gate_documents.lds.dg3 import count_fingerprints
from gate_documents.lds.dg7 import parse_dg7
from gate_documents.lds.dg11 import parse_dg11
from gate_documents.lds.dg13 import parse_dg13
from gate_documents.lds.dg16 import parse_dg16
from gate_documents.tlv import encode


def count(number: int) -> bytes:
    return encode(0x02, bytes([number]))


DG3 = encode(0x63, encode(0x7F61, count(2) + encode(0x7F60, b"one") + encode(0x7F60, b"two")))
DG7 = encode(0x67, count(2) + encode(0x5F43, b"\xff\xd8\xff one") + encode(0x5F43, b"\xff\xd8\xff two"))
DG11 = encode(
    0x6B,
    encode(0x5C, b"\x5f\x0e\x5f\x2b\xa0")
    + encode(0x5F0E, "MÜLLER<<ANNA<MARIA".encode())
    + encode(0xA0, count(2) + encode(0x5F0F, b"SMITH<<ANN") + encode(0x5F0F, b""))
    + encode(0x5F10, b"4711")
    + encode(0x5F2B, b"19940812")
    + encode(0x5F11, b"TOWN<STATE")
    + encode(0x5F12, b"+1 555 0100"),
)
PERSON = encode(0x5F50, b"20250101") + encode(0x5F51, b"DOE<<JANE") + encode(0x5F52, b"+1") + encode(0x5F53, b"ROAD")
DG16 = encode(0x70, count(2) + encode(0xA1, PERSON) + encode(0xA2, encode(0x5F51, b"ROE<<RICHARD")))


def test_fingerprints_are_counted_and_not_looked_at() -> None:
    assert count_fingerprints(DG3) == 2
    assert count_fingerprints(encode(0x63, encode(0x7F61, count(0)))) == 0
    assert count_fingerprints(encode(0x63, encode(0x7F61, count(0) + encode(0x53, b"random")))) == 0


def test_pictures_of_signatures_are_handed_out_as_they_are() -> None:
    assert parse_dg7(DG7) == (b"\xff\xd8\xff one", b"\xff\xd8\xff two")


def test_personal_details_are_read_and_never_shown() -> None:
    details = parse_dg11(DG11)
    assert details.full_name == "MÜLLER<<ANNA<MARIA"
    assert details.other_names == ("SMITH<<ANN",)
    assert (details.personal_number, details.born, details.place_of_birth) == ("4711", date(1994, 8, 12), "TOWN<STATE")
    assert "ANNA" not in repr(details)


def test_every_personal_detail_may_be_missing() -> None:
    details = parse_dg11(encode(0x6B, encode(0x5C, b"")))
    assert (details.full_name, details.other_names, details.born) == (None, (), None)


@pytest.mark.parametrize(
    ("fields", "full_name", "other_names", "born"),
    [
        (encode(0x5F0E, "MÜLLER".encode("latin-1")) + encode(0x5F2B, b"19940812"), None, (), date(1994, 8, 12)),
        (encode(0x5F0E, b"A") + encode(0x5F0F, b"B") + encode(0x5F0F, b"C"), "A", ("B", "C"), None),
        (encode(0x5F0E, b"A") * 2 + encode(0x5F2B, b"19940812"), None, (), date(1994, 8, 12)),
        (encode(0x5F0E, b"A") + encode(0xA0, count(3) + encode(0x5F0F, b"B")), "A", (), None),
        (encode(0x5F0E, b"A") + encode(0xA0, b"\xff"), "A", (), None),
        (
            encode(0x5F0E, b"A") + encode(0xA0, count(2) + encode(0x5F0F, b"\xe9") + encode(0x5F0F, b"C")),
            "A",
            ("C",),
            None,
        ),
        (encode(0x5F0E, b"A") + encode(0x5F12, b"\xff") + encode(0x5F2B, b"never"), "A", (), None),
        (encode(0x5F0E, b"A") + b"\x5f\x2b\x20", "A", (), None),
    ],
    ids=["latin-1", "names outside a list", "twice", "another count", "no list", "one of a list", "others", "cut"],
)
def test_a_detail_that_cannot_be_read_is_none_and_costs_no_other(
    fields: bytes, full_name: str | None, other_names: tuple[str, ...], born: date | None
) -> None:
    details = parse_dg11(encode(0x6B, fields))
    assert (details.full_name, details.other_names, details.born) == (full_name, other_names, born)


@pytest.mark.parametrize("data", [b"", encode(0x6C, b""), encode(0x6B, b"") + b"\x00", b"\x6b\x05\x00"])
def test_what_is_no_dg11_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_dg11(data)


def test_whatever_stands_in_dg13_is_handed_out_unread() -> None:
    assert parse_dg13(encode(0x6D, b"\x00anything")) == b"\x00anything"


def test_persons_to_notify_are_read_in_order_and_never_shown() -> None:
    first, second = parse_dg16(DG16)
    assert (first.recorded, first.name, first.telephone, first.address) == (
        date(2025, 1, 1),
        "DOE<<JANE",
        "+1",
        "ROAD",
    )
    assert (second.recorded, second.name) == (None, "ROE<<RICHARD")
    assert "DOE" not in repr(first)


def test_a_field_that_stands_twice_is_refused() -> None:
    with pytest.raises(MalformedError, match="a field twice"):
        read_fields(encode(0x6B, encode(0x5F0E, b"A") * 2), 0x6B, "EF.DG11")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"20210416", date(2021, 4, 16)),
        (bytes.fromhex("20210416"), date(2021, 4, 16)),
        (b"20211332", None),
        (b"", None),
        (None, None),
    ],
)
def test_a_date_is_read_in_both_forms_and_never_guessed(value: bytes | None, expected: date | None) -> None:
    assert day(value, "EF.DG11") == expected


def test_text_is_utf_8_and_bounded() -> None:
    assert text("Ä".encode(), "EF.DG11") == "Ä"
    with pytest.raises(MalformedError, match="no text"):
        text(b"\xff", "EF.DG11")
    with pytest.raises(MalformedError, match="too long"):
        text(b"A" * 5000, "EF.DG11")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode(0x5F43, b"x"),
        count(2) + encode(0x5F43, b"x"),
        count(1) + encode(0x5F44, b"x"),
        encode(0x02, b"\0\0"),
    ],
)
def test_a_list_that_is_not_as_long_as_it_says_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        read_list(data, 0x5F43, "EF.DG7")


@pytest.mark.parametrize(
    "data",
    [
        encode(0x63, encode(0x7F61, b"")),
        encode(0x63, encode(0x7F61, count(1))),
        encode(0x63, encode(0x7F61, count(11) + encode(0x7F60, b"") * 11)),
        encode(0x63, encode(0x7F60, count(0))),
    ],
)
def test_fingerprints_in_another_number_than_announced_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        count_fingerprints(data)


@pytest.mark.parametrize(
    "data",
    [
        encode(0x70, b""),
        encode(0x70, count(2) + encode(0xA1, PERSON)),
        encode(0x70, count(1) + encode(0xA2, PERSON)),
        encode(0x70, count(16) + b"".join(encode(0xA1 + index, b"") for index in range(16))),
        encode(0x70, count(1) + encode(0xA1, encode(0x5F51, b"\xff"))),
    ],
)
def test_persons_in_another_number_than_announced_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_dg16(data)
