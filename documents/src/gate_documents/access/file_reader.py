"""Reading the files of a chip whole (ICAO 9303-10 §3.6, ISO/IEC 7816-4 §11.3).

Chips differ in how much they give at once. The largest size that chip and reader are not known to refuse is tried first, and given
up for a smaller one only while no block of that size has come. A chip that ends its session over a size has to be opened again, which
is the caller's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate_documents import tlv
from gate_documents.access.commands import (
    END_OF_FILE,
    FILE_NOT_FOUND,
    OK,
    SHORT_ANSWER_MAX,
    SHORTER,
    WRONG_LENGTH,
    Command,
    Response,
    Transmit,
)
from gate_documents.errors import ChipStatusError, FileTooLongError, MalformedError

if TYPE_CHECKING:
    from collections.abc import Generator

    from gate_documents.access.conversation import Conversation
    from gate_documents.lds.files import File

# Extended length, then what protected answers of 256, 192 and 128 bytes hold.
BLOCK_BYTES: Final = (8000, 223, 160, 96)
_HEAD_BYTES: Final = 6
# What chips say of a block that is too long, beside its right length: the standard's word for it, that it ends outside the file, that
# they do not know, and that an object of secure messaging is missing or wrong.
_TOO_LONG: Final = frozenset({WRONG_LENGTH, SHORTER << 8, 0x6B00, 0x6F00, 0x6987, 0x6988})
_FAR_OVERHEAD_BYTES: Final = 4
_PLAIN_OFFSET_MAX: Final = 0x7FFF


class FileReader:
    """Reads files of one chip, and learns how much the chip gives at once. Steps are generators that yield Transmit."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._size_max = BLOCK_BYTES[0] if conversation.extended else BLOCK_BYTES[1]
        self._size_tried = 0
        self._size_proven = 0

    @property
    def extended_proven(self) -> bool:
        """True once a block came with extended length."""
        return self._size_proven > SHORT_ANSWER_MAX

    def forget_proven(self) -> None:
        """What came in clear does not show what comes once answers are protected, and longer."""
        self._size_proven = 0

    def limit(self, size: int) -> None:
        """Never ask for longer blocks than this. Raised to the smallest size that there is: a stranger may have said it."""
        self._size_max = min(self._size_max, max(size, BLOCK_BYTES[-1]))

    def read(
        self, file: File, *, denials: frozenset[int] = frozenset()
    ) -> Generator[Transmit, bytes | None, bytes | None]:
        """The whole content of a file, or None when the chip has no such file.

        `denials` are what says so beside 6A82, and only as long as not a byte of the file has come. Raises ChipStatusError when the chip refuses, MalformedError when the file is none of its kind, FileTooLongError when
        it says that it is longer, SecureMessagingError when the session ended.
        """
        begun = yield from self._begin(file, denials)
        if begun is None:
            return None
        content, total = begun
        if total > file.bytes_max:
            raise FileTooLongError(f"{file.name} says that it has {total} bytes")
        parts = [content[:total]]
        have = len(parts[0])
        while have < total:
            part = yield from self._block(file, have, total - have)
            parts.append(part)
            have += len(part)
        return b"".join(parts)

    def look(self, file: File) -> Generator[Transmit, bytes | None, bool]:
        """Whether the file is there and begins as one of its kind; False when there is none. Raises as `read` does."""
        return (yield from self._begin(file)) is not None

    def read_fixed(self, file: File, size: int) -> Generator[Transmit, bytes | None, bytes | None]:
        """Up to so many bytes from the beginning of a file, in one block; None when there is no such file."""
        self._size_tried = 0
        if not (yield from self._select(file)):
            return None
        return (yield from self._block(file, 0, size))

    def read_short(self, file: File) -> Generator[Transmit, bytes | None, bytes]:
        """What one short command gives of a file's beginning; empty for any refusal. Learns nothing of sizes."""
        self._size_tried = 0
        if (yield from self._ask_for(file)).status != OK:
            return b""
        response = yield from self._conversation.ask(_read_binary(0, SHORT_ANSWER_MAX))
        if response.status >> 8 == SHORTER and response.status & 0xFF:
            response = yield from self._conversation.ask(_read_binary(0, response.status & 0xFF))
        return response.data if response.status in (OK, END_OF_FILE) else b""

    def _begin(
        self, file: File, denials: frozenset[int] = frozenset()
    ) -> Generator[Transmit, bytes | None, tuple[bytes, int] | None]:
        """Select the file and read its head: these bytes, and how many it has in all. None when there is no such file."""
        self._size_tried = 0
        if not (yield from self._select(file, denials)):
            return None
        try:
            content = yield from self._block(file, 0, _HEAD_BYTES)
        except ChipStatusError as error:
            if error.status in denials:
                return None
            raise
        head = tlv.header(content)
        if head is None or head[0] != file.tag:
            raise MalformedError(f"{file.name} is empty or begins with another tag")
        _, length, start = head
        return content, start + length

    def _ask_for(self, file: File) -> Generator[Transmit, bytes | None, Response]:
        return self._conversation.ask(Command(0xA4, 0x02, 0x0C, file.identifier.to_bytes(2, "big")))

    def _select(self, file: File, denials: frozenset[int] = frozenset()) -> Generator[Transmit, bytes | None, bool]:
        selected = yield from self._ask_for(file)
        if selected.status != OK and selected.status not in denials | {FILE_NOT_FOUND}:
            raise ChipStatusError(f"{file.name} cannot be selected", selected.status)
        return selected.status == OK

    def _block(self, file: File, offset: int, wanted: int) -> Generator[Transmit, bytes | None, bytes]:
        """At least one byte from this offset, at most as many as wanted or as the chip gives at once."""
        while True:
            far = offset > _PLAIN_OFFSET_MAX
            self._size_tried = min(wanted + _FAR_OVERHEAD_BYTES * far, self._size_max)
            response = yield from self._conversation.ask(_read_binary(offset, self._size_tried))
            if response.status in (OK, END_OF_FILE) and response.data:
                self._size_proven = max(self._size_proven, self._size_tried)
                block = _content_of(response.data) if far else response.data
                return block[: min(wanted, self._size_tried)]
            if self.go_down(response.status):
                continue
            if response.data and response.status != OK:
                raise MalformedError(f"{file.name} comes with status {response.status:04X}, and comes all the same")
            raise ChipStatusError(f"{file.name} cannot be read", response.status)

    def go_down(self, status: int) -> bool:
        """Ask for less from now on: what the chip names (6Cxx), else the next size. False when the size is not at fault."""
        if self._size_tried <= self._size_proven:
            return False
        named = status & 0xFF if status >> 8 == SHORTER else 0
        if 0 < named < self._size_tried:
            self._size_max = min(named, BLOCK_BYTES[1])  # more does not fit into a short answer once it is protected
            return True
        smaller = [size for size in BLOCK_BYTES if size < self._size_tried]
        if not smaller or status not in _TOO_LONG:
            return False
        self._size_max = smaller[0]
        return True


def _read_binary(offset: int, size: int) -> Command:
    """READ BINARY; beyond 32 767 the offset goes into a data object (ISO/IEC 7816-4 §11.3.3)."""
    if offset <= _PLAIN_OFFSET_MAX:
        return Command(0xB0, offset >> 8, offset & 0xFF, answer_max=size)
    place = tlv.encode(0x54, offset.to_bytes(3, "big").lstrip(b"\x00"))
    return Command(0xB1, 0x00, 0x00, place, answer_max=size)


def _content_of(block: bytes) -> bytes:
    """With the odd instruction, a block stands in a data object."""
    content = tlv.only(block, 0x53)
    if not content:
        raise MalformedError("an empty block")
    return content
