"""Data objects of the commands that agree on keys: dynamic authentication data and the fields of MANAGE SECURITY ENVIRONMENT.

Strict BER-TLV with tags of one or two bytes, each at most once (ISO/IEC 7816-4 §5.2.2).
"""

from __future__ import annotations

from typing import Final

from hardware_sim.chip import RefusedError, status
from hardware_sim.passport.der import tlv

DYNAMIC_DATA: Final = 0x7C
_LONG_TAG: Final = 0x1F
_LENGTH_BYTES_MAX: Final = 2


def parse(content: bytes) -> dict[int, bytes]:
    """The objects in their order, by tag. Raises RefusedError."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(content):
        tag, value, at = _parse_one(content, at)
        if tag in found:
            raise RefusedError(status.WRONG_DATA)
        found[tag] = value
    return found


def dynamic(content: bytes) -> dict[int, bytes]:
    """What stands inside the one object of dynamic authentication data. Raises RefusedError."""
    outer = parse(content)
    if list(outer) != [DYNAMIC_DATA]:
        raise RefusedError(status.WRONG_DATA)
    return parse(outer[DYNAMIC_DATA])


def wrap(*parts: bytes) -> bytes:
    """Dynamic authentication data around encoded objects."""
    return tlv(DYNAMIC_DATA, *parts)


def _parse_one(content: bytes, at: int) -> tuple[int, bytes, int]:
    tag_end = at + (2 if content[at] & _LONG_TAG == _LONG_TAG else 1)
    length = content[tag_end] if tag_end < len(content) else len(content)
    start = tag_end + 1
    if length > 0x80:
        start += length & 0x7F
        length = int.from_bytes(content[tag_end + 1 : start])
    if start - tag_end - 1 > _LENGTH_BYTES_MAX or start + length > len(content):
        raise RefusedError(status.WRONG_DATA)
    return int.from_bytes(content[at:tag_end]), content[start : start + length], start + length
