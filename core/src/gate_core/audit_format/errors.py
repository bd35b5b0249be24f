"""Everything the audit log may raise. A caller branches on the type, never on the text.

AuditError
├── BadFormatError       invalid record, note, checkpoint, tile or key: refuse the bytes
├── BadSignatureError    no valid signature of the expected key: do not trust the content
├── BadProofError        the Merkle proof is invalid
├── SealError            a body cannot be sealed, or not opened with this identity
├── KeyFileError         the log's key is missing, readable by others, or of another log: a technician must act
└── StoreError           the database failed: none of the records counts as written
    ├── StoreFullError       no space: admissions stop until there is some
    └── RolledBackError      the database is older than what was signed, or another one: nothing may be signed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gate_core.audit_format.resume_state import Left


class AuditError(Exception):
    """Any failure of the audit log."""


class BadFormatError(AuditError):
    """The bytes do not have the required format."""


class BadSignatureError(AuditError):
    """No valid signature of the expected key."""


class BadProofError(AuditError):
    """The Merkle proof is invalid."""


class SealError(AuditError):
    """A body cannot be sealed, or not opened with this identity."""


class KeyFileError(AuditError):
    """The log's key is missing, readable by others, or of another log."""


class StoreError(AuditError):
    """The database failed; none of the records counts as written."""


class StoreFullError(StoreError):
    """There is no space for the records. `left`: data read from a database that could not be opened for writing."""

    def __init__(self, message: str, left: Left | None = None) -> None:
        super().__init__(message)
        self.left = left


class RolledBackError(StoreError):
    """The database is older than what this log has signed, or another one."""
