"""Keys of Terminal Authentication: signatures, encoding in certificates, and how a chip reads them (TR-03110-3 §D.3).

ECDSA, and RSA with or without PSS, all with SHA-256. Elliptic keys use one curve; only a CVCA carries its parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware_sim.passport import der
from hardware_sim.passport.domain import BRAINPOOL_P256
from hardware_sim.passport.keys import PrivateKey, implementation

Algorithm = Literal["ecdsa", "rsa", "rsa_pss"]

CURVE: Final = BRAINPOOL_P256
IDENTIFIERS: Final[Mapping[Algorithm, str]] = {
    "ecdsa": "0.4.0.127.0.7.2.2.2.2.3",
    "rsa": "0.4.0.127.0.7.2.2.2.1.2",
    "rsa_pss": "0.4.0.127.0.7.2.2.2.1.4",
}
_ALGORITHMS: Final = {der.oid(identifier)[2:]: name for name, identifier in IDENTIFIERS.items()}


@dataclass(frozen=True, slots=True)
class TerminalKey:
    """A private key. `pss` applies to RSA."""

    private: PrivateKey = field(repr=False)
    pss: bool = False

    @property
    def algorithm(self) -> Algorithm:
        """Return the signature algorithm."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return "ecdsa"
        return "rsa_pss" if self.pss else "rsa"

    def sign(self, message: bytes) -> bytes:
        """Return the signature; for ECDSA, r and s of equal length (BSI TR-03111 §5.2.1)."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.private.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
            return r.to_bytes(CURVE.size_bytes) + s.to_bytes(CURVE.size_bytes)
        return self.private.sign(message, _rsa_padding(self.algorithm), SHA256())

    def shown(self, *, with_parameters: bool) -> bytes:
        """Return the content of the public key's data object. Only a CVCA's has elliptic parameters."""
        identifier = der.oid(IDENTIFIERS[self.algorithm])
        if isinstance(self.private, rsa.RSAPrivateKey):
            numbers = self.private.public_key().public_numbers()
            return identifier + der.tlv(0x81, _unsigned(numbers.n)) + der.tlv(0x82, _unsigned(numbers.e))
        public = self.private.public_key()
        point = der.tlv(0x86, public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        if not with_parameters:
            return identifier + point
        size = CURVE.size_bytes
        return identifier + b"".join(
            (
                der.tlv(0x81, CURVE.p.to_bytes(size)),
                der.tlv(0x82, CURVE.a.to_bytes(size)),
                der.tlv(0x83, CURVE.b.to_bytes(size)),
                der.tlv(0x84, b"\x04" + CURVE.x.to_bytes(size) + CURVE.y.to_bytes(size)),
                der.tlv(0x85, CURVE.n.to_bytes(size)),
                point,
                der.tlv(0x87, b"\x01"),
            )
        )


@dataclass(frozen=True, slots=True)
class TerminalPublicKey:
    """A public key as the chip stores it."""

    algorithm: Algorithm
    public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Return True when the signature of the message is valid."""
        try:
            if isinstance(self.public, rsa.RSAPublicKey):
                self.public.verify(signature, message, _rsa_padding(self.algorithm), SHA256())
                return True
            size = CURVE.size_bytes
            if len(signature) != 2 * size:
                return False
            encoded = encode_dss_signature(int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))
            self.public.verify(encoded, message, ec.ECDSA(SHA256()))
        except (ValueError, InvalidSignature):
            return False
        return True


def public_key(parts: Mapping[int, bytes]) -> TerminalPublicKey | None:
    """Return the key in these data objects, by tag; None when the chip does not support it."""
    algorithm = _ALGORITHMS.get(parts.get(0x06, b""))
    if algorithm is None:
        return None
    try:
        if algorithm == "ecdsa":
            point = ec.EllipticCurvePublicKey.from_encoded_point(implementation(CURVE), parts.get(0x86, b""))
            return TerminalPublicKey(algorithm, point)
        modulus, exponent = (int.from_bytes(parts.get(tag, b"")) for tag in (0x81, 0x82))
        return TerminalPublicKey(algorithm, rsa.RSAPublicNumbers(exponent, modulus).public_key())
    except ValueError:
        return None


def _rsa_padding(algorithm: Algorithm) -> padding.AsymmetricPadding:
    return padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size) if algorithm == "rsa_pss" else padding.PKCS1v15()


def _unsigned(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)
