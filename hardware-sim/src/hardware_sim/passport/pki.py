"""The country's signing keys: CSCA and document signer certificates, and the CRL (ICAO 9303-12 §7, RFC 5280).

Promises certificates as the profile asks for them, byte for byte under our control, so that a variant (explicit curve
parameters, a stranger's CSCA) is one argument. Elliptic keys and signatures follow from the seed; RSA keys are generated.
Leaves out: link certificates, master and defect lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware_sim.passport import der
from hardware_sim.passport.domain import STANDARDISED, Curve

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
_PRIME_FIELD: Final = "1.2.840.10045.1.1"
_ECDSA_SHA256: Final = der.sequence(der.oid("1.2.840.10045.4.3.2"))
_RSA_SHA256: Final = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null())
_SHA256: Final = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.null())
_PSS_SALT_BYTES: Final = 32
_RSA_PSS_SHA256: Final = der.sequence(
    der.oid("1.2.840.113549.1.1.10"),
    der.sequence(
        der.tlv(0xA0, _SHA256),
        der.tlv(0xA1, der.sequence(der.oid("1.2.840.113549.1.1.8"), _SHA256)),
        der.tlv(0xA2, der.integer(_PSS_SALT_BYTES)),
    ),
)


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
    """The curves that certificates may be signed on: those that the library implements."""
    return tuple(_CURVES[name] for name in _IMPLEMENTATIONS)


def implementation(curve: Curve) -> ec.EllipticCurve:
    """The library's curve of these parameters. Raises KeyError for one that it lacks."""
    return _IMPLEMENTATIONS[curve.name]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and how it is shown: curve by name or by its parameters, RSA signatures with PSS or without."""

    private: PrivateKey
    explicit_curve: bool = False
    pss: bool = False

    def sign(self, message: bytes) -> bytes:
        """Sign with SHA-256. The same key and message give the same elliptic signature."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))
        if self.pss:
            return self.private.sign(message, padding.PSS(padding.MGF1(SHA256()), _PSS_SALT_BYTES), SHA256())
        return self.private.sign(message, padding.PKCS1v15(), SHA256())

    def signature_algorithm(self) -> bytes:
        """AlgorithmIdentifier of what `sign` makes."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return _ECDSA_SHA256
        return _RSA_PSS_SHA256 if self.pss else _RSA_SHA256

    def public_info(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        public = self.private.public_key()
        if not (self.explicit_curve and isinstance(public, ec.EllipticCurvePublicKey)):
            return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        algorithm = der.sequence(der.oid(_EC_PUBLIC_KEY), explicit_parameters(_CURVES[public.curve.name]))
        return der.sequence(algorithm, der.bits(point))

    def identifier(self) -> bytes:
        """Key identifier: SHA-1 of the public key's bits, which names a key and protects nothing (RFC 5280 §4.2.1.2)."""
        public = self.private.public_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            key_bits = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        else:
            key_bits = public.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        return hashlib.sha1(key_bits, usedforsecurity=False).digest()


def explicit_parameters(curve: Curve) -> bytes:
    """SpecifiedECDomain with generator and cofactor, as ICAO 9303-12 §4.1.6.3 asks (TR-03111 §5.1.1)."""
    size = curve.size_bytes
    generator = b"\x04" + curve.x.to_bytes(size) + curve.y.to_bytes(size)
    return der.sequence(
        der.integer(1),
        der.sequence(der.oid(_PRIME_FIELD), der.integer(curve.p)),
        der.sequence(der.octets(curve.a.to_bytes(size)), der.octets(curve.b.to_bytes(size))),
        der.octets(generator),
        der.integer(curve.n),
        der.integer(1),
    )


def elliptic_key(curve: Curve, seed: str) -> ec.EllipticCurvePrivateKey:
    """The key that follows from `seed`. For simulation: whoever knows the seed knows the key."""
    scalar = int.from_bytes(hashlib.sha512(seed.encode()).digest()) % (curve.n - 1) + 1
    return ec.derive_private_key(scalar, implementation(curve))


@dataclass(frozen=True, slots=True)
class Period:
    """From and until, both in UTC and both included."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name of the three parts that ICAO 9303-12 §7.1.1.1 wants."""

    country: str
    organisation: str
    common: str

    def encoded(self) -> bytes:
        """RDNSequence; the country is upper case and printable, the rest UTF-8."""
        parts = (
            ("2.5.4.6", der.printable(self.country.upper())),
            ("2.5.4.10", der.utf8(self.organisation)),
            ("2.5.4.3", der.utf8(self.common)),
        )
        return der.sequence(*(der.tlv(0x31, der.sequence(der.oid(kind), value)) for kind, value in parts))


