"""LDIF, the text in which the ICAO PKD hands out its collections (RFC 2849): entries of a name and attributes.

Only binary values are of interest. Lines come one at a time, so that a collection of any size passes through a bounded memory.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from gate.trust.errors import SourceError

LINE_BYTES_MAX: Final = 1 << 16
VALUE_BYTES_MAX: Final = 24 << 20  # a list of 16 MB in base 64


@dataclass(frozen=True, slots=True)
class Value:
    """A binary value: the entry's distinguished name in lower case, the attribute without options, the bytes."""

    entry: str
    attribute: str
    content: bytes


def binary_values(lines: Iterable[bytes]) -> Iterator[Value]:
    """The binary values of a collection, in order. Raises SourceError on what is no LDIF or beyond the limits."""
    entry = ""
    for line in _unfolded(lines):
        name, colon, rest = line.partition(b":")
        if not colon:
            raise SourceError("a line that is no attribute")
        attribute = name.decode("ascii", "replace").partition(";")[0].lower()
        if attribute == "dn":
            entry = _text(rest)
        elif rest.startswith(b":"):
            yield Value(entry, attribute, _decoded(rest[1:]))


def _unfolded(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines: a line that begins with a blank continues the one before it (RFC 2849 note 2)."""
    whole = bytearray()
    for raw in lines:
        if len(raw) > LINE_BYTES_MAX:
            raise SourceError(f"a line longer than {LINE_BYTES_MAX} bytes")
        line = raw.rstrip(b"\r\n")
        if line.startswith(b" ") and whole:
            whole += line[1:]
            if len(whole) > VALUE_BYTES_MAX:
                raise SourceError(f"a value longer than {VALUE_BYTES_MAX} bytes")
            continue
        if whole and not whole.startswith(b"#"):
            yield bytes(whole)
        whole = bytearray(line)
    if whole and not whole.startswith(b"#"):
        yield bytes(whole)


def _text(rest: bytes) -> str:
    value = _decoded(rest[1:]) if rest.startswith(b":") else rest.strip()
    return value.decode("utf-8", "replace").lower()


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value.strip(), validate=True)
    except binascii.Error as error:
        raise SourceError("a value that is no base 64") from error
