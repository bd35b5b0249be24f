"""Signed messages in the shapes that issuers give them, and in shapes that nobody honest does."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from document_fakes.master_lists import NOW, Party, party

from gate_documents.errors import AlgorithmUnknownError, MalformedError, SignatureError, SignerMissingError
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.master_list import parse_master_list
from gate_documents.pki.signed_data import SignedMessage, parse_signed_message
from hardware_sim.passport import der

CSCA = party("CSCA")
SIGNER = party("Signer", issuer=CSCA, authority=False)
OTHER = party("Other", issuer=CSCA, authority=False)
CONTENT = b"what is signed"
CONTENT_TYPE = "2.23.136.1.1.1"
SHA256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
ECDSA = der.sequence(der.oid("1.2.840.10045.4.3.2"))


def attribute(kind: str, *values: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.tlv(0x31, *values))


CONTENT_TYPE_ATTRIBUTE = attribute("1.2.840.113549.1.9.3", der.oid(CONTENT_TYPE))
DIGEST_ATTRIBUTE = attribute("1.2.840.113549.1.9.4", der.octets(hashlib.sha256(CONTENT).digest()))
TIME_ATTRIBUTE = attribute("1.2.840.113549.1.9.5", der.time(NOW))
ATTRIBUTES = tuple(sorted((CONTENT_TYPE_ATTRIBUTE, DIGEST_ATTRIBUTE, TIME_ATTRIBUTE)))


def signer_info(
    signer: Party = SIGNER,
    *,
    attributes: tuple[bytes, ...] = ATTRIBUTES,
    signed: bytes | None = None,
    version: int = 1,
    by_key: bool = False,
    named: Party | None = None,
    hash_algorithm: bytes = SHA256,
    issuer: bytes | None = None,
    algorithm: bytes = ECDSA,
) -> bytes:
    """One signer; `signed` is what its signature covers when that is not what the standard says."""
    if signed is None:
        signed = der.tlv(0x31, *attributes) if attributes else CONTENT
    signature = signer.key.sign(signed, ec.ECDSA(hashes.SHA256()))
    certificate = (named or signer).certificate
    key_id = parse_certificate((named or signer).der).key_id
    assert key_id is not None
    by_name = der.sequence(issuer or certificate.issuer.public_bytes(), der.integer(certificate.serial_number))
    return der.sequence(
        der.integer(version),
        der.tlv(0x80, key_id) if by_key else by_name,
        hash_algorithm,
        der.tlv(0xA0, *attributes) if attributes else b"",
        algorithm,
        der.octets(signature),
    )


def message(
    *infos: bytes,
    certificates: tuple[bytes, ...] = (SIGNER.der,),
    content_type: str = CONTENT_TYPE,
    version: int = 3,
) -> SignedMessage:
    signed = der.sequence(
        der.integer(version),
        der.tlv(0x31, SHA256),
        der.sequence(der.oid(content_type), der.tlv(0xA0, der.octets(CONTENT))),
        der.tlv(0xA0, *certificates),
        der.tlv(0x31, *infos),
    )
    return parse_signed_message(der.sequence(der.oid("1.2.840.113549.1.7.2"), der.tlv(0xA0, signed)), "a message")


def test_the_usual_message_verifies_and_tells_when_it_was_signed() -> None:
    one = message(signer_info())
    assert one.verify().der == SIGNER.der
    assert one.content == CONTENT
    assert one.signers[0].signing_time == NOW


def test_a_signer_may_be_named_by_its_key() -> None:
    assert message(signer_info(by_key=True, version=3), certificates=(OTHER.der, SIGNER.der)).verify().der == SIGNER.der


def test_attributes_in_another_order_verify_as_signed_and_as_sorted() -> None:
    backwards = tuple(reversed(ATTRIBUTES))
    assert message(signer_info(attributes=backwards)).verify()
    assert message(signer_info(attributes=backwards, signed=der.tlv(0x31, *ATTRIBUTES))).verify()


def test_content_signed_directly_is_refused_whatever_its_type() -> None:
    for content_type in (CONTENT_TYPE, "1.2.840.113549.1.7.1"):
        with pytest.raises(SignatureError, match="no signed attributes"):
            message(signer_info(attributes=()), content_type=content_type).verify()


def renamed(*parts: bytes, signer: Party = SIGNER) -> bytes:
    """A signer, its issuer's name made of these parts."""
    return signer_info(signer, issuer=der.sequence(*parts))


def relative(kind: str, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), value)


COUNTRY = relative("2.5.4.6", der.printable("UT"))
COMMON = relative("2.5.4.3", der.utf8("CSCA"))


