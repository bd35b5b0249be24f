"""Text format of the authority's key, and of a shift key with its certificate. Does not read or write files.

A key is PKCS #8 PEM. A shift key's text has a second block, the certificate.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from gate_core.orders.certificate import Certificate, certify, unverified
from gate_core.orders.errors import MalformedError
from gate_core.orders.order import Shift

KEY_TEXT_MAX: Final = 16 * 1024
_LABEL: Final = "PORTCULLIS SHIFT CERTIFICATE"
_BLOCK: Final = re.compile(rf"-----BEGIN {_LABEL}-----\n([A-Za-z0-9+/=\n]+)-----END {_LABEL}-----\n")


def new_key() -> Ed25519PrivateKey:
    """Generate a key, for an authority or a shift."""
    return Ed25519PrivateKey.generate()


def public_text(key: Ed25519PrivateKey) -> str:
    """Return the public key (32 bytes) as Base64, as in certificates and configurations."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def key_text(key: Ed25519PrivateKey) -> bytes:
    """Return the private key as unencrypted PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_key(text: bytes) -> Ed25519PrivateKey:
    """Parse a private key. Raises MalformedError."""
    try:
        key = load_pem_private_key(text[:KEY_TEXT_MAX], password=None)
    except (ValueError, TypeError) as error:
        raise MalformedError("no key in the clear (PKCS #8 PEM)") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise MalformedError("another kind of key than Ed25519")
    return key


def read_authority(text: bytes) -> Ed25519PrivateKey:
    """Parse an authority's key. Raises MalformedError, also for a shift key."""
    if _BLOCK.search(text[:KEY_TEXT_MAX].decode("ascii", errors="replace")):
        raise MalformedError("a shift key, and no authority's")
    return read_key(text)


def shift_text(key: Ed25519PrivateKey, certificate: Certificate, authority: Ed25519PrivateKey) -> bytes:
    """Certify a shift key with the authority's key; return both as text. Raises MalformedError."""
    text = b64encode(certify(certificate, authority)).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return key_text(key) + f"-----BEGIN {_LABEL}-----\n{lines}\n-----END {_LABEL}-----\n".encode()


def read_shift(text: bytes) -> tuple[Shift, Certificate]:
    """Parse a shift key; return it, and its certificate, unverified. Raises MalformedError."""
    key = read_key(text)
    block = _BLOCK.search(text[:KEY_TEXT_MAX].decode("ascii", errors="replace"))
    if block is None:
        raise MalformedError("no shift certificate; gate officer authority certify makes one")
    try:
        certificate = b64decode(block[1].replace("\n", ""), validate=True)
    except ValueError as error:
        raise MalformedError("a shift certificate that is no Base64") from error
    says = unverified(certificate)
    if says.key != public_text(key):
        raise MalformedError("a certificate of another key")
    return Shift(key, certificate), says
