"""Card-verifiable certificates: the worked example of the standard, those of the simulated country, and what is none."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA1, SHA512
from document_fakes.sample_passports import utopia

from gate_documents import tlv
from gate_documents.errors import CardCertificateError, DocumentError, MalformedError
from gate_documents.lds.cvca import cvca_file, parse_cvca
from gate_documents.lds.security_infos import TerminalAuthenticationInfo
from gate_documents.pki.cvc import (
    CERTIFICATE_BYTES_MAX,
    INSPECTION_SYSTEM,
    Role,
    parse_card_certificate,
    parse_chain,
    reference,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/bsi_tr03110_certificates.json").read_text())
BSI = {name: bytes.fromhex(text) for name, text in VECTORS.items() if name != "source"}
OURS = utopia().terminal_chain().certificates
EIDAS_TERMINAL = bytes.fromhex("04007F000703010202")


D019 = b"DETESTDVDE019", b"DETESTATDE019"
EXAMPLE = {
    "ecdh_cvca": (
        *(b"DECVCAAT00001", b"DECVCAAT00001", INSPECTION_SYSTEM, Role.AUTHORITY, 0b11),
        *("0205", date(2010, 9, 30), date(2011, 9, 25)),
    ),
    "ecdh_dv": (
        *(b"DECVCAAT00001", b"DETESTDVDE019", EIDAS_TERMINAL, Role.DOMESTIC_VERIFIER, 0x1FFFFF10),
        *("0205", date(2010, 9, 30), date(2010, 10, 30)),
    ),
    "ecdh_terminal": (*D019, EIDAS_TERMINAL, Role.TERMINAL, 0x110, "0205", date(2010, 9, 30), date(2010, 10, 30)),
    "dh_cvca": (
        *(b"DETESTCVCA00003", b"DETESTCVCA00003", INSPECTION_SYSTEM, Role.AUTHORITY, 0b11),
        *("0101", date(2010, 3, 24), date(2011, 3, 19)),
    ),
    "dh_terminal": (*D019, EIDAS_TERMINAL, Role.TERMINAL, 0x110, "0101", date(2010, 3, 24), date(2010, 4, 24)),
}


@pytest.mark.parametrize("name", EXAMPLE)
def test_the_worked_example_is_read_as_it_is(name: str) -> None:
    one = parse_card_certificate(BSI[name])
    names = one.authority, one.holder, one.template
    algorithm = one.algorithm.removeprefix(bytes.fromhex("04007F0007020202")).hex()
    assert (*names, one.role, one.rights, algorithm, one.effective, one.expires) == EXAMPLE[name]


def test_body_and_signature_are_what_was_signed_and_how() -> None:
    """Each elliptic certificate of the example verifies, over these bytes, with the point of the one above."""
    above = parse_card_certificate(BSI["ecdh_cvca"])
    for name in ("ecdh_cvca", "ecdh_dv", "ecdh_terminal"):
        one = parse_card_certificate(BSI[name])
        plain = tlv.only(one.signature, 0x5F37)
        numbers = utils.encode_dss_signature(int.from_bytes(plain[:64]), int.from_bytes(plain[64:]))
        point = tlv.first(tlv.first(tlv.only(above.body, 0x7F4E), 0x7F49) or b"", 0x86) or b""
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.BrainpoolP512R1(), point)
        key.verify(numbers, one.body, ec.ECDSA(SHA512()))
        above = one


def test_the_same_with_rsa() -> None:
    one = parse_card_certificate(BSI["dh_cvca"])
    parts = tlv.first(tlv.only(one.body, 0x7F4E), 0x7F49) or b""
    modulus, exponent = (int.from_bytes(tlv.first(parts, tag) or b"") for tag in (0x81, 0x82))
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    key.verify(tlv.only(one.signature, 0x5F37), one.body, padding.PKCS1v15(), SHA1())


def test_a_chain_is_read_in_its_order() -> None:
    verifier, terminal = parse_chain(b"".join(OURS))
    assert (verifier.role, terminal.role) == (Role.DOMESTIC_VERIFIER, Role.TERMINAL)
    assert terminal.authority == verifier.holder
    assert terminal.rights == 0b01


@pytest.mark.parametrize("data", [b"", OURS[0] * 9, OURS[0] + b"\x00", bytes(40_000)])
def test_no_certificate_and_too_many_are_no_chain(data: bytes) -> None:
    with pytest.raises(CardCertificateError):
        parse_chain(data)


def rebuilt(**changes: bytes | None) -> bytes:
    """Our first certificate with objects of its body changed or left out, by tag."""
    body, signature = tlv.elements(tlv.only(OURS[0], 0x7F21))
    new = {int(tag[1:], 16): value for tag, value in changes.items()}
    parts = []
    for one in tlv.elements(body.value):
        value = new.pop(one.tag, one.value)
        if value is not None:
            parts.append(tlv.encode(one.tag, value))
    parts += [tlv.encode(tag, value) for tag, value in new.items() if value is not None]
    return tlv.encode(0x7F21, tlv.encode(0x7F4E, b"".join(parts)) + tlv.encode(signature.tag, signature.value))


def key(identifier: str, *tags: int) -> bytes:
    return tlv.encode(0x06, bytes.fromhex(identifier)) + b"".join(tlv.encode(tag, b"\x01") for tag in tags)


GOOD = {
    "nothing changed": {},
    "extensions": {"x65": b"\x73\x00"},
    "the longest name": {"x5F20": b"UT" + b"D" * 14},
    "a name with an umlaut": {"x5F20": "UTDÜ00001".encode("latin-1")},
    "an elliptic key with all parameters": {
        "x7F49": key("04007F00070202020203", 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87)
    },
    "an elliptic key without its cofactor": {"x7F49": key("04007F00070202020203", 0x81, 0x82, 0x83, 0x84, 0x85, 0x86)},
    "an RSA key": {"x7F49": key("04007F00070202020102", 0x81, 0x82)},
}
BAD: dict[str, dict[str, Any]] = {
    "another profile": {"x5F29": b"\x01"},
    "no profile": {"x5F29": None},
    "no holder": {"x5F20": None},
    "no expiry": {"x5F24": None},
    "one object more": {"x5F38": b""},
    "a short name": {"x5F20": b"UT0001"},
    "a long name": {"x5F20": b"UT" + b"D" * 15},
    "a name without a country": {"x42": b"12CVCA00001"},
    "a country in small letters": {"x42": b"utCVCA00001"},
    "a name with a control character": {"x42": b"UTCVCA\x0000001"},
    "a name with an unassigned character": {"x42": b"UTCVCA\x8500001"},
    "an empty authorisation": {"x7F4C": tlv.encode(0x06, INSPECTION_SYSTEM) + b"\x53\x00"},
    "a long authorisation": {"x7F4C": tlv.encode(0x06, INSPECTION_SYSTEM) + b"\x53\x09" + bytes(9)},
    "no authorisation": {"x7F4C": b""},
    "a date with a letter": {"x5F25": bytes((2, 6, 1, 10, 0, 1))},
    "a date of five digits": {"x5F25": bytes((2, 6, 1, 0, 1))},
    "the thirteenth month": {"x5F24": bytes((2, 6, 1, 3, 0, 1))},
    "no key": {"x7F49": b""},
    "a key of another protocol": {"x7F49": key("04007F00070202030202", 0x86)},
    "a key of a third kind": {"x7F49": key("04007F00070202020301", 0x86)},
    "a key with a longer identifier": {"x7F49": key("04007F0007020202020301", 0x86)},
    "an elliptic key with half its parameters": {"x7F49": key("04007F00070202020203", 0x81, 0x82, 0x86)},
    "an RSA key without exponent": {"x7F49": key("04007F00070202020102", 0x81)},
}


@pytest.mark.parametrize("what", GOOD)
def test_what_the_profile_allows_is_read(what: str) -> None:
    assert parse_card_certificate(rebuilt(**GOOD[what])).role is Role.DOMESTIC_VERIFIER


@pytest.mark.parametrize("what", BAD)
def test_what_the_profile_does_not_allow_is_refused(what: str) -> None:
    with pytest.raises(CardCertificateError):
        parse_card_certificate(rebuilt(**BAD[what]))


def test_lengths_that_are_not_the_shortest_are_refused() -> None:
    body, signature = tlv.elements(tlv.only(OURS[0], 0x7F21))
    inside = tlv.encode(body.tag, body.value) + bytes.fromhex("5F378140") + signature.value
    assert len(signature.value) == 0x40
    with pytest.raises(CardCertificateError, match="DER"):
        parse_card_certificate(tlv.encode(0x7F21, inside))


@pytest.mark.parametrize(
    "data", [b"", b"\x7f\x22\x01\x00", b"\x7f\x21\x82\x02\xf3\x7f", bytes(CERTIFICATE_BYTES_MAX + 1)]
)
def test_other_bytes_are_no_certificate(data: bytes) -> None:
    with pytest.raises(CardCertificateError):
        parse_card_certificate(data)


def test_a_certificate_is_at_fault_and_no_document() -> None:
    assert issubclass(CardCertificateError, DocumentError)
    assert not issubclass(CardCertificateError, MalformedError)


# ── EF.CVCA ──────────────────────────────────────────────────────────────────────────────────────────────────────────

NEWEST, BEFORE = b"UTCVCA00002", b"UTCVCA00001"


def test_the_file_names_one_or_two_authorities_and_is_filled_up() -> None:
    one = tlv.encode(0x42, NEWEST)
    assert parse_cvca(one.ljust(36, b"\x00")) == (NEWEST,)
    assert parse_cvca((one + tlv.encode(0x42, BEFORE)).ljust(36, b"\x00")) == (NEWEST, BEFORE)
    assert parse_cvca(one) == (NEWEST,)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(36),
        tlv.encode(0x42, NEWEST) * 3,
        tlv.encode(0x43, NEWEST),
        tlv.encode(0x42, b"UT\x00\x00\x00\x00\x00\x00"),
        tlv.encode(0x42, NEWEST)[:-1],
    ],
)
def test_what_is_no_such_file_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_cvca(content)


def test_the_file_goes_by_the_name_that_the_chip_gives_it() -> None:
    assert cvca_file(None).identifier == 0x011C
    assert cvca_file(TerminalAuthenticationInfo(1, None)).identifier == 0x011C
    assert cvca_file(TerminalAuthenticationInfo(1, 0x0141)).identifier == 0x0141


def test_a_reference_is_given_back_as_it_is() -> None:
    assert reference(NEWEST) == NEWEST
