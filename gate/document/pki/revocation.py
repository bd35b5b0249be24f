"""Certificate revocation lists of country signing authorities (ICAO 9303-12 §7.1.4, RFC 5280 §5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asn1crypto import core, crl

from gate.document import tlv
from gate.document.errors import MalformedError
from gate.document.pki.asn1 import (
    FIELDS_MAX,
    INTEGER,
    SEQUENCE,
    load,
    moment,
    only,
    parts_of,
    reading,
    require_few,
    serial_number,
)
from gate.document.pki.names import read_name
from gate.document.pki.signatures import parse_scheme, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gate.document.pki.certificate import Certificate

LIST_BYTES_MAX: Final = 8 << 20
EXTENSIONS_MAX: Final = 64
EXTENSIONS_BYTES_MAX: Final = 32 * 1024
ENTRY_EXTENSIONS_BYTES_MAX: Final = 4096
# Critical or not, these limit nothing here.
_UNDERSTOOD: Final = frozenset({"authority_key_identifier", "crl_number", "issuer_alt_name"})
_TIMES: Final = (0x17, 0x18)  # UTCTime, GeneralizedTime
_UNDERSTOOD_OF_ENTRIES: Final = frozenset({"crl_reason", "invalidity_date", "hold_instruction_code"})


@dataclass(frozen=True, slots=True)
class RevocationList:
    """One list. `number` grows with every list of an issuer; None when the list has none."""

    der: bytes
    tbs: bytes
    issuer_id: bytes
    authority_key_id: bytes | None
    number: int | None
    this_update: datetime
    next_update: datetime | None
    serials: frozenset[int]
    algorithm: bytes
    signature: bytes

    def verify_signed_by(self, issuer: Certificate) -> None:
        """Return when the issuer's key made this list's signature. Raises as `signatures.verify`."""
        verify(issuer.public_key, parse_scheme(self.algorithm), self.tbs, self.signature)

    def current_at(self, moment: datetime) -> bool:
        """True from the list's date until the date of the next; a list that names none is never current."""
        return self.next_update is not None and self.this_update <= moment <= self.next_update


def parse_revocation_list(data: bytes) -> RevocationList:
    """Read a list in DER. Raises MalformedError.

    Also on lists that do not speak of all that their issuer has signed, which ICAO 9303-12 §7.1.4 does not allow, and on
    critical extensions that are not understood: such a list must not tell that a certificate is good (RFC 5280 §5.2, §5.3).
    """
    parsed = load(crl.CertificateList, data, "a revocation list", bytes_max=LIST_BYTES_MAX)
    with reading("a revocation list"):
        require_few(parsed, FIELDS_MAX, "a revocation list")
        tbs = parsed["tbs_cert_list"]
        require_few(tbs, FIELDS_MAX, "a revocation list")
        require_few(tbs["crl_extensions"], EXTENSIONS_MAX, "a revocation list")
        if len(tbs["crl_extensions"].contents or b"") > EXTENSIONS_BYTES_MAX:
            raise MalformedError("a revocation list with extensions that are too long")
        if parsed["signature_algorithm"].dump() != tbs["signature"].dump():
            raise MalformedError("a revocation list names two signature algorithms")
        if parsed.delta_crl_indicator_value is not None:
            raise MalformedError("a revocation list tells changes only")
        if parsed.issuing_distribution_point_value is not None:
            raise MalformedError("a revocation list speaks of a part only of what its issuer has signed")
        if parsed.critical_extensions - _UNDERSTOOD:
            raise MalformedError("a revocation list has a critical extension that is not known")
        number, authority = parsed.crl_number_value, parsed.authority_key_identifier_value
        revoked = tbs["revoked_certificates"]
        next_update = tbs["next_update"]
        return RevocationList(
            der=data,
            tbs=parts_of(only(data, "a revocation list", bytes_max=LIST_BYTES_MAX), SEQUENCE)[0].encoded,
            issuer_id=read_name(tbs["issuer"].dump()).id,
            authority_key_id=None if authority is None else authority["key_identifier"].native,
            number=None if number is None else serial_number(only(number.dump(), "the number of a revocation list")),
            this_update=moment(tbs["this_update"]),
            next_update=None if isinstance(next_update, core.Void) else moment(next_update),
            serials=frozenset(() if isinstance(revoked, core.Void) else _serials(revoked.contents)),
            algorithm=parsed["signature_algorithm"].dump(),
            signature=bytes(parsed["signature"]),
        )


def _serials(revoked: bytes) -> Iterator[int]:
    """The serial numbers of the entries, their extensions understood.

    Cut by hand, since a list may have hundreds of thousands and the lane waits while it is read: only an entry with extensions
    is worth asn1crypto's time.
    """
    position = 0
    while position < len(revoked):
        fields, position = _inside(revoked, position, SEQUENCE)
        number, revoked_at = _inside(fields, 0, INTEGER)
        _, after = _inside(fields, revoked_at, *_TIMES)
        if after != len(fields):
            _require_understood(fields[after:])
        yield int.from_bytes(number, "big", signed=True)


def _inside(data: bytes, position: int, *tags: int) -> tuple[bytes, int]:
    """The value at this position, which must have one of the tags, and the position behind it. Raises MalformedError."""
    head = tlv.header(data, position)
    if head is None or head[0] not in tags or not 0 < head[1] <= len(data) - head[2]:
        raise MalformedError("an entry of a revocation list that is none")
    _, length, start = head
    return data[start : start + length], start + length


def _require_understood(extensions: bytes) -> None:
    """Return unless one is critical and not known: such an entry could say anything. Raises MalformedError."""
    read = load(
        crl.CRLEntryExtensions, extensions, "an entry of a revocation list", bytes_max=ENTRY_EXTENSIONS_BYTES_MAX
    )
    if {one["extn_id"].native for one in read if one["critical"].native} - _UNDERSTOOD_OF_ENTRIES:
        raise MalformedError("an entry of a revocation list has a critical extension that is not known")
