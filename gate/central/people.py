"""Certificates of people who look: of central's authority, for clients, under a name that is no gate's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from gate.central import authority
from gate.central.authority import Authority
from gate.central.errors import BadRequestError
from gate.central.places import ID

PREFIX = "person:"  # of the certificate's name: no gate's id has a colon


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate, and the file with it and its key. Shows nothing of the key."""

    certificate: x509.Certificate
    file: bytes

    def __repr__(self) -> str:
        return f"Made({self.certificate.subject.rfc4514_string()!r})"


def issue(root: Authority, name: str, now: datetime, passphrase: bytes | None, *, for_browser: bool) -> Made:
    """Make a key and certify it, as a PEM file, or as PKCS #12 for a browser. Raises BadRequestError for what is no name."""
    if ID.fullmatch(name) is None:
        raise BadRequestError(f"{name!r} is no name: small letters, digits and hyphens, 63 at most")
    key = authority.new_key()
    certificate = authority.issue_device(root, f"{PREFIX}{name}"[:64], key.public_key(), now)
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    if for_browser:
        file = pkcs12.serialize_key_and_certificates(name.encode(), key, certificate, None, encryption)
    else:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        file = pem + certificate.public_bytes(Encoding.PEM)
    return Made(certificate, file)
