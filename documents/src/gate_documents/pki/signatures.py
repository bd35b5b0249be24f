"""Verifies signatures: RSA PKCS #1 v1.5 and PSS, ECDSA with the signature in DER or plain (ICAO 9303-12 §4.4, TR-03111).

The primitives are those of `cryptography`; curves that OpenSSL lacks use `ecdsa`. Only public values are processed here, so
running time reveals nothing.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from gate_documents import tlv
from gate_documents.checks import Tolerance
from gate_documents.errors import AlgorithmUnknownError, MalformedError, SignatureError
from gate_documents.pki.asn1 import NULL, OCTET_STRING, OID, SEQUENCE, Part, dotted, integer, only, parts_of, reading
from gate_documents.pki.hashes import HASH_OIDS
from gate_documents.pki.keys import EcKey, PublicKey, RsaKey
from gate_documents.pki.pss import read_pss

IDENTIFIER_BYTES_MAX: Final = 256
SIGNATURE_BYTES_MAX: Final = 1024  # of two numbers of a curve, however long they were written
SCHEMES_KEPT_MAX: Final = 64
_PYCA_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_PYCA_CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {
    "secp192r1": ec.SECP192R1,
    "secp224r1": ec.SECP224R1,
    "secp256r1": ec.SECP256R1,
    "secp384r1": ec.SECP384R1,
    "secp521r1": ec.SECP521R1,
    "brainpoolP256r1": ec.BrainpoolP256R1,
    "brainpoolP384r1": ec.BrainpoolP384R1,
    "brainpoolP512r1": ec.BrainpoolP512R1,
}


class Kind(enum.Enum):
    """How a signature is made."""

    RSA_PKCS1 = "rsa_pkcs1"
    RSA_PSS = "rsa_pss"
    ECDSA = "ecdsa"
    ECDSA_PLAIN = "ecdsa_plain"


@dataclass(frozen=True, slots=True)
class Scheme:
    """A signature algorithm with its parameters. `mask_hash` and `salt_bytes` are for PSS."""

    kind: Kind
    hash: str
    mask_hash: str = ""
    salt_bytes: int = 0


_SCHEMES: Final = {
    "1.2.840.113549.1.1.5": Scheme(Kind.RSA_PKCS1, "sha1"),
    "1.2.840.113549.1.1.14": Scheme(Kind.RSA_PKCS1, "sha224"),
    "1.2.840.113549.1.1.11": Scheme(Kind.RSA_PKCS1, "sha256"),
    "1.2.840.113549.1.1.12": Scheme(Kind.RSA_PKCS1, "sha384"),
    "1.2.840.113549.1.1.13": Scheme(Kind.RSA_PKCS1, "sha512"),
    "1.2.840.10045.4.1": Scheme(Kind.ECDSA, "sha1"),
    "1.2.840.10045.4.3.1": Scheme(Kind.ECDSA, "sha224"),
    "1.2.840.10045.4.3.2": Scheme(Kind.ECDSA, "sha256"),
    "1.2.840.10045.4.3.3": Scheme(Kind.ECDSA, "sha384"),
    "1.2.840.10045.4.3.4": Scheme(Kind.ECDSA, "sha512"),
    "0.4.0.127.0.7.1.1.4.1.1": Scheme(Kind.ECDSA_PLAIN, "sha1"),
    "0.4.0.127.0.7.1.1.4.1.2": Scheme(Kind.ECDSA_PLAIN, "sha224"),
    "0.4.0.127.0.7.1.1.4.1.3": Scheme(Kind.ECDSA_PLAIN, "sha256"),
    "0.4.0.127.0.7.1.1.4.1.4": Scheme(Kind.ECDSA_PLAIN, "sha384"),
    "0.4.0.127.0.7.1.1.4.1.5": Scheme(Kind.ECDSA_PLAIN, "sha512"),
}


def plain_algorithm(identifier: Part) -> str:
    """The object identifier of an algorithm that has no parameters: none at all, or NULL (RFC 5754 §2)."""
    oid, *parameters = parts_of(identifier, SEQUENCE)
    if [one.encoded for one in parameters] not in ([], [NULL]):
        raise MalformedError("an algorithm with parameters that it does not have")
    return dotted(oid)


def digest(name: str, message: bytes) -> bytes:
    """The hash of a message by one of the names of `hash_name`."""
    return hashlib.new(name, message, usedforsecurity=False).digest()


@lru_cache(maxsize=SCHEMES_KEPT_MAX)
def parse_scheme(identifier: bytes, *, digest_hash: str | None = None) -> Scheme:
    """Parse an AlgorithmIdentifier. `digest_hash` completes the bare rsaEncryption that some signers write in CMS.

    Results are cached: the world's documents share two dozen identifiers.
    """
    algorithm = only(identifier, "a signature algorithm", bytes_max=IDENTIFIER_BYTES_MAX)
    with reading("a signature algorithm"):
        kind, *parameters = parts_of(algorithm, SEQUENCE)
        oid = dotted(kind)
        if oid == "1.2.840.113549.1.1.10":
            return _pss(parameters)
        plain_algorithm(algorithm)
    if oid == "1.2.840.113549.1.1.1" and digest_hash is not None:
        return Scheme(Kind.RSA_PKCS1, digest_hash)
    try:
        return _SCHEMES[oid]
    except KeyError:
        raise AlgorithmUnknownError(f"signature algorithm {oid}") from None


def scheme_by_oid(oid: str) -> Scheme:
    """The scheme of an object identifier without parameters. Raises AlgorithmUnknownError."""
    try:
        return _SCHEMES[oid]
    except KeyError:
        raise AlgorithmUnknownError(f"signature algorithm {oid}") from None


def verify(
    key: PublicKey, scheme: Scheme, message: bytes, signature: bytes, tolerated: set[Tolerance] | None = None
) -> None:
    """Return if the signature is valid. Raises SignatureError, MalformedError or AlgorithmUnknownError.

    Without `tolerated` only the standard's form is valid; with it, tolerated deviations are added to the set.
    """
    match key:
        case RsaKey():
            _verify_rsa(key, scheme, message, signature, tolerated)
        case EcKey():
            _verify_ec(key, scheme, message, signature)


def _pss(parameters: list[Part]) -> Scheme:
    """Read RSASSA-PSS-params; what is left out has the default of RFC 4055 §3.1."""
    if len(parameters) > 1:
        raise MalformedError("an algorithm with parameters that it does not have")
    read = read_pss(parameters[0].encoded if parameters else b"\x30\x00")
    return Scheme(Kind.RSA_PSS, read.hash, mask_hash=read.mask_hash, salt_bytes=read.salt_bytes)


def _require_allowed(key: RsaKey, scheme: Scheme) -> None:
    """Return if the key's own parameters allow the scheme (RFC 4055 §3.3). Raises MalformedError."""
    if key.pss_only and scheme.kind is not Kind.RSA_PSS:
        raise MalformedError("a key for PSS only, with a signature of another kind")
    if key.restricted_to is None:
        return
    if (scheme.hash, scheme.mask_hash) != (key.restricted_to.hash, key.restricted_to.mask_hash):
        raise MalformedError("a key for another hash than that of its signature")
    if scheme.salt_bytes < key.restricted_to.salt_bytes:
        raise MalformedError("a signature with less salt than its key asks for")


