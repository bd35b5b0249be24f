"""Basic Access Control: the key of the printed MRZ opens the chip (ICAO 9303-11 §4.3)."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from gate_documents.access import tdes
from gate_documents.access.commands import NOT_THERE, OK, Command, Transmit, exchange
from gate_documents.access.secure_messaging import SecureMessaging
from gate_documents.access.suites import FOR_ENCRYPTION, FOR_MAC, SessionKeys, Suite
from gate_documents.errors import AccessDeniedError, AccessUnknownError
from gate_documents.lds.security_infos import Cipher

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gate_documents.mrz.parser import MrzKey

_CHALLENGE_BYTES: Final = 8
_KEY_BYTES: Final = 16
_TOKEN_BYTES: Final = 32
_MAC_BYTES: Final = 8


def open_with_bac(key: MrzKey, *, random: Callable[[int], bytes]) -> Generator[Transmit, bytes | None, SecureMessaging]:
    """Prove to the selected application that the MRZ was read, and agree on session keys.

    Raises AccessDeniedError if the chip refuses, or does not prove that it knows the MRZ; AccessUnknownError if it
    reports that it does not know the first command.
    """
    seed = hashlib.sha1(key.information, usedforsecurity=False).digest()[:_KEY_BYTES]
    encryption_key = tdes.derive_key(seed, FOR_ENCRYPTION)
    mac_key = tdes.derive_key(seed, FOR_MAC)
    challenge = yield from exchange(Command(0x84, 0x00, 0x00, answer_max=_CHALLENGE_BYTES))
    if challenge.status in NOT_THERE:
        raise AccessUnknownError(f"the chip knows no Basic Access Control: status {challenge.status:04X}")
    if challenge.status != OK or len(challenge.data) != _CHALLENGE_BYTES:
        raise AccessDeniedError(f"the chip gives no challenge: status {challenge.status:04X}")
    ours, our_part = random(_CHALLENGE_BYTES), random(_KEY_BYTES)
    token = tdes.encrypt(encryption_key, ours + challenge.data + our_part)
    proof = yield from exchange(
        Command(0x82, 0x00, 0x00, token + tdes.mac(mac_key, token), answer_max=_TOKEN_BYTES + _MAC_BYTES)
    )
    if proof.status != OK:
        raise AccessDeniedError(f"the chip refuses the key of the MRZ: status {proof.status:04X}")
    their_part = _their_key_part(proof.data, encryption_key, mac_key, expected=challenge.data + ours)
    shared = bytes(mine ^ theirs for mine, theirs in zip(our_part, their_part, strict=True))
    return SecureMessaging(SessionKeys.derived(Suite(Cipher.TDES), shared), challenge.data[4:] + ours[4:])


def _their_key_part(answer: bytes, encryption_key: bytes, mac_key: bytes, *, expected: bytes) -> bytes:
    """Return the chip's half of the session key, after verifying that its token is fresh and made with the MRZ's key."""
    token, proof = answer[:_TOKEN_BYTES], answer[_TOKEN_BYTES:]
    if len(answer) != _TOKEN_BYTES + _MAC_BYTES or not hmac.compare_digest(proof, tdes.mac(mac_key, token)):
        raise AccessDeniedError("the chip's token has a wrong MAC")
    plain = tdes.decrypt(encryption_key, token)
    if not hmac.compare_digest(plain[: len(expected)], expected):
        raise AccessDeniedError("the chip's token answers another challenge")
    return plain[len(expected) :]
