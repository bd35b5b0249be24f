"""Certificate revocation lists of country signing authorities (ICAO 9303-12 §7.1.4, RFC 5280 §5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asn1crypto import core, crl

from gate_documents import tlv
from gate_documents.dates import revocation_list_until
from gate_documents.errors import RefusedListError
from gate_documents.pki.asn1 import (
    BOOLEAN,
    FIELDS_MAX,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    load,
    moment,
    only,
    parts_of,
    reading,
    require_few,
    serial_number,
)
from gate_documents.pki.names import read_name
from gate_documents.pki.signatures import parse_scheme, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gate_documents.checks import Tolerance
    from gate_documents.pki.certificate import Certificate

LIST_BYTES_MAX: Final = 8 << 20
EXTENSIONS_MAX: Final = 64
EXTENSIONS_BYTES_MAX: Final = 32 * 1024
ENTRY_EXTENSIONS_BYTES_MAX: Final = 4096
# Critical or not, these limit nothing here.
_UNDERSTOOD: Final = frozenset({"authority_key_identifier", "crl_number", "issuer_alt_name"})
_TIMES: Final = (0x17, 0x18)  # UTCTime, GeneralizedTime
# Reason, date of invalidity, instruction for a hold, as the contents of their identifiers.
_UNDERSTOOD_OF_ENTRIES: Final = frozenset({b"\x55\x1d\x15", b"\x55\x1d\x18", b"\x55\x1d\x17"})
_FALSE: Final = b"\x00"
_PLAIN: Final = (SEQUENCE, OID, OCTET_STRING)
_KEPT_MAX: Final = 1024  # extensions of entries that are remembered: most lists have a few reasons


@dataclass(frozen=True, slots=True)
class RevocationList:
    """One list. `issuer`: the issuer's name in DER; `number` grows with every list, None if the list has none.

    `tolerated`: the trust store's record on the signature.
    """

    der: bytes
    tbs: bytes
    issuer: bytes
    issuer_id: bytes
    authority_key_id: bytes | None
    number: int | None
    this_update: datetime
    next_update: datetime | None
    serials: frozenset[int]
    algorithm: bytes
    signature: bytes
    tolerated: frozenset[Tolerance] = frozenset()

    def verify_signed_by(self, issuer: Certificate, tolerated: set[Tolerance] | None = None) -> None:
        """Return if the issuer's key made this list's signature. Arguments and errors as of `signatures.verify`."""
        verify(issuer.public_key, parse_scheme(self.algorithm), self.tbs, self.signature, tolerated)

    def current_at(self, moment: datetime) -> bool:
        """True from the list's date until the next one is due; a list without that date is never current."""
        until = revocation_list_until(self.this_update, self.next_update)
        return until is not None and self.this_update <= moment <= until


def parse_revocation_list(data: bytes) -> RevocationList:
    """Parse a list in DER. Raises MalformedError.

    RefusedListError for lists that do not cover everything their issuer has signed, which ICAO 9303-12 §7.1.4 forbids,
    and for unknown critical extensions: such a list must not show that a certificate is good (RFC 5280 §5.2, §5.3).
    """
    parsed = load(crl.CertificateList, data, "a revocation list", bytes_max=LIST_BYTES_MAX)
    with reading("a revocation list"):
        require_few(parsed, FIELDS_MAX, "a revocation list")
        tbs = parsed["tbs_cert_list"]
        require_few(tbs, FIELDS_MAX, "a revocation list")
        require_few(tbs["crl_extensions"], EXTENSIONS_MAX, "a revocation list")
        if len(tbs["crl_extensions"].contents or b"") > EXTENSIONS_BYTES_MAX:
            raise RefusedListError("a revocation list with extensions that are too long")
        if parsed["signature_algorithm"].dump() != tbs["signature"].dump():
            raise RefusedListError("a revocation list names two signature algorithms")
        if parsed.delta_crl_indicator_value is not None:
            raise RefusedListError("a revocation list tells changes only")
        if parsed.issuing_distribution_point_value is not None:
            raise RefusedListError("a revocation list speaks of a part only of what its issuer has signed")
        if parsed.critical_extensions - _UNDERSTOOD:
            raise RefusedListError("a revocation list has a critical extension that is not known")
        number, authority = parsed.crl_number_value, parsed.authority_key_identifier_value
        revoked = tbs["revoked_certificates"]
        next_update, issuer = tbs["next_update"], tbs["issuer"].dump()
        return RevocationList(
            der=data,
            tbs=parts_of(only(data, "a revocation list", bytes_max=LIST_BYTES_MAX), SEQUENCE)[0].encoded,
            issuer=issuer,
            issuer_id=read_name(issuer).id,
            authority_key_id=None if authority is None else authority["key_identifier"].native,
            number=None if number is None else serial_number(only(number.dump(), "the number of a revocation list")),
            this_update=moment(tbs["this_update"]),
            next_update=None if isinstance(next_update, core.Void) else moment(next_update),
            serials=frozenset(() if isinstance(revoked, core.Void) else _serials(revoked.contents)),
            algorithm=parsed["signature_algorithm"].dump(),
            signature=bytes(parsed["signature"]),
        )


