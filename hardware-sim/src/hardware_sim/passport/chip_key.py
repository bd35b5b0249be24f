"""The chip's key for Active Authentication and its answer to a challenge (ICAO 9303-11 §6.1).

RSA answers by ISO/IEC 9796-2 digital signature scheme 1 with message recovery, elliptic curves by plain r and s.
`lds` writes DG15 and DG14, which announce the key; the card decides when the chip may answer.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from hardware_sim.passport.keys import PrivateKey, SigningKey

_PARTIAL_RECOVERY: Final = b"\x6a"  # ISO/IEC 9796-2 §9.2: header of a message that is only partly recoverable


class Scheme(Enum):
    """The signature scheme of a chip. The value is sent to the card process."""

    RSA_SHA1 = "rsa_sha1"  # trailer BC
    RSA_SHA256 = "rsa_sha256"  # trailer 34CC
    ECDSA_SHA256 = "ecdsa_sha256"  # ecdsa-plain-SHA256, BSI TR-03111 §5.2.2


@dataclass(frozen=True, slots=True)
class ChipKey:
    """A private key with its scheme. Raises ValueError when key and scheme do not match."""

    scheme: Scheme
    private: PrivateKey = field(repr=False)
    explicit_curve: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.private, rsa.RSAPrivateKey) != (self.scheme is not Scheme.ECDSA_SHA256):
            raise ValueError("the chip's key is not of its scheme's kind")

    def answer(self, challenge: bytes) -> bytes:
        """Return the signature over the terminal's challenge, in the format of INTERNAL AUTHENTICATE."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return _answer_plain(self.private, challenge)
        return _answer_recoverable(self.private, challenge, self.scheme)

    def public_info(self) -> bytes:
        """Return the SubjectPublicKeyInfo, DER, for DG15."""
        return SigningKey(self.private, explicit_curve=self.explicit_curve).public_info()

    def to_bytes(self) -> bytes:
        """Return the private key unencrypted, PKCS #8 DER. Only for the pipe to the card process."""
        return self.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    @classmethod
    def from_bytes(cls, scheme: str, private: bytes) -> ChipKey:
        """Return the key that `to_bytes` encoded. Raises ValueError on an unknown scheme or another kind of key."""
        key = load_der_private_key(private, None)
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("a chip's key is RSA or elliptic")  # noqa: TRY004 - bad data, not a caller's mistake
        return cls(Scheme(scheme), key)


def _answer_plain(key: ec.EllipticCurvePrivateKey, challenge: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(challenge, ec.ECDSA(SHA256())))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size) + s.to_bytes(size)


def _answer_recoverable(key: rsa.RSAPrivateKey, challenge: bytes, scheme: Scheme) -> bytes:
    """Return the signature over header, random recoverable part, hash over that part and the challenge, and trailer."""
    name, trailer = ("sha1", b"\xbc") if scheme is Scheme.RSA_SHA1 else ("sha256", b"\x34\xcc")
    size = key.key_size // 8
    recoverable = secrets.token_bytes(size - len(_PARTIAL_RECOVERY) - hashlib.new(name).digest_size - len(trailer))
    digest = hashlib.new(name, recoverable + challenge).digest()
    representative = int.from_bytes(_PARTIAL_RECOVERY + recoverable + digest + trailer)
    return _private_operation(key, representative).to_bytes(size)


def _private_operation(key: rsa.RSAPrivateKey, representative: int) -> int:
    """Return m^d mod n, by the Chinese remainder theorem: the library has no RSA without padding."""
    numbers = key.private_numbers()
    below_p = pow(representative, numbers.dmp1, numbers.p)
    below_q = pow(representative, numbers.dmq1, numbers.q)
    return below_q + numbers.q * (numbers.iqmp * (below_p - below_q) % numbers.p)
