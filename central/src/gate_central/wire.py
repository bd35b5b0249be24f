"""Strict decoders of gates' requests: C2SP add-checkpoint and add-entries, sealed bodies, and rounds. Pure.

`Intake` decodes an add-entries body as it arrives, one package at a time, so that a request of any length needs the
memory of one package.
"""

from __future__ import annotations

import binascii
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gate_central.errors import BadRequestError, UnprovenError
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import HASH_BYTES, PROOF_HASHES_MAX, SIZE_MAX
from gate_core.audit_format.note import NOTE_BYTES_MAX, decode_base64
from gate_core.audit_format.record import HEADER_BYTES_MAX
from gate_core.audit_format.tiles import TILE_WIDTH

ORIGIN_BYTES_MAX = 512
TICKET_BYTES_MAX = 1024
CHECKPOINT_REQUEST_BYTES_MAX = NOTE_BYTES_MAX + 64 * 64
SEALED_LINE_BYTES_MAX = 96 * 1024
SEALED_REQUEST_BYTES_MAX = 1024 * 1024
ROUND_BYTES_MAX = 2 * 1024 * 1024
AGE_FILE_BYTES_MAX = 64 * 1024
FILES_MAX = TILE_WIDTH + 64  # age files of a round, also absent ones: of its entries, and requested ones
_SEALED_BEGINS, _SEALED_BETWEEN, _SEALED_ENDS = b'{"ct":"', b'","i":', b"}\n"
_U16, _U32, _U64 = struct.Struct(">H"), struct.Struct(">I"), struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A newer checkpoint, and the proof that it continues the one of `size_old`."""

    size_old: int
    proof: tuple[bytes, ...]
    note: bytes


@dataclass(frozen=True, slots=True)
class EntriesHead:
    """The head of an add-entries body: a log's origin, and its entries `[start, end)`."""

    origin: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Package:
    """Entries `[start, end)` of one piece, with the proof of the piece up to `end`."""

    start: int
    end: int
    entries: tuple[bytes, ...]
    proof: tuple[bytes, ...]

    @property
    def aligned(self) -> int:
        """Index of the piece's first entry."""
        return self.start - self.start % TILE_WIDTH


@dataclass(frozen=True, slots=True)
class SealedLine:
    """A sealed body: its index, its SHA-256, and its line in the spool's format."""

    index: int
    digest: str
    line: bytes


@dataclass(frozen=True, slots=True)
class Round:
    """A checkpoint with at most one package, one piece's sealed bodies, age files, and names of absent age files."""

    checkpoint: AddCheckpoint
    package: Package | None
    sealed: tuple[SealedLine, ...]
    files: dict[str, bytes]
    absent: tuple[str, ...]


def parse_add_checkpoint(raw: bytes) -> AddCheckpoint:
    """Read an add-checkpoint request (C2SP tlog-witness). Raises BadRequestError."""
    head, found, note = raw.partition(b"\n\n")
    lines = head.split(b"\n")
    if not found or len(lines) > 1 + PROOF_HASHES_MAX or not lines[0].startswith(b"old "):
        raise BadRequestError("an old size, a proof of 63 hashes at most, an empty line, a checkpoint")
    try:
        old = lines[0][4:].decode("ascii")
        proof = tuple(decode_base64(line.decode("ascii")) for line in lines[1:])
    except (BadFormatError, UnicodeDecodeError) as error:
        raise BadRequestError("a proof line is not Base64") from error
    if not old.isdigit() or len(old) > 19 or str(int(old)) != old or int(old) > SIZE_MAX:
        raise BadRequestError("the old size is no decimal number")
    if any(len(one) != HASH_BYTES for one in proof):
        raise BadRequestError("a hash has 32 bytes")
    return AddCheckpoint(int(old), proof, note)


