"""Recognises a file: a certificate or one of the lists. By its content, never by its name."""

import base64
import binascii
import enum
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gate.trust.errors import SourceError
from gate.trust.list_kinds import ListOfCertificates, ListOfDefects, SignedList, read_list
from gate_documents.errors import DocumentError, MalformedError, RefusedListError
from gate_documents.pki.certificate import Certificate, parse_certificate
from gate_documents.pki.revocation import RevocationList, parse_revocation_list
from gate_documents.pki.signed_data import SIGNED_BYTES_MAX

BLOCKS_MAX: Final = 8192  # of one file in PEM
_BEGIN: Final = b"-----BEGIN "
_DASHES: Final = b"-----"
_DER: Final = b"\x30"  # what every certificate and list begins with


class Way(enum.Enum):
    """How sources arrive.

    HANDED: an operator's files, each of which must be usable. DOWNLOADED: an operator's folder; unusable files are
    skipped. WATCHED: a folder that fills by itself; as before, and a single certificate vouches for nothing.
    """

    HANDED = "handed"
    DOWNLOADED = "downloaded"
    WATCHED = "watched"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A certificate or list that was skipped, and why. `older`: it would roll back the known one."""

    subject: str
    reason: str
    older: bool = False


@dataclass(frozen=True, slots=True)
class DocumentSigner:
    """A certificate among a directory's document signers, which never counts as a CSCA's."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class SealSigner:
    """The same, among a directory's signers of bar codes."""

    certificate: Certificate


Content = Certificate | DocumentSigner | SealSigner | RevocationList | SignedList

_SIGNED_DATA: Final = bytes.fromhex("06092A864886F70D010702")


@dataclass(frozen=True, slots=True)
class Source:
    """One file that was read: its name for reports, its digest, and its content."""

    name: str
    sha256: str
    content: Content

    @property
    def kind(self) -> str:
        """The store's name of its kind. Never changed."""
        match self.content:
            case Certificate():
                return "Certificate"
            case DocumentSigner():
                return "DocumentSigner"
            case SealSigner():
                return "SealSigner"
            case RevocationList():
                return "RevocationList"
            case ListOfCertificates(kind) | ListOfDefects(kind):
                return kind.name


def parts_of(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file's parts: itself, or each of its PEM blocks with a name of its own (RFC 7468). Raises SourceError."""
    if data.startswith(_DER) or _BEGIN not in data or len(data) > SIGNED_BYTES_MAX:
        yield name, data
        return
    blocks = data.split(_BEGIN)[1:]
    if len(blocks) > BLOCKS_MAX:
        raise SourceError(f"{name}: more than {BLOCKS_MAX} blocks in PEM")
    for number, block in enumerate(blocks, 1):
        place = name if len(blocks) == 1 else f"{name}, block {number}"
        label, _, rest = block.partition(_DASHES)
        body, end, _ = rest.partition(b"-----END " + label + _DASHES)
        try:
            content = base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            content = b""
        if not end or not content:
            raise SourceError(f"{place}: a block in PEM without its end, or that is no base 64")
        yield place, content


def read_source(name: str, data: bytes) -> Source:
    """Recognise and parse one file. Raises SourceError."""
    if len(data) > SIGNED_BYTES_MAX:
        raise SourceError(f"{name}: longer than {SIGNED_BYTES_MAX} bytes")
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        if _SIGNED_DATA in data[:32]:
            return Source(name, sha256, read_list(data))
        try:
            return Source(name, sha256, parse_certificate(data))
        except MalformedError:
            return Source(name, sha256, parse_revocation_list(data))
    except RefusedListError as error:
        raise SourceError(f"{name}: {error}") from error
    except MalformedError as error:
        reason = "no certificate, master list or revocation list" if _SIGNED_DATA not in data[:32] else str(error)
        raise SourceError(f"{name}: {reason}") from error
    except DocumentError as error:
        raise SourceError(f"{name}: {error}") from error


def read_signer(name: str, data: bytes, kind: type[DocumentSigner | SealSigner] = DocumentSigner) -> Source:
    """Parse one certificate from among a directory's document signers, or its signers of bar codes. Raises SourceError."""
    try:
        return Source(name, hashlib.sha256(data).hexdigest(), kind(parse_certificate(data)))
    except DocumentError as error:
        raise SourceError(f"{name}: {error}") from error
