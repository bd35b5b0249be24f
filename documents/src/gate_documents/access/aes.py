"""AES as PACE, Chip Authentication and their secure messaging use it, with keys of 128, 192 or 256 bits (ICAO 9303-11 §9.7, §9.8).

The keys live for one session with one chip.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK_BYTES: Final = 16
MAC_BYTES: Final = 8
_SHA_1_KEY_BYTES: Final = 16


def derive_key(seed: bytes, counter: int, key_bytes: int) -> bytes:
    """A key of 16, 24 or 32 bytes from a shared secret (ICAO 9303-11 §9.7.1.2)."""
    hash_name = "sha1" if key_bytes == _SHA_1_KEY_BYTES else "sha256"
    return hashlib.new(hash_name, seed + counter.to_bytes(4, "big"), usedforsecurity=False).digest()[:key_bytes]


def encrypt(key: bytes, data: bytes, start: bytes = bytes(BLOCK_BYTES)) -> bytes:
    """CBC from the block `start`; `data` is whole blocks."""
    encryptor = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def decrypt(key: bytes, data: bytes, start: bytes = bytes(BLOCK_BYTES)) -> bytes:
    """Undo `encrypt`."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def mac(key: bytes, data: bytes) -> bytes:
    """CMAC, cut to its first eight bytes."""
    code = CMAC(algorithms.AES(key))
    code.update(data)
    return code.finalize()[:MAC_BYTES]
