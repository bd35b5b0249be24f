"""EF.DG13: content defined by the issuing state (ICAO 9303-10 §4.7.13). It has no fixed format, so only its frame is read."""

from __future__ import annotations

from typing import Final

from gate_documents import tlv

TAG: Final = 0x6D


def parse_dg13(data: bytes) -> bytes:
    """The content, unread. Raises MalformedError."""
    return tlv.only(data, TAG)