@pytest.mark.parametrize(
    "parts",
    [
        (der.tlv(0x31, COMMON), der.tlv(0x31, COUNTRY)),
        (der.tlv(0x31, COMMON, COUNTRY),),
        (der.tlv(0x31, COUNTRY), der.tlv(0x31, relative("2.5.4.3", der.printable("CSCA")))),
        (der.tlv(0x31, relative("2.5.4.3", der.tlv(0x1E, "CSCA".encode("utf-16-be")))), der.tlv(0x31, COUNTRY)),
    ],
)
def test_a_signer_whose_issuer_is_spelled_otherwise_is_the_one_with_its_number(parts: tuple[bytes, ...]) -> None:
    assert message(renamed(*parts)).verify().der == SIGNER.der
    assert message(renamed(*parts), certificates=(OTHER.der, SIGNER.der, CSCA.der)).verify().der == SIGNER.der
    with pytest.raises(SignerMissingError):
        message(renamed(*parts), certificates=(OTHER.der,)).verify()
    forged = Party(SIGNER.name, OTHER.key, SIGNER.certificate)
    with pytest.raises(SignatureError):
        message(renamed(*parts, signer=forged)).verify()


@pytest.mark.parametrize(
    "parts",
    [
        (der.tlv(0x31, COUNTRY),),
        (der.tlv(0x31, COUNTRY), der.tlv(0x31, COMMON), der.tlv(0x31, COMMON)),
        (der.tlv(0x31, COUNTRY), der.tlv(0x31, relative("2.5.4.3", der.utf8("csca")))),
        (der.tlv(0x31, COUNTRY), der.tlv(0x31, relative("2.5.4.10", der.utf8("CSCA")))),
        (der.tlv(0x31, COUNTRY), der.tlv(0x31, relative("2.5.4.3", der.tlv(0x12, b"CSCA")))),
        (der.tlv(0x31, relative("2.5.4.6", der.printable("ZZ"))), der.tlv(0x31, COMMON)),
        (),
    ],
)
def test_another_issuers_name_beside_the_number_is_nobodys(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(SignerMissingError):
        message(renamed(*parts)).verify()


def test_two_certificates_that_are_alike_but_for_the_order_of_their_issuers_name_are_no_ones() -> None:
    swapped = renamed(der.tlv(0x31, COMMON), der.tlv(0x31, COUNTRY))
    with pytest.raises(SignerMissingError):
        message(swapped, certificates=(SIGNER.der, SIGNER.der)).verify()


def test_of_two_certificates_with_one_name_and_number_the_right_one_is_found() -> None:
    twin = Party(SIGNER.name, OTHER.key, SIGNER.certificate)
    same_key_id = signer_info(twin, by_key=True, version=3)
    with pytest.raises(SignatureError):
        message(same_key_id, certificates=(SIGNER.der, SIGNER.der)).verify()
    assert message(signer_info(), certificates=(SIGNER.der, SIGNER.der)).verify()


def test_a_namesake_with_a_key_of_another_kind_does_not_hide_the_right_certificate() -> None:
    right = parse_certificate(SIGNER.der)
    rsa_key = rsa.generate_private_key(65537, 1024).public_key()
    spki = rsa_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    namesake = dataclasses.replace(right, spki=spki)
    off_the_curve = dataclasses.replace(right, spki=right.spki[:-1] + bytes([right.spki[-1] ^ 1]))
    secp256k1 = der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.3.132.0.10"))  # no passport has it
    unknown = dataclasses.replace(right, spki=der.sequence(secp256k1, der.tlv(0x03, b"\x00", bytes(65))))
    without = message(signer_info(), certificates=())
    assert without.verify(lambda _: (namesake, off_the_curve, unknown, right)) is right
    with pytest.raises(MalformedError):
        without.verify(lambda _: (off_the_curve, namesake))
    with pytest.raises(AlgorithmUnknownError):
        without.verify(lambda _: (unknown, namesake))


def test_every_signer_must_be_right() -> None:
    both = (SIGNER.der, OTHER.der)
    assert message(signer_info(), signer_info(OTHER), certificates=both).verify().der in both
    with pytest.raises(SignatureError):
        message(signer_info(), signer_info(OTHER, signed=b"x"), certificates=both).verify()


def test_without_its_certificate_a_signer_stays_unknown() -> None:
    with pytest.raises(SignerMissingError):
        message(signer_info(), certificates=(OTHER.der,)).verify()
    with pytest.raises(SignerMissingError):
        message(signer_info(by_key=True, version=3), certificates=(OTHER.der,)).verify()


def test_a_certificate_of_somebody_else_under_the_signers_name_does_not_help() -> None:
    with pytest.raises(SignatureError):
        message(signer_info(OTHER, named=SIGNER)).verify()


def test_attributes_about_other_content_are_refused() -> None:
    other_type = attribute("1.2.840.113549.1.9.3", der.oid("2.23.136.1.1.2"))
    other_digest = attribute("1.2.840.113549.1.9.4", der.octets(bytes(32)))
    for attributes in (
        (other_type, DIGEST_ATTRIBUTE),
        (CONTENT_TYPE_ATTRIBUTE, other_digest),
        (CONTENT_TYPE_ATTRIBUTE,),
        (DIGEST_ATTRIBUTE,),
    ):
        with pytest.raises(SignatureError, match=r"the signed (content type|digest)"):
            message(signer_info(attributes=attributes)).verify()


@pytest.mark.parametrize(
    "info",
    [
        signer_info(version=2),
        signer_info(version=3),
        signer_info(by_key=True, version=1),
        signer_info(attributes=(*ATTRIBUTES, DIGEST_ATTRIBUTE)),
        signer_info(
            attributes=(
                attribute("1.2.840.113549.1.9.3", der.oid(CONTENT_TYPE), der.oid(CONTENT_TYPE)),
                DIGEST_ATTRIBUTE,
            )
        ),
        signer_info(hash_algorithm=der.sequence(der.oid("2.16.840.1.101.3.4.2.2"))),
        signer_info(hash_algorithm=der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.octets(b""))),
    ],
)
def test_signers_that_break_the_format_are_refused(info: bytes) -> None:
    with pytest.raises(MalformedError):
        message(info)