def _verify_rsa(
    key: RsaKey, scheme: Scheme, message: bytes, signature: bytes, tolerated: set[Tolerance] | None
) -> None:
    _require_allowed(key, scheme)
    if scheme.kind not in (Kind.RSA_PSS, Kind.RSA_PKCS1):
        raise MalformedError("an RSA key with a signature of another kind")
    try:
        public = rsa.RSAPublicNumbers(key.exponent, key.modulus).public_key()
        if scheme.kind is Kind.RSA_PKCS1:
            _verify_pkcs1(public, scheme.hash, message, signature, tolerated)
            return
        mask = padding.MGF1(_PYCA_HASHES[scheme.mask_hash]())
        pad = padding.PSS(mgf=mask, salt_length=scheme.salt_bytes)
        public.verify(signature, message, pad, _PYCA_HASHES[scheme.hash]())
    except InvalidSignature:
        raise SignatureError("the signature is wrong") from None
    except (UnsupportedAlgorithm, ValueError) as error:
        raise AlgorithmUnknownError("an RSA key that cannot be used") from error


def _verify_pkcs1(
    public: rsa.RSAPublicKey, hash_name: str, message: bytes, signature: bytes, tolerated: set[Tolerance] | None
) -> None:
    """Compare the whole encoded message with the two existing forms (RFC 8017 §9.2). Nothing inside is parsed.

    OpenSSL requires 00 01 FF … FF 00 in front. The signature has the key's length, so each form fixes the number of FF bytes.
    """
    if len(signature) != (public.key_size + 7) // 8:
        raise InvalidSignature
    found = public.recover_data_from_signature(signature, padding.PKCS1v15(), None)
    hashed = tlv.encode(OCTET_STRING, digest(hash_name, message))
    oid = tlv.encode(OID, HASH_OIDS[hash_name])
    with_null, without_null = (
        tlv.encode(SEQUENCE, tlv.encode(SEQUENCE, oid + parameters) + hashed) for parameters in (NULL, b"")
    )
    if hmac.compare_digest(found, with_null):
        return
    if tolerated is None or not hmac.compare_digest(found, without_null):
        raise InvalidSignature
    tolerated.add(Tolerance.DIGEST_INFO_WITHOUT_NULL)


