"""Secure messaging with triple DES or AES, the card's side (ICAO 9303-11 §9.8).

Decrypts protected commands and protects responses; the counter advances by one for each. Invalid protection raises
SmError with the status of the unprotected answer; the card must then end the session.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from hardware_sim.chip import SmError, crypto, status
from hardware_sim.chip.apdu import EXTENDED_NE_MAX, SHORT_NE_MAX, Command, Response
from hardware_sim.passport.algorithms import Cipher
from hardware_sim.passport.der import tlv

SM_CLASS: Final = 0x0C
_STATUS_AND_MAC_BYTES: Final = 14  # DO99 and DO8E
_PADDING_INDICATOR: Final = b"\x01"
_ENCIPHERED: Final = 0x87
_ENCIPHERED_ODD: Final = 0x85  # in commands with an odd INS: without padding indicator
_LE: Final = 0x97
_MAC: Final = 0x8E
NONCE_BYTES: Final = 8
PROOF_BYTES: Final = 40  # 32 encrypted, 8 MAC
_MAC_BYTES: Final = 8


@dataclass(slots=True)
class Session:
    """The keys and the send sequence counter of one session. After PACE and Chip Authentication the counter starts at zero."""

    keys: crypto.KeyPair
    counter: int = field(default=0, repr=False)

    def open(self, command: Command) -> Command:
        """Verify and decrypt a protected command. Raises SmError."""
        self._count()
        objects = _parse_objects(command.body)
        mac = objects.pop(_MAC, None)
        if mac is None:
            raise SmError(status.MISSING_OBJECT)
        covered = b"".join(tlv(tag, value) for tag, value in objects.items())
        header = crypto.pad(command.header, self._block_bytes) if covered else command.header
        if not hmac.compare_digest(mac, self._mac(header + covered)):
            raise SmError(status.WRONG_OBJECT)
        body = self._decipher(objects, odd=command.ins % 2 == 1)
        return Command(
            command.cla & ~SM_CLASS, command.ins, command.p1, command.p2, body, _ne(objects.get(_LE)), command.extended
        )

    def protect(self, response: Response, *, odd: bool, with_status: bool = True) -> Response:
        """Encrypt and authenticate a response. Its status is also outside; `with_status` False leaves it out inside."""
        self._count()
        shown = tlv(0x99, response.status.to_bytes(2)) if with_status else b""
        covered = shown
        if response.body:
            padded = crypto.pad(response.body, self._block_bytes)
            ciphered = crypto.encipher(self.keys.enc, padded, self.keys.cipher, start=self._start())
            body = tlv(_ENCIPHERED_ODD, ciphered) if odd else tlv(_ENCIPHERED, _PADDING_INDICATOR, ciphered)
            covered = body + shown
        return Response(response.status, covered + tlv(_MAC, self._mac(covered)))

    def plain_bytes_max(self, ne: int) -> int:
        """Return the maximum of plain bytes in a protected response of at most `ne` bytes."""
        for blocks in range(ne // self._block_bytes, 0, -1):
            ciphered = blocks * self._block_bytes
            if len(tlv(_ENCIPHERED, bytes(ciphered + 1))) + _STATUS_AND_MAC_BYTES <= ne:
                return ciphered - 1
        return 0

    @property
    def _block_bytes(self) -> int:
        return self.keys.cipher.block_bytes

    def _count(self) -> None:
        self.counter = (self.counter + 1) % 256**self._block_bytes

    def _mac(self, covered: bytes) -> bytes:
        return crypto.message_mac(self.keys, self.counter.to_bytes(self._block_bytes) + covered)

    def _start(self) -> bytes | None:
        """Return the first block of CBC: zeros for triple DES, the encrypted counter for AES (§9.8.6.1, §9.8.7.1)."""
        if self.keys.cipher is Cipher.TDES:
            return None
        return crypto.encipher(self.keys.enc, self.counter.to_bytes(self._block_bytes), self.keys.cipher)

    def _decipher(self, objects: dict[int, bytes], *, odd: bool) -> bytes:
        ciphered = objects.get(_ENCIPHERED_ODD if odd else _ENCIPHERED)
        if ciphered is None:
            return b""
        if not odd:
            if ciphered[:1] != _PADDING_INDICATOR:
                raise SmError(status.WRONG_OBJECT)
            ciphered = ciphered[1:]
        try:
            return crypto.unpad(crypto.decipher(self.keys.enc, ciphered, self.keys.cipher, start=self._start()))
        except ValueError as broken:
            raise SmError(status.WRONG_OBJECT) from broken


def _parse_objects(body: bytes) -> dict[int, bytes]:
    """Return the command's data objects in their order, each at most once, MAC last. Raises SmError."""
    objects: dict[int, bytes] = {}
    at = 0
    while at < len(body):
        tag, value, at = _parse_object(body, at)
        if tag not in {_ENCIPHERED, _ENCIPHERED_ODD, _LE, _MAC} or tag in objects or _MAC in objects:
            raise SmError(status.WRONG_OBJECT)
        objects[tag] = value
    return objects


def _parse_object(body: bytes, at: int) -> tuple[int, bytes, int]:
    try:
        tag, length, start = body[at], body[at + 1], at + 2
    except IndexError as cut:
        raise SmError(status.WRONG_OBJECT) from cut
    if length in {0x81, 0x82}:
        start += length & 0x0F
        length = int.from_bytes(body[at + 2 : start])
    elif length >= 0x80:
        raise SmError(status.WRONG_OBJECT)
    if start + length > len(body):
        raise SmError(status.WRONG_OBJECT)
    return tag, body[start : start + length], start + length


def _ne(value: bytes | None) -> int | None:
    match value:
        case None:
            return None
        case bytes() if len(value) == 1:
            return value[0] or SHORT_NE_MAX
        case bytes() if len(value) == 2:
            return int.from_bytes(value) or EXTENDED_NE_MAX
        case _:
            raise SmError(status.WRONG_OBJECT)


def answer_proof(
    keys: crypto.KeyPair, proof: bytes, *, nonce: bytes, key_material: bytes
) -> tuple[bytes, Session] | None:
    """Answer EXTERNAL AUTHENTICATE of Basic Access Control (ICAO 9303-11 §4.3.3): return the chip's proof and the session.

    None when the terminal's proof over `nonce` (8 bytes) shows other keys or another challenge. `key_material` is the
    chip's random half of the session keys, 16 bytes.
    """
    ciphered, mac = proof[:-_MAC_BYTES], proof[-_MAC_BYTES:]
    if len(proof) != PROOF_BYTES or not hmac.compare_digest(mac, crypto.retail_mac(keys.mac, ciphered)):
        return None
    plain = crypto.decipher(keys.enc, ciphered)
    terminal_nonce, echoed, terminal_material = plain[:8], plain[8:16], plain[16:]
    if not hmac.compare_digest(echoed, nonce):
        return None
    own = crypto.encipher(keys.enc, nonce + terminal_nonce + key_material)
    session_keys = crypto.derive(bytes(a ^ b for a, b in zip(terminal_material, key_material, strict=True)))
    counter = int.from_bytes(nonce[4:] + terminal_nonce[4:])
    return own + crypto.retail_mac(keys.mac, own), Session(session_keys, counter)
