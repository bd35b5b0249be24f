"""Makes master lists and CSCA certificates with `cryptography` and the simulator's DER writer, for the trust store's tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from hardware_sim.passport import der

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
LIST_SIGNER = ObjectIdentifier("2.23.136.1.1.3")


@dataclass(frozen=True)
class Party:
    """A name, a key, a certificate."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def party(
    common: str,
    *,
    country: str = "UT",
    issuer: Party | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    authority: bool = True,
    lists: bool = False,
    purpose: str = "",
    days: int = 3000,
    critical: str = "",
    key_usage: bool = True,
    key_use: tuple[datetime | None, datetime | None] | None = None,
    begins: datetime = NOW - timedelta(days=30),
) -> Party:
    """A CSCA, self-signed or, with an issuer, a link; or, without authority, a signer. `critical` is an extension of nobody's."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, country), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )
    by = issuer or Party(subject, key, None)  # type: ignore[arg-type]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False)
    )
    if key_use is not None:
        period = x509.PrivateKeyUsagePeriod(*key_use)
        builder = builder.add_extension(period, critical=False)
    if key_usage:
        usage = x509.KeyUsage(
            digital_signature=not authority,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=authority,
            crl_sign=authority,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    if lists or purpose:
        purposes = [ObjectIdentifier(purpose)] if purpose else [LIST_SIGNER]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=True)
    if critical:
        unknown = x509.UnrecognizedExtension(ObjectIdentifier(critical), der.null())
        builder = builder.add_extension(unknown, critical=True)
    return Party(subject, key, builder.sign(by.key, hashes.SHA256()))


def master_list(
    signer: Party, certificates: Sequence[bytes], *, signed_at: datetime = NOW, content_type: str = "2.23.136.1.1.2"
) -> bytes:
    """A list of certificates, signed."""
    content = der.sequence(der.integer(0), der.tlv(0x31, *certificates))
    return signed_list(signer, content, content_type=content_type, signed_at=signed_at)


def signed_list(signer: Party, content: bytes, *, content_type: str, signed_at: datetime | None = NOW) -> bytes:
    """Any content, signed, with the signer's certificate."""
    sha256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
    attributes = b"".join(
        sorted(
            [
                _attribute("1.2.840.113549.1.9.3", der.oid(content_type)),
                _attribute("1.2.840.113549.1.9.4", der.octets(hashlib.sha256(content).digest())),
                *([] if signed_at is None else [_attribute("1.2.840.113549.1.9.5", der.time(signed_at))]),
            ],
        ),
    )
    signature = signer.key.sign(der.tlv(0x31, attributes), ec.ECDSA(hashes.SHA256()))
    info = der.sequence(
        der.integer(1),
        der.sequence(signer.certificate.issuer.public_bytes(), der.integer(signer.certificate.serial_number)),
        sha256,
        der.tlv(0xA0, attributes),
        der.sequence(der.oid("1.2.840.10045.4.3.2")),
        der.octets(signature),
    )
    signed = der.sequence(
        der.integer(3),
        der.tlv(0x31, sha256),
        der.sequence(der.oid(content_type), der.tlv(0xA0, der.octets(content))),
        der.tlv(0xA0, signer.der),
        der.tlv(0x31, info),
    )
    return der.sequence(der.oid("1.2.840.113549.1.7.2"), der.tlv(0xA0, signed))


def revocation_list(
    authority: Party, *serials: int, at: datetime = NOW, number: int | None = None, next_days: int = 90
) -> bytes:
    """A list of revoked certificates, signed."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.name)
        .last_update(at)
        .next_update(at + timedelta(days=next_days))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    for serial in serials:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build(),
        )
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _attribute(kind: str, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.tlv(0x31, value))
