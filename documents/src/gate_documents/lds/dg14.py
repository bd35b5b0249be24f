"""EF.DG14: security infos, what the chip can do and with which algorithms and keys (ICAO 9303-11 §9.2).

Always parsed from the bytes that were hashed, never written anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate_documents import tlv
from gate_documents.lds.security_infos import parse_security_infos

if TYPE_CHECKING:
    from gate_documents.lds.security_infos import SecurityInfos

TAG: Final = 0x6E


def parse_dg14(data: bytes) -> SecurityInfos:
    """Read EF.DG14. Raises MalformedError."""
    return parse_security_infos(tlv.only(data, TAG), "EF.DG14")
