"""EF.CardAccess: the protocols before the chip is opened (ICAO 9303-11 §4.4.2). Unsigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gate_documents.lds.security_infos import parse_security_infos

if TYPE_CHECKING:
    from gate_documents.lds.security_infos import SecurityInfos


def parse_card_access(data: bytes) -> SecurityInfos:
    """Read EF.CardAccess. Raises MalformedError."""
    return parse_security_infos(data, "EF.CardAccess")
