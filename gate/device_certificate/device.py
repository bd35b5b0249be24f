"""A gate's identity at the central server: a folder with its key and certificate, and the server's authorities.

Key and certificate are one file, replaced by a single renaming. A key is made for each certificate, on this machine, and never
leaves it. With a passphrase the key is stored encrypted, as PKCS #8; `lock` replaces an older plain key, and overwrites it.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gate.device_certificate.authorities import AuthorityError, Certificates, issuer_of, read_bag, read_pem, to_pem
from gate_core import durable

DEVICE: Final = "device.pem"
RECEIPT: Final = (
    "receipt.note"  # the newest of the server's, which sync keeps: by it a server is known to have gone back
)
ASIDE: Final = "device-plain.pem"  # a second name of the plain key, until it is overwritten
AUTHORITIES: Final = "authorities.pem"
CACERTS: Final = "/.well-known/est/cacerts"
REENROL: Final = "/.well-known/est/simplereenroll"
RENEWED_AFTER: Final = 2 / 3  # of its life
CLOCK_SKEW: Final = timedelta(minutes=5)
_FILE_BYTES_MAX: Final = 64 * 1024


class IdentityError(Exception):
    """The stored or received data is no identity of this gate."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A requested certificate: a new key, without useful repr, the gate's name, and the passphrase for storing the key."""

    gate_id: str
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    passphrase: bytes | None = field(default=None, repr=False)

    @classmethod
    def new(cls, gate_id: str, passphrase: bytes | None = None) -> Self:
        """Make a key, ECDSA P-256."""
        return cls(gate_id, ec.generate_private_key(ec.SECP256R1()), passphrase)

    @property
    def signing_request(self) -> bytes:
        """PKCS #10 in Base64, as EST sends it."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.gate_id)])
        request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(self.key, hashes.SHA256())
        return base64.encodebytes(request.public_bytes(Encoding.DER))

    def accept(self, body: bytes, authorities: Certificates, now: datetime) -> bytes:
        """Return the device's file from an answer of EST. Raises IdentityError unless it is a client's certificate for
        this key and this gate, valid now, that one of the authorities issued.
        """
        try:
            (certificate,) = read_bag(body)
            uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            is_ours = (
                certificate.public_key().public_bytes(*_SPKI) == self.key.public_key().public_bytes(*_SPKI)
                and name_of(certificate) == self.gate_id
            )
        except (AuthorityError, ValueError, TypeError, x509.ExtensionNotFound) as error:
            raise IdentityError("the central server's answer is no certificate of a gate") from error
        if not is_ours:
            raise IdentityError("the central server's certificate is for another key or gate")
        if ExtendedKeyUsageOID.CLIENT_AUTH not in uses or issuer_of(certificate, authorities) is None:
            raise IdentityError("the central server's certificate is of no authority that this gate trusts")
        if not certificate.not_valid_before_utc - CLOCK_SKEW <= now < certificate.not_valid_after_utc:
            raise IdentityError("the central server's certificate is not valid now; are both clocks right?")
        return _device_file(self.key, certificate, self.passphrase)


@dataclass(frozen=True, slots=True)
class Identity:
    """A folder's content, without the key."""

    folder: Path
    certificate: x509.Certificate
    authorities: Certificates

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder. Raises OSError and IdentityError."""
        try:
            certificate = x509.load_pem_x509_certificate(_read(folder / DEVICE))
            return cls(folder, certificate, read_pem(_read(folder / AUTHORITIES)))
        except (ValueError, AuthorityError) as error:
            raise IdentityError(f"{folder} holds no certificate of a gate, or no authority: {error}") from error

    @property
    def expires(self) -> datetime:
        """The certificate's expiry."""
        return self.certificate.not_valid_after_utc

    @property
    def renewed_from(self) -> datetime:
        """The time from which a new one is requested."""
        begins = self.certificate.not_valid_before_utc
        return begins + (self.expires - begins) * RENEWED_AFTER

    def days_to_go(self, now: datetime) -> float:
        """Return the days of validity left; negative once it has expired."""
        return (self.expires - now) / timedelta(days=1)

    def renew(self, device: bytes) -> None:
        """Replace key and certificate. Raises OSError; then the old ones are still complete."""
        durable.write(self.folder / DEVICE, device, mode=0o600)

    def trust(self, authorities: Certificates) -> None:
        """Trust these roots from now on. Raises OSError."""
        write_authorities(self.folder / AUTHORITIES, authorities)


def write_authorities(path: Path, authorities: Certificates) -> None:
    """Write roots. Raises OSError."""
    durable.write(path, to_pem(authorities), mode=0o644)


def has_plain_key(folder: Path) -> bool:
    """True if a folder has a plain key, or remains of one. Raises OSError and IdentityError."""
    device = folder / DEVICE
    return (folder / ASIDE).exists() or (device.exists() and b"BEGIN ENCRYPTED PRIVATE KEY" not in _read(device))


def lock(folder: Path, passphrase: bytes) -> None:
    """Encrypt a folder's key, and overwrite the plain one. A kill at any point leaves a usable file, and the next call
    completes it. Raises OSError, and IdentityError for an invalid file, or another passphrase.
    """
    device, aside = folder / DEVICE, folder / ASIDE
    if aside.exists() and aside.samefile(device):
        aside.unlink()  # nothing had taken its place yet
    durable.wipe(aside)
    raw = _read(device)
    is_plain = has_plain_key(folder)
    try:
        key = load_pem_private_key(raw, None if is_plain else passphrase)
        certificate = x509.load_pem_x509_certificate(raw)
    except (ValueError, TypeError) as error:
        raise IdentityError(f"{device} holds no key that can be used with the passphrase of this gate") from error
    if not is_plain:
        return
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise IdentityError(f"{device} holds no key of a gate")
    owner = device.stat()
    aside.hardlink_to(device)
    with durable.writing(device, mode=0o600) as draft:
        os.fchown(draft.fileno(), owner.st_uid, owner.st_gid)
        draft.write(_device_file(key, certificate, passphrase))
    durable.wipe(aside)


def _device_file(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, passphrase: bytes | None) -> bytes:
    how: KeySerializationEncryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how) + certificate.public_bytes(Encoding.PEM)


def name_of(certificate: x509.Certificate) -> str | None:
    """Return the single name in a certificate, or None."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else None


_SPKI: Final = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        raw = file.read(_FILE_BYTES_MAX + 1)
    if len(raw) > _FILE_BYTES_MAX:
        raise IdentityError(f"{path} is longer than {_FILE_BYTES_MAX} bytes")
    return raw
