"""X.509 certificates of country signing authorities, document signers and list signers, as real issuers encode them.

Parsed tolerantly where real lists need it (negative serial numbers, odd string types, names that differ in case and
blanks only), and never so that a signature covers other bytes than those that were parsed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypedDict

from asn1crypto import core, pem, x509

from gate_documents import tlv
from gate_documents.checks import Tolerance
from gate_documents.errors import DocumentError, MalformedError
from gate_documents.pki.asn1 import (
    BOOLEAN,
    OCTET_STRING,
    SEQUENCE,
    Part,
    contents_of,
    dotted,
    integer,
    moment,
    moment_of,
    only,
    optional,
    parts,
    parts_of,
    reading,
    serial_number,
    whole_bits,
)
from gate_documents.pki.keys import PublicKey, parse_public_key
from gate_documents.pki.names import read_name
from gate_documents.pki.signatures import parse_scheme, verify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

CERTIFICATE_BYTES_MAX: Final = 32 * 1024
_DOCUMENT_TYPES: Final = "2.23.136.1.1.6.2"
# Those that are read, in this order: key usage, constraints, the key's identifier, its issuer's, purposes, period of key use.
_EXTENSIONS: Final[dict[str, Any]] = {  # asn1crypto is untyped
    "2.5.29.15": x509.KeyUsage,
    "2.5.29.19": x509.BasicConstraints,
    "2.5.29.14": core.OctetString,
    "2.5.29.35": x509.AuthorityKeyIdentifier,
    "2.5.29.37": x509.ExtKeyUsageSyntax,
    "2.5.29.16": x509.PrivateKeyUsagePeriod,
}
# Those that may be critical: what is read, and names, places of lists, policies and a CSCA's new name, which limit nothing here.
_UNDERSTOOD: Final = frozenset(
    {*_EXTENSIONS, _DOCUMENT_TYPES, "2.5.29.17", "2.5.29.18", "2.5.29.31", "2.5.29.32", "2.23.136.1.1.6.1"}
)
_VERSION: Final = 0xA0
_VERSION_3: Final = 2
_ISSUER_UNIQUE_ID: Final = 0x81
_SUBJECT_UNIQUE_ID: Final = 0x82
_EXTENSIONS_FIELD: Final = 0xA3
_STRING_TAGS: Final = frozenset({0x0C, 0x13, 0x16})


@dataclass(frozen=True)  # without slots: the key is kept once it was read
class Certificate:
    """One certificate. Names are compared by their ids; `issuer` and `subject_der`: the names in DER; `country`: the
    subject's, in upper case, or empty.

    `may_sign_certificates` and `may_sign_documents` follow KeyUsage and BasicConstraints; without either extension everything
    is allowed, and with a critical extension that is not `understood` nothing (RFC 5280 §4.2). `has_key_usage`: that
    extension exists; `csca_departures`: objections to using it as a CSCA's (ICAO 9303-12 §7.1.1). `common_name`: the
    subject's, if it has exactly one. `purposes`: the object identifiers of ExtendedKeyUsage. `key_use`: the period in which
    the private key may sign; `document_types`: the types of documents that it may sign, as in the MRZ; None if not stated.
    """

    der: bytes
    tbs: bytes
    serial: int
    subject: str
    subject_id: bytes
    subject_der: bytes
    common_name: str
    issuer: bytes
    issuer_id: bytes
    country: str
    issuer_country: str
    key_id: bytes | None
    authority_key_id: bytes | None
    not_before: datetime
    not_after: datetime
    understood: bool
    may_sign_certificates: bool
    may_sign_documents: bool
    has_key_usage: bool
    csca_departures: frozenset[Tolerance]
    purposes: frozenset[str]
    key_use: tuple[datetime | None, datetime | None]
    document_types: frozenset[str] | None
    spki: bytes
    algorithm: bytes
    signature: bytes

    @cached_property
    def public_key(self) -> PublicKey:
        """The subject's key, parsed when first requested. Raises MalformedError or AlgorithmUnknownError."""
        return parse_public_key(self.spki)

    @property
    def fingerprint(self) -> bytes:
        """The SHA-256 of the certificate."""
        return hashlib.sha256(self.der).digest()

    def verify_signed_by(self, issuer: Certificate, tolerated: set[Tolerance] | None = None) -> None:
        """Return if the issuer's key made this certificate's signature. Arguments and errors as of `signatures.verify`."""
        verify(issuer.public_key, parse_scheme(self.algorithm), self.tbs, self.signature, tolerated)

    def has_key_of(self, other: Certificate) -> bool:
        """True for the same key: byte for byte, or under the same identifier with its parameters written otherwise."""
        if self.spki == other.spki:
            return True
        if self.key_id is None or self.key_id != other.key_id:
            return False
        try:
            return self.public_key == other.public_key
        except DocumentError:
            return False

    def valid_at(self, moment: datetime) -> bool:
        """True within the validity period."""
        return self.not_before <= moment <= self.not_after

    def key_may_be_used_at(self, moment: datetime) -> bool:
        """True within the period in which the private key may be used (ICAO 9303-12 §7.1.1)."""
        first, last = self.key_use
        return (first is None or first <= moment) and (last is None or moment <= last)

    def may_sign_at(self, moment: datetime) -> bool:
        """True within the validity period and the period in which the private key may be used."""
        return self.valid_at(moment) and self.key_may_be_used_at(moment)