def _serials(revoked: bytes) -> Iterator[int]:
    """Yield the serial numbers of the entries, their extensions understood.

    Parsed by hand: a list may have hundreds of thousands, and the lane waits while it is read.
    """
    position = 0
    understood: set[bytes] = set()
    while position < len(revoked):
        fields, position = _inside(revoked, position, SEQUENCE)
        number, revoked_at = _inside(fields, 0, INTEGER)
        _, after = _inside(fields, revoked_at, *_TIMES)
        if after != len(fields) and (extensions := fields[after:]) not in understood:
            _require_understood(extensions)
            if len(understood) < _KEPT_MAX:
                understood.add(extensions)
        yield int.from_bytes(number, "big", signed=True)


def _inside(data: bytes, position: int, *tags: int) -> tuple[bytes, int]:
    """The value at this position, which must have one of the tags, and the position behind it. Raises RefusedListError."""
    head: tuple[int, int, int] | None
    if len(data) > position + 1 and data[position + 1] < 0x80:
        head = data[position], data[position + 1], position + 2  # nearly all are this short: spare them the call
    else:
        head = tlv.header(data, position)
    if head is None or head[0] not in tags or not 0 < head[1] <= len(data) - head[2]:
        raise RefusedListError("an entry of a revocation list that is none")
    _, length, start = head
    return data[start : start + length], start + length


def _require_understood(extensions: bytes) -> None:
    """Return unless one is critical and unknown: such an entry could have any meaning. Raises RefusedListError."""
    whole, end = _inside(extensions, 0, SEQUENCE)
    if end != len(extensions) or end > ENTRY_EXTENSIONS_BYTES_MAX:
        raise RefusedListError("an entry of a revocation list has something after its extensions, or too many")
    position = 0
    while position < len(whole):
        after = _after_plain(whole, position)
        if after is None:
            extension, after = _inside(whole, position, SEQUENCE)
            _require_known(extension)
        position = after


def _after_plain(data: bytes, position: int) -> int | None:
    """Return the position behind an extension that is short and not critical, as nearly all are; None for any other.

    Dates of invalidity all differ, so these are not cached but parsed quickly.
    """
    value_at = position + 4 + data[position + 3]
    end = position + 2 + data[position + 1]
    plain = (data[position], data[position + 2], data[value_at]) == _PLAIN and data[position + 1] < 0x80
    return end if plain and value_at + 2 + data[value_at + 1] == end <= len(data) else None


def _require_known(extension: bytes) -> None:
    oid, value_at = _inside(extension, 0, OID)
    critical = _FALSE
    if extension[value_at] == BOOLEAN:
        critical, value_at = _inside(extension, value_at, BOOLEAN)
    _, end = _inside(extension, value_at, OCTET_STRING)
    if end != len(extension):
        raise RefusedListError("an entry of a revocation list has an extension that is none")
    if critical != _FALSE and oid not in _UNDERSTOOD_OF_ENTRIES:
        raise RefusedListError("an entry of a revocation list has a critical extension that is not known")
