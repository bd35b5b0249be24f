"""Everything that the central server may raise. A caller branches on the type, never on the text.

CentralError
├── BadRequestError       bytes that are no request: 400
├── ForbiddenError        the certificate, token or signature does not allow it: 403
├── UnknownError          a log, key or gate that is not known here: 404
├── UnprovenError         content that its proof or hash does not bear out: 422
├── DamagedError          what is stored is not what was proven: an operator must look
│   └── StoredDiffersError    a stored entry is another one than the gate has proven
├── QuotaError            the gate has brought as much today as it may: 429, the gate keeps it and tries again
├── NotYetError           what is asked for has not arrived yet: try later
├── AwayError             the database cannot be read or written now
└── FolderError           the server's own folder or keys cannot be used, or what is set cannot be meant
"""


class CentralError(Exception):
    """Any failure of the central server; `status` is what HTTP answers."""

    status = 500


class BadRequestError(CentralError):
    """Bytes that are no request."""

    status = 400


class ForbiddenError(CentralError):
    """The certificate, token or signature does not allow it."""

    status = 403


class UnknownError(CentralError):
    """A log, key or gate that is not known here."""

    status = 404


class UnprovenError(CentralError):
    """Content that its proof or hash does not bear out."""

    status = 422


class DamagedError(CentralError):
    """What is stored is not what was proven."""


class StoredDiffersError(DamagedError):
    """A stored entry is another one than the gate has proven."""


class QuotaError(CentralError):
    """The gate has brought as much today as it may."""

    status = 429


class NotYetError(CentralError):
    """What is asked for has not arrived yet."""

    status = 409


class AwayError(CentralError):
    """The database cannot be read or written now."""


class FolderError(CentralError):
    """The server's own folder or keys cannot be used, or what is set cannot be meant."""
