"""Commands and responses of ISO/IEC 7816-4, short and extended, and the step that sends one.

If a chip or reader gives an answer in pieces (61xx), the rest is requested, and the pieces form one answer. Secure
messaging verifies it as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate_documents.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Generator

OK: Final = 0x9000
END_OF_FILE: Final = 0x6282
WRONG_LENGTH: Final = 0x6700
SHORTER: Final = 0x6C  # SW1; SW2 is the length
FILE_NOT_FOUND: Final = 0x6A82
# Function not supported; no such instruction; no such class (ISO/IEC 7816-4 §5.6).
NOT_THERE: Final = frozenset({0x6A81, 0x6D00, 0x6E00})
SHORT_DATA_MAX: Final = 255
SHORT_ANSWER_MAX: Final = 256
EXTENDED_ANSWER_MAX: Final = 65536
PIECES_MAX: Final = 300  # of one answer: the longest in short pieces, and some more
_MORE: Final = 0x61  # SW1; SW2 is the length


@dataclass(frozen=True, slots=True, repr=False)
class Transmit:
    """Send this command to the chip. Answered by the response with its status word, at least two bytes."""

    apdu: bytes

    def __repr__(self) -> str:
        """Never shows the command: it may carry what opens the chip."""
        return f"Transmit({len(self.apdu)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class Command:
    """A command in clear. `answer_max`: the longest expected answer; None: only a status word."""

    instruction: int
    p1: int
    p2: int
    data: bytes = b""
    answer_max: int | None = None
    instruction_class: int = 0x00

    @property
    def header(self) -> bytes:
        """Class, instruction and parameters."""
        return bytes((self.instruction_class, self.instruction, self.p1, self.p2))

    def encode(self, *, extended: bool = False) -> bytes:
        """Return the command's bytes; with extended length if requested or needed."""
        long = extended or len(self.data) > SHORT_DATA_MAX or (self.answer_max or 0) > SHORT_ANSWER_MAX
        body = b""
        if self.data:
            size = len(self.data)
            body = (b"\x00" + size.to_bytes(2, "big") if long else bytes([size])) + self.data
        if self.answer_max is None:
            return self.header + body
        if not long:
            return self.header + body + bytes([self.answer_max % SHORT_ANSWER_MAX])
        prefix = b"" if self.data else b"\x00"
        return self.header + body + prefix + (self.answer_max % EXTENDED_ANSWER_MAX).to_bytes(2, "big")


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """A response in clear."""

    data: bytes
    status: int


def parse_response(answer: bytes | None) -> Response:
    """Split data and status word. Raises MalformedError on an invalid answer."""
    if answer is None or not 2 <= len(answer) <= EXTENDED_ANSWER_MAX + 2:
        raise MalformedError("an answer without a status word, or too long")
    return Response(bytes(answer[:-2]), int.from_bytes(answer[-2:], "big"))


def transmit(apdu: bytes) -> Generator[Transmit, bytes | None, Response]:
    """Send a command and receive the whole answer, its later pieces by GET RESPONSE (ISO/IEC 7816-4 §11.7.1).

    GET RESPONSE belongs to the transport: it is never protected, and its data is a part of the protected answer. Raises
    MalformedError on an answer that is invalid, has too many pieces or an empty one.
    """
    response = parse_response((yield Transmit(apdu)))
    parts = [response.data]
    while response.status >> 8 == _MORE:
        rest = Command(0xC0, 0x00, 0x00, answer_max=response.status & 0xFF or SHORT_ANSWER_MAX)
        response = parse_response((yield Transmit(rest.encode())))
        parts.append(response.data)
        if len(parts) > PIECES_MAX or (response.status >> 8 == _MORE and not response.data):
            raise MalformedError("an answer in too many pieces, or in an empty one")
    data = b"".join(parts)
    if len(data) > EXTENDED_ANSWER_MAX:
        raise MalformedError("an answer whose pieces are too long together")
    return Response(data, response.status)


def exchange(command: Command) -> Generator[Transmit, bytes | None, Response]:
    """Send a command in clear and receive its response."""
    return (yield from transmit(command.encode()))
