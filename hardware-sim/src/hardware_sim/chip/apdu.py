"""Command and response APDUs as the card receives and sends them (ISO/IEC 7816-4 §5.2), short and extended.

Strict: bytes that match no case of the standard are refused, never repaired.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SHORT_NE_MAX: Final = 256
EXTENDED_NE_MAX: Final = 65536
_HEADER_BYTES: Final = 4
_EXTENDED_FIELD_BYTES: Final = 3


class BadApduError(ValueError):
    """Bytes that are not a command APDU of any case."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `ne` is the maximum length of the answer's data, None when the terminal expects none."""

    cla: int
    ins: int
    p1: int
    p2: int
    body: bytes = field(default=b"", repr=False)
    ne: int | None = None
    extended: bool = False

    @property
    def header(self) -> bytes:
        """Return CLA, INS, P1, P2."""
        return bytes((self.cla, self.ins, self.p1, self.p2))


@dataclass(frozen=True, slots=True)
class Response:
    """The card's answer: data, and the status word."""

    status: int
    body: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """Return data, SW1 and SW2."""
        return self.body + self.status.to_bytes(2)


def parse(apdu: bytes) -> Command:
    """Parse one command APDU. Raises BadApduError."""
    if len(apdu) < _HEADER_BYTES:
        raise BadApduError("shorter than a header")
    header, rest = apdu[:_HEADER_BYTES], apdu[_HEADER_BYTES:]
    cla, ins, p1, p2 = header
    if not rest:
        return Command(cla, ins, p1, p2)
    extended = rest[0] == 0 and len(rest) >= _EXTENDED_FIELD_BYTES
    body, ne = _extended_fields(rest) if extended else _short_fields(rest)
    return Command(cla, ins, p1, p2, body, ne, extended)


def _short_fields(rest: bytes) -> tuple[bytes, int | None]:
    if len(rest) == 1:
        return b"", rest[0] or SHORT_NE_MAX
    end = 1 + rest[0]
    if rest[0] and len(rest) == end:
        return rest[1:], None
    if rest[0] and len(rest) == end + 1:
        return rest[1:end], rest[end] or SHORT_NE_MAX
    raise BadApduError("the length does not match Lc")


def _extended_fields(rest: bytes) -> tuple[bytes, int | None]:
    count = int.from_bytes(rest[1:_EXTENDED_FIELD_BYTES])
    if len(rest) == _EXTENDED_FIELD_BYTES:
        return b"", count or EXTENDED_NE_MAX
    end = _EXTENDED_FIELD_BYTES + count
    if count and len(rest) == end:
        return rest[_EXTENDED_FIELD_BYTES:], None
    if count and len(rest) == end + 2:
        return rest[_EXTENDED_FIELD_BYTES:end], int.from_bytes(rest[end:]) or EXTENDED_NE_MAX
    raise BadApduError("the length does not match extended Lc")
