"""Active Authentication: the chip signs a fresh challenge with a key that never leaves it (ICAO 9303-11 §6.1).

RSA with message recovery (ISO/IEC 9796-2, scheme 1) and ECDSA (TR-03111). Shows that the holder of the key answered;
EF.SOD shows that the key is the issuer's, and only both together make a chip genuine.
"""

from __future__ import annotations

import hmac
from typing import Final

from gate_documents.access.commands import EXTENDED_ANSWER_MAX, SHORT_ANSWER_MAX, Command
from gate_documents.access.secure_messaging import protected_bytes
from gate_documents.errors import AlgorithmUnknownError, SignatureError
from gate_documents.pki.keys import EcKey, PublicKey, RsaKey
from gate_documents.pki.signatures import Kind, Scheme, digest, scheme_by_oid, verify

CHALLENGE_BYTES: Final = 8
_EC_SIGNATURE_BYTES_MAX: Final = 160
_PARTIAL_RECOVERY: Final = 0x6A
# The trailer's first byte names the hash (ISO/IEC 10118-3); BC alone means SHA-1.
_HASH_OF_TRAILER: Final = {0x33: "sha1", 0x38: "sha224", 0x34: "sha256", 0x36: "sha384", 0x35: "sha512"}
_HASH_OF_CURVE_BYTES: Final = ((28, "sha224"), (32, "sha256"), (48, "sha384"), (66, "sha512"))


def internal_authenticate(key: PublicKey, challenge: bytes, *, block_bytes: int) -> Command:
    """Return the command that requests a signature of the challenge, with extended length only for signatures that need it.

    `block_bytes`: the block of the protecting cipher. Some chips do not answer extended length, and cut long signatures with short length.
    """
    expected = key.size_bytes if isinstance(key, RsaKey) else _EC_SIGNATURE_BYTES_MAX
    answer_max = SHORT_ANSWER_MAX if protected_bytes(expected, block_bytes) <= SHORT_ANSWER_MAX else EXTENDED_ANSWER_MAX
    return Command(0x88, 0x00, 0x00, challenge, answer_max=answer_max)


def verify_answer(key: PublicKey, challenge: bytes, answer: bytes, *, ecdsa_algorithm: str | None) -> None:
    """Return if the holder of the key signed the challenge. `ecdsa_algorithm`: as in EF.DG14.

    Raises SignatureError, AlgorithmUnknownError or MalformedError.
    """
    match key:
        case RsaKey():
            _verify_rsa(key, challenge, answer)
        case EcKey():
            scheme = _ecdsa_scheme(key, answer, ecdsa_algorithm)
            verify(key, scheme, challenge, answer)


def _verify_rsa(key: RsaKey, challenge: bytes, answer: bytes) -> None:
    """ISO/IEC 9796-2 scheme 1, partial recovery: 6A, the chip's nonce, the hash of nonce and challenge, the trailer."""
    number = int.from_bytes(answer, "big")
    if len(answer) != key.size_bytes or not 1 < number < key.modulus:
        raise SignatureError("the answer has the wrong length for the chip's key")
    opened = pow(number, key.exponent, key.modulus)
    if opened & 0xF != 0xC:  # the standard lets a signer give the smaller of s and n - s (§A.4)
        opened = key.modulus - opened
    message = opened.to_bytes(key.size_bytes, "big")
    if message[-1] == 0xBC:
        hash_name, body = "sha1", message[:-1]
    elif message[-1] == 0xCC and message[-2] in _HASH_OF_TRAILER:
        hash_name, body = _HASH_OF_TRAILER[message[-2]], message[:-2]
    else:
        raise SignatureError("the answer was not made with the chip's key")
    hash_bytes = len(digest(hash_name, b""))
    nonce, hashed = body[1:-hash_bytes], body[-hash_bytes:]
    if body[0] != _PARTIAL_RECOVERY or not nonce:
        raise SignatureError("the answer was not made with the chip's key")
    if not hmac.compare_digest(hashed, digest(hash_name, nonce + challenge)):
        raise SignatureError("the answer signs another challenge")


def _ecdsa_scheme(key: EcKey, answer: bytes, algorithm: str | None) -> Scheme:
    """Return EF.DG14's algorithm; old chips name none and use the hash of their key's length. Some answer in DER."""
    if algorithm is not None:
        scheme = scheme_by_oid(algorithm)
        if scheme.kind not in (Kind.ECDSA, Kind.ECDSA_PLAIN):
            raise AlgorithmUnknownError("EF.DG14 names no ECDSA algorithm for Active Authentication")
        hash_name = scheme.hash
    else:
        hash_name = next(name for size, name in _HASH_OF_CURVE_BYTES if key.curve.size_bytes <= size)
    plain = len(answer) == 2 * ((key.curve.order.bit_length() + 7) // 8)
    return Scheme(Kind.ECDSA_PLAIN if plain else Kind.ECDSA, hash_name)
