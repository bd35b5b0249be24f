"""Everything the audit log may raise. A caller branches on the type, never on the text.

AuditError
├── BadFormatError       bytes that are no record, note, checkpoint, tile or key: refuse them
├── BadSignatureError    no valid signature of the expected key: trust nothing of it
├── BadProofError        a Merkle proof that does not prove what it should
├── SealError            a body that cannot be sealed, or not be opened with this identity
├── KeyFileError         the log's key is missing, readable by others, or of another log: a technician must act
└── StoreError           the database did not take the records: none of them counts as written
    ├── StoreFullError       no space: admissions stop until there is
    └── RolledBackError      the database is older than, or another than, what was signed: nothing may be signed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gate_core.audit_format.resume_state import Left


class AuditError(Exception):
    """Any failure of the audit log."""


class BadFormatError(AuditError):
    """Bytes that are not what the format says."""


class BadSignatureError(AuditError):
    """No valid signature of the expected key."""


class BadProofError(AuditError):
    """A Merkle proof that does not prove what it should."""


class SealError(AuditError):
    """A body that cannot be sealed, or not be opened with this identity."""


class KeyFileError(AuditError):
    """The log's key is missing, readable by others, or of another log."""


class StoreError(AuditError):
    """The database did not take the records; none of them counts as written."""


class StoreFullError(StoreError):
    """There is no space for the records. `left` is what a database that could not be opened for that reason says all the same."""

    def __init__(self, message: str, left: Left | None = None) -> None:
        super().__init__(message)
        self.left = left


class RolledBackError(StoreError):
    """The database is older than, or another than, what this log has signed before."""
