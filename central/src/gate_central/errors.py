"""Everything that the central server may raise. A caller branches on the type, never on the text.

CentralError
├── BadRequestError       the request is malformed: 400
├── ForbiddenError        the certificate, token or signature does not allow it: 403
├── UnknownError          the log, key or gate is unknown here: 404
├── UnprovenError         the content does not match its proof or hash: 422
├── DamagedError          stored data is not what was proven: an operator must act
│   └── StoredDiffersError    a stored entry differs from the one that the gate proved
├── QuotaError            the gate's daily quota is used up: 429; the gate keeps the data and tries again
├── NotYetError           a precondition is not met yet: 409, try later
├── AwayError             the database cannot be read or written now
└── FolderError           the server's folder or keys are unusable, or a setting is invalid
"""


class CentralError(Exception):
    """Base of central's errors; `status` is the HTTP status."""

    status = 500


class BadRequestError(CentralError):
    """The request is malformed."""

    status = 400


class ForbiddenError(CentralError):
    """The certificate, token or signature does not allow it."""

    status = 403


class UnknownError(CentralError):
    """The log, key or gate is unknown here."""

    status = 404


class UnprovenError(CentralError):
    """The content does not match its proof or hash."""

    status = 422


class DamagedError(CentralError):
    """Stored data is not what was proven."""


class StoredDiffersError(DamagedError):
    """A stored entry differs from the one that the gate proved."""


class QuotaError(CentralError):
    """The gate's daily quota is used up."""

    status = 429


class NotYetError(CentralError):
    """A precondition is not met yet."""

    status = 409


class AwayError(CentralError):
    """The database cannot be read or written now."""


class FolderError(CentralError):
    """The server's folder or keys are unusable, or a setting is invalid."""
