"""The interface to asn1crypto: its many exceptions become MalformedError, and every input is bounded.

Its typed objects cost some microseconds per value. If a certificate or a signer only has to be split, `parts` does it
with asn1crypto's own reader, and the few required values are then parsed by type.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asn1crypto import core, parser

from gate_documents import tlv
from gate_documents.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ASN1_BYTES_MAX: Final = 1 << 20
PARTS_MAX: Final = 1024
FIELDS_MAX: Final = 16  # of a structure that is read by its type
NUMBER_DIGITS_MAX: Final = 2048  # in base 128; more than the longest text without an ASCII character in a row
OID_BYTES_MAX: Final = 64
NUMBER_BYTES_MAX: Final = 64  # of a certificate or list; RFC 5280 §4.1.2.2 has 20
OIDS_KEPT_MAX: Final = 256
BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OID: Final = 0x06
PRINTABLE_STRING: Final = 0x13
SEQUENCE: Final = 0x30
NULL: Final = b"\x05\x00"  # the whole value
SET: Final = 0x31
_FIRST_BITS: Final = bytes(one >> 7 for one in range(256))
_TOO_LONG: Final = b"\x01" * (NUMBER_DIGITS_MAX + 1)
_TIMES: Final[dict[int, Any]] = {0x17: core.UTCTime, 0x18: core.GeneralizedTime}


class Part(NamedTuple):
    """A value inside another: the first byte of its tag, its contents, and all of its bytes as they were received."""

    tag: int
    contents: bytes
    encoded: bytes


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Translate asn1crypto's exceptions. Values are parsed lazily, so read them inside."""
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise MalformedError(f"{what} is not well formed") from error


def load(kind: Any, data: bytes, what: str, *, bytes_max: int = ASN1_BYTES_MAX) -> Any:  # noqa: ANN401 - asn1crypto is untyped
    """Parse one whole value, with nothing after it."""
    _require_bounded(data, what, bytes_max)
    with reading(what):
        return kind.load(data, strict=True)


def _require_bounded(data: bytes, what: str, bytes_max: int) -> None:
    """Return if asn1crypto can parse `data` in time. Raises MalformedError.

    A number in base 128, such as that of a tag, is a run of bytes whose first bit is set. asn1crypto's time grows with
    the square of its length: a chip's megabyte would take minutes, a list's sixteen hours.
    """
    if len(data) > bytes_max:
        raise MalformedError(f"{what} is longer than {bytes_max} bytes")
    if len(data) > NUMBER_DIGITS_MAX and _TOO_LONG in data.translate(_FIRST_BITS):
        raise MalformedError(f"{what} has a tag or identifier without end")


def require_few(value: Any, most: int, what: str) -> None:  # noqa: ANN401 - asn1crypto is untyped
    """Return if a SET or SEQUENCE has at most `most` members, each of definite length. Raises MalformedError.

    asn1crypto makes an object of each member before it can count them. Seven million empty ones, in an unsigned list,
    took ten seconds and a gigabyte.
    """
    contents, position = bytes(value.contents or b""), 0
    for _ in range(most):
        if position >= len(contents):
            return
        head = tlv.header(contents, position)
        if head is None:
            raise MalformedError(f"{what} ends within a header")
        _, length, start = head
        position = start + length
    if position < len(contents):
        raise MalformedError(f"{what} holds more than {most} members in one")


def moment(value: Any) -> datetime:  # noqa: ANN401 - asn1crypto is untyped
    """The time of a UTCTime or GeneralizedTime, in UTC. One that names no zone, or the year 0, is malformed (RFC 5280 §4.1.2.5)."""
    native = value.native
    if type(native) is not datetime or native.tzinfo is None:
        raise MalformedError("a time without a zone, or no time at all")
    return native.astimezone(UTC)


def only(data: bytes, what: str, *, bytes_max: int = ASN1_BYTES_MAX) -> Part:
    """Return the single value in `data`, unparsed. Raises MalformedError."""
    _require_bounded(data, what, bytes_max)
    with reading(what):
        (part,) = parts(data)
        return part


def parts(contents: bytes) -> list[Part]:
    """Return the values in `contents`, unparsed. Raises MalformedError, or what `reading` translates."""
    found: list[Part] = []
    while contents:
        if len(found) == PARTS_MAX:
            raise MalformedError(f"more than {PARTS_MAX} values in one")
        _, _, _, header, inner, trailer = parser.parse(contents)
        size = len(header) + len(inner) + len(trailer)
        found.append(Part(header[0], inner, contents[:size]))
        contents = contents[size:]
    return found


def contents_of(part: Part, tag: int) -> bytes:
    """The contents of `part`, which must have this tag. Raises MalformedError."""
    if part.tag != tag:
        raise MalformedError(f"a value with the tag {part.tag:02X} instead of {tag:02X}")
    return part.contents


def parts_of(part: Part, tag: int) -> list[Part]:
    """The values inside `part`, which must have this tag. Raises as `parts`."""
    return parts(contents_of(part, tag))


def optional(found: Sequence[Part], *tags: int) -> dict[int, Part]:
    """Return a structure's last fields by tag: each is optional, none may occur twice, and no other. Raises MalformedError."""
    by_tag = {part.tag: part for part in found}
    if [part.tag for part in found] != [tag for tag in tags if tag in by_tag]:
        raise MalformedError("fields that a structure cannot have")
    return by_tag


def octets(part: Part) -> bytes:
    """The bytes of an octet string, in one piece or, as BER allows, in several. Raises MalformedError."""
    if part.tag == OCTET_STRING:
        return part.contents
    return bytes(load(core.OctetString, part.encoded, "an octet string").native)


def integer(part: Part) -> int:
    """A whole number, negative ones included. Raises MalformedError."""
    contents = contents_of(part, INTEGER)
    if not contents:
        raise MalformedError("a number without digits")
    return int.from_bytes(contents, "big", signed=True)


def serial_number(part: Part) -> int:
    """Return a certificate's or list's number, bounded, because it is stored and looked up in decimals. Raises MalformedError."""
    if len(part.contents) > NUMBER_BYTES_MAX:
        raise MalformedError(f"a serial number of more than {NUMBER_BYTES_MAX} bytes")
    return integer(part)


def whole_bits(part: Part) -> bytes:
    """The bytes of a bit string, which must be a whole number of them. Raises MalformedError."""
    contents = contents_of(part, BIT_STRING)
    if contents[:1] != b"\x00":
        raise MalformedError("a bit string that is no whole number of bytes")
    return contents[1:]


def moment_of(part: Part) -> datetime:
    """A UTCTime or GeneralizedTime, as `moment`."""
    kind = _TIMES.get(part.tag)
    if kind is None:
        raise MalformedError("a time of no known kind")
    return moment(kind(contents=part.contents))


def dotted(part: Part) -> str:
    """An object identifier in dotted decimals. Raises MalformedError."""
    return _dotted(contents_of(part, OID))


@lru_cache(maxsize=OIDS_KEPT_MAX)
def _dotted(contents: bytes) -> str:
    """Cached: the same few dozen occur in every document."""
    if not 0 < len(contents) <= OID_BYTES_MAX:
        raise MalformedError("an object identifier that is empty or too long")
    return str(core.ObjectIdentifier(contents=contents).dotted)
