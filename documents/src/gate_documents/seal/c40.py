"""C40, the encoding of letters and digits in seals (ICAO 9303-13 §4, BSI TR-03137-1 annex B): three characters in two bytes.

Blanks stand for the filler of the MRZ, and are read as such.
"""

from __future__ import annotations

from typing import Final

from gate_documents.errors import MalformedError

_ALPHABET: Final = (
    "   <0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # the first three are shifts, which seals use as padding only
)
_FIRST: Final = 3
_LAST: Final = 39
_UNLATCH: Final = 0xFE


def encoded_bytes(characters: int) -> int:
    """How many bytes a string of so many characters takes."""
    return (characters + 2) // 3 * 2


def decode(data: bytes) -> str:
    """Return the characters. Raises MalformedError on bytes that no encoder writes."""
    if len(data) % 2:
        raise MalformedError("a string of an odd number of bytes")
    found: list[str] = []
    for position in range(0, len(data), 2):
        last = position + 2 == len(data)
        found.append(_characters(data[position], data[position + 1], last=last))
    return "".join(found)


def _characters(first: int, second: int, *, last: bool) -> str:
    if first == _UNLATCH:
        # One character is left: it stands as in the encoding of ASCII, one higher.
        character = chr(second - 1).replace(" ", "<") if second else ""
        if not last or character not in _ALPHABET[_FIRST:] or not character:
            raise MalformedError("a string that ends in the middle, or with a character that it may not have")
        return character
    packed = first * 256 + second - 1
    values = [packed // 1600, packed // 40 % 40, packed % 40]
    if packed < 0 or values[0] > _LAST:
        raise MalformedError("a string with a pair of bytes that stands for nothing")
    if last and values[2] == 0:
        del values[2]  # it was padding
    if any(value < _FIRST for value in values):
        raise MalformedError("a string with a character that it may not have")
    return "".join(_ALPHABET[value] for value in values)
