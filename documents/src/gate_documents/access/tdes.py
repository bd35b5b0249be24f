"""Two-key triple DES as Basic Access Control and its secure messaging use it (ICAO 9303-11 §9.7.1, ISO/IEC 9797-1).

Kept because every passport with BAC uses it. The keys live for one session with one chip.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from gate_documents.access.padding import pad

BLOCK_BYTES: Final = 8


def derive_key(seed: bytes, counter: int) -> bytes:
    """A two-key triple DES key from a shared secret, its parity adjusted (ICAO 9303-11 §9.7.1.1)."""
    hashed = hashlib.sha1(seed + counter.to_bytes(4, "big"), usedforsecurity=False).digest()[:16]
    return bytes((byte & 0xFE) | (((byte & 0xFE).bit_count() & 1) ^ 1) for byte in hashed)


def encrypt(key: bytes, data: bytes) -> bytes:
    """CBC with a zero vector; `data` is whole blocks."""
    encryptor = Cipher(TripleDES(key + key[:8]), modes.CBC(bytes(BLOCK_BYTES))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def decrypt(key: bytes, data: bytes) -> bytes:
    """Undo `encrypt`."""
    decryptor = Cipher(TripleDES(key + key[:8]), modes.CBC(bytes(BLOCK_BYTES))).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def mac(key: bytes, data: bytes) -> bytes:
    """The retail MAC: ISO/IEC 9797-1 MAC algorithm 3 with padding method 2."""
    first, second = key[:8], key[8:]
    chain = Cipher(TripleDES(first * 3), modes.CBC(bytes(BLOCK_BYTES))).encryptor()
    last = chain.update(pad(data, BLOCK_BYTES))[-BLOCK_BYTES:]
    inner = Cipher(TripleDES(second * 3), modes.CBC(bytes(BLOCK_BYTES))).decryptor().update(last)
    return Cipher(TripleDES(first * 3), modes.CBC(bytes(BLOCK_BYTES))).encryptor().update(inner)
