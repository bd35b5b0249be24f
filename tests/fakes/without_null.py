"""RSA signatures whose DigestInfo omits NULL, as in the ICAO master list of September 2023, and other forms that are wrong.

Makes the whole encoded message by hand: `cryptography` writes the form of the standard only.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from document_fakes.master_lists import NOW

from hardware_sim.passport import der

NULL = b"\x05\x00"
SHA256_RSA = der.sequence(der.oid("1.2.840.113549.1.1.11"), NULL)
Encode = Callable[[bytes, int], bytes]  # the message and the bytes of the modulus


def digest_info(message: bytes, parameters: bytes) -> bytes:
    identifier = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), parameters)
    return der.sequence(identifier, der.octets(hashlib.sha256(message).digest()))


def padded(info: bytes, size: int, after: bytes = b"") -> bytes:
    return b"\x00\x01" + b"\xff" * (size - 3 - len(info) - len(after)) + b"\x00" + info + after


def with_null(message: bytes, size: int) -> bytes:
    return padded(digest_info(message, NULL), size)


def without_null(message: bytes, size: int) -> bytes:
    return padded(digest_info(message, b""), size)


def sign(key: rsa.RSAPrivateKey, message: bytes, encode: Encode = without_null) -> bytes:
    """The private key's operation on any encoded message."""
    numbers = key.private_numbers()
    size = key.key_size // 8
    encoded = int.from_bytes(encode(message, size), "big")
    # By the remainders, four times as quick: a test signs until a signature begins with a zero.
    by_p, by_q = pow(encoded, numbers.dmp1, numbers.p), pow(encoded, numbers.dmq1, numbers.q)
    return (by_q + numbers.q * ((by_p - by_q) * numbers.iqmp % numbers.p)).to_bytes(size, "big")


@functools.cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:  # noqa: ARG001 - one key a name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def resigned(signed: bytes, tbs: bytes, key: rsa.RSAPrivateKey, encode: Encode = without_null) -> bytes:
    """A certificate or revocation list that RSA signed with SHA-256, signed anew."""
    return signed[: -key.key_size // 8] + sign(key, tbs, encode)


def rsa_certificate(
    common: str,
    *,
    country: str = "UT",
    issuer: str = "",
    purpose: str = "",
    subject_key: ec.EllipticCurvePrivateKey | None = None,
    authority: bool = True,
    encode: Encode = without_null,
) -> bytes:
    """A certificate that the RSA key of its issuer signed; left out, its own."""

    def name(of: str) -> x509.Name:
        parts = [(x509.NameOID.COUNTRY_NAME, country), (x509.NameOID.COMMON_NAME, of)]
        return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])

    signer = rsa_key(issuer or common)
    public = (subject_key or rsa_key(common)).public_key()
    built = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(name(issuer or common))
        .public_key(public)
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=3000))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if purpose:
        built = built.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose)]), critical=True)
    signed = built.sign(signer, hashes.SHA256())
    return resigned(signed.public_bytes(Encoding.DER), signed.tbs_certificate_bytes, signer, encode)


def rsa_list(
    signer: str,
    certificate: bytes,
    content: bytes,
    *,
    content_type: str = "2.23.136.1.1.2",
    encode: Encode = without_null,
) -> bytes:
    """A signed message, by the RSA key of this name."""
    sha256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
    attributes = b"".join(
        sorted(
            der.sequence(der.oid(kind), der.tlv(0x31, value))
            for kind, value in (
                ("1.2.840.113549.1.9.3", der.oid(content_type)),
                ("1.2.840.113549.1.9.4", der.octets(hashlib.sha256(content).digest())),
                ("1.2.840.113549.1.9.5", der.time(NOW)),
            )
        )
    )
    read = x509.load_der_x509_certificate(certificate)
    info = der.sequence(
        der.integer(1),
        der.sequence(read.issuer.public_bytes(), der.integer(read.serial_number)),
        sha256,
        der.tlv(0xA0, attributes),
        SHA256_RSA,
        der.octets(sign(rsa_key(signer), der.tlv(0x31, attributes), encode)),
    )
    signed = der.sequence(
        der.integer(3),
        der.tlv(0x31, sha256),
        der.sequence(der.oid(content_type), der.tlv(0xA0, der.octets(content))),
        der.tlv(0xA0, certificate),
        der.tlv(0x31, info),
    )
    return der.sequence(der.oid("1.2.840.113549.1.7.2"), der.tlv(0xA0, signed))


def rsa_master_list(signer: str, certificate: bytes, certificates: list[bytes], encode: Encode = without_null) -> bytes:
    content = der.sequence(der.integer(0), der.tlv(0x31, *certificates))
    return rsa_list(signer, certificate, content, encode=encode)


def revocation_list_of(authority: str, certificate: bytes, encode: Encode = without_null) -> bytes:
    read = x509.load_der_x509_certificate(certificate)
    key = rsa_key(authority)
    built = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(read.subject)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=90))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    signed = built.sign(key, hashes.SHA256())
    return resigned(signed.public_bytes(Encoding.DER), signed.tbs_certlist_bytes, key, encode)


def public_info(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
