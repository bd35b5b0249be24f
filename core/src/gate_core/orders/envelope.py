"""Encrypts pictures for one officer's certified key. Bytes in, bytes out.

HPKE base mode (RFC 9180), one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, no associated data. `info`
names gate, crossing and part, so that a ciphertext is valid only for these. Output: encapsulated key (32 bytes), then
ciphertext with tag. Used in the processes that hold a traveller's face or document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from gate_core.orders.errors import MalformedError

FACE: Final = "face"
DOCUMENT: Final = "document"
PARTS: Final = (FACE, DOCUMENT)  # in the order of sending
OVERHEAD_BYTES: Final = 32 + 16


def seal(content: bytes, key: bytes, *, gate: str, crossing: str, part: str) -> bytes:
    """Encrypt for an X25519 public key of 32 bytes. Raises MalformedError for an unusable key."""
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    try:
        return suite.encrypt(content, X25519PublicKey.from_public_bytes(key), info_of(gate, crossing, part))
    except ValueError as error:
        raise MalformedError("no key to seal to") from error


def seen_of(parts: Iterable[bytes]) -> str:
    """Return the digest of the sealed parts that an officer was shown: SHA-256 over the SHA-256 of each, in hex."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def info_of(gate: str, crossing: str, part: str) -> bytes:
    """Return the HPKE `info` of a part."""
    return f"portcullis-view/1\n{gate}\n{crossing}\n{part}".encode()
