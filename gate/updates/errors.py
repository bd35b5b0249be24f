"""All errors of fetching and verifying updates. A caller branches on the type, never on the text.

UpdateError
├── SourceAwayError     nothing arrived, or not all of it: try again later
└── RefusedError        the content is not trusted or not for this gate
    └── OldError        it is older than what was seen before, or has expired: a rollback or a freeze
"""


class UpdateError(Exception):
    """Any failure of updates."""


class SourceAwayError(UpdateError):
    """Nothing arrived, or not all of it."""


class RefusedError(UpdateError):
    """The content is not trusted, or not for this gate."""


class OldError(RefusedError):
    """It is older than what was seen before, or has expired."""
