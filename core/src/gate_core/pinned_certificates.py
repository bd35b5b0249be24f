"""Keys with self-signed certificates, for machines that pin each other: gate and console (docs/protocols/console.md),
gate and exchange (docs/protocols/exchange.md).

The other machine is configured with the key's fingerprint or the certificate. So the certificate does not expire, and
its name is for people only. Key and certificate are in one file, made on the machine that uses it.
"""

from __future__ import annotations

import hashlib
import stat
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from gate_core import durable
from gate_core.ordinary import read_ordinary

FILE_BYTES_MAX: Final = 64 * 1024
_FROM: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WITHOUT_END: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # RFC 5280 §4.1.2.5


# The exceptions that the library raises for an invalid or unsupported certificate.
_NONE: Final = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)


class PinnedError(Exception):
    """The file is invalid, or readable by other users."""


def make(path: Path, name: str, host: str = "") -> str:
    """Write a new ECDSA P-256 key and its certificate, mode 0600; return the certificate as PEM. `host`: name or
    address for clients that check it. Raises OSError, FileExistsError if the file exists, ValueError for a bad host.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_WITHOUT_END)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([general_name(host)]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    shown = certificate.public_bytes(Encoding.PEM)
    durable.write(
        path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + shown, mode=0o600, new_only=True
    )
    return shown.decode()


def general_name(host: str) -> x509.GeneralName:
    """Return a host name or IP address as an X.509 name."""
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def fingerprint_in(path: Path) -> str:
    """Return the key's fingerprint in a file of `make`. Raises OSError, and PinnedError, also if others can read it."""
    raw = read_ordinary(path, FILE_BYTES_MAX)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PinnedError(f"{path} can be read by others than its owner: chmod 600 {path}")
    try:
        return fingerprint(x509.load_pem_x509_certificate(raw).public_bytes(Encoding.DER))
    except _NONE as error:
        raise PinnedError(f"{path} holds no certificate") from error


def certificates(raw: bytes) -> dict[str, str]:
    """Return the subject names in a PEM file, by the SHA-256 of each certificate. Raises PinnedError."""
    try:
        found = x509.load_pem_x509_certificates(raw)
        return {_sha256(one.public_bytes(Encoding.DER)): one.subject.rfc4514_string() for one in found}
    except _NONE as error:
        raise PinnedError("holds no certificates (PEM)") from error


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate's key (SubjectPublicKeyInfo), in hex. Raises PinnedError."""
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except _NONE as error:
        raise PinnedError("no certificate") from error
    return _sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
