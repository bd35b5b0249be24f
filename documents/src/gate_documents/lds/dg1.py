"""EF.DG1: the MRZ as the chip holds it (ICAO 9303-10 §4.7.1)."""

from __future__ import annotations

from typing import Final

from gate_documents import tlv
from gate_documents.errors import MalformedError, MrzError
from gate_documents.mrz.layouts import MrzFormat
from gate_documents.mrz.parser import Mrz, parse

TAG: Final = 0x61


def parse_dg1(data: bytes) -> Mrz:
    """The MRZ of EF.DG1. Raises MalformedError."""
    text = tlv.only(tlv.only(data, TAG), 0x5F1F)
    try:
        mrz = parse(text.decode("ascii"))
    except (UnicodeDecodeError, MrzError) as error:
        raise MalformedError("EF.DG1 holds no machine-readable zone") from error
    if mrz.format in (MrzFormat.MRV_A, MrzFormat.MRV_B):
        raise MalformedError("EF.DG1 holds the MRZ of a visa")
    return mrz
