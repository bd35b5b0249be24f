"""EF.DG3: fingerprints, of which only the number is read (ICAO 9303-10 §4.7.3).

The content is protected by Terminal Authentication, and not needed: this gate compares faces.
"""

from __future__ import annotations

from typing import Final

from gate_documents import tlv
from gate_documents.errors import MalformedError

TAG: Final = 0x63
_TEMPLATES: Final = 0x7F61
_TEMPLATE: Final = 0x7F60
FINGERS_MAX: Final = 10


def count_fingerprints(data: bytes) -> int:
    """How many templates EF.DG3 holds; it may hold none. Raises MalformedError."""
    elements = tuple(tlv.elements(tlv.only(tlv.only(data, TAG), _TEMPLATES)))
    if not elements or elements[0].tag != 0x02 or len(elements[0].value) != 1:
        raise MalformedError("EF.DG3 has no count of its templates")
    count = sum(element.tag == _TEMPLATE for element in elements)
    if count != elements[0].value[0] or count > FINGERS_MAX:
        raise MalformedError("EF.DG3 has another number of templates than it says")
    return count
