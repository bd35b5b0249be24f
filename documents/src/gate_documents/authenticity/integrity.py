"""The integrity of each data group, in the terms of TR-03135-1 §5.6.4.4.2, and the groups that a chip must give.

A listed group that the chip does not give (missing, refused, or malformed) leaves the check undetermined. Fingers and
irises are excepted: they are for terminals with a right to them (ICAO 9303-11 §7.1), so a chip may refuse them. Pure.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from gate_documents.authenticity.passive_authentication import hash_agrees
from gate_documents.lds.files import FINGERS, IRISES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gate_documents.lds.sod import SecurityObject

GUARDED: Final = frozenset({FINGERS, IRISES})  # behind Terminal Authentication


class Integrity(enum.Enum):
    """The result for one data group (table 5.42)."""

    IDENTICAL = "identical"
    NOT_IDENTICAL = "not_identical"
    PRESENT = "present_not_read"
    NOT_PRESENT = "not_present"
    NON_CONFORMANCE = "non_conformance"
    ABORTED = "aborted"


class Absence(enum.Enum):
    """Why a data group has no content: present but only its head read, too long, or the chip's answer."""

    LOOKED_AT = enum.auto()
    TOO_LONG = enum.auto()
    MISSING = enum.auto()
    REFUSED = enum.auto()
    MALFORMED = enum.auto()


_ABSENT: Final = {
    Absence.LOOKED_AT: Integrity.PRESENT,
    Absence.TOO_LONG: Integrity.PRESENT,
    Absence.MISSING: Integrity.NOT_PRESENT,
    Absence.REFUSED: Integrity.PRESENT,
    Absence.MALFORMED: Integrity.NON_CONFORMANCE,
}


def integrities(
    security: SecurityObject | None, files: Mapping[int, bytes], absent: Mapping[int, Absence], *, broken: bool
) -> dict[int, Integrity]:
    """Return the result for every data group that EF.SOD lists or that was requested. `broken`: the process ended early."""
    listed = frozenset[int]() if security is None else security.hashes.keys()
    return {
        number: _integrity(number, security, files.get(number), absent.get(number), broken=broken)
        for number in sorted(listed | files.keys() | absent.keys())
    }


def _integrity(
    number: int, security: SecurityObject | None, content: bytes | None, absence: Absence | None, *, broken: bool
) -> Integrity:
    if content is not None:
        if security is None:
            return Integrity.NON_CONFORMANCE  # there is no hash that it could be compared with
        return Integrity.IDENTICAL if hash_agrees(security, number, content) else Integrity.NOT_IDENTICAL
    if absence is not None:
        return _ABSENT[absence]
    return Integrity.ABORTED if broken else Integrity.NOT_PRESENT


def owed(
    security: SecurityObject, files: Mapping[int, bytes], absent: Mapping[int, Absence], *, broken: bool
) -> frozenset[int]:
    """Return the data groups that EF.SOD lists and that were neither read nor seen as required."""
    return frozenset(
        number
        for number in security.hashes.keys() - files.keys()
        if not _settled(number, absent.get(number), broken=broken)
    )


def _settled(number: int, absence: Absence | None, *, broken: bool) -> bool:
    if absence is Absence.LOOKED_AT:
        return True
    # Copies made without the right to these groups lack them: their absence proves nothing.
    return number in GUARDED and (absence is Absence.REFUSED or (absence is None and not broken))
