"""The algorithms and keys of a document's signature, and which of them are weak.

`passive_authentication` verifies the signature; the policy decides the effect of a weak one. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.errors import DocumentError
from gate_documents.pki.keys import EcKey, RsaKey
from gate_documents.pki.signatures import parse_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate_documents.authenticity.passive_authentication import SecurityVerdict
    from gate_documents.pki.certificate import Certificate

RSA_BITS_MIN: Final = 2048
CURVE_BITS_MIN: Final = 224
_WEAK_HASHES: Final = frozenset({"md5", "sha1"})


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A public key: `rsa` or `ec`, its length (of the modulus, of the curve's order), and the curve's name if it has one."""

    kind: str
    bits: int
    curve: str = ""

    def __str__(self) -> str:
        """A single token, such as `rsa-2048` or `ec-256`."""
        return f"{self.kind}-{self.bits}"


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """How the document signer's certificate was signed, and with which key: `authority`, None if no CSCA was found."""

    scheme: str
    hash: str
    signer: KeyFacts
    authority: KeyFacts | None


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """How EF.SOD was signed.

    `lds_hash`: the hash of the data groups; `digest`: that of the signed attributes. `scheme`: `rsa_pkcs1`, `rsa_pss`,
    `ecdsa` or `ecdsa_plain`, with `hash`. `certificate` is None if no readable certificate's signature was verified. Of
    several signers, the first.
    """

    lds_hash: str
    digest: str
    scheme: str
    hash: str
    certificate: CertificateFacts | None = None


def signature_facts(verdict: SecurityVerdict) -> SignatureFacts | None:
    """Return the facts of EF.SOD's signature; None if it could not be read."""
    if verdict.security is None:
        return None
    signer = verdict.security.message.signers[0]
    authority = None if verdict.anchor is None else verdict.anchor.certificate
    return SignatureFacts(
        lds_hash=verdict.security.hash,
        digest=signer.digest_hash,
        scheme=signer.scheme.kind.value,
        hash=signer.scheme.hash,
        certificate=None if verdict.signer is None else _certificate_facts(verdict.signer, authority),
    )


def _certificate_facts(signer: Certificate, authority: Certificate | None) -> CertificateFacts | None:
    try:
        scheme = parse_scheme(signer.algorithm)
        return CertificateFacts(
            scheme=scheme.kind.value,
            hash=scheme.hash,
            signer=_key_facts(signer),
            authority=None if authority is None else _key_facts(authority),
        )
    except DocumentError:
        return None  # an unknown algorithm: the check of the signer's certificate reports it


def _key_facts(certificate: Certificate) -> KeyFacts:
    match certificate.public_key:
        case RsaKey(modulus=modulus):
            return KeyFacts("rsa", modulus.bit_length())
        case EcKey(curve=curve):
            return KeyFacts("ec", curve.order.bit_length(), curve.name)


def weak_algorithms(facts: SignatureFacts) -> tuple[str, ...]:
    """Return the weak algorithms, each with its place, such as `ds_key:rsa-1024`; empty: none.

    Weak are MD5, SHA-1, RSA below 2,048 bits and curves below 224: less than ICAO 9303-12 §4.4 allows a document
    signer. The Agreed Cryptographic Mechanisms of SOG-IS and BSI TR-02102-1 have no SHA-1 and no shorter RSA for
    signatures either. The places are `lds_hash`, `digest`, `sod_signature`, `ds_key`, `ds_signature` and `csca_key`.
    """
    return tuple(_weak(facts))


def _weak(facts: SignatureFacts) -> Iterator[str]:
    hashes = {"lds_hash": facts.lds_hash, "digest": facts.digest, "sod_signature": facts.hash}
    keys: dict[str, KeyFacts] = {}
    if facts.certificate is not None:
        hashes["ds_signature"] = facts.certificate.hash
        keys["ds_key"] = facts.certificate.signer
        if facts.certificate.authority is not None:
            keys["csca_key"] = facts.certificate.authority
    for place, name in hashes.items():
        if name in _WEAK_HASHES:
            yield f"{place}:{name}"
    for place, key in keys.items():
        if key.bits < (RSA_BITS_MIN if key.kind == "rsa" else CURVE_BITS_MIN):
            yield f"{place}:{key}"
