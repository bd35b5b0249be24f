"""Signing keys: signatures, their encoding in certificates, and elliptic keys that are derived from a seed.

RSA with or without PSS; elliptic keys with their curve by name or by parameters. RSA keys are generated; everything
else is the same for the same seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware_sim.passport import der
from hardware_sim.passport.domain import STANDARDISED, Curve

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
_PRIME_FIELD: Final = "1.2.840.10045.1.1"
_RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"
_RSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"

CurveLie = Literal["generator", "cofactor", "order"]
Digest = Literal["sha1", "sha224", "sha256", "sha384", "sha512"]


@dataclass(frozen=True, slots=True)
class _Hash:
    oid: str
    implementation: hashes.HashAlgorithm
    with_ecdsa: str
    with_rsa: str


_HASHES: Final[Mapping[Digest, _Hash]] = {
    "sha1": _Hash(
        "1.3.14.3.2.26",
        hashes.SHA1(),  # noqa: S303 - old passports are signed with it
        "1.2.840.10045.4.1",
        "1.2.840.113549.1.1.5",
    ),
    "sha224": _Hash("2.16.840.1.101.3.4.2.4", hashes.SHA224(), "1.2.840.10045.4.3.1", "1.2.840.113549.1.1.14"),
    "sha256": _Hash("2.16.840.1.101.3.4.2.1", hashes.SHA256(), "1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11"),
    "sha384": _Hash("2.16.840.1.101.3.4.2.2", hashes.SHA384(), "1.2.840.10045.4.3.3", "1.2.840.113549.1.1.12"),
    "sha512": _Hash("2.16.840.1.101.3.4.2.3", hashes.SHA512(), "1.2.840.10045.4.3.4", "1.2.840.113549.1.1.13"),
}
_IMPLEMENTATIONS: Final[dict[str, ec.EllipticCurve]] = {
    "secp224r1": ec.SECP224R1(),
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(),
    "brainpoolP512r1": ec.BrainpoolP512R1(),
}
_CURVES: Final = {curve.name: curve for curve in STANDARDISED.values() if isinstance(curve, Curve)}


def known_curves() -> tuple[Curve, ...]:
    """Return the curves that the library implements, and that certificates may therefore be signed on."""
    return tuple(_CURVES[name] for name in _IMPLEMENTATIONS)


def implementation(curve: Curve) -> ec.EllipticCurve:
    """Return the library's curve with these parameters. Raises KeyError when the library does not implement it."""
    return _IMPLEMENTATIONS[curve.name]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its encoding: curve by name or by its parameters, RSA signatures with or without PSS.

    `claimed_identifier` is the key identifier of another key, which a forger copies. `curve_lie` falsifies parameters.
    """

    private: PrivateKey
    explicit_curve: bool = False
    pss: bool = False
    claimed_identifier: bytes | None = None
    curve_lie: CurveLie | None = None

    def sign(self, message: bytes, digest: Digest = "sha256") -> bytes:
        """Return the signature. The same key and message give the same elliptic signature."""
        hashed = _HASHES[digest].implementation
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(message, ec.ECDSA(hashed, deterministic_signing=True))
        if self.pss:
            return self.private.sign(message, padding.PSS(padding.MGF1(hashed), hashed.digest_size), hashed)
        return self.private.sign(message, padding.PKCS1v15(), hashed)

    def signature_algorithm(
        self,
        digest: Digest = "sha256",
        *,
        bare_rsa: bool = False,
        salt_claim_bytes: int | None = None,
        mask_claim: Digest | None = None,
    ) -> bytes:
        """Return the AlgorithmIdentifier for `sign`; `bare_rsa` names the key's algorithm, as some issuers do."""
        known = _HASHES[digest]
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return der.sequence(der.oid(known.with_ecdsa))
        if not self.pss:
            return der.sequence(der.oid(_RSA_ENCRYPTION if bare_rsa else known.with_rsa), der.null())
        hashed = der.sequence(der.oid(known.oid), der.null())
        mask = hashed if mask_claim is None else der.sequence(der.oid(_HASHES[mask_claim].oid), der.null())
        salt_bytes = known.implementation.digest_size if salt_claim_bytes is None else salt_claim_bytes
        parameters = der.sequence(
            der.tlv(0xA0, hashed),
            der.tlv(0xA1, der.sequence(der.oid(_MGF1), mask)),
            der.tlv(0xA2, der.integer(salt_bytes)),
        )
        return der.sequence(der.oid(_RSA_PSS), parameters)

    def public_info(self) -> bytes:
        """Return the SubjectPublicKeyInfo, DER."""
        public = self.private.public_key()
        if not (self.explicit_curve and isinstance(public, ec.EllipticCurvePublicKey)):
            return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        algorithm = der.sequence(
            der.oid(EC_PUBLIC_KEY), explicit_parameters(_CURVES[public.curve.name], self.curve_lie)
        )
        return der.sequence(algorithm, der.bits(point))

    def identifier(self) -> bytes:
        """Return the key identifier, the SHA-1 of the public key's bits (RFC 5280 §4.2.1.2). It protects nothing."""
        if self.claimed_identifier is not None:
            return self.claimed_identifier
        public = self.private.public_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            key_bits = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        else:
            key_bits = public.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        return hashlib.sha1(key_bits, usedforsecurity=False).digest()


def order_of(key: ec.EllipticCurvePrivateKey) -> int:
    """Return the order of the generator of a key's curve."""
    return _CURVES[key.curve.name].n


def digest_algorithm(digest: Digest) -> str:
    """Return the object identifier of a hash function, dotted decimals."""
    return _HASHES[digest].oid


def digest_of(digest: Digest, content: bytes) -> bytes:
    """Return the hash of `content`."""
    return hashlib.new(digest, content, usedforsecurity=False).digest()


def explicit_parameters(curve: Curve, lie: CurveLie | None = None) -> bytes:
    """Return a SpecifiedECDomain with generator and cofactor, as ICAO 9303-12 §4.1.6.3 requires (TR-03111 §5.1.1).

    `lie` sets another point of the curve as generator, the cofactor 2, or an even order.
    """
    size = curve.size_bytes
    y = curve.p - curve.y if lie == "generator" else curve.y
    generator = b"\x04" + curve.x.to_bytes(size) + y.to_bytes(size)
    return der.sequence(
        der.integer(1),
        der.sequence(der.oid(_PRIME_FIELD), der.integer(curve.p)),
        der.sequence(der.octets(curve.a.to_bytes(size)), der.octets(curve.b.to_bytes(size))),
        der.octets(generator),
        der.integer(curve.n + 1 if lie == "order" else curve.n),
        der.integer(2 if lie == "cofactor" else 1),
    )


def elliptic_key(curve: Curve, seed: str) -> ec.EllipticCurvePrivateKey:
    """Return the key derived from `seed`. For simulation only: the seed reveals the key."""
    scalar = int.from_bytes(hashlib.sha512(seed.encode()).digest()) % (curve.n - 1) + 1
    return ec.derive_private_key(scalar, implementation(curve))
