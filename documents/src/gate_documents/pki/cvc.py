"""Card-verifiable certificates: who may read the guarded data groups of chips (TR-03110-3 §C.1, §D.2, §D.3; part 4 for the rights).

They come from a control centre and are sent to the chip. Only the chip can verify their signatures, with its key of the authority.
Here they are only parsed, strictly: DER with the shortest lengths, every object of the profile once and in its place. So the chip
receives only a chain of the required kind.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from typing import Final

from gate_documents import tlv
from gate_documents.errors import CardCertificateError, MalformedError

CERTIFICATE_BYTES_MAX: Final = 4096
CHAIN_CERTIFICATES_MAX: Final = 8
INSPECTION_SYSTEM: Final = bytes.fromhex("04007F000703010201")  # id-IS
REFERENCE_BYTES_MAX: Final = 16
_REFERENCE_BYTES_MIN: Final = 7  # a country, a name and a number (§A.7.1)
_DATE_DIGITS: Final = 6
_TEMPLATE_BYTES_MAX: Final = 8

_CERTIFICATE: Final = 0x7F21
_BODY: Final = 0x7F4E
_PROFILE: Final = 0x5F29
_AUTHORITY: Final = 0x42
_PUBLIC_KEY: Final = 0x7F49
_HOLDER: Final = 0x5F20
_TEMPLATE: Final = 0x7F4C
_EFFECTIVE: Final = 0x5F25
_EXPIRES: Final = 0x5F24
_EXTENSIONS: Final = 0x65
_SIGNATURE: Final = 0x5F37
_IDENTIFIER: Final = 0x06
_RELATIVE: Final = 0x53
_PROTOCOLS: Final = bytes.fromhex("04007F0007020202")  # id-TA, then 1 for RSA or 2 for ECDSA
_RSA_PARTS: Final = ((0x81, 0x82),)
# The domain parameters all or none of them, and the cofactor only with them (§D.3.3).
_EC_PARTS: Final = ((0x86,), (0x81, 0x82, 0x83, 0x84, 0x85, 0x86), (0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87))
_KEY_PARTS: Final = {1: _RSA_PARTS, 2: _EC_PARTS}


class Role(enum.Enum):
    """The holder's role, the first two bits of its authorisation."""

    TERMINAL = 0b00
    FOREIGN_VERIFIER = 0b01
    DOMESTIC_VERIFIER = 0b10
    AUTHORITY = 0b11


@dataclass(frozen=True, slots=True)
class CardCertificate:
    """One certificate. `authority` and `holder`: names in ISO 8859-1; `template`: the kind of terminals.

    `rights`: the bits below the role; `body` and `signature`: whole data objects, as for PSO: Verify Certificate.
    """

    authority: bytes
    holder: bytes
    template: bytes
    role: Role
    rights: int
    algorithm: bytes
    effective: date
    expires: date
    body: bytes
    signature: bytes


def parse_card_certificate(data: bytes) -> CardCertificate:
    """Read one certificate. Raises CardCertificateError."""
    if len(data) > CERTIFICATE_BYTES_MAX:
        raise CardCertificateError(f"a card-verifiable certificate of {len(data)} bytes")
    parts = _objects(_value(data, _CERTIFICATE), (_BODY, _SIGNATURE))
    body = _objects(
        parts[_BODY], (_PROFILE, _AUTHORITY, _PUBLIC_KEY, _HOLDER, _TEMPLATE, _EFFECTIVE, _EXPIRES), last=_EXTENSIONS
    )
    if body[_PROFILE] != b"\x00":
        raise CardCertificateError("a card-verifiable certificate of another profile")
    template = _objects(body[_TEMPLATE], (_IDENTIFIER, _RELATIVE))
    role, rights = _authorisation(template[_RELATIVE])
    return CardCertificate(
        authority=reference(body[_AUTHORITY]),
        holder=reference(body[_HOLDER]),
        template=template[_IDENTIFIER],
        role=role,
        rights=rights,
        algorithm=_algorithm(body[_PUBLIC_KEY]),
        effective=_day(body[_EFFECTIVE]),
        expires=_day(body[_EXPIRES]),
        body=tlv.encode(_BODY, parts[_BODY]),
        signature=tlv.encode(_SIGNATURE, parts[_SIGNATURE]),
    )


