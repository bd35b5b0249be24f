"""A folder as downloaded from a public key directory: collections in LDIF, lists, revocation lists, certificates.

Unusable content is reported and skipped, without effect on the rest. Nothing outside the folder is read, and only ordinary files.
"""

import base64
import binascii
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Final

from gate.trust.download_folder import COLLECTION, shown, walk
from gate.trust.errors import SourceError
from gate.trust.sources import Rejected, SealSigner, Source, parts_of, read_signer, read_source
from gate_core.ordinary import open_ordinary
from gate_documents.pki.signed_data import SIGNED_BYTES_MAX

COLLECTION_BYTES_MAX: Final = 512 << 20
SOURCES_MAX: Final = 50_000  # beyond either the rest of the folder is left out
SOURCES_BYTES_MAX: Final = 256 << 20
REJECTED_MAX: Final = 1_000  # what is rejected beyond is left out without being named
# Where the ICAO PKD keeps document signers, 30,000 of them, and signers of bar codes.
_DOCUMENT_SIGNERS: Final = "o=dsc,"
_SEAL_SIGNERS: Final = "o=bcsc,"
_OTHER_SIGNERS: Final = "o=bcsc-nc,"
LINE_BYTES_MAX: Final = 1 << 16
VALUE_BYTES_MAX: Final = 24 << 20  # a list of 16 MB in base 64


@dataclass(frozen=True, slots=True)
class Folder:
    """What was found, and what was unusable."""

    sources: tuple[Source, ...]
    rejected: tuple[Rejected, ...]


def read_folder(path: Path) -> Folder:
    """Read every file below the folder with the ending of a list, certificate or collection. Raises SourceError."""
    sources: list[Source] = []
    rejected: list[Rejected] = []
    size = 0
    for found in _read_all(path):
        if isinstance(found, Rejected):
            if len(rejected) < REJECTED_MAX:
                rejected.append(found)
            continue
        source, length = found
        size += length
        if len(sources) == SOURCES_MAX or size > SOURCES_BYTES_MAX:
            rejected.append(Rejected(shown(str(path)), "holds too much; what comes after is left out"))
            break
        sources.append(source)
    return Folder(tuple(sources), tuple(rejected))


def read_paths(paths: Iterable[Path], bytes_of: Callable[[Path], bytes]) -> Folder:
    """Read files, each of which must be usable, and folders as `read_folder` does. Raises SourceError, and errors of `bytes_of`."""
    sources: list[Source] = []
    rejected: list[Rejected] = []
    for path in paths:
        if path.is_dir():
            folder = read_folder(path)
            sources += folder.sources
            rejected += folder.rejected
        else:
            sources += [read_source(name, part) for name, part in parts_of(str(path), bytes_of(path))]
    return Folder(tuple(sources), tuple(rejected))


def _read_all(path: Path) -> Iterator[tuple[Source, int] | Rejected]:
    for found in walk(path):
        name = found.entry.name
        try:
            with os.fdopen(open_ordinary(found.base, folder_descriptor=found.folder_descriptor), "rb") as file:
                yield from _read_collection(name, file) if found.suffix == COLLECTION else _read_file(name, file)
        except OSError as error:
            yield Rejected(name, f"cannot be read: {error.strerror}")


def _read_file(name: str, file: IO[bytes]) -> Iterator[tuple[Source, int] | Rejected]:
    data = file.read(SIGNED_BYTES_MAX + 1)
    if len(data) > SIGNED_BYTES_MAX:
        yield Rejected(name, f"longer than {SIGNED_BYTES_MAX} bytes")
        return
    try:
        for place, part in parts_of(name, data):
            yield _read_one(place, part, read_source)
    except SourceError as error:
        yield Rejected(name, str(error).removeprefix(f"{name}: "))


def _read_collection(name: str, file: IO[bytes]) -> Iterator[tuple[Source, int] | Rejected]:
    try:
        for number, value in enumerate(binary_values(_lines(file)), 1):
            certificate = value.attribute == "usercertificate"
            if value.content[:1] != b"\x30" or (certificate and _OTHER_SIGNERS in value.entry):
                continue
            read = read_source
            if certificate and _DOCUMENT_SIGNERS in value.entry:
                read = read_signer
            elif certificate and _SEAL_SIGNERS in value.entry:
                read = partial(read_signer, kind=SealSigner)
            yield _read_one(f"{name}, value {number}", value.content, read)
    except SourceError as error:
        yield Rejected(name, str(error))


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines, with a limit on each. Raises SourceError for a file that is too long."""
    size = 0
    while line := file.readline(LINE_BYTES_MAX + 1):
        size += len(line)
        if size > COLLECTION_BYTES_MAX:
            raise SourceError(f"longer than {COLLECTION_BYTES_MAX} bytes")
        yield line


def _read_one(name: str, data: bytes, read: Callable[[str, bytes], Source]) -> tuple[Source, int] | Rejected:
    try:
        return read(name, data), len(data)
    except SourceError as error:
        return Rejected(name, str(error).removeprefix(f"{name}: "))


@dataclass(frozen=True, slots=True)
class Value:
    """A binary value: the entry's distinguished name in lower case, the attribute without options, the bytes."""

    entry: str
    attribute: str
    content: bytes


def binary_values(lines: Iterable[bytes]) -> Iterator[Value]:
    """Yield a collection's binary values, in order. Raises SourceError if it is no LDIF or exceeds the limits."""
    entry = ""
    for line in _unfolded(lines):
        name, colon, rest = line.partition(b":")
        if not colon:
            raise SourceError("a line that is no attribute")
        attribute = name.decode("ascii", "replace").partition(";")[0].lower()
        if attribute == "dn":
            text = _decoded(rest[1:]) if rest.startswith(b":") else rest.strip()
            entry = text.decode("utf-8", "replace").lower()
        elif rest.startswith(b":"):
            yield Value(entry, attribute, _decoded(rest[1:]))


def _unfolded(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield whole lines: a line with a leading blank continues the one before (RFC 2849 note 2)."""
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


def _decoded(value: bytes) -> bytes:
    try:
        return base64.b64decode(value.strip(), validate=True)
    except binascii.Error as error:
        raise SourceError("a value that is no base 64") from error
