"""BER-TLV as ICAO 9303-10 §4.2 and ISO/IEC 7816-4 use it: definite lengths, parsed strictly and within bounds.

A wrong length is an error, never a read beyond the end; nothing is copied before it was checked. Callers bound the
nesting by walking it level by level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

TAG_BYTES_MAX: Final = 3
LENGTH_BYTES_MAX: Final = 4
ELEMENTS_MAX: Final = 1024


@dataclass(frozen=True, slots=True, repr=False)
class Tlv:
    """One element. `tag` is its bytes as one number, such as 0x5F2E."""

    tag: int
    value: bytes

    def __repr__(self) -> str:
        """Never shows the value."""
        return f"Tlv({self.tag:X}, {len(self.value)} bytes)"


def header(data: bytes, offset: int = 0) -> tuple[int, int, int] | None:
    """Tag, length and first value offset of the element at `offset`; None when the header is not complete.

    Raises MalformedError on a header that no element of a travel document has.
    """
    position = offset + 1
    if position > len(data):
        return None
    if data[offset] & 0x1F == 0x1F:
        while True:
            if position - offset >= TAG_BYTES_MAX + 1:
                raise MalformedError("a tag is too long")
            if position >= len(data):
                return None
            position += 1
            if not data[position - 1] & 0x80:
                break
    tag = int.from_bytes(data[offset:position], "big")
    if position >= len(data):
        return None
    first = data[position]
    position += 1
    if first < 0x80:
        return tag, first, position
    count = first & 0x7F
    if not 1 <= count <= LENGTH_BYTES_MAX:
        raise MalformedError("a length is indefinite or has too many bytes")
    if position + count > len(data):
        return None
    return tag, int.from_bytes(data[position : position + count], "big"), position + count


def elements(data: bytes) -> Iterator[Tlv]:
    """The elements that make up `data`, one after the other. Raises MalformedError."""
    offset = 0
    for _ in range(ELEMENTS_MAX):
        if offset == len(data):
            return
        found = header(data, offset)
        if found is None:
            raise MalformedError("data ends within a header")
        tag, length, start = found
        if length > len(data) - start:
            raise MalformedError("a length goes beyond the data")
        offset = start + length
        yield Tlv(tag, data[start:offset])
    if offset != len(data):
        raise MalformedError("too many elements")


def only(data: bytes, tag: int) -> bytes:
    """The value of the one element that makes up `data`, which must have this tag. Raises MalformedError."""
    found = tuple(elements(data))
    if len(found) != 1 or found[0].tag != tag:
        raise MalformedError(f"not exactly one element {tag:X}")
    return found[0].value


def first(data: bytes, tag: int) -> bytes | None:
    """The value of the first element with this tag among those that make up `data`, or None."""
    return next((element.value for element in tuple(elements(data)) if element.tag == tag), None)


def encode(tag: int, value: bytes) -> bytes:
    """One element, with the shortest length."""
    size = len(value)
    length = bytes([size]) if size < 0x80 else size.to_bytes((size.bit_length() + 7) // 8, "big")
    if size >= 0x80:
        length = bytes([0x80 | len(length)]) + length
    return tag.to_bytes(max(1, (tag.bit_length() + 7) // 8), "big") + length + value
