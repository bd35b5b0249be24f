"""Seals and their signers, made with `cryptography`: right, and wrong in any one way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from document_fakes.master_lists import NOW, Party

from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.seal.profiles import VDS_SIGNER
from hardware_sim.passport import der


def make_seal_signer(
    common: str = "TS",
    serial: int = 0x32,
    *,
    issuer: Party,
    curve: ec.EllipticCurve | None = None,
    days: int = 900,
    purposes: tuple[str, ...] = (VDS_SIGNER,),
    types: tuple[str, ...] | None = None,
    country: str = "DE",
    more: tuple[x509.NameAttribute[str], ...] = (),
) -> tuple[Certificate, ec.EllipticCurvePrivateKey]:
    """A signer of seals as ICAO 9303-12 §7.1.3 wants it, and its key; whatever departs from that is an argument."""
    key = ec.generate_private_key(curve or ec.BrainpoolP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
            *more,
        ]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    if purposes:
        usages = x509.ExtendedKeyUsage([x509.ObjectIdentifier(one) for one in purposes])
        made = made.add_extension(usages, critical=True)
    if types is not None:
        listed = der.sequence(der.integer(0), der.set_of(*(der.printable(one) for one in types)))
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.23.136.1.1.6.2"), listed)
        made = made.add_extension(extension, critical=False)
    signed = made.sign(issuer.key, hashes.SHA256())
    return parse_certificate(signed.public_bytes(Encoding.DER)), key


def make_seal(data: bytes, key: ec.EllipticCurvePrivateKey, *, hash_: hashes.HashAlgorithm | None = None) -> bytes:
    """The header and features of a seal, signed."""
    size = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hash_ or hashes.SHA256())))
    return data + bytes([0xFF, 2 * size]) + r.to_bytes(size, "big") + s.to_bytes(size, "big")
