"""Signed messages: the CMS SignedData of EF.SOD, master lists and deviation lists (RFC 5652, ICAO 9303-10 §4.6.2).

DER and BER are accepted. The signature is checked over the signed attributes as they were received, and over their DER
form if an issuer encoded them otherwise. A message without signed attributes is refused: its type must be signed (RFC
5652 §5.3), and signed attributes could be presented as content.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asn1crypto import cms

from gate_documents import tlv
from gate_documents.errors import (
    AlgorithmUnknownError,
    DocumentError,
    MalformedError,
    SignatureError,
    SignerMissingError,
)
from gate_documents.pki.asn1 import (
    NULL,
    SEQUENCE,
    SET,
    Part,
    contents_of,
    dotted,
    integer,
    load,
    moment_of,
    octets,
    only,
    optional,
    parts,
    parts_of,
    reading,
    serial_number,
)
from gate_documents.pki.certificate import Certificate, read_certificate
from gate_documents.pki.hashes import hash_name
from gate_documents.pki.names import same_parts
from gate_documents.pki.signatures import Scheme, digest, parse_scheme, plain_algorithm, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gate_documents.checks import Tolerance

SIGNED_BYTES_MAX: Final = 16 << 20  # the largest published list has under 1 MB
CERTIFICATES_MAX: Final = 16
SIGNERS_MAX: Final = 4
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
_ALGORITHM_PROTECTION: Final = "1.2.840.113549.1.9.52"
_FIRST: Final = 0xA0  # [0] and [1] of a structure: what each holds differs
_SECOND: Final = 0xA1
_KEY_ID: Final = 0x80


@dataclass(frozen=True, slots=True)
class Signer:
    """One signer's statement, naming its certificate by the issuer's name and the serial number, or by key.

    `attributes` are the signed attributes as a SET OF, as they were received; empty when there are none.
    """

    issuer_and_serial: tuple[bytes, int] | None
    key_id: bytes | None
    digest_hash: str
    scheme: Scheme
    signature: bytes
    attributes: bytes
    content_type: str | None
    message_digest: bytes | None
    signing_time: datetime | None


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A signed message: the content, the signers that it names, and its certificates."""

    content_type: str
    content: bytes
    certificates: tuple[Certificate, ...]
    signers: tuple[Signer, ...]

    def verify(
        self,
        elsewhere: Callable[[Signer], Sequence[Certificate]] | None = None,
        tolerated: set[Tolerance] | None = None,
    ) -> Certificate:
        """Check every signer's signature and return the first signer's certificate.

        `elsewhere` finds the certificates of a signer that omitted its own. `tolerated` as in `signatures.verify`: for lists
        only, never for EF.SOD. Raises SignatureError, SignerMissingError, AlgorithmUnknownError or MalformedError.
        """
        certificates = [self._verify_signer(signer, elsewhere, tolerated) for signer in self.signers]
        return certificates[0]

    def _verify_signer(
        self,
        signer: Signer,
        elsewhere: Callable[[Signer], Sequence[Certificate]] | None,
        tolerated: set[Tolerance] | None,
    ) -> Certificate:
        signed = self._signed_bytes(signer)
        candidates = self._certificates_of(signer)
        if not candidates and elsewhere is not None:
            candidates = elsewhere(signer)
        if not candidates:
            raise SignerMissingError("the signer's certificate is not in the message")
        errors: list[DocumentError] = []
        for certificate in candidates:
            try:
                return self._verify_with(certificate, signer, signed, tolerated)
            except DocumentError as error:
                errors.append(error)  # it may be a namesake, with a key of another kind
        raise next((one for one in errors if isinstance(one, AlgorithmUnknownError)), errors[-1])

    @staticmethod
    def _verify_with(
        certificate: Certificate, signer: Signer, signed: bytes, tolerated: set[Tolerance] | None
    ) -> Certificate:
        try:
            verify(certificate.public_key, signer.scheme, signed, signer.signature, tolerated)
        except SignatureError:
            in_der = _in_der(signer.attributes)
            if in_der == signer.attributes:
                raise
            verify(certificate.public_key, signer.scheme, in_der, signer.signature, tolerated)
        return certificate

    def _signed_bytes(self, signer: Signer) -> bytes:
        """Return the signed bytes: the attributes, which must refer to this content."""
        if not signer.attributes:
            raise SignatureError("there are no signed attributes")
        if signer.content_type != self.content_type:
            raise SignatureError("the signed content type is another")
        if not hmac.compare_digest(signer.message_digest or b"", digest(signer.digest_hash, self.content)):
            raise SignatureError("the signed digest is not that of the content")
        return signer.attributes

    def _certificates_of(self, signer: Signer) -> Sequence[Certificate]:
        """Return those that the signer names; with its issuer's parts in another order, only if there is one."""
        if signer.issuer_and_serial is None:
            return [one for one in self.certificates if one.key_id == signer.key_id]
        issuer, serial = signer.issuer_and_serial
        numbered = [one for one in self.certificates if one.serial == serial]
        exact = [one for one in numbered if one.issuer == issuer]
        if exact:
            return exact
        alike = [one for one in numbered if same_parts(one.issuer, issuer)]
        return alike if len(alike) == 1 else ()


