"""EF.DG7: pictures of the holder's signature or usual mark (ICAO 9303-10 §4.7.7). Handed out as bytes, never decoded."""

from __future__ import annotations

from typing import Final

from gate_documents import tlv
from gate_documents.lds.details import read_list

TAG: Final = 0x67
_IMAGE: Final = 0x5F43


def parse_dg7(data: bytes) -> tuple[bytes, ...]:
    """The pictures. Raises MalformedError."""
    return read_list(tlv.only(data, TAG), _IMAGE, "EF.DG7")
