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


@dataclass(frozen=True, slots=True)
class Curve:
    """A prime curve y² = x³ + ax + b with generator (x, y) of order n and cofactor 1."""

    oid: str
    implementation: ec.EllipticCurve
    p: int
    a: int
    b: int
    x: int
    y: int
    n: int


P256: Final = Curve(  # FIPS 186-4 §D.1.2.3
    "1.2.840.10045.3.1.7",
    ec.SECP256R1(),
    p=0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    a=0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    x=0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    y=0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
)
BRAINPOOL_P256: Final = Curve(  # RFC 5639 §3.4
    "1.3.36.3.3.2.8.1.1.7",
    ec.BrainpoolP256R1(),
    p=0xA9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377,
    a=0x7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9,
    b=0x26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6,
    x=0x8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262,
    y=0x547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997,
    n=0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7,
)
_CURVES: Final = {curve.implementation.name: curve for curve in (P256, BRAINPOOL_P256)}


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
    size = (curve.p.bit_length() + 7) // 8
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
    return ec.derive_private_key(scalar, curve.implementation)


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
