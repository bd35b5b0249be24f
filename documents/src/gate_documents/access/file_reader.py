"""Reads complete files of a chip (ICAO 9303-10 §3.6, ISO/IEC 7816-4 §11.3).

Chips differ in the length of one answer. The largest size that chip and reader are not known to refuse is tried first,
and reduced only until a block of that size was received. The caller must reopen a chip that ends its session over a
size.
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
# Statuses for a block that is too long, besides its right length: the standard's, an end outside of the file, an unspecific error, and
# a missing or wrong object of secure messaging.
_TOO_LONG: Final = frozenset({WRONG_LENGTH, SHORTER << 8, 0x6B00, 0x6F00, 0x6987, 0x6988})
_FAR_OVERHEAD_BYTES: Final = 4
_PLAIN_OFFSET_MAX: Final = 0x7FFF


class FileReader:
    """Reads files of one chip, and learns its maximum block size. Steps are generators that yield Transmit."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._size_max = BLOCK_BYTES[0] if conversation.extended else BLOCK_BYTES[1]
        self._size_tried = 0
        self._size_proven = 0

    @property
    def extended_proven(self) -> bool:
        """True after a block with extended length was received."""
        return self._size_proven > SHORT_ANSWER_MAX

    def forget_proven(self) -> None:
        """Forget that lengths worked in clear: protected answers are longer."""
        self._size_proven = 0

    def limit(self, size: int) -> None:
        """Limit blocks to this size, but not below the smallest one, because the limit may come from an attacker."""
        self._size_max = min(self._size_max, max(size, BLOCK_BYTES[-1]))

    def read(
        self, file: File, *, denials: frozenset[int] = frozenset()
    ) -> Generator[Transmit, bytes | None, bytes | None]:
        """Return a file's whole content, or None if the chip has no such file.

        `denials`: statuses that mean this besides 6A82, only before a byte of the file was received. Raises ChipStatusError if the chip refuses,
        MalformedError if the file is not of its kind, FileTooLongError if its stated length is too long, SecureMessagingError if the session ended.
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
        """Return whether the file exists and begins as one of its kind. Raises as `read` does."""
        return (yield from self._begin(file)) is not None

    def read_fixed(self, file: File, size: int) -> Generator[Transmit, bytes | None, bytes | None]:
        """Return at most this many bytes from a file's beginning, in one block; None if there is no such file."""
        self._size_tried = 0
        if not (yield from self._select(file)):
            return None
        return (yield from self._block(file, 0, size))

    def read_short(self, file: File) -> Generator[Transmit, bytes | None, bytes]:
        """Return a file's beginning by one short command; empty for any refusal. Does not affect the block size."""
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
        """Select the file and read its head: return these bytes, and the total length. None if there is no such file."""
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
        """Return at least one byte from this offset, at most as many as wanted or as the chip gives at once."""
        while True:
            far = offset > _PLAIN_OFFSET_MAX
            self._size_tried = min(wanted + _FAR_OVERHEAD_BYTES * far, self._size_max)
            if (
                BLOCK_BYTES[1] < self._size_tried <= SHORT_ANSWER_MAX
            ):  # a short command whose protected answer is too long
                self._size_tried = BLOCK_BYTES[1]
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
        """Reduce the block size: to the chip's value (6Cxx), else to the next smaller. False if the size is not the cause."""
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
    """Return READ BINARY; beyond 32 767 the offset is in a data object (ISO/IEC 7816-4 §11.3.3)."""
    if offset <= _PLAIN_OFFSET_MAX:
        return Command(0xB0, offset >> 8, offset & 0xFF, answer_max=size)
    place = tlv.encode(0x54, offset.to_bytes(3, "big").lstrip(b"\x00"))
    return Command(0xB1, 0x00, 0x00, place, answer_max=size)


def _content_of(block: bytes) -> bytes:
    """Return a block's content, which the odd instruction puts into a data object."""
    content = tlv.only(block, 0x53)
    if not content:
        raise MalformedError("an empty block")
    return content
