"""X.509 certificates of country signing authorities, document signers and list signers, as real ones are written.

Parsed tolerantly where lists of the field need it (negative serial numbers, odd string types, names that differ in case
and blanks only), and never so that a signature covers other bytes than those that were parsed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import core, pem, x509

from gate.document import tlv
from gate.document.errors import MalformedError
from gate.document.pki.asn1 import load, moment, reading
from gate.document.pki.keys import PublicKey, parse_public_key
from gate.document.pki.signatures import parse_scheme, verify

if TYPE_CHECKING:
    from datetime import datetime

CERTIFICATE_BYTES_MAX: Final = 32 * 1024
_COUNTRY_NAME: Final = "2.5.4.6"
_DOCUMENT_TYPES: Final = "2.23.136.1.1.6.2"
_STRING_TAGS: Final = frozenset({0x0C, 0x13, 0x16})


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate. Names are compared by their ids; `issuer` is the issuer's name in DER; `country` is the subject's, in upper case, or empty.

    `may_sign_certificates` and `may_sign_documents` follow KeyUsage and BasicConstraints; a certificate without either
    extension may do what it is found to do. `purposes` are the object identifiers of ExtendedKeyUsage. `key_use` is the period
    in which the private key may sign, and `document_types` those of the documents that it may sign, as the zone writes them;
    None where the certificate does not say.
    """

    der: bytes
    tbs: bytes
    serial: int
    subject: str
    subject_id: bytes
    issuer: bytes
    issuer_id: bytes
    country: str
    issuer_country: str
    key_id: bytes | None
    authority_key_id: bytes | None
    not_before: datetime
    not_after: datetime
    may_sign_certificates: bool
    may_sign_documents: bool
    purposes: frozenset[str]
    key_use: tuple[datetime | None, datetime | None]
    document_types: frozenset[str] | None
    spki: bytes
    algorithm: bytes
    signature: bytes

    @property
    def public_key(self) -> PublicKey:
        """The subject's key. Raises MalformedError or AlgorithmUnknownError."""
        return parse_public_key(self.spki)

    @property
    def fingerprint(self) -> bytes:
        """The SHA-256 of the certificate."""
        return hashlib.sha256(self.der).digest()

    def verify_signed_by(self, issuer: Certificate) -> None:
        """Return when the issuer's key made this certificate's signature. Raises as `signatures.verify`."""
        verify(issuer.public_key, parse_scheme(self.algorithm), self.tbs, self.signature)

    def valid_at(self, moment: datetime) -> bool:
        """True within the validity period."""
        return self.not_before <= moment <= self.not_after

    def may_sign_at(self, moment: datetime) -> bool:
        """True within the validity period and the period in which the private key may be used (ICAO 9303-12 §7.1.1)."""
        first, last = self.key_use
        return self.valid_at(moment) and (first is None or first <= moment) and (last is None or moment <= last)


def parse_certificate(data: bytes) -> Certificate:
    """Read a certificate in DER or PEM. Raises MalformedError."""
    with reading("a certificate"):
        der = pem.unarmor(data[: 4 * CERTIFICATE_BYTES_MAX])[2] if pem.detect(data) else data
    parsed = load(x509.Certificate, der, "a certificate", bytes_max=CERTIFICATE_BYTES_MAX)
    return from_parsed(parsed)


def from_parsed(parsed: Any) -> Certificate:  # noqa: ANN401 - asn1crypto is untyped
    """Read a certificate that stands inside another structure. Raises MalformedError."""
    with reading("a certificate"):
        tbs = parsed["tbs_certificate"]
        if parsed["signature_algorithm"].dump() != tbs["signature"].dump():
            raise MalformedError("a certificate names two signature algorithms")
        if parsed["signature_value"].contents[:1] != b"\x00":
            raise MalformedError("a certificate whose signature is no whole number of bytes")
        extensions = _extensions(tbs)
        usage, constraints = _parsed(extensions, "2.5.29.15"), _parsed(extensions, "2.5.29.19")
        uses = None if usage is None else usage.native
        is_ca = None if constraints is None else bool(constraints["ca"].native)
        return Certificate(
            der=parsed.dump(),
            tbs=tbs.dump(),
            serial=int(tbs["serial_number"].native),
            subject=_readable(tbs["subject"]),
            subject_id=name_id(tbs["subject"]),
            issuer=tbs["issuer"].dump(),
            issuer_id=name_id(tbs["issuer"]),
            country=_country(tbs["subject"]),
            issuer_country=_country(tbs["issuer"]),
            key_id=_octets(_parsed(extensions, "2.5.29.14")),
            authority_key_id=_authority_key_id(_parsed(extensions, "2.5.29.35")),
            not_before=moment(tbs["validity"]["not_before"]),
            not_after=moment(tbs["validity"]["not_after"]),
            may_sign_certificates=is_ca is not False and (uses is None or "key_cert_sign" in uses),
            may_sign_documents=not is_ca and (uses is None or "digital_signature" in uses),
            purposes=_purposes(_parsed(extensions, "2.5.29.37")),
            key_use=_key_use(_parsed(extensions, "2.5.29.16")),
            document_types=_document_types(extensions.get(_DOCUMENT_TYPES)),
            spki=tbs["subject_public_key_info"].dump(),
            algorithm=parsed["signature_algorithm"].dump(),
            signature=bytes(parsed["signature_value"]),
        )