def parse_signed_message(data: bytes, what: str) -> SignedMessage:
    """Read a ContentInfo that holds SignedData of version 3. Raises MalformedError or AlgorithmUnknownError."""
    info = only(data, what, bytes_max=SIGNED_BYTES_MAX)
    with reading(what):
        kind, content = parts_of(info, SEQUENCE)
        if dotted(kind) != _SIGNED_DATA:
            raise MalformedError(f"{what} is no signed message")
        (signed,) = parts_of(content, _FIRST)
        version, announced, encapsulated, *rest = parts_of(signed, SEQUENCE)
        # Version 3 follows from a content type other than id-data; the Chinese id-data messages have it as well.
        if integer(version) != 3:
            raise MalformedError(f"{what} has version v{integer(version)} of SignedData")
        content_type, content = parts_of(encapsulated, SEQUENCE)
        (inner,) = parts_of(content, _FIRST)
        fields = optional(rest, _FIRST, _SECOND, SET)
        certificates = parts(fields[_FIRST].contents) if _FIRST in fields else []
        signers = parts(fields[SET].contents)
        if not 1 <= len(signers) <= SIGNERS_MAX or len(certificates) > CERTIFICATES_MAX:
            raise MalformedError(f"{what} has no signer, or too many signers or certificates")
        hashes = {hash_name(plain_algorithm(one)) for one in parts_of(announced, SET)}
        return SignedMessage(
            content_type=dotted(content_type),
            content=octets(inner),
            certificates=tuple(read_certificate(one.encoded) for one in certificates if one.tag == SEQUENCE),
            signers=tuple(_signer(signer, hashes) for signer in signers),
        )


def _signer(info: Part, announced: set[str]) -> Signer:
    """Parse one SignerInfo. Unsigned fields must still be consistent: version, and the hash among those announced."""
    version, identifier, digest_algorithm, *rest = parts_of(info, SEQUENCE)
    by_name = identifier.tag == SEQUENCE
    digest_hash = hash_name(plain_algorithm(digest_algorithm))
    if integer(version) != (1 if by_name else 3) or digest_hash not in announced:
        raise MalformedError("a signer of the wrong version, or with a hash that was not announced")
    attributes = tlv.encode(SET, rest.pop(0).contents) if rest[0].tag == _FIRST else b""
    algorithm, signature, *unsigned = rest
    optional(unsigned, _SECOND)
    values = _attribute_values(attributes)
    if _ALGORITHM_PROTECTION in values:
        _require_agreement(values[_ALGORITHM_PROTECTION], digest_algorithm, algorithm)
    return Signer(
        issuer_and_serial=_issuer_and_serial(identifier) if by_name else None,
        key_id=None if by_name else contents_of(identifier, _KEY_ID),
        digest_hash=digest_hash,
        scheme=parse_scheme(algorithm.encoded, digest_hash=digest_hash),
        signature=octets(signature),
        attributes=attributes,
        content_type=dotted(values[_CONTENT_TYPE]) if _CONTENT_TYPE in values else None,
        message_digest=octets(values[_MESSAGE_DIGEST]) if _MESSAGE_DIGEST in values else None,
        signing_time=moment_of(values[_SIGNING_TIME]) if _SIGNING_TIME in values else None,
    )


def _require_agreement(protection: Part, digest_algorithm: Part, algorithm: Part) -> None:
    """Return if CMSAlgorithmProtection has its signer's identifiers (RFC 6211 §2), NULL or not. Raises MalformedError."""
    protected, *rest = parts_of(protection, SEQUENCE)
    signature = optional(rest, _SECOND).get(_SECOND)  # a signature's, and no message authentication code's
    if (
        plain_algorithm(protected) != plain_algorithm(digest_algorithm)
        or signature is None
        or _without_null(signature) != _without_null(algorithm)
    ):
        raise MalformedError("the signed attributes name other algorithms than the signer")


def _without_null(identifier: Part) -> list[bytes]:
    return [one.encoded for one in parts(identifier.contents) if one.encoded != NULL]


def _issuer_and_serial(identifier: Part) -> tuple[bytes, int]:
    issuer, serial = parts_of(identifier, SEQUENCE)
    return issuer.encoded, serial_number(serial)


def _attribute_values(attributes: bytes) -> dict[str, Part]:
    """The attributes by object identifier; each may stand once, with one value (RFC 5652 §11)."""
    found: dict[str, Part] = {}
    for attribute in (one for each in parts(attributes) for one in parts_of(each, SET)):
        oid, values = parts_of(attribute, SEQUENCE)
        value = parts_of(values, SET)
        if dotted(oid) in found or len(value) != 1:
            raise MalformedError("a signed attribute stands twice")
        found[dotted(oid)] = value[0]
    return found


def _in_der(attributes: bytes) -> bytes:
    """Return the signed attributes in DER, which an issuer may have signed but encoded otherwise (RFC 5652 §5.4)."""
    read = load(cms.CMSAttributes, attributes, "signed attributes")
    with reading("signed attributes"):
        return tlv.encode(SET, b"".join(sorted(one.dump(force=True) for one in read)))
