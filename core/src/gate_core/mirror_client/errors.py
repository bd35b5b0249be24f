"""Everything that carrying the log to the mirror may raise. A caller branches on the type, never on the text.

SyncError
├── MirrorAwayError     no answer: try again later
├── ExpiredError        our certificate is too old for anybody: the gate must be enrolled again
├── RefusedError        the mirror understood and said no: an operator must look; trying again later does no harm
├── BadAnswerError      an answer that breaks the protocol: believe nothing of it
├── OtherHistoryError   the mirror holds a log that ours does not continue: the disk went back in time, or a fork
└── SpoolError          the spool is not as its format says
"""


class SyncError(Exception):
    """Any failure of carrying the log to the mirror."""


class MirrorAwayError(SyncError):
    """The mirror does not answer."""


class ExpiredError(SyncError):
    """Our certificate is too old for anybody."""


class RefusedError(SyncError):
    """The mirror understood and said no."""


class BadAnswerError(SyncError):
    """An answer that breaks the protocol."""


class OtherHistoryError(SyncError):
    """The mirror holds a log that ours does not continue. `evidence` is its signed note, where it gave one."""

    def __init__(self, message: str, size: int, evidence: bytes | None = None) -> None:
        super().__init__(message)
        self.size = size
        self.evidence = evidence


class SpoolError(SyncError):
    """The spool is not as its format says."""
