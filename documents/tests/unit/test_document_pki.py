"""Keys, certificates, signatures, the way to the country signing certificate, revocation lists."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import core, keys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from document_fakes.anchors import ListedAnchors
from document_fakes.sample_passports import utopia

from gate_documents.checks import Result
from gate_documents.errors import AlgorithmUnknownError, MalformedError, SignatureError
from gate_documents.pki.asn1 import SEQUENCE, moment, only, parts_of, reading
from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.pki.curve_table import PARAMETERS
from gate_documents.pki.hashes import hash_name
from gate_documents.pki.keys import EcKey, RsaKey, parse_public_key
from gate_documents.pki.path import find_issuer
from gate_documents.pki.revocation import parse_revocation_list
from gate_documents.pki.signatures import Kind, Scheme, parse_scheme, scheme_by_oid, verify
from hardware_sim.passport import der

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
DAY = timedelta(days=1)
P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
MESSAGE = b"what the issuer signed"


def spki(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def name(common: str, country: str = "UT") -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, country), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def certificate(
    subject: str,
    *,
    issuer: str | None = None,
    key: ec.EllipticCurvePrivateKey = P256,
    signer: ec.EllipticCurvePrivateKey | None = None,
    authority: bool = True,
    key_ids: bool = True,
    begins: datetime = NOW - DAY,
    serial: int = 7,
) -> bytes:
    """A certificate made with another library, with as many of the fields that matter as the test wants."""
    signer = signer or key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer or subject))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(begins)
        .not_valid_after(begins + 1000 * DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
    )
    if key_ids:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(identifier, critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def parsed(subject: str, **more: object) -> Certificate:
    return parse_certificate(certificate(subject, **more))  # type: ignore[arg-type]


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def explicit(curve: str, **changes: int | bytes | None) -> bytes:
    """A SubjectPublicKeyInfo that spells out the parameters of a curve, with changes."""
    _, p, a, b, x, y, n, h = PARAMETERS[curve]
    size = (p.bit_length() + 7) // 8
    numbers = {
        "p": p,
        "a": a,
        "b": b,
        "n": n,
        "h": h,
        "base": b"\x04" + x.to_bytes(size, "big") + y.to_bytes(size, "big"),
    }
    values: dict[str, Any] = numbers | changes
    domain = der.sequence(
        der.integer(1),
        der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(values["p"])),
        der.sequence(der.octets(values["a"].to_bytes(size, "big")), der.octets(values["b"].to_bytes(size, "big"))),
        der.octets(values["base"]),
        der.integer(values["n"]),
        b"" if values["h"] is None else der.integer(values["h"]),
    )
    return der.sequence(
        der.sequence(der.oid("1.2.840.10045.2.1"), domain),
        der.bits(b"\x04" + bytes(2 * size)),
    )


@pytest.mark.parametrize("curve", sorted(PARAMETERS))
def test_explicit_parameters_of_every_known_curve_are_recognised(curve: str) -> None:
    key = parse_public_key(explicit(curve))
    assert isinstance(key, EcKey)
    assert key.curve.name == curve


def test_the_cofactor_may_be_left_out_and_the_generator_compressed() -> None:
    _, p, _, _, x, y, _, _ = PARAMETERS["secp256r1"]
    assert parse_public_key(explicit("secp256r1", h=None))
    compressed = bytes([2 + (y & 1)]) + x.to_bytes((p.bit_length() + 7) // 8, "big")
    assert parse_public_key(explicit("secp256r1", base=compressed))
    with pytest.raises(AlgorithmUnknownError, match="generator"):
        parse_public_key(explicit("secp256r1", base=bytes([compressed[0] ^ 1]) + compressed[1:]))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"base": b"\x04" + bytes(64)}, "those of secp256r1 but for generator or cofactor"),
        ({"h": 2}, "those of secp256r1 but for generator or cofactor"),
        ({"b": 1}, "no known curve"),
        ({"n": 4}, "no known curve"),
        ({"p": 4}, "no known curve"),
    ],
)
def test_parameters_that_somebody_chose_are_refused(changes: dict[str, int | bytes], reason: str) -> None:
    with pytest.raises(AlgorithmUnknownError, match=reason):
        parse_public_key(explicit("secp256r1", **changes))


def test_unknown_curves_and_sizes_are_undecided_and_impossible_numbers_malformed() -> None:
    with pytest.raises(AlgorithmUnknownError, match="curve"):
        parse_public_key(spki(ec.generate_private_key(ec.SECP256K1())))
    with pytest.raises(MalformedError):
        parse_public_key(b"\x30\x00")
    small = keys.PublicKeyInfo.wrap(keys.RSAPublicKey({"modulus": 3 * 5, "public_exponent": 3}), "rsa").dump()
    with pytest.raises(AlgorithmUnknownError, match="modulus of 4 bits"):
        parse_public_key(small)


@pytest.mark.parametrize(
    ("modulus", "exponent"), [((1 << 1024) + 1, 4), (1 << 1024, 3), ((1 << 1024) + 1, 1), (-(1 << 1024) - 1, 3)]
)
def test_rsa_numbers_that_cannot_be_a_key_are_malformed(modulus: int, exponent: int) -> None:
    numbers = keys.RSAPublicKey({"modulus": modulus, "public_exponent": exponent})
    with pytest.raises(MalformedError, match="cannot be a key"):
        parse_public_key(keys.PublicKeyInfo.wrap(numbers, "rsa").dump())


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        (der.null(), "left to someone else"),
        (
            der.sequence(
                der.integer(1),
                der.sequence(der.oid("1.2.840.10045.1.2"), der.integer(5)),
                der.sequence(der.octets(b"\x01"), der.octets(b"\x01")),
                der.octets(b"\x04\x01\x01"),
                der.integer(5),
            ),
            "not prime",
        ),
    ],
)
def test_parameters_that_name_no_prime_curve_are_undecided(parameters: bytes, reason: str) -> None:
    algorithm_and_curve = der.sequence(der.oid("1.2.840.10045.2.1"), parameters)
    with pytest.raises(AlgorithmUnknownError, match=reason):
        parse_public_key(der.sequence(algorithm_and_curve, der.bits(b"\x04" + bytes(64))))


# ── signatures ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rsa_signatures_of_both_kinds_are_told_apart() -> None:
    key = parse_public_key(spki(RSA))
    pkcs1 = RSA.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    pss = RSA.sign(MESSAGE, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    pss_scheme = Scheme(Kind.RSA_PSS, "sha256", mask_hash="sha256", salt_bytes=32)
    verify(key, Scheme(Kind.RSA_PKCS1, "sha256"), MESSAGE, pkcs1)
    verify(key, pss_scheme, MESSAGE, pss)
    for scheme, signature in [
        (pss_scheme, pkcs1),
        (Scheme(Kind.RSA_PKCS1, "sha256"), pss),
        (Scheme(Kind.RSA_PKCS1, "sha1"), pkcs1),
        (dataclasses.replace(pss_scheme, salt_bytes=20), pss),
        (dataclasses.replace(pss_scheme, mask_hash="sha1"), pss),
        (pss_scheme, pss + b"\x00"),
        (pss_scheme, b""),
    ]:
        with pytest.raises(SignatureError):
            verify(key, scheme, MESSAGE, signature)


def test_a_key_and_a_signature_of_different_kinds_do_not_belong_together() -> None:
    with pytest.raises(MalformedError):
        verify(parse_public_key(spki(RSA)), Scheme(Kind.ECDSA, "sha256"), MESSAGE, bytes(64))
    with pytest.raises(MalformedError):
        verify(parse_public_key(spki(P256)), Scheme(Kind.RSA_PKCS1, "sha256"), MESSAGE, bytes(256))


def test_ecdsa_is_read_in_der_and_plain() -> None:
    key = parse_public_key(spki(P256))
    encoded = P256.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(encoded)
    plain = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    verify(key, Scheme(Kind.ECDSA, "sha256"), MESSAGE, encoded)
    verify(key, Scheme(Kind.ECDSA_PLAIN, "sha256"), MESSAGE, plain)
    for scheme, signature, reason in [
        (Kind.ECDSA, plain, "no pair of numbers"),
        (Kind.ECDSA_PLAIN, plain[:-1], "wrong length"),
        (Kind.ECDSA_PLAIN, bytes(64), "out of range"),
        (Kind.ECDSA_PLAIN, b"\xff" * 64, "out of range"),
        (Kind.ECDSA, b"\x30\x06\x02\x01\x00\x02\x01\x00", "out of range"),
        (Kind.ECDSA_PLAIN, plain[32:] + plain[:32], "wrong"),
    ]:
        with pytest.raises(SignatureError, match=reason):
            verify(key, Scheme(scheme, "sha256"), MESSAGE, signature)


def long_length(encoded: bytes) -> bytes:
    return encoded[:1] + b"\x83" + (len(encoded) - 2).to_bytes(3, "big") + encoded[2:]


def loosely(encoded: bytes) -> tuple[bytes, ...]:
    """The same two numbers as real issuers have written them: zeros in front, lengths of several bytes, of no stated length."""
    r, s = decode_dss_signature(encoded)
    padded = der.sequence(*(der.tlv(0x02, bytes(9), der.integer(number)[2:]) for number in (r, s)))
    return (
        padded,
        long_length(der.sequence(*(long_length(der.integer(number)) for number in (r, s)))),
        der.indefinite(0x30, der.integer(r), der.integer(s)),
    )


def test_numbers_of_a_signature_may_be_written_longer_than_they_need_be() -> None:
    key, scheme = parse_public_key(spki(P256)), Scheme(Kind.ECDSA, "sha256")
    encoded = P256.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    for signature in loosely(encoded):
        assert signature != encoded
        verify(key, scheme, MESSAGE, signature)
        with pytest.raises(SignatureError, match="is wrong"):
            verify(key, scheme, MESSAGE + b"!", signature)


def test_what_is_no_pair_of_numbers_in_range_is_no_signature() -> None:
    r, s = decode_dss_signature(P256.sign(MESSAGE, ec.ECDSA(hashes.SHA256())))
    order = PARAMETERS["secp256r1"][6]
    first, second = der.integer(r), der.integer(s)
    refused = {
        der.sequence(first, der.integer(s + order)): "out of range",
        der.sequence(first, der.integer(s - order)): "out of range",
        der.sequence(der.tlv(0x02, bytes(40)), second): "out of range",
        der.sequence(first, second, der.null()): "no pair",
        der.sequence(first, second) + b"\x00": "no pair",
        der.sequence(first): "no pair",
        der.sequence(first, der.tlv(0x02)): "no pair",
        der.sequence(first, der.octets(second[2:])): "no pair",
        der.tlv(0x31, first, second): "no pair",
        der.sequence(der.tlv(0x02, bytes(2000), first[2:]), second): "no pair",
        b"": "no pair",
        b"\x30\x84\xff\xff\xff\xff": "no pair",
        b"\x3f" + b"\xff" * 900: "no pair",
    }
    for signature, reason in refused.items():
        with pytest.raises(SignatureError, match=reason):
            verify(parse_public_key(spki(P256)), Scheme(Kind.ECDSA, "sha256"), MESSAGE, signature)


def resigned(certificate_der: bytes, signature: bytes) -> Certificate:
    """A certificate with its signature written otherwise: nothing signs the signature."""
    tbs, algorithm_of, _ = parts_of(only(certificate_der, "a certificate"), SEQUENCE)
    return parse_certificate(der.sequence(tbs.encoded, algorithm_of.encoded, der.bits(signature)))


def test_a_certificate_whose_signature_is_written_long_is_signed_all_the_same_and_a_forged_one_is_not() -> None:
    anchors = ListedAnchors([certificate("CSCA")])
    signed, forged = signer_certificate(), signer_certificate(signer=OTHER)
    forged_der = forged.der.replace(parsed("x", key=OTHER).key_id or b"", parsed("x").key_id or b"")
    for signature in loosely(signed.signature):
        assert find_issuer(resigned(signed.der, signature), anchors, NOW).result is Result.SUCCESSFUL
    for signature in loosely(forged.signature):
        assert find_issuer(resigned(forged_der, signature), anchors, NOW).result is Result.FAILED


# ── keys for one way of signing ──────────────────────────────────────────────────────────────────────────────────────

PSS = "1.2.840.113549.1.1.10"


def pss_parameters(hash_oid: str = "2.16.840.1.101.3.4.2.1", *, salt: int = 32, mask: str | None = None) -> bytes:
    hash_of = der.sequence(der.oid(hash_oid))
    mask_of = der.sequence(der.oid("1.2.840.113549.1.1.8"), der.sequence(der.oid(mask or hash_oid)))
    return der.sequence(der.tlv(0xA0, hash_of), der.tlv(0xA1, mask_of), der.tlv(0xA2, der.integer(salt)))


def pss_spki(*parameters: bytes) -> bytes:
    numbers = RSA.public_key().public_numbers()
    bare = der.sequence(der.integer(numbers.n), der.integer(numbers.e))
    return der.sequence(der.sequence(der.oid(PSS), *parameters), der.bits(bare))


def pss_signature(hash_: hashes.HashAlgorithm, salt: int) -> bytes:
    return RSA.sign(MESSAGE, padding.PSS(padding.MGF1(hash_), salt), hash_)


@pytest.mark.parametrize("parameters", [(), (der.null(),)])
def test_a_key_for_pss_verifies_any_pss_and_nothing_else(parameters: tuple[bytes, ...]) -> None:
    key = parse_public_key(pss_spki(*parameters))
    verify(key, Scheme(Kind.RSA_PSS, "sha256", "sha256", 32), MESSAGE, pss_signature(hashes.SHA256(), 32))
    verify(key, Scheme(Kind.RSA_PSS, "sha1", "sha1", 20), MESSAGE, pss_signature(hashes.SHA1(), 20))
    with pytest.raises(MalformedError, match="for PSS only"):
        verify(key, Scheme(Kind.RSA_PKCS1, "sha256"), MESSAGE, RSA.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256()))


def test_a_restricted_key_verifies_its_own_hash_with_as_much_salt_and_nothing_else() -> None:
    key = parse_public_key(pss_spki(pss_parameters()))
    for salt in (32, 40):
        verify(key, Scheme(Kind.RSA_PSS, "sha256", "sha256", salt), MESSAGE, pss_signature(hashes.SHA256(), salt))
    for hash_, name_of, salt, reason in (
        (hashes.SHA1(), "sha1", 32, "another hash"),
        (hashes.SHA512(), "sha512", 64, "another hash"),
        (hashes.SHA256(), "sha256", 31, "less salt"),
    ):
        with pytest.raises(MalformedError, match=reason):
            verify(key, Scheme(Kind.RSA_PSS, name_of, name_of, salt), MESSAGE, pss_signature(hash_, salt))
    mixed = RSA.sign(MESSAGE, padding.PSS(padding.MGF1(hashes.SHA1()), 32), hashes.SHA256())
    with pytest.raises(MalformedError, match="another hash"):
        verify(key, Scheme(Kind.RSA_PSS, "sha256", "sha1", 32), MESSAGE, mixed)
    with pytest.raises(MalformedError, match="for PSS only"):
        verify(key, Scheme(Kind.RSA_PKCS1, "sha256"), MESSAGE, RSA.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256()))


@pytest.mark.parametrize("parameters", [der.octets(b"x"), der.sequence(der.tlv(0xA2, der.integer(65)))])
def test_a_key_with_parameters_that_cannot_be_is_not_used(parameters: bytes) -> None:
    with pytest.raises((MalformedError, AlgorithmUnknownError)):
        parse_public_key(pss_spki(parameters))


@pytest.mark.parametrize("curve", ["BRAINPOOLP192r1", "BRAINPOOLP224r1", "BRAINPOOLP320r1"])
def test_curves_that_openssl_lacks_verify_as_well(curve: str) -> None:
    import ecdsa

    private = ecdsa.SigningKey.generate(curve=getattr(ecdsa, curve))
    name_in_table = "brainpoolP" + curve.removeprefix("BRAINPOOLP")
    key = parse_public_key(explicit(name_in_table))
    assert isinstance(key, EcKey)
    key = dataclasses.replace(key, point=private.verifying_key.to_string("uncompressed"))
    signature = private.sign(MESSAGE, hashfunc=hashlib.sha256, allow_truncate=True)
    verify(key, Scheme(Kind.ECDSA_PLAIN, "sha256"), MESSAGE, signature)
    with pytest.raises(SignatureError):
        verify(key, Scheme(Kind.ECDSA_PLAIN, "sha256"), MESSAGE + b"!", signature)
    with pytest.raises(MalformedError, match="no point"):
        verify(
            dataclasses.replace(key, point=b"\x04" + b"\x01" * (len(key.point) - 1)),
            Scheme(Kind.ECDSA_PLAIN, "sha256"),
            MESSAGE,
            signature,
        )


def test_a_point_off_its_curve_is_no_key() -> None:
    key = parse_public_key(spki(P256))
    assert isinstance(key, EcKey)
    off = dataclasses.replace(key, point=b"\x04" + b"\x01" * 64)
    with pytest.raises(MalformedError, match="no point"):
        verify(off, Scheme(Kind.ECDSA, "sha256"), MESSAGE, P256.sign(MESSAGE, ec.ECDSA(hashes.SHA256())))


def algorithm(oid: str, parameters: bytes = b"") -> bytes:
    body = core.ObjectIdentifier(oid).dump() + parameters
    return b"\x30" + bytes([len(body)]) + body


def test_signature_algorithms_are_read_with_their_parameters() -> None:
    assert parse_scheme(algorithm("1.2.840.113549.1.1.11", b"\x05\x00")) == Scheme(Kind.RSA_PKCS1, "sha256")
    assert parse_scheme(algorithm("1.2.840.10045.4.3.4")) == Scheme(Kind.ECDSA, "sha512")
    defaults = Scheme(Kind.RSA_PSS, "sha1", mask_hash="sha1", salt_bytes=20)
    assert parse_scheme(algorithm("1.2.840.113549.1.1.10")) == defaults
    assert parse_scheme(algorithm("1.2.840.113549.1.1.10", b"\x30\x00")) == defaults
    bare = algorithm("1.2.840.113549.1.1.1", b"\x05\x00")
    assert parse_scheme(bare, digest_hash="sha384") == Scheme(Kind.RSA_PKCS1, "sha384")


@pytest.mark.parametrize(
    "identifier",
    [
        algorithm("1.2.840.113549.1.1.4", b"\x05\x00"),  # MD5
        algorithm("1.2.840.113549.1.1.1", b"\x05\x00"),  # bare, and no hash to complete it
        algorithm("1.2.840.113549.1.1.10", b"\x30\x05\xa2\x03\x02\x01\x7f"),  # a salt of 127 bytes
        algorithm("1.2.840.113549.1.1.10", b"\x30\x05\xa3\x03\x02\x01\x02"),  # another trailer
    ],
)
def test_unknown_signature_algorithms_are_undecided(identifier: bytes) -> None:
    with pytest.raises((AlgorithmUnknownError, MalformedError)):
        parse_scheme(identifier)


def test_parameters_where_there_are_none_are_malformed() -> None:
    for identifier in (algorithm("1.2.840.10045.4.3.2", b"\x04\x00"), algorithm(PSS, b"\x30\x00\x30\x00")):
        with pytest.raises(MalformedError, match="parameters"):
            parse_scheme(identifier)


@pytest.mark.parametrize("lookup", [hash_name, scheme_by_oid])
def test_unknown_identifiers_are_undecided(lookup: object) -> None:
    with pytest.raises(AlgorithmUnknownError, match=r"1\.2\.3"):
        lookup("1.2.3")  # type: ignore[operator]


# ── certificates ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_certificate_is_read_field_by_field_in_der_and_pem() -> None:
    encoded = certificate("CSCA")
    one = parse_certificate(encoded)
    pem = x509.load_der_x509_certificate(encoded).public_bytes(serialization.Encoding.PEM)
    assert parse_certificate(pem) == one
    assert (one.country, one.issuer_country, one.serial, one.subject) == ("UT", "UT", 7, "UT, CSCA")
    assert one.key_id == one.authority_key_id
    assert one.may_sign_certificates
    assert not one.may_sign_documents
    assert one.valid_at(NOW)
    assert not one.valid_at(NOW - 2 * DAY)
    one.verify_signed_by(one)


def test_names_are_the_same_whatever_their_case_and_blanks() -> None:
    assert parsed("The  CSCA").subject_id == parsed("the csca").subject_id
    assert parsed("CSCA 1").subject_id != parsed("CSCA 2").subject_id


@pytest.mark.parametrize(
    "data", [b"", b"\x30\x00", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", bytes(40_000)]
)
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_certificate(data)


def test_bytes_after_a_certificate_are_refused() -> None:
    with pytest.raises(MalformedError):
        parse_certificate(certificate("CSCA") + b"\x00")


def test_a_signature_covers_the_bytes_that_were_received_and_not_what_they_mean() -> None:
    """True may be written as any byte but zero in BER, and means the same."""
    encoded = certificate("CSCA")
    changed = encoded.replace(b"\x01\x01\xff\x04", b"\x01\x01\xfd\x04", 1)
    assert changed != encoded
    one = parse_certificate(changed)
    assert one.may_sign_certificates
    with pytest.raises(SignatureError):
        one.verify_signed_by(parsed("CSCA"))


def test_the_two_signature_algorithms_of_a_certificate_must_be_the_same() -> None:
    encoded = certificate("CSCA")
    sha256, sha384 = (core.ObjectIdentifier(f"1.2.840.10045.4.3.{number}").dump() for number in (2, 3))
    head, _, tail = encoded.rpartition(sha256)
    with pytest.raises(MalformedError, match="two signature algorithms"):
        parse_certificate(head + sha384 + tail)


# ── the way to the country ───────────────────────────────────────────────────────────────────────────────────────────

OTHER = ec.generate_private_key(ec.SECP256R1())
SIGNER_KEY = ec.generate_private_key(ec.SECP256R1())


def signer_certificate(**more: object) -> Certificate:
    return parsed("DS", issuer="CSCA", key=SIGNER_KEY, authority=False, **({"signer": P256} | more))


def test_the_key_identifier_finds_the_authority_and_prefers_a_valid_one() -> None:
    old = certificate("CSCA", begins=NOW - 2000 * DAY)
    link = certificate("CSCA", issuer="CSCA of old", signer=OTHER)
    path = find_issuer(signer_certificate(), ListedAnchors([old, link]), NOW)
    assert path.result is Result.SUCCESSFUL
    assert path.anchor is not None
    assert path.anchor.certificate.valid_at(NOW)


def test_a_forged_certificate_under_a_known_key_identifier_fails() -> None:
    forged = signer_certificate()
    anchors = ListedAnchors([certificate("CSCA")])
    broken = dataclasses.replace(forged, tbs=forged.tbs[:-1] + bytes([forged.tbs[-1] ^ 1]))
    assert find_issuer(broken, anchors, NOW).result is Result.FAILED


def test_a_search_by_name_succeeds_or_stays_open_but_never_fails() -> None:
    without_ids = signer_certificate(key_ids=False)
    assert (
        find_issuer(without_ids, ListedAnchors([certificate("CSCA", key_ids=False)]), NOW).result is Result.SUCCESSFUL
    )
    namesake = ListedAnchors([certificate("CSCA", key=OTHER)])
    assert find_issuer(without_ids, namesake, NOW).result is Result.UNDETERMINED
    assert find_issuer(signer_certificate(), namesake, NOW).result is Result.UNDETERMINED
    assert find_issuer(without_ids, ListedAnchors(), NOW).result is Result.UNDETERMINED


def test_a_csca_with_a_critical_extension_that_is_not_known_vouches_for_nothing() -> None:
    """RFC 5280 §4.2. Whatever the extension says, it may say that this key does not vouch for passports."""
    anchors = ListedAnchors([certificate("CSCA")])
    (anchor,) = anchors.anchors
    assert find_issuer(signer_certificate(), anchors, NOW).result is Result.SUCCESSFUL
    anchors.anchors = [
        dataclasses.replace(anchor, certificate=dataclasses.replace(anchor.certificate, understood=False))
    ]
    for signer in (signer_certificate(), signer_certificate(key_ids=False)):
        path = find_issuer(signer, anchors, NOW)
        assert (path.result, path.anchor) == (Result.UNDETERMINED, None)
    anchors.anchors.append(anchor)
    assert find_issuer(signer_certificate(), anchors, NOW).anchor == anchor


def test_a_key_that_cannot_be_used_leaves_the_question_open() -> None:
    anchors = ListedAnchors([certificate("CSCA")])
    unusable = spki(ec.generate_private_key(ec.SECP256K1()))
    (anchor,) = anchors.anchors
    anchors.anchors = [dataclasses.replace(anchor, certificate=dataclasses.replace(anchor.certificate, spki=unusable))]
    assert find_issuer(signer_certificate(), anchors, NOW).result is Result.UNDETERMINED


# ── revocation lists ─────────────────────────────────────────────────────────────────────────────────────────────────


def revocation_list(*serials: int, delta: bool = False, next_update: datetime = NOW + 30 * DAY) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name("CSCA"))
        .last_update(NOW - DAY)
        .next_update(next_update)
        .add_extension(x509.CRLNumber(3), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(P256.public_key()), critical=False)
    )
    if delta:
        builder = builder.add_extension(x509.DeltaCRLIndicator(2), critical=True)
    for serial in serials:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - DAY).build()
        builder = builder.add_revoked_certificate(revoked)
    return builder.sign(P256, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_revocation_list_is_read_and_verified() -> None:
    one = parse_revocation_list(revocation_list(5, 9))
    assert (one.serials, one.number) == ({5, 9}, 3)
    assert one.issuer_id == parsed("CSCA").subject_id
    assert one.authority_key_id == parsed("CSCA").key_id
    assert one.current_at(NOW)
    assert not one.current_at(NOW + 31 * DAY)
    assert not one.current_at(NOW - 2 * DAY)
    one.verify_signed_by(parsed("CSCA"))
    with pytest.raises(SignatureError):
        one.verify_signed_by(parsed("CSCA", key=OTHER))
    assert parse_revocation_list(revocation_list()).serials == frozenset()


def test_the_signature_of_a_list_covers_the_bytes_that_were_received() -> None:
    builder = x509.CertificateRevocationListBuilder().issuer_name(name("CSCA")).last_update(NOW).next_update(NOW + DAY)
    signed = builder.add_extension(x509.CRLNumber(3), critical=True).sign(P256, hashes.SHA256())
    encoded = signed.public_bytes(serialization.Encoding.DER)
    parse_revocation_list(encoded).verify_signed_by(parsed("CSCA"))
    changed = encoded.replace(b"\x01\x01\xff\x04", b"\x01\x01\xfd\x04", 1)
    assert changed != encoded
    with pytest.raises(SignatureError):
        parse_revocation_list(changed).verify_signed_by(parsed("CSCA"))


def test_a_list_of_changes_is_refused() -> None:
    with pytest.raises(MalformedError, match="changes only"):
        parse_revocation_list(revocation_list(delta=True))


@pytest.mark.parametrize("data", [b"", b"\x30\x00", certificate("CSCA")])
def test_what_is_no_revocation_list_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_revocation_list(data)


def test_the_simulated_countrys_lists_are_signed_by_its_authorities() -> None:
    anchors = ListedAnchors(utopia().csca_files().values())
    for encoded in utopia().crl_files().values():
        one = parse_revocation_list(encoded)
        assert one.authority_key_id is not None
        (anchor,) = anchors.with_key_id(one.authority_key_id)
        one.verify_signed_by(anchor.certificate)


def test_an_rsa_key_knows_how_long_its_signatures_are() -> None:
    key = parse_public_key(spki(RSA))
    assert isinstance(key, RsaKey)
    assert key.size_bytes == 256


@pytest.mark.parametrize("text", ["20230506080402", "00000101000000Z", "nonsense"])
def test_a_time_without_a_zone_is_refused_before_anybody_compares_it(text: str) -> None:
    value = core.GeneralizedTime.load(der.tlv(0x18, text.encode()))
    with pytest.raises(MalformedError), reading("a certificate"):
        moment(value)


def test_times_are_taken_to_utc_so_that_they_can_be_compared_as_text() -> None:
    value = core.GeneralizedTime.load(der.tlv(0x18, b"20230506080402+0200"))
    assert moment(value).isoformat() == "2023-05-06T06:04:02+00:00"


def test_certificates_say_when_their_key_may_sign_and_which_documents() -> None:
    builder = x509.CertificateBuilder().subject_name(name("DS")).issuer_name(name("CSCA")).public_key(P256.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + DAY)
    types = der.sequence(der.integer(0), der.tlv(0x31, der.tlv(0x13, b"P"), der.tlv(0x13, b"ID")))
    bare_types = der.sequence(der.tlv(0x13, b"P"))
    open_start = der.tlv(0x30, der.tlv(0x81, b"20261201000000Z"))
    for content, expected in (
        (types, {"P", "ID"}),
        (bare_types, {"P"}),
        (b"\x30\x05", set()),
        (types[:-1] + b"\xff", set()),
    ):
        made = (
            builder.add_extension(
                x509.UnrecognizedExtension(x509.ObjectIdentifier("2.23.136.1.1.6.2"), content), critical=False
            )
            .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.16"), open_start), critical=False)
            .sign(P256, hashes.SHA256())
        )
        read = parse_certificate(made.public_bytes(serialization.Encoding.DER))
        assert read.document_types == expected
        assert read.key_use == (None, datetime(2026, 12, 1, tzinfo=UTC))
