"""What a file is: a certificate, a master list or a revocation list. Decided by its content, never by its name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from gate.document.errors import DocumentError, MalformedError
from gate.document.pki.certificate import Certificate, parse_certificate
from gate.document.pki.master_list import MasterList, parse_master_list
from gate.document.pki.revocation import RevocationList, parse_revocation_list
from gate.document.pki.signed import SIGNED_BYTES_MAX
from gate.trust.errors import SourceError

_SIGNED_DATA = bytes.fromhex("06092A864886F70D010702")


@dataclass(frozen=True, slots=True)
class Source:
    """One file that was read: its name for reports, its digest, and what it holds."""

    name: str
    sha256: str
    content: Certificate | MasterList | RevocationList


def read_source(name: str, data: bytes) -> Source:
    """Recognise and parse one file. Raises SourceError."""
    if len(data) > SIGNED_BYTES_MAX:
        raise SourceError(f"{name}: longer than {SIGNED_BYTES_MAX} bytes")
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        if _SIGNED_DATA in data[:32]:
            return Source(name, sha256, parse_master_list(data))
        try:
            return Source(name, sha256, parse_certificate(data))
        except MalformedError:
            return Source(name, sha256, parse_revocation_list(data))
    except MalformedError as error:
        reason = "no certificate, master list or revocation list" if _SIGNED_DATA not in data[:32] else str(error)
        raise SourceError(f"{name}: {reason}") from error
    except DocumentError as error:
        raise SourceError(f"{name}: {error}") from error