def parse_certificate(data: bytes) -> Certificate:
    """Read a certificate in DER or PEM. Raises MalformedError."""
    with reading("a certificate"):
        der = pem.unarmor(data[: 4 * CERTIFICATE_BYTES_MAX])[2] if pem.detect(data) else data
    return read_certificate(der)


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate in DER. Raises MalformedError."""
    whole = only(der, "a certificate", bytes_max=CERTIFICATE_BYTES_MAX)
    with reading("a certificate"):
        tbs, algorithm, signature = parts_of(whole, SEQUENCE)
        fields = parts_of(tbs, SEQUENCE)
        version, serial, inner_algorithm, issuer, validity, subject, spki, *rest = fields
        if version.tag != _VERSION or [integer(one) for one in parts(version.contents)] != [_VERSION_3]:
            raise MalformedError("a certificate of another version than 3")
        if inner_algorithm.encoded != algorithm.encoded:
            raise MalformedError("a certificate names two signature algorithms")
        contents_of(spki, SEQUENCE)
        not_before, not_after = parts_of(validity, SEQUENCE)
        issuer_name, subject_name = read_name(issuer.encoded), read_name(subject.encoded)
        return Certificate(
            der=der,
            tbs=tbs.encoded,
            serial=serial_number(serial),
            subject=subject_name.text,
            subject_id=subject_name.id,
            subject_der=subject.encoded,
            common_name=subject_name.common,
            issuer=issuer.encoded,
            issuer_id=issuer_name.id,
            country=subject_name.country,
            issuer_country=issuer_name.country,
            not_before=moment_of(not_before),
            not_after=moment_of(not_after),
            spki=spki.encoded,
            algorithm=algorithm.encoded,
            signature=whole_bits(signature),
            **_said_by(*_extensions(rest)),
        )


def _extensions(rest: Sequence[Part]) -> tuple[dict[str, bytes], bool]:
    """Return the extensions after the key by object identifier, unparsed; and whether all are understood.

    A repeated one makes the certificate malformed (RFC 5280 §4.2).
    """
    field = optional(rest, _ISSUER_UNIQUE_ID, _SUBJECT_UNIQUE_ID, _EXTENSIONS_FIELD).get(_EXTENSIONS_FIELD)
    found: dict[str, bytes] = {}
    understood = True
    if field is None:
        return found, understood
    (extensions,) = parts(field.contents)
    for extension in parts_of(extensions, SEQUENCE):
        oid, *critical, value = parts_of(extension, SEQUENCE)
        if [one.tag for one in critical] not in ([], [BOOLEAN]):
            raise MalformedError("a certificate with an extension that is none")
        name = dotted(oid)
        if name in found:
            raise MalformedError("a certificate has an extension twice")
        found[name] = contents_of(value, OCTET_STRING)
        is_critical = any(one.contents != b"\x00" for one in critical)
        understood = understood and (not is_critical or name in _UNDERSTOOD)
    return found, understood


class _Said(TypedDict):
    """The facts from a certificate's extensions."""

    key_id: bytes | None
    authority_key_id: bytes | None
    understood: bool
    may_sign_certificates: bool
    may_sign_documents: bool
    has_key_usage: bool
    csca_departures: frozenset[Tolerance]
    purposes: frozenset[str]
    key_use: tuple[datetime | None, datetime | None]
    document_types: frozenset[str] | None