def test_a_hash_that_nobody_should_use_any_more_is_not_known() -> None:
    with pytest.raises(AlgorithmUnknownError):
        message(signer_info(hash_algorithm=der.sequence(der.oid("1.2.840.113549.2.5"))))


def test_signers_and_certificates_are_bounded() -> None:
    with pytest.raises(MalformedError, match="no signer"):
        message()
    with pytest.raises(MalformedError, match="too many"):
        message(*[signer_info() for _ in range(5)])
    with pytest.raises(MalformedError, match="too many"):
        message(signer_info(), certificates=(SIGNER.der,) * 17)


@pytest.mark.parametrize("version", [1, 2, 4])
def test_other_versions_of_signed_data_are_refused(version: int) -> None:
    with pytest.raises(MalformedError):
        message(signer_info(), version=version)


def test_a_master_list_must_be_of_version_0_and_not_empty() -> None:
    for content in (der.sequence(der.integer(1), der.tlv(0x31, CSCA.der)), der.sequence(der.integer(0), der.tlv(0x31))):
        info = signer_info(attributes=(), signed=content)
        signed = der.sequence(
            der.integer(3),
            der.tlv(0x31, SHA256),
            der.sequence(der.oid("2.23.136.1.1.2"), der.tlv(0xA0, der.octets(content))),
            der.tlv(0xA0, SIGNER.der),
            der.tlv(0x31, info),
        )
        with pytest.raises(MalformedError, match="unknown version"):
            parse_master_list(der.sequence(der.oid("1.2.840.113549.1.7.2"), der.tlv(0xA0, signed)))


# ── CMSAlgorithmProtection (RFC 6211) ────────────────────────────────────────────────────────────────────────────────

SHA384 = der.sequence(der.oid("2.16.840.1.101.3.4.2.2"))
SHA256_NULL = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.null())
ECDSA_SHA384 = der.sequence(der.oid("1.2.840.10045.4.3.3"))


def protection(*fields: bytes) -> tuple[bytes, ...]:
    return tuple(sorted((*ATTRIBUTES, attribute("1.2.840.113549.1.9.52", der.sequence(*fields)))))


def implicit(tag: int, identifier: bytes) -> bytes:
    return bytes([tag]) + identifier[1:]


@pytest.mark.parametrize("announced", [SHA256, SHA256_NULL], ids=["without NULL", "with NULL"])
def test_algorithms_that_were_signed_agree_with_the_signers(announced: bytes) -> None:
    attributes = protection(announced, implicit(0xA1, ECDSA))
    assert message(signer_info(attributes=attributes)).verify().der == SIGNER.der


@pytest.mark.parametrize(
    "fields",
    [
        (SHA384, implicit(0xA1, ECDSA)),
        (SHA256, implicit(0xA1, ECDSA_SHA384)),
        (SHA256, implicit(0xA1, der.sequence(der.oid("1.2.3.4")))),
        (SHA256, implicit(0xA2, ECDSA)),
        (SHA256, implicit(0xA1, ECDSA), implicit(0xA2, ECDSA)),
        (SHA256, implicit(0xA1, ECDSA), implicit(0xA1, ECDSA)),
        (SHA256,),
        (),
    ],
    ids=["digest", "signature", "unknown", "code", "both", "twice", "no signature", "empty"],
)
def test_algorithms_that_were_signed_and_are_others_are_refused(fields: tuple[bytes, ...]) -> None:
    with pytest.raises(MalformedError):
        message(signer_info(attributes=protection(*fields)))


def test_the_name_that_was_signed_is_the_signers_and_not_one_that_means_the_same() -> None:
    """`rsaEncryption` with SHA-256, as some signers write, means sha256WithRSAEncryption."""
    bare = der.sequence(der.oid("1.2.840.113549.1.1.1"), der.null())
    whole = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null())
    without_null = der.sequence(der.oid("1.2.840.113549.1.1.11"))
    for used, signed in ((whole, whole), (bare, bare), (whole, without_null), (without_null, whole)):
        message(signer_info(attributes=protection(SHA256, implicit(0xA1, signed)), algorithm=used))
    for used, signed in ((whole, bare), (bare, whole)):
        with pytest.raises(MalformedError):
            message(signer_info(attributes=protection(SHA256, implicit(0xA1, signed)), algorithm=used))
