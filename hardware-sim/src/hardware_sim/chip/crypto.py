"""Ciphers, MACs and key derivation of passports: triple DES and AES (ICAO 9303-11 §9.7, §9.8.6, §9.8.7).

Includes old algorithms, because cards in use have them. Pure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes

from hardware_sim.passport.algorithms import Cipher
from hardware_sim.passport.mrz import key_information

MAC_BYTES: Final = 8
FOR_PASSWORD: Final = 3
_BAC_SEED_BYTES: Final = 16
_DES_BLOCK_BYTES: Final = 8
_FOR_ENCRYPTION: Final = 1
_FOR_MAC: Final = 2
_LONG_HASH: Final = frozenset({Cipher.AES_192, Cipher.AES_256})


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Two keys of one cipher: one for encryption, one for MACs."""

    enc: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    cipher: Cipher = Cipher.TDES


def derive(secret: bytes, cipher: Cipher = Cipher.TDES) -> KeyPair:
    """Return session keys from a shared secret (ICAO 9303-11 §9.7.1)."""
    return KeyPair(derive_one(secret, _FOR_ENCRYPTION, cipher), derive_one(secret, _FOR_MAC, cipher), cipher)


def derive_one(secret: bytes, purpose: int, cipher: Cipher) -> bytes:
    """Return one key from a secret: SHA-1 for keys of 16 bytes, SHA-256 for longer ones (§9.7.1.1 to §9.7.1.4)."""
    name = "sha256" if cipher in _LONG_HASH else "sha1"
    key = hashlib.new(name, secret + purpose.to_bytes(4), usedforsecurity=False).digest()[: cipher.key_bytes]
    return bytes(_with_odd_parity(octet) for octet in key) if cipher is Cipher.TDES else key


def document_seed(mrz_lines: tuple[str, ...]) -> bytes:
    """Return the seed of the document's keys: SHA-1 over number, birth and expiry with check digits (§4.3.2, §9.7.3)."""
    return hashlib.sha1(key_information(mrz_lines).encode("ascii"), usedforsecurity=False).digest()


def document_keys(mrz_lines: tuple[str, ...]) -> KeyPair:
    """Return the keys of Basic Access Control (§9.7.2)."""
    return derive(document_seed(mrz_lines)[:_BAC_SEED_BYTES])


def encipher(key: bytes, plain: bytes, cipher: Cipher = Cipher.TDES, *, start: bytes | None = None) -> bytes:
    """Encrypt whole blocks in CBC mode, from a zero block unless `start` is given."""
    context = _block_cipher(key, cipher, start).encryptor()
    return context.update(plain) + context.finalize()


def decipher(key: bytes, ciphered: bytes, cipher: Cipher = Cipher.TDES, *, start: bytes | None = None) -> bytes:
    """Decrypt what `encipher` encrypted. Raises ValueError on a broken block."""
    context = _block_cipher(key, cipher, start).decryptor()
    return context.update(ciphered) + context.finalize()


def retail_mac(key: bytes, message: bytes) -> bytes:
    """Return ISO/IEC 9797-1 MAC algorithm 3, padding method 2: single DES in a chain, triple DES on the last block."""
    padded = pad(message)
    chained, last = padded[:-_DES_BLOCK_BYTES], padded[-_DES_BLOCK_BYTES:]
    # Single DES is triple DES with three equal keys.
    link = encipher(key[:_DES_BLOCK_BYTES] * 2, chained)[-_DES_BLOCK_BYTES:] if chained else bytes(_DES_BLOCK_BYTES)
    return encipher(key, bytes(a ^ b for a, b in zip(link, last, strict=True)))


def mac(keys: KeyPair, message: bytes) -> bytes:
    """Return the MAC of a message of any length, 8 bytes: the retail MAC, or the start of CMAC (§4.4.3.4)."""
    if keys.cipher is Cipher.TDES:
        return retail_mac(keys.mac, message)
    context = cmac.CMAC(algorithms.AES(keys.mac))
    context.update(message)
    return context.finalize()[:MAC_BYTES]


def message_mac(keys: KeyPair, message: bytes) -> bytes:
    """Return the MAC of secure messaging: the message is padded even where CMAC needs no padding (§9.8.6.2, §9.8.7.2)."""
    if keys.cipher is Cipher.TDES:
        return retail_mac(keys.mac, message)
    return mac(keys, pad(message, keys.cipher.block_bytes))


def pad(message: bytes, block_bytes: int = _DES_BLOCK_BYTES) -> bytes:
    """Return the message with ISO/IEC 9797-1 padding method 2."""
    return message + b"\x80" + bytes(-(len(message) + 1) % block_bytes)


def unpad(message: bytes) -> bytes:
    """Return the message without padding. Raises ValueError when there is none."""
    stripped = message.rstrip(b"\x00")
    if not stripped.endswith(b"\x80"):
        raise ValueError("no padding")
    return stripped[:-1]


def _block_cipher(key: bytes, cipher: Cipher, start: bytes | None) -> BlockCipher[modes.CBC]:
    algorithm = TripleDES(key + key[:_DES_BLOCK_BYTES]) if cipher is Cipher.TDES else algorithms.AES(key)
    return BlockCipher(algorithm, modes.CBC(start or bytes(cipher.block_bytes)))


def _with_odd_parity(octet: int) -> int:
    upper = octet & 0xFE
    return upper | (upper.bit_count() + 1) % 2
