"""Everything that fetching and verifying updates may raise. A caller branches on the type, never on the text.

UpdateError
├── SourceAwayError     nothing came, or not all of it: try again later
└── RefusedError        what came may not be believed or is not for this gate
    └── OldError        it is older than what was seen before, or has expired: a rollback or a freeze
"""


class UpdateError(Exception):
    """Any failure of updates."""


class SourceAwayError(UpdateError):
    """Nothing came, or not all of it."""


class RefusedError(UpdateError):
    """What came may not be believed, or is not for this gate."""


class OldError(RefusedError):
    """It is older than what was seen before, or has expired."""
