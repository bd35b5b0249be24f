"""Sealing to an officer with HPKE base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

`info` binds gate, crossing and part. A result is the encapsulated key, 32 bytes, then the ciphertext with its tag.
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
PARTS: Final = (FACE, DOCUMENT)  # in the order in which they are handed out
OVERHEAD_BYTES: Final = 32 + 16


def seal(content: bytes, key: bytes, *, gate: str, crossing: str, part: str) -> bytes:
    """Seal to an X25519 public key of 32 bytes. Raises MalformedError for a key that nothing can be sealed to."""
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    try:
        return suite.encrypt(content, X25519PublicKey.from_public_bytes(key), info_of(gate, crossing, part))
    except ValueError as error:
        raise MalformedError("no key to seal to") from error


def seen_of(parts: Iterable[bytes]) -> str:
    """What an order says of the sealed parts that its officer was shown, as they came: SHA-256 over the SHA-256 of each."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def info_of(gate: str, crossing: str, part: str) -> bytes:
    """What a sealed part is bound to."""
    return f"portcullis-view/1\n{gate}\n{crossing}\n{part}".encode()