class Intake:
    """Incremental decoder of an add-entries body. Buffers at most one package and the last chunk."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._next: int | None = None
        self.head: EntriesHead | None = None

    def feed(self, chunk: bytes) -> None:
        """Add a chunk. Call `read_head`, then `packages`, before the next chunk."""
        self._buffer += chunk

    def read_head(self) -> EntriesHead | None:
        """Return the head, None while it is incomplete. Raises BadRequestError."""
        if self.head is None and (fields := self._head_fields()) is not None:
            self.head, used = fields
            self._next = self.head.start
            del self._buffer[:used]
        return self.head

    def packages(self) -> Iterator[Package]:
        """Yield the complete packages. Raises BadRequestError."""
        assert self.head is not None
        assert self._next is not None
        while self._next < self.head.end:
            aligned = self._next - self._next % TILE_WIDTH
            found = self._package(self._next, min(self.head.end, aligned + TILE_WIDTH))
            if found is None:
                return
            self._next = found.end
            yield found
        if self._buffer:
            raise BadRequestError("there are bytes after the last package")

    def _head_fields(self) -> tuple[EntriesHead, int] | None:
        cursor = _Cursor(self._buffer)
        try:
            origin = cursor.take_sized(ORIGIN_BYTES_MAX, "origin")
            (start,), (end,) = _U64.unpack(cursor.take(8)), _U64.unpack(cursor.take(8))
            cursor.take_sized(TICKET_BYTES_MAX, "ticket")  # unused: this mirror issues no tickets
        except _IncompleteError:
            return None
        if not start <= end <= SIZE_MAX:
            raise BadRequestError("upload_start is beyond upload_end, or that is beyond all logs")
        try:
            return EntriesHead(origin.decode(), start, end), cursor.at
        except UnicodeDecodeError as error:
            raise BadRequestError("an origin is UTF-8") from error

    def _package(self, start: int, end: int) -> Package | None:
        cursor = _Cursor(self._buffer)
        try:
            found = cursor.take_package(start, end)
        except _IncompleteError:
            return None
        del self._buffer[: cursor.at]
        return found


def parse_sealed(raw: bytes) -> tuple[SealedLine, ...]:
    """Decode sealed bodies of one piece, in order: canonical JSON lines. Raises BadRequestError."""
    lines = raw.splitlines(keepends=True)
    if not 1 <= len(lines) <= TILE_WIDTH or not raw.endswith(b"\n"):
        raise BadRequestError(f"sealed bodies are 1 to {TILE_WIDTH} lines")
    read = tuple(_parse_sealed_line(line) for line in lines)
    first = read[0].index
    if [one.index for one in read] != list(range(first, first + len(read))) or not 0 <= first <= SIZE_MAX - TILE_WIDTH:
        raise BadRequestError("sealed bodies come in order")
    if first // TILE_WIDTH != read[-1].index // TILE_WIDTH:
        raise BadRequestError("sealed bodies of one request belong to one piece")
    return read


def parse_round(raw: bytes) -> Round:
    """Decode a round (docs/protocols/sync.md). Raises BadRequestError, and UnprovenError for misnamed age files."""
    cursor = _Cursor(raw)
    try:
        checkpoint = parse_add_checkpoint(cursor.take_long(CHECKPOINT_REQUEST_BYTES_MAX, "add-checkpoint request"))
        (start,), (count,) = _U64.unpack(cursor.take(8)), _U16.unpack(cursor.take(2))
        if start > SIZE_MAX - TILE_WIDTH or count > TILE_WIDTH - start % TILE_WIDTH:
            raise BadRequestError("the entries of one request belong to one piece")
        package = cursor.take_package(start, start + count) if count else None
        sealed = cursor.take_long(SEALED_REQUEST_BYTES_MAX, "part of sealed bodies")
        files, named = dict[str, bytes](), 0
        while cursor.at < len(raw):
            named += 1
            if named > FILES_MAX:
                raise BadRequestError(f"a round names {FILES_MAX} age files at most")
            name = cursor.take(HASH_BYTES).hex()
            files[name] = cursor.take_long(AGE_FILE_BYTES_MAX, "age file")
    except _IncompleteError as error:
        raise BadRequestError("the body ends in the middle of a part") from error
    for name, content in files.items():
        expect_named(name, content)
    return Round(
        checkpoint,
        package,
        parse_sealed(sealed) if sealed else (),
        {name: content for name, content in files.items() if content},
        tuple(name for name, content in files.items() if not content),
    )


def expect_named(name: str, content: bytes) -> None:
    """Raise UnprovenError unless `name` is the age file's SHA-256; an empty file passes."""
    if content and hashlib.sha256(content).hexdigest() != name:
        raise UnprovenError("the age file is not the one that its name says")


def info_text(size: int, next_entry: int) -> bytes:
    """Encode the body of a 409 or 202 answer to add-entries (`text/x.tlog.mirror-info`), without a ticket."""
    return f"{size}\n{next_entry}\n\n".encode()


def _parse_sealed_line(line: bytes) -> SealedLine:
    """Decode a canonical JSON line; any other spelling is refused. Raises BadRequestError."""
    if len(line) > SEALED_LINE_BYTES_MAX:
        raise BadRequestError(f"a sealed body exceeds {SEALED_LINE_BYTES_MAX} bytes")
    encoded, _, index = line[len(_SEALED_BEGINS) : -len(_SEALED_ENDS)].partition(_SEALED_BETWEEN)
    try:
        body, number = binascii.a2b_base64(encoded), int(index)
    except ValueError as error:
        raise BadRequestError("a line is no sealed body") from error
    spelled = binascii.b2a_base64(body, newline=False)
    if b"%b%b%b%d%b" % (_SEALED_BEGINS, spelled, _SEALED_BETWEEN, number, _SEALED_ENDS) != line:
        raise BadRequestError("a sealed body has one spelling")
    return SealedLine(number, hashlib.sha256(body).hexdigest(), line)


class _IncompleteError(Exception):
    """More bytes are needed."""


class _Cursor:
    """Reads from a buffer without changing it."""

    def __init__(self, buffer: bytes | bytearray) -> None:
        self._buffer = buffer
        self.at = 0

    def take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self._buffer):
            raise _IncompleteError
        found = bytes(self._buffer[self.at : end])
        self.at = end
        return found

    def take_sized(self, bytes_max: int, what: str) -> bytes:
        (length,) = _U16.unpack(self.take(2))
        if length > bytes_max:
            raise BadRequestError(f"an {what} of {length} bytes exceeds {bytes_max}")
        return self.take(length)

    def take_long(self, bytes_max: int, what: str) -> bytes:
        (length,) = _U32.unpack(self.take(4))
        if length > bytes_max:
            raise BadRequestError(f"one {what} of {length} bytes exceeds {bytes_max}")
        return self.take(length)

    def take_package(self, start: int, end: int) -> Package:
        """Read entries with their lengths, the number of hashes, and the hashes."""
        entries = tuple(self.take_sized(HEADER_BYTES_MAX, "entry") for _ in range(start, end))
        (hashes,) = self.take(1)
        if hashes > PROOF_HASHES_MAX:
            raise BadRequestError(f"a proof has {PROOF_HASHES_MAX} hashes at most")
        return Package(start, end, entries, tuple(self.take(HASH_BYTES) for _ in range(hashes)))
