"""The device's own key for its certificate: ECDSA P-256, made here, never leaving."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gate import durable


class DeviceKeyError(Exception):
    """The key file cannot be made or used."""


def generate(path: Path) -> None:
    """Make the key and write it, mode 0600. Raises DeviceKeyError, also when there is one already."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        durable.write(path, pem, mode=0o600, new_only=True)
    except OSError as error:
        raise DeviceKeyError(f"cannot write {path}: {error.strerror}") from error


def signing_request(path: Path, gate_id: str) -> bytes:
    """A certificate signing request (PKCS #10, DER) for this gate. Raises DeviceKeyError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise DeviceKeyError(f"cannot use {path}; run gate provision init") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise DeviceKeyError(f"{path} holds another kind of key")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gate_id)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)
