"""The central server's certificate authorities: which ones a gate trusts, and how it changes to a new one. Pure.

A gate trusts the technician's roots, and another one only if a trusted one has certified its key (NewWithOld of RFC 4210
§4.4). So the server's own key does not suffice to introduce a root. A root that the server no longer shows is removed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7

CERTIFICATES_MAX = 8
Certificates = tuple[x509.Certificate, ...]


class AuthorityError(Exception):
    """Invalid bytes, or authorities that this gate has no reason to trust."""


def read_pem(pem: bytes) -> Certificates:
    """Parse self-signed roots. Raises AuthorityError."""
    try:
        found = tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise AuthorityError("no certificate of an authority in PEM") from error
    if not 0 < len(found) <= CERTIFICATES_MAX or not all(map(_is_root, found)):
        raise AuthorityError(f"an authority's certificate is signed by itself, and there are 1 to {CERTIFICATES_MAX}")
    return found


def to_pem(roots: Iterable[x509.Certificate]) -> bytes:
    """Write roots."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in roots)


def read_bag(body: bytes) -> Certificates:
    """Parse an answer of EST: PKCS #7 in Base64 (RFC 7030 §4.1.3). Raises AuthorityError."""
    try:
        found = tuple(pkcs7.load_der_pkcs7_certificates(base64.b64decode(b"".join(body.split()), validate=True)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise AuthorityError("the central server's answer is no certificate") from error
    if not 0 < len(found) <= CERTIFICATES_MAX:
        raise AuthorityError(f"the central server's answer has {len(found)} certificates")
    return found


def followed(trusted: Certificates, shown: Certificates, now: datetime) -> Certificates:
    """Return the shown roots that are trusted from now on. Raises AuthorityError if none is."""
    counted = [one for one in trusted if _is_current(one, now)]
    roots = [one for one in shown if _is_root(one) and _is_current(one, now)]
    for _ in roots:  # each turn can bring in one more, however they are sorted
        counted += [
            root for root in roots if root not in counted and any(_hands_over(old, root, shown) for old in counted)
        ]
    found = tuple(root for root in roots if root in counted)
    if not found:
        raise AuthorityError(
            "the central server shows no authority that this gate trusts, or that one of them vouches for"
        )
    return found


def issuer_of(certificate: x509.Certificate, authorities: Certificates) -> x509.Certificate | None:
    """Return the authority that issued a certificate, or None."""
    return next((one for one in authorities if is_issued_by(certificate, one)), None)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """True if the issuer's key signed it, in the issuer's name."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate in hex."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _hands_over(old: x509.Certificate, root: x509.Certificate, shown: Certificates) -> bool:
    return any(_key(one) == _key(root) and _is_authority(one) and is_issued_by(one, old) for one in shown)


def _is_root(certificate: x509.Certificate) -> bool:
    return _is_authority(certificate) and is_issued_by(certificate, certificate)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _is_current(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


def _key(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
