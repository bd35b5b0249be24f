"""Everything that the mirror's client may raise. A caller branches on the type, never on the text.

SyncError
├── MirrorAwayError     no answer: try again later
├── ExpiredError        the gate's certificate has expired: enrol the gate again
├── RefusedError        the mirror refused the request: an operator must act; trying again is harmless
├── BadAnswerError      an answer breaks the protocol: ignore it
├── OtherHistoryError   the mirror's log is not a prefix of ours: our disk was restored, or a fork
└── SpoolError          the spool's content is invalid
"""


class SyncError(Exception):
    """Any failure of the mirror's client."""


class MirrorAwayError(SyncError):
    """The mirror does not answer."""


class ExpiredError(SyncError):
    """The gate's certificate has expired."""


class RefusedError(SyncError):
    """The mirror refused the request."""


class BadAnswerError(SyncError):
    """An answer breaks the protocol."""


class OtherHistoryError(SyncError):
    """The mirror's log is not a prefix of ours. `evidence`: its signed note, if it sent one."""

    def __init__(self, message: str, size: int, evidence: bytes | None = None) -> None:
        super().__init__(message)
        self.size = size
        self.evidence = evidence


class SpoolError(SyncError):
    """The spool's content is invalid."""
