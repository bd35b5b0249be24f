"""The DER writer against another encoder, and against the clauses that it quotes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.passport import der

oids = st.tuples(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**40), min_size=1, max_size=6)).map(
    lambda parts: ".".join(map(str, (parts[0], parts[1], *parts[2])))
)


@given(value=st.integers(-(2**70), 2**70))
def test_integers_are_written_as_another_encoder_writes_them(value: int) -> None:
    assert der.integer(value) == core.Integer(value).dump()


@pytest.mark.parametrize("value", [-(2**15), -(2**7), -1, 0, 2**7 - 1, 2**7, 2**15])
def test_an_integer_at_the_edge_of_a_byte_stays_as_short_as_it_can_be(value: int) -> None:
    assert der.integer(value) == core.Integer(value).dump()


@given(dotted=oids)
def test_object_identifiers_are_written_as_another_encoder_writes_them(dotted: str) -> None:
    assert der.oid(dotted) == core.ObjectIdentifier(dotted).dump()


@given(content=st.binary(max_size=300) | st.integers(65_500, 65_600).map(bytes))
def test_octets_of_any_length_read_back(content: bytes) -> None:
    assert core.OctetString.load(der.octets(content), strict=True).native == content


def test_a_tag_of_two_bytes_stays_whole() -> None:
    assert der.tlv(0x7F61, b"\x01").hex() == "7f610101"


def test_a_set_is_sorted_by_its_encodings() -> None:
    assert (
        der.set_of(der.integer(2), der.null(), der.integer(1))
        == b"\x31\x08" + der.integer(1) + der.integer(2) + der.null()
    )


def test_the_year_2050_changes_the_kind_of_time() -> None:
    assert der.time(datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)) == b"\x17\x0d491231235959Z"
    assert der.time(datetime(2050, 1, 1, tzinfo=UTC)) == b"\x18\x0f20500101000000Z"
