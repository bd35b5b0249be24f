"""The ciphers of ICAO 9303-11 §9.7 and §9.8 with one interface for triple DES and AES.

A `Suite` derives keys and uses them once, as PACE does; `SessionKeys` are the two keys of one session of secure messaging.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gate_documents.access import aes, tdes
from gate_documents.access.padding import pad
from gate_documents.lds.security_infos import Cipher

FOR_ENCRYPTION: Final = 1
FOR_MAC: Final = 2
FOR_PASSWORD: Final = 3
_KEY_BYTES: Final = {Cipher.TDES: 16, Cipher.AES_128: 16, Cipher.AES_192: 24, Cipher.AES_256: 32}


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher with its key derivation and MAC."""

    cipher: Cipher

    @property
    def key_bytes(self) -> int:
        """The length of a key; triple DES has two of eight bytes."""
        return _KEY_BYTES[self.cipher]

    @property
    def block_bytes(self) -> int:
        """The length of a block."""
        return tdes.BLOCK_BYTES if self.cipher is Cipher.TDES else aes.BLOCK_BYTES

    def derive(self, secret: bytes, purpose: int) -> bytes:
        """A key for one of the purposes FOR_… from a shared secret (§9.7.1)."""
        if self.cipher is Cipher.TDES:
            return tdes.derive_key(secret, purpose)
        return aes.derive_key(secret, purpose, self.key_bytes)

    def encrypt(self, key: bytes, data: bytes) -> bytes:
        """CBC from a block of zeros; `data` is whole blocks."""
        return tdes.encrypt(key, data) if self.cipher is Cipher.TDES else aes.encrypt(key, data)

    def decrypt(self, key: bytes, data: bytes) -> bytes:
        """Undo `encrypt`."""
        return tdes.decrypt(key, data) if self.cipher is Cipher.TDES else aes.decrypt(key, data)

    def mac(self, key: bytes, data: bytes) -> bytes:
        """The MAC of eight bytes over data of any length."""
        return tdes.mac(key, data) if self.cipher is Cipher.TDES else aes.mac(key, data)


class SessionKeys:
    """The keys of one session. Has no useful repr."""

    def __init__(self, suite: Suite, *, encryption_key: bytes, mac_key: bytes) -> None:
        self.suite = suite
        self._encryption_key = encryption_key
        self._mac_key = mac_key

    @classmethod
    def derived(cls, suite: Suite, secret: bytes) -> SessionKeys:
        """Both keys from one shared secret."""
        return cls(suite, encryption_key=suite.derive(secret, FOR_ENCRYPTION), mac_key=suite.derive(secret, FOR_MAC))

    def encrypt(self, counter: bytes, data: bytes) -> bytes:
        """One cryptogram; with AES it starts from the enciphered counter (§9.8.6.1)."""
        if self.suite.cipher is Cipher.TDES:
            return tdes.encrypt(self._encryption_key, data)
        return aes.encrypt(self._encryption_key, data, self._start(counter))

    def decrypt(self, counter: bytes, cryptogram: bytes) -> bytes:
        """Undo `encrypt`."""
        if self.suite.cipher is Cipher.TDES:
            return tdes.decrypt(self._encryption_key, cryptogram)
        return aes.decrypt(self._encryption_key, cryptogram, self._start(counter))

    def mac(self, covered: bytes) -> bytes:
        """The MAC of one message, which is padded first; triple DES pads by itself."""
        if self.suite.cipher is Cipher.TDES:
            return tdes.mac(self._mac_key, covered)
        return aes.mac(self._mac_key, pad(covered, aes.BLOCK_BYTES))

    def token(self, data: bytes) -> bytes:
        """The MAC over data that is no message."""
        return self.suite.mac(self._mac_key, data)

    def decrypt_proof(self, cryptogram: bytes) -> bytes:
        """The chip's data of PACE-CAM: AES from the enciphered block of all ones (§4.4.3.5.1)."""
        return aes.decrypt(self._encryption_key, cryptogram, self._start(b"\xff" * aes.BLOCK_BYTES))

    def _start(self, block: bytes) -> bytes:
        return aes.encrypt(self._encryption_key, block)
