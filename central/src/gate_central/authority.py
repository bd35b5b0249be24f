"""A small certificate authority: one root that issues the server's certificate, and those of gates and people.

Pure except for randomness: keys, names and times in, certificates out. Certificates of gates and people are for TLS
clients only, the server's for TLS servers only.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gate_central.errors import BadRequestError
from gate_core import pinned_certificates

AUTHORITY_DAYS = 3650
SERVER_DAYS = 825
DEVICE_DAYS = 90
CSR_BYTES_MAX = 8 * 1024
LOCAL_NAMES = ("localhost", "127.0.0.1")
CLOCK_SKEW = timedelta(minutes=5)
PERSON = "person:"  # prefix of the names in people's certificates: no gate's id has a colon
GATE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Authority:
    """The root's key, which repr does not show, and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def __repr__(self) -> str:
        return f"Authority({self.certificate.subject.rfc4514_string()!r})"


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def found(name: str, now: datetime) -> Authority:
    """Make a new root."""
    return Authority(key := new_key(), found_with(key, _name(f"Portcullis authority of {name}"[:64]), now))


def found_with(key: ec.EllipticCurvePrivateKey, subject: x509.Name, now: datetime) -> x509.Certificate:
    """Make a root of this key."""
    return _root(subject, key.public_key(), now).sign(key, hashes.SHA256())


def certify_next(old: Authority, root: x509.Certificate, now: datetime) -> x509.Certificate:
    """Certify the next root's name and key with the old root (NewWithOld, RFC 4210 §4.4)."""
    key = root.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return _root(root.subject, key, now).sign(old.key, hashes.SHA256())


def _root(subject: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime) -> x509.CertificateBuilder:
    return (
        _builder(subject, subject, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def issue_server(authority: Authority, name: str, key: ec.EllipticCurvePublicKey, now: datetime) -> x509.Certificate:
    """Certify the server for a host name or IP address, and for LOCAL_NAMES."""
    names = [pinned_certificates.general_name(one) for one in dict.fromkeys((name, *LOCAL_NAMES))]
    builder = _leaf(authority, _name(name[:64]), key, now, SERVER_DAYS, purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    return builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(
        authority.key, hashes.SHA256()
    )


def issue_device(authority: Authority, gate_id: str, key: ec.EllipticCurvePublicKey, now: datetime) -> x509.Certificate:
    """Certify a gate's key. Of the signing request only the key is used."""
    builder = _leaf(authority, _name(gate_id), key, now, DEVICE_DAYS, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
    return builder.sign(authority.key, hashes.SHA256())


def read_request(der: bytes) -> tuple[str, ec.EllipticCurvePublicKey]:
    """Return the name and key of a signing request (PKCS #10) whose own signature holds. Raises BadRequestError."""
    if len(der) > CSR_BYTES_MAX:
        raise BadRequestError(f"a signing request exceeds {CSR_BYTES_MAX} bytes")
    try:
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
        is_own = request.is_signature_valid
        names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, TypeError, InvalidSignature, x509.UnsupportedGeneralNameType) as error:
        raise BadRequestError("not a signing request") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadRequestError("the key of a signing request is ECDSA P-256")
    if not is_own or len(names) != 1 or GATE_ID.fullmatch(str(names[0].value)) is None:
        raise BadRequestError(
            "a signing request is signed by its key, and its CN is one name of small letters, digits and hyphens"
        )
    return str(names[0].value), key


def issue_person(root: Authority, name: str, request: bytes, now: datetime) -> x509.Certificate:
    """Certify a person's key from a signing request (PKCS #10, PEM or DER) for this name. Raises BadRequestError, also
    if the file holds a private key, which must stay with the person.
    """
    if b"PRIVATE KEY" in request:
        raise BadRequestError(
            "this file holds a private key, which its owner keeps: make a new key, and bring the request alone"
        )
    named, key = read_request(_der(request))
    if named != name:
        raise BadRequestError(f"the signing request is of {named}, not of {name}")
    return issue_device(root, f"{PERSON}{name}"[:64], key, now)


def _der(request: bytes) -> bytes:
    if not request.lstrip().startswith(b"-----BEGIN"):
        return request
    try:
        return x509.load_pem_x509_csr(request).public_bytes(Encoding.DER)
    except ValueError as error:
        raise BadRequestError("not a signing request") from error


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate in hex."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _leaf(
    authority: Authority,
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
    *,
    purpose: x509.ObjectIdentifier,
) -> x509.CertificateBuilder:
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    return (
        _builder(subject, authority.certificate.subject, key, now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(issuer_key, critical=False)
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