def _said_by(extensions: Mapping[str, bytes], understood: bool) -> _Said:  # noqa: FBT001 - one pair, taken apart
    """Parse the extensions; unused ones may be malformed."""
    usage, constraints, key_id, authority, purposes, key_use = (
        kind.load(extensions[oid], strict=True) if oid in extensions else None for oid, kind in _EXTENSIONS.items()
    )
    uses = None if usage is None else usage.native
    is_ca = None if constraints is None else bool(constraints["ca"].native)
    return {
        "key_id": None if key_id is None else bytes(key_id.native),
        "authority_key_id": None if authority is None else _octets_or_none(authority["key_identifier"].native),
        "understood": understood,
        "may_sign_certificates": understood and is_ca is not False and (uses is None or "key_cert_sign" in uses),
        "may_sign_documents": understood and not is_ca and (uses is None or "digital_signature" in uses),
        "has_key_usage": uses is not None,
        "csca_departures": _csca_departures(uses, is_ca=is_ca),
        "purposes": frozenset(() if purposes is None else (purpose.dotted for purpose in purposes)),
        "key_use": _key_use(key_use),
        "document_types": _document_types(extensions.get(_DOCUMENT_TYPES)),
    }


def _csca_departures(uses: set[str] | None, *, is_ca: bool | None) -> frozenset[Tolerance]:
    found = {
        Tolerance.CSCA_NOT_CA: is_ca is False,
        Tolerance.CSCA_WITHOUT_CERT_SIGN: uses is not None and "key_cert_sign" not in uses,
        Tolerance.CSCA_WITHOUT_USAGE: uses is None and is_ca is None,
    }
    return frozenset(one for one, departs in found.items() if departs)


def _key_use(extension: Any) -> tuple[datetime | None, datetime | None]:  # noqa: ANN401 - asn1crypto is untyped
    """PrivateKeyUsagePeriod; either end may be open (RFC 3280 §4.2.1.4)."""
    if extension is None:
        return None, None
    first, last = extension["not_before"], extension["not_after"]
    return (
        None if isinstance(first, core.Void) else moment(first),
        None if isinstance(last, core.Void) else moment(last),
    )


def _document_types(extension: bytes | None) -> frozenset[str] | None:
    """DocumentTypeList (ICAO 9303-12 §7.1.1.6), with any structure around the strings, because issuers differ in it.

    Empty if it is unreadable.
    """
    if extension is None:
        return None
    waiting, found = [extension], set[str]()
    try:
        while waiting:
            for element in tlv.elements(waiting.pop()):
                if element.tag in _STRING_TAGS:
                    found.add(element.value.decode("ascii"))
                elif element.tag in (0x30, 0x31):
                    waiting.append(element.value)
    except (MalformedError, UnicodeDecodeError):
        return frozenset()
    return frozenset(found)


def _octets_or_none(native: bytes | None) -> bytes | None:
    return None if native is None else bytes(native)