def name_id(name: Any) -> bytes:  # noqa: ANN401 - asn1crypto is untyped
    """The SHA-256 of a name with case, blanks and string types levelled (RFC 5280 §7.1, more tolerantly)."""
    levelled = "\x00".join(
        "\x01".join(sorted(f"{kind}={' '.join(text.casefold().split())}" for kind, text in _pairs(part)))
        for part in name.chosen
    )
    return hashlib.sha256(levelled.encode("utf-8", "surrogatepass")).digest()


def _pairs(relative_name: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - asn1crypto is untyped
    return [(pair["type"].dotted, str(pair["value"].native)) for pair in relative_name]


def _country(name: Any) -> str:  # noqa: ANN401 - asn1crypto is untyped
    """The first country of a name, in upper case: lower-case ones are in circulation."""
    for part in name.chosen:
        for kind, text in _pairs(part):
            if kind == _COUNTRY_NAME:
                return text.strip().upper()
    return ""


def _readable(name: Any) -> str:  # noqa: ANN401 - asn1crypto is untyped
    """The name for reports: values only, printable, bounded."""
    text = ", ".join(text for part in name.chosen for _, text in _pairs(part))
    return "".join(character if character.isprintable() else "?" for character in text)[:200]


def _extensions(tbs: Any) -> dict[str, Any]:  # noqa: ANN401 - asn1crypto is untyped
    """The extensions by object identifier, unread; one that stands twice makes the certificate malformed (RFC 5280 §4.2)."""
    found: dict[str, Any] = {}
    for extension in tbs["extensions"] if not isinstance(tbs["extensions"], core.Void) else ():
        oid = extension["extn_id"].dotted
        if oid in found:
            raise MalformedError("a certificate has an extension twice")
        found[oid] = extension["extn_value"]
    return found


def _parsed(extensions: dict[str, Any], oid: str) -> Any:  # noqa: ANN401 - asn1crypto is untyped
    """One extension, read; None when the certificate has none. Those that nothing asks for may be as odd as they like."""
    value = extensions.get(oid)
    return None if value is None else value.parsed


def _purposes(extension: Any) -> frozenset[str]:  # noqa: ANN401 - asn1crypto is untyped
    return frozenset() if extension is None else frozenset(purpose.dotted for purpose in extension)


def _key_use(extension: Any) -> tuple[datetime | None, datetime | None]:  # noqa: ANN401 - asn1crypto is untyped
    """PrivateKeyUsagePeriod; either end may be left open (RFC 3280 §4.2.1.4)."""
    if extension is None:
        return None, None
    first, last = extension["not_before"], extension["not_after"]
    return (
        None if isinstance(first, core.Void) else moment(first),
        None if isinstance(last, core.Void) else moment(last),
    )


def _document_types(extension: Any) -> frozenset[str] | None:  # noqa: ANN401 - asn1crypto is untyped
    """DocumentTypeList (ICAO 9303-12 §7.1.1.6), whatever stands around the strings: several issuers frame it their own way.

    One that cannot be read at all is empty.
    """
    if extension is None:
        return None
    waiting, found = [bytes(extension.native)], set[str]()
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


def _octets(value: Any) -> bytes | None:  # noqa: ANN401 - asn1crypto is untyped
    return None if value is None else bytes(value.native)


def _authority_key_id(extension: Any) -> bytes | None:  # noqa: ANN401 - asn1crypto is untyped
    return None if extension is None else _octets_or_none(extension["key_identifier"].native)


def _octets_or_none(native: bytes | None) -> bytes | None:
    return None if native is None else bytes(native)
