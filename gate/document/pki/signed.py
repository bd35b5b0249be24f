"""Signed messages: the CMS SignedData of EF.SOD, master lists and deviation lists (RFC 5652, ICAO 9303-10 §4.6.2).

DER and BER are read. The signature is checked over the bytes that were received, and over the DER form of the signed
attributes where an issuer wrote them otherwise.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import cms, core

from gate.document import tlv
from gate.document.errors import MalformedError, SignatureError, SignerMissingError
from gate.document.pki.asn1 import load, moment, reading
from gate.document.pki.certificate import Certificate, from_parsed
from gate.document.pki.signatures import Scheme, digest, hash_name, parse_scheme, plain_algorithm, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

SIGNED_BYTES_MAX: Final = 16 << 20  # the largest published list has under 1 MB
CERTIFICATES_MAX: Final = 16
SIGNERS_MAX: Final = 4
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"


@dataclass(frozen=True, slots=True)
class Signer:
    """One signer's statement, naming its certificate by the issuer's name byte for byte and the serial number, or by key.

    `attributes` are the forms in which the signed attributes may have been signed.
    """

    issuer_and_serial: tuple[bytes, int] | None
    key_id: bytes | None
    digest_hash: str
    scheme: Scheme
    signature: bytes
    attributes: tuple[bytes, ...]
    content_type: str | None
    message_digest: bytes | None
    signing_time: datetime | None


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A signed message: what was signed, by whom it says it was, and the certificates that travel with it."""

    content_type: str
    content: bytes
    certificates: tuple[Certificate, ...]
    signers: tuple[Signer, ...]

    def verify(self) -> Certificate:
        """Check every signer's signature and return the first signer's certificate.

        Raises SignatureError, SignerMissingError, AlgorithmUnknownError or MalformedError.
        """
        certificates = [self._verify_signer(signer) for signer in self.signers]
        return certificates[0]

    def _verify_signer(self, signer: Signer) -> Certificate:
        signed = self._signed_bytes(signer)
        candidates = tuple(self._certificates_of(signer))
        if not candidates:
            raise SignerMissingError("the signer's certificate is not in the message")
        for certificate in candidates[:-1]:
            try:
                return self._verify_with(certificate, signer, signed)
            except SignatureError:
                continue
        return self._verify_with(candidates[-1], signer, signed)

    @staticmethod
    def _verify_with(certificate: Certificate, signer: Signer, signed: tuple[bytes, ...]) -> Certificate:
        key = certificate.public_key
        for form in signed[:-1]:
            try:
                verify(key, signer.scheme, form, signer.signature)
            except SignatureError:
                continue
            return certificate
        verify(key, signer.scheme, signed[-1], signer.signature)
        return certificate

    def _signed_bytes(self, signer: Signer) -> tuple[bytes, ...]:
        """What the signature covers: the attributes, if they speak of this content, else the content."""
        if not signer.attributes:
            return (self.content,)
        if signer.content_type != self.content_type:
            raise SignatureError("the signed content type is another")
        if not hmac.compare_digest(signer.message_digest or b"", digest(signer.digest_hash, self.content)):
            raise SignatureError("the signed digest is not that of the content")
        return signer.attributes

    def _certificates_of(self, signer: Signer) -> Iterator[Certificate]:
        for certificate in self.certificates:
            if signer.key_id is not None:
                if certificate.key_id == signer.key_id:
                    yield certificate
            elif signer.issuer_and_serial == (certificate.issuer, certificate.serial):
                yield certificate


def parse_signed_message(data: bytes, what: str) -> SignedMessage:
    """Read a ContentInfo that holds SignedData of version 3. Raises MalformedError or AlgorithmUnknownError."""
    info = load(cms.ContentInfo, data, what, bytes_max=SIGNED_BYTES_MAX)
    with reading(what):
        if info["content_type"].dotted != _SIGNED_DATA:
            raise MalformedError(f"{what} is no signed message")
        signed = info["content"]
        # Version 3 follows from a content type other than id-data; the Chinese id-data messages carry it as well.
        if signed["version"].native != "v3":
            raise MalformedError(f"{what} has version {signed['version'].native} of SignedData")
        encapsulated = signed["encap_content_info"]
        announced = {hash_name(plain_algorithm(one)) for one in signed["digest_algorithms"]}
        certificates = signed["certificates"]
        signers = signed["signer_infos"]
        if not 1 <= len(signers) <= SIGNERS_MAX or _count(certificates) > CERTIFICATES_MAX:
            raise MalformedError(f"{what} has no signer, or too many signers or certificates")
        return SignedMessage(
            content_type=encapsulated["content_type"].dotted,
            content=bytes(encapsulated["content"]),
            certificates=tuple(from_parsed(one.chosen) for one in _items(certificates) if one.name == "certificate"),
            signers=tuple(_signer(signer, announced) for signer in signers),
        )


def _items(values: Any) -> Any:  # noqa: ANN401 - asn1crypto is untyped
    return () if isinstance(values, core.Void) else values


def _count(values: Any) -> int:  # noqa: ANN401 - asn1crypto is untyped
    return len(_items(values))


def _signer(info: Any, announced: set[str]) -> Signer:  # noqa: ANN401 - asn1crypto is untyped
    """Read one SignerInfo. What nobody signed must still make sense: version, and the hash among those announced."""
    identifier = info["sid"]
    by_name = identifier.name == "issuer_and_serial_number"
    digest_hash = hash_name(plain_algorithm(info["digest_algorithm"]))
    if info["version"].native != ("v1" if by_name else "v3") or digest_hash not in announced:
        raise MalformedError("a signer of the wrong version, or with a hash that was not announced")
    values = _attribute_values(info["signed_attrs"])
    signing_time = values.get(_SIGNING_TIME)
    return Signer(
        issuer_and_serial=(
            (identifier.chosen["issuer"].dump(), int(identifier.chosen["serial_number"].native)) if by_name else None
        ),
        key_id=None if by_name else bytes(identifier.chosen.native),
        digest_hash=digest_hash,
        scheme=parse_scheme(info["signature_algorithm"].dump(), digest_hash=digest_hash),
        signature=bytes(info["signature"].native),
        attributes=_attribute_forms(info["signed_attrs"]),
        content_type=values[_CONTENT_TYPE].dotted if _CONTENT_TYPE in values else None,
        message_digest=bytes(values[_MESSAGE_DIGEST].native) if _MESSAGE_DIGEST in values else None,
        signing_time=None if signing_time is None else moment(signing_time),
    )


def _attribute_values(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - asn1crypto is untyped
    """The attributes by object identifier; each may stand once, with one value (RFC 5652 §11)."""
    found: dict[str, Any] = {}
    for attribute in _items(attributes):
        oid = attribute["type"].dotted
        if oid in found or len(attribute["values"]) != 1:
            raise MalformedError("a signed attribute stands twice")
        found[oid] = attribute["values"][0]
    return found


def _attribute_forms(attributes: Any) -> tuple[bytes, ...]:  # noqa: ANN401 - asn1crypto is untyped
    """The signed attributes as a SET OF, as received and, if that differs, in DER (RFC 5652 §5.4)."""
    if isinstance(attributes, core.Void):
        return ()
    received = tlv.encode(0x31, attributes.contents)
    sorted_again = tlv.encode(0x31, b"".join(sorted(one.dump(force=True) for one in attributes)))
    return (received,) if received == sorted_again else (received, sorted_again)
