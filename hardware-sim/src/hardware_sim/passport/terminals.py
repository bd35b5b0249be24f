"""Card verifiable certificates: they state which terminals may read the guarded groups, on the country's authority.

BSI TR-03110-3 §C and §D, for version 1 of Terminal Authentication: a CVCA whose key the chips hold, a document
verifier below it, inspection systems below that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from hardware_sim.passport import der
from hardware_sim.passport.keys import elliptic_key
from hardware_sim.passport.terminal_keys import CURVE, TerminalKey

INSPECTION_SYSTEM: Final = "0.4.0.127.0.7.3.1.2.1"
READS_FINGERS: Final = 0x01
READS_IRISES: Final = 0x02
_CVCA_FILE_BYTES: Final = 36

Role = Literal["authority", "verifier", "terminal"]
ROLE_BITS: Final[dict[Role, int]] = {"authority": 0xC0, "verifier": 0x80, "terminal": 0x00}


@dataclass(frozen=True, slots=True)
class TrustPoint:
    """The chip's data on its country's CVCA: name, public key as in certificates, and the chip's current date."""

    reference: bytes
    public: bytes
    today: date


@dataclass(frozen=True, slots=True)
class TerminalChain:
    """Data of a control centre: the certificates below the CVCA, and the inspection system's private key."""

    authority_reference: bytes
    certificates: tuple[bytes, ...]
    holder_reference: bytes
    key: TerminalKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Holder:
    """A party: name, key and role."""

    reference: bytes
    key: TerminalKey = field(repr=False)
    role: Role


def holder(reference: str, role: Role, key: TerminalKey | str) -> Holder:
    """Return a party with this key, or with the elliptic key derived from this seed."""
    own = TerminalKey(elliptic_key(CURVE, key)) if isinstance(key, str) else key
    return Holder(reference.encode("latin-1"), own, role)


def trust_point(authority: Holder, today: date) -> TrustPoint:
    """Return the data on the CVCA that the chip stores."""
    return TrustPoint(authority.reference, authority.key.shown(with_parameters=True), today)


def cvca_file(authority: Holder) -> bytes:
    """Return EF.CVCA: the name of the CVCA, padded with zeros (TR-03110-3 §A.2)."""
    return der.tlv(0x42, authority.reference).ljust(_CVCA_FILE_BYTES, b"\x00")


def certificate(by: Holder, subject: Holder, *, rights: int, period: tuple[date, date]) -> bytes:
    """Return one card verifiable certificate, signed by the party above (TR-03110-3 §C.1)."""
    chat = der.tlv(0x7F4C, der.oid(INSPECTION_SYSTEM), der.tlv(0x53, bytes((ROLE_BITS[subject.role] | rights,))))
    body = der.tlv(
        0x7F4E,
        der.tlv(0x5F29, b"\x00"),
        der.tlv(0x42, by.reference),
        der.tlv(0x7F49, subject.key.shown(with_parameters=subject.role == "authority")),
        der.tlv(0x5F20, subject.reference),
        chat,
        der.tlv(0x5F25, _digits(period[0])),
        der.tlv(0x5F24, _digits(period[1])),
    )
    return der.tlv(0x7F21, body, der.tlv(0x5F37, by.key.sign(body)))


def chain(authority: Holder, below: Sequence[Holder], *, rights: int, period: tuple[date, date]) -> TerminalChain:
    """Return certificates from the CVCA down; the last party is the inspection system."""
    made, by = [], authority
    for subject in below:
        made.append(certificate(by, subject, rights=rights, period=period))
        by = subject
    return TerminalChain(authority.reference, tuple(made), by.reference, by.key)


def _digits(day: date) -> bytes:
    """Return a date as six unpacked digits (TR-03110-3 §D.2.1.3)."""
    return bytes(int(digit) for digit in day.strftime("%y%m%d"))