@dataclass(frozen=True, slots=True)
class Authority:
    """A CSCA: its name, its key and its self-signed certificate."""

    name: Name
    key: SigningKey
    certificate: bytes
    state: str


@dataclass(frozen=True, slots=True)
class DocumentSigner:
    """A document signer: the name of its issuer, its serial, its key and its certificate."""

    issuer: Name
    serial: int
    key: SigningKey
    certificate: bytes


def make_authority(name: Name, key: SigningKey, *, state: str, serial: int, validity: Period, use: Period) -> Authority:
    """Sign a CSCA certificate with its own key (ICAO 9303-12 §7.1, table of CSCA root extensions)."""
    extensions = (
        *_identifying_extensions(key, key, state, use),
        _extension("2.5.29.15", der.bits(bytes([0b0000_0110]), unused=1), critical=True),  # keyCertSign, cRLSign
        _extension("2.5.29.19", der.sequence(der.boolean(value=True), der.integer(0)), critical=True),
    )
    certificate = _certificate(
        issuer=name, signer=key, subject=name, key=key, serial=serial, validity=validity, extensions=extensions
    )
    return Authority(name, key, certificate, state)


def make_document_signer(
    authority: Authority, name: Name, key: SigningKey, *, serial: int, validity: Period, use: Period
) -> DocumentSigner:
    """Have the CSCA certify a document signer for passports (ICAO 9303-12 §7.1, table of document signer extensions)."""
    extensions = (
        *_identifying_extensions(key, authority.key, authority.state, use),
        _extension("2.5.29.15", der.bits(bytes([0b1000_0000]), unused=7), critical=True),  # digitalSignature
        _extension("2.23.136.1.1.6.2", der.sequence(der.integer(0), der.set_of(der.printable("P")))),
    )
    certificate = _certificate(
        issuer=authority.name,
        signer=authority.key,
        subject=name,
        key=key,
        serial=serial,
        validity=validity,
        extensions=extensions,
    )
    return DocumentSigner(authority.name, serial, key, certificate)


def make_crl(authority: Authority, revoked: Sequence[tuple[int, datetime]], *, number: int, period: Period) -> bytes:
    """The CSCA's revocation list, DER (ICAO 9303-12 §7.1.4). `revoked` pairs serials with times; `period` ends at nextUpdate."""
    entries = [der.sequence(der.integer(serial), der.time(moment)) for serial, moment in revoked]
    extensions = der.sequence(
        _authority_key_identifier(authority.key),
        _extension("2.5.29.20", der.integer(number)),
    )
    body = der.sequence(
        der.integer(1),
        authority.key.signature_algorithm(),
        authority.name.encoded(),
        der.time(period.begin),
        der.time(period.end),
        *([der.sequence(*entries)] if entries else []),
        der.tlv(0xA0, extensions),
    )
    return _signed(body, authority.key)


def _certificate(
    *,
    issuer: Name,
    signer: SigningKey,
    subject: Name,
    key: SigningKey,
    serial: int,
    validity: Period,
    extensions: Sequence[bytes],
) -> bytes:
    body = der.sequence(
        der.tlv(0xA0, der.integer(2)),
        der.integer(serial),
        signer.signature_algorithm(),
        issuer.encoded(),
        der.sequence(der.time(validity.begin), der.time(validity.end)),
        subject.encoded(),
        key.public_info(),
        der.tlv(0xA3, der.sequence(*extensions)),
    )
    return _signed(body, signer)


def _signed(body: bytes, signer: SigningKey) -> bytes:
    return der.sequence(body, signer.signature_algorithm(), der.bits(signer.sign(body)))


def _identifying_extensions(key: SigningKey, signer: SigningKey, state: str, use: Period) -> tuple[bytes, ...]:
    """Whose key this is, whose key signed, in which state, and when it may sign."""
    locality = der.sequence(der.tlv(0x31, der.sequence(der.oid("2.5.4.7"), der.printable(state))))
    state_name = der.sequence(der.tlv(0xA4, locality))
    key_use = der.sequence(
        der.tlv(0x80, use.begin.strftime("%Y%m%d%H%M%SZ").encode()),
        der.tlv(0x81, use.end.strftime("%Y%m%d%H%M%SZ").encode()),
    )
    return (
        _extension("2.5.29.14", der.octets(key.identifier())),
        _authority_key_identifier(signer),
        _extension("2.5.29.16", key_use),
        _extension("2.5.29.17", state_name),
        _extension("2.5.29.18", state_name),
    )


def _authority_key_identifier(signer: SigningKey) -> bytes:
    return _extension("2.5.29.35", der.sequence(der.tlv(0x80, signer.identifier())))


def _extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(dotted), *([der.boolean(value=True)] if critical else []), der.octets(value))