def _verify_ec(key: EcKey, scheme: Scheme, message: bytes, signature: bytes) -> None:
    if scheme.kind not in (Kind.ECDSA, Kind.ECDSA_PLAIN):
        raise MalformedError("an elliptic curve key with a signature of another kind")
    r, s = _ecdsa_numbers(key, scheme, signature)
    if not (0 < r < key.curve.order and 0 < s < key.curve.order):
        raise SignatureError("the signature is out of range")
    if key.curve.name not in _PYCA_CURVES:
        _verify_ec_slowly(key, digest(scheme.hash, message), r, s)
        return
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(_PYCA_CURVES[key.curve.name](), key.point)
    except ValueError:
        raise MalformedError("a public key that is no point of its curve") from None
    try:
        public.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(_PYCA_HASHES[scheme.hash]()))
    except InvalidSignature:
        raise SignatureError("the signature is wrong") from None


def _ecdsa_numbers(key: EcKey, scheme: Scheme, signature: bytes) -> tuple[int, int]:
    """Parse r and s. Raises SignatureError if it is no pair of numbers.

    Real ones have leading zeros, and lengths in longer form than necessary. The numbers are the same and their range is
    checked afterwards, so only the two numbers must be there.
    """
    if scheme.kind is Kind.ECDSA_PLAIN:
        half = (key.curve.order.bit_length() + 7) // 8
        if len(signature) != 2 * half:
            raise SignatureError("a plain signature of the wrong length")
        return int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    try:
        whole = only(signature, "a signature", bytes_max=SIGNATURE_BYTES_MAX)
        with reading("a signature"):
            r, s = (integer(part) for part in parts_of(whole, SEQUENCE))
    except MalformedError:
        raise SignatureError("a signature that is no pair of numbers") from None
    return r, s


def _verify_ec_slowly(key: EcKey, hashed: bytes, r: int, s: int) -> None:
    """Brainpool P192, P224 and P320, which OpenSSL lacks. Imported here: few issuers need it."""
    import ecdsa  # noqa: PLC0415

    curves = {"P192": ecdsa.BRAINPOOLP192r1, "P224": ecdsa.BRAINPOOLP224r1, "P320": ecdsa.BRAINPOOLP320r1}
    curve = curves[key.curve.name.removeprefix("brainpool").removesuffix("r1")]
    try:
        public = ecdsa.VerifyingKey.from_string(key.point, curve=curve)
    except ecdsa.MalformedPointError:
        raise MalformedError("a public key that is no point of its curve") from None
    try:
        public.verify_digest((r, s), hashed, sigdecode=lambda pair, _: pair, allow_truncate=True)
    except ecdsa.BadSignatureError:
        raise SignatureError("the signature is wrong") from None
