"""EF.ATR/INFO: the longest answer, if the chip states it (ISO/IEC 7816-4 §12.7, ICAO 9303-10 §3.11).

Unsigned and read in clear: it only avoids a command that the chip cannot answer. Invalid content is ignored.
"""

from __future__ import annotations

from typing import Final

from gate_documents import tlv
from gate_documents.errors import MalformedError

SHORT_RESPONSE_BYTES: Final = 258  # 256 and the status word
_EXTENDED_LENGTHS: Final = 0x7F66  # two numbers: the longest command, the longest response
_INTEGER: Final = 0x02
_CAPABILITIES: Final = 0x47  # of three bytes, if they state lengths at all
_EXTENDED_FIELDS: Final = 0x40


def response_bytes_max(content: bytes) -> int | None:
    """Return the longest response with its status word, or None if the file does not state it."""
    try:
        lengths = tlv.first(content, _EXTENDED_LENGTHS)
        capabilities = tlv.first(content, _CAPABILITIES)
        numbers = () if lengths is None else tuple(tlv.elements(lengths))
    except MalformedError:
        return None
    if len(numbers) == 2 and all(number.tag == _INTEGER for number in numbers):
        return int.from_bytes(numbers[1].value, "big")
    if lengths is None and capabilities is not None and len(capabilities) == 3:
        return None if capabilities[2] & _EXTENDED_FIELDS else SHORT_RESPONSE_BYTES
    return None
