"""A mutated certificate or security object is read as asn1crypto's typed objects read it, or one of the two refuses it."""

from __future__ import annotations

import pytest
from document_fakes.sample_passports import ANNA, portrait, utopia
from fakes.typed_asn1 import certificate_facts, our_certificate_facts, our_signer_facts, signer_facts
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_documents import tlv
from gate_documents.errors import DocumentError, MalformedError
from gate_documents.pki.asn1 import OID_BYTES_MAX, PARTS_MAX, dotted, only, parts, reading
from gate_documents.pki.certificate import CERTIFICATE_BYTES_MAX, read_certificate
from gate_documents.pki.signed_data import parse_signed_message

PASSPORT = utopia().issue(ANNA, portrait_jpeg=portrait())
MESSAGE = tlv.only(PASSPORT.files["EF_SOD"], 0x77)
CERTIFICATES = (
    *utopia().csca_files().values(),
    *(one.der for one in parse_signed_message(MESSAGE, "EF.SOD").certificates),
)


@st.composite
def mutations(draw: st.DrawFn, whole: bytes) -> bytes:
    """One or two bytes changed, taken out or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(("change", "take", "put"))):
            case "change":
                data[place] = draw(st.integers(0, 255))
            case "take":
                del data[place]
            case _:
                data.insert(place, draw(st.integers(0, 255)))
    return bytes(data)


@pytest.mark.parametrize("whole", CERTIFICATES)
def test_a_certificate_is_read_as_others_read_it(whole: bytes) -> None:
    assert our_certificate_facts(read_certificate(whole)) == certificate_facts(whole)


@settings(max_examples=300)
@given(whole=st.sampled_from(CERTIFICATES).flatmap(mutations))
def test_a_mutated_certificate_is_read_as_others_read_it_or_refused(whole: bytes) -> None:
    try:
        ours = our_certificate_facts(read_certificate(whole))
    except MalformedError:
        return
    assert certificate_facts(whole) in (ours, None)


@settings(max_examples=300)
@given(whole=st.just(MESSAGE) | mutations(MESSAGE))
def test_a_mutated_message_is_read_as_others_read_it_or_refused(whole: bytes) -> None:
    try:
        message = parse_signed_message(whole, "EF.SOD")
    except DocumentError:
        return
    ours = [our_signer_facts(one, message.content_type, message.content) for one in message.signers]
    assert signer_facts(whole) in (ours, None)


@given(whole=st.binary(max_size=64))
def test_what_is_cut_into_parts_makes_up_the_whole_again(whole: bytes) -> None:
    try:
        with reading("noise"):
            found = parts(whole)
    except MalformedError:
        return
    assert b"".join(one.encoded for one in found) == whole


def test_values_without_end_are_refused() -> None:
    assert len(parts(b"\x05\x00" * PARTS_MAX)) == PARTS_MAX
    with pytest.raises(MalformedError, match="more than"):
        parts(b"\x05\x00" * (PARTS_MAX + 1))
    with pytest.raises(MalformedError, match="longer than"):
        read_certificate(bytes(CERTIFICATE_BYTES_MAX + 1))
    with pytest.raises(MalformedError, match="identifier"):
        dotted(only(tlv.encode(6, bytes(OID_BYTES_MAX + 1)), "an identifier"))