def parse_chain(data: bytes) -> tuple[CardCertificate, ...]:
    """Parse concatenated certificates. Raises CardCertificateError, also for none and for too many."""
    if len(data) > CHAIN_CERTIFICATES_MAX * CERTIFICATE_BYTES_MAX:
        raise CardCertificateError("a chain that is too long")
    found = _elements(data)
    if not 1 <= len(found) <= CHAIN_CERTIFICATES_MAX:
        raise CardCertificateError("no certificate, or too many")
    return tuple(parse_card_certificate(tlv.encode(one.tag, one.value)) for one in found)


def reference(name: bytes) -> bytes:
    """Return a valid public key's name (§A.7.1, §D.2.1.4). Raises CardCertificateError."""
    country = name[:2]
    if not (_REFERENCE_BYTES_MIN <= len(name) <= REFERENCE_BYTES_MAX and country.isalpha() and country.isupper()):
        raise CardCertificateError("a reference that is no country, name and number")
    if any(octet < 0x20 or 0x7F <= octet < 0xA0 for octet in name):
        raise CardCertificateError("a reference with characters that it must not have")
    return name


def _elements(data: bytes) -> tuple[tlv.Tlv, ...]:
    """The elements of DER: those of BER whose encoding is the shortest."""
    try:
        found = tuple(tlv.elements(data))
    except MalformedError as error:
        raise CardCertificateError(f"a card-verifiable certificate: {error}") from error
    if b"".join(tlv.encode(one.tag, one.value) for one in found) != data:
        raise CardCertificateError("a card-verifiable certificate that is not in DER")
    return found


def _value(data: bytes, tag: int) -> bytes:
    found = _elements(data)
    if len(found) != 1 or found[0].tag != tag:
        raise CardCertificateError("no card-verifiable certificate")
    return found[0].value


def _objects(data: bytes, tags: tuple[int, ...], *, last: int | None = None) -> dict[int, bytes]:
    """The objects with these tags, in this order; `last` may stand at the end."""
    found = _elements(data)
    if tuple(one.tag for one in found) not in (tags, (*tags, last)):
        raise CardCertificateError("not the objects of a card-verifiable certificate")
    return {one.tag: one.value for one in found}


def _authorisation(bits: bytes) -> tuple[Role, int]:
    if not 1 <= len(bits) <= _TEMPLATE_BYTES_MAX:
        raise CardCertificateError("an authorisation that is empty or too long")
    number, below = int.from_bytes(bits, "big"), 8 * len(bits) - 2
    return Role(number >> below), number & ((1 << below) - 1)


def _algorithm(key: bytes) -> bytes:
    """The object identifier of the key's algorithm, whose parts must be those of its kind (§D.3)."""
    found = _elements(key)
    identifier = found[0].value if found and found[0].tag == _IDENTIFIER else b""
    kind = identifier[len(_PROTOCOLS)] if len(identifier) == len(_PROTOCOLS) + 2 else 0
    parts = tuple(one.tag for one in found[1:])
    if not identifier.startswith(_PROTOCOLS) or parts not in _KEY_PARTS.get(kind, ()):
        raise CardCertificateError("a public key that is none of Terminal Authentication")
    return identifier


def _day(digits: bytes) -> date:
    """Six digits, one a byte, of a year from 2000 on (§D.2.1.3)."""
    if len(digits) != _DATE_DIGITS or max(digits) > 9:
        raise CardCertificateError("a date that is not six digits")
    year, month, day = (digits[at] * 10 + digits[at + 1] for at in (0, 2, 4))
    try:
        return date(2000 + year, month, day)
    except ValueError as error:
        raise CardCertificateError("a date that is no day") from error
