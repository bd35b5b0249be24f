"""EF.DG15: the public key of Active Authentication (ICAO 9303-10 §4.7.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate_documents import tlv
from gate_documents.pki.keys import parse_public_key

if TYPE_CHECKING:
    from gate_documents.pki.keys import PublicKey

TAG: Final = 0x6F


def parse_dg15(data: bytes) -> PublicKey:
    """The chip's key. Raises MalformedError or AlgorithmUnknownError."""
    return parse_public_key(tlv.only(data, TAG))
