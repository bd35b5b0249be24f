"""What a PC/SC reader tells of itself, as bytes: the long APDUs that it carries (PC/SC part 10, §2.2 and §2.6.14). Pure.

Readers tell it or do not; what is odd says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

FEATURES: Final = 3400  # the function of the control code that asks for the others
_PROPERTIES: Final = 0x12
_APDU_DATA_MAX: Final = 0x0A
_SHORT_DATA_MAX: Final = 256


def properties_code(features: bytes) -> int | None:
    """The control code that asks for the reader's properties, or None where it has none."""
    return next((int.from_bytes(value, "big") for tag, value in _elements(features) if tag == _PROPERTIES), None)


def carries_extended(properties: bytes) -> bool:
    """False only for a reader that says that it carries short APDUs. A limit of 0 is one that is not known."""
    told = (int.from_bytes(value, "little") for tag, value in _elements(properties) if tag == _APDU_DATA_MAX)
    return not 0 < next(told, 0) <= _SHORT_DATA_MAX


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags of one byte, lengths of one byte, as far as they are whole."""
    at = 0
    while at + 2 <= len(data) and at + 2 + data[at + 1] <= len(data):
        end = at + 2 + data[at + 1]
        yield data[at], data[at + 2 : end]
        at = end
