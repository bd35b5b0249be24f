"""Digital travel credentials of type 1: the files of a passport's chip, carried by a phone (ICAO TR DTC-VC 1.2, DTCContentInfo).

A credential that is bound to its passport has only EF.SOD and data groups, so it is verified like files read elsewhere:
`inspect_files` judges the result of `parse_dtc`. It cannot show that the chip is near. Types 2 and 3 have their own signatures and
are refused here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate_documents import tlv
from gate_documents.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIAL_BYTES_MAX: Final = 4 << 20
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_VERSION: Final = b"\x01"
_SOD: Final = 0x80
_DATA_GROUPS: Final = {_SOD + number: number for number in range(1, 17)}
_MANDATORY: Final = frozenset({_SOD, _SOD + 1, _SOD + 2})


def parse_dtc(data: bytes) -> Mapping[str, bytes]:
    """The files by the names that `inspect_files` takes. Raises MalformedError."""
    if len(data) > CREDENTIAL_BYTES_MAX:
        raise MalformedError(f"a travel credential longer than {CREDENTIAL_BYTES_MAX} bytes")
    parts = tuple(tlv.elements(tlv.only(data, _SEQUENCE)))
    if [part.tag for part in parts[:2]] != [_INTEGER, _SEQUENCE] or parts[0].value != _VERSION:
        raise MalformedError("no digital travel credential of version 1")
    found = tuple(tlv.elements(parts[1].value))
    tags = [element.tag for element in found]
    if len(parts) != 2 or not set(tags) <= _DATA_GROUPS.keys() | {_SOD}:
        raise MalformedError("a travel credential that is not bound to a passport, or holds what such a one may not")
    if tags != sorted(set(tags)) or not set(tags) >= _MANDATORY:
        raise MalformedError("a travel credential with files out of order, or without EF.SOD, EF.DG1 or EF.DG2")
    return {
        "EF.SOD" if element.tag == _SOD else f"EF.DG{_DATA_GROUPS[element.tag]}": element.value for element in found
    }
