"""Every case of ISO/IEC 7816-4 §5.2, and bytes that fit none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.chip.apdu import BadApduError, Command, Response, parse

HEADER = (0x00, 0xB0, 0x01, 0x02)


@pytest.mark.parametrize(
    ("tail", "body", "ne", "extended"),
    [
        ("", b"", None, False),
        ("08", b"", 8, False),
        ("00", b"", 256, False),
        ("02 AABB", b"\xaa\xbb", None, False),
        ("02 AABB 00", b"\xaa\xbb", 256, False),
        ("00 0100", b"", 256, True),
        ("00 0000", b"", 65536, True),
        ("00 0002 AABB", b"\xaa\xbb", None, True),
        ("00 0002 AABB 0000", b"\xaa\xbb", 65536, True),
        ("00 0002 AABB 0010", b"\xaa\xbb", 16, True),
    ],
)
def test_each_case_is_understood(tail: str, body: bytes, ne: int | None, extended: bool) -> None:  # noqa: FBT001 - a table's column
    assert parse(bytes(HEADER) + bytes.fromhex(tail)) == Command(*HEADER, body, ne, extended)


@pytest.mark.parametrize("tail", ["02 AA", "02 AABB 0000", "00 AA", "00 0002 AA", "00 0002 AABB 00", "00 0000 AA"])
def test_lengths_that_do_not_add_up_are_refused(tail: str) -> None:
    with pytest.raises(BadApduError, match="length does not match"):
        parse(bytes(HEADER) + bytes.fromhex(tail))


def test_less_than_a_header_is_refused() -> None:
    with pytest.raises(BadApduError, match="shorter"):
        parse(bytes(HEADER)[:3])


@given(noise=st.binary(max_size=300))
def test_noise_is_a_command_or_refused_and_never_anything_else(noise: bytes) -> None:
    try:
        command = parse(noise)
    except BadApduError:
        return
    assert command.header == noise[:4]
    assert command.body in noise


def test_a_response_ends_with_its_status() -> None:
    assert Response(0x6282, b"\x01").encode() == b"\x01\x62\x82"


def test_neither_command_nor_response_shows_its_data() -> None:
    assert "AA" not in f"{Command(*HEADER, b'AA')!r} {Response(0x9000, b'AA')!r}"
