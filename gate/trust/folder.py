"""A folder as it was downloaded from a public key directory: collections in LDIF, lists, revocation lists, certificates.

Such a folder is whatever it is: what cannot be used is told and left out, and spoils nothing else. Document signers are passed
over; they travel in EF.SOD.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gate.document.pki.signed import SIGNED_BYTES_MAX
from gate.trust.admission import Rejected
from gate.trust.errors import SourceError
from gate.trust.ldif import binary_values
from gate.trust.sources import Source, read_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES_MAX: Final = 10_000
COLLECTION_BYTES_MAX: Final = 512 << 20
_COLLECTION: Final = ".ldif"
_SUFFIXES: Final = frozenset({".ml", ".crl", ".cer", ".crt", ".der", ".pem", ".dvl", ".dl", ".bin"})
# Where the ICAO PKD keeps document signers: 30,000 of them, which nothing here looks for.
_DOCUMENT_SIGNERS: Final = ("o=dsc,", "o=bcsc,", "o=bcsc-nc,")


@dataclass(frozen=True, slots=True)
class Folder:
    """What was found, and what could not be used."""

    sources: tuple[Source, ...]
    rejected: tuple[Rejected, ...]


def read_folder(path: Path) -> Folder:
    """Read every file below the folder whose ending is one of a list, certificate or collection. Raises SourceError."""
    try:
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES | {_COLLECTION})
        if len(files) > FILES_MAX:
            raise SourceError(f"{path}: more than {FILES_MAX} files")
        sources: list[Source] = []
        rejected: list[Rejected] = []
        for file in files:
            for found in _read(file):
                if isinstance(found, Rejected):
                    rejected.append(found)
                else:
                    sources.append(found)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    return Folder(tuple(sources), tuple(rejected))


def _read(file: Path) -> Iterator[Source | Rejected]:
    collection = file.suffix.lower() == _COLLECTION
    bytes_max = COLLECTION_BYTES_MAX if collection else SIGNED_BYTES_MAX
    if file.stat().st_size > bytes_max:
        yield Rejected(file.name, f"longer than {bytes_max} bytes")
    elif collection:
        yield from _read_collection(file)
    else:
        yield _read_one(file.name, file.read_bytes())


def _read_collection(file: Path) -> Iterator[Source | Rejected]:
    try:
        with file.open("rb") as lines:
            for number, value in enumerate(binary_values(lines), 1):
                signer = value.attribute == "usercertificate" and any(part in value.entry for part in _DOCUMENT_SIGNERS)
                if not signer and value.content[:1] == b"\x30":
                    yield _read_one(f"{file.name}, value {number}", value.content)
    except SourceError as error:
        yield Rejected(file.name, str(error))


def _read_one(name: str, data: bytes) -> Source | Rejected:
    try:
        return read_source(name, data)
    except SourceError as error:
        return Rejected(name, str(error))
