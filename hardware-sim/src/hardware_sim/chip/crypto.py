"""Triple DES, the retail MAC and the key derivation of the first passports (ICAO 9303-11 §9.7, §9.8.6).

Old algorithms, because the cards speak them. Pure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

BLOCK_BYTES: Final = 8
KEY_BYTES: Final = 16
_FOR_ENCRYPTION: Final = 1
_FOR_MAC: Final = 2


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Two double-length keys: one enciphers, one authenticates."""

    enc: bytes = field(repr=False)
    mac: bytes = field(repr=False)


def derive(seed: bytes) -> KeyPair:
    """Keys from a shared secret of 16 bytes (ICAO 9303-11 §9.7.1.1)."""
    return KeyPair(_derive_one(seed, _FOR_ENCRYPTION), _derive_one(seed, _FOR_MAC))


def document_keys(mrz_lines: tuple[str, ...]) -> KeyPair:
    """The keys that opening the booklet gives: from number, birth and expiry with their check digits (§4.3.2)."""
    lower = mrz_lines[1]
    information = lower[0:10] + lower[13:20] + lower[21:28]
    return derive(hashlib.sha1(information.encode("ascii"), usedforsecurity=False).digest()[:KEY_BYTES])


def encipher(key: bytes, plain: bytes) -> bytes:
    """Triple DES in CBC mode with a zero start; `plain` is whole blocks."""
    context = Cipher(TripleDES(_triple(key)), modes.CBC(bytes(BLOCK_BYTES))).encryptor()
    return context.update(plain) + context.finalize()


def decipher(key: bytes, ciphered: bytes) -> bytes:
    """Undo `encipher`. Raises ValueError on a broken block."""
    context = Cipher(TripleDES(_triple(key)), modes.CBC(bytes(BLOCK_BYTES))).decryptor()
    return context.update(ciphered) + context.finalize()


def retail_mac(key: bytes, message: bytes) -> bytes:
    """ISO/IEC 9797-1 MAC algorithm 3 with padding method 2: single DES in a chain, triple DES on the last block."""
    padded = pad(message)
    chained, last = padded[:-BLOCK_BYTES], padded[-BLOCK_BYTES:]
    # Single DES is triple DES with three equal keys.
    link = encipher(key[:BLOCK_BYTES] * 2, chained)[-BLOCK_BYTES:] if chained else bytes(BLOCK_BYTES)
    return encipher(key, bytes(a ^ b for a, b in zip(link, last, strict=True)))


def pad(message: bytes) -> bytes:
    """ISO/IEC 9797-1 padding method 2."""
    return message + b"\x80" + bytes(-(len(message) + 1) % BLOCK_BYTES)


def unpad(message: bytes) -> bytes:
    """Undo `pad`. Raises ValueError when there is no padding."""
    stripped = message.rstrip(b"\x00")
    if not stripped.endswith(b"\x80"):
        raise ValueError("no padding")
    return stripped[:-1]


def _derive_one(seed: bytes, purpose: int) -> bytes:
    key = hashlib.sha1(seed + purpose.to_bytes(4), usedforsecurity=False).digest()[:KEY_BYTES]
    return bytes(_with_odd_parity(octet) for octet in key)


def _with_odd_parity(octet: int) -> int:
    upper = octet & 0xFE
    return upper | (upper.bit_count() + 1) % 2


def _triple(key: bytes) -> bytes:
    return key + key[:BLOCK_BYTES]
