"""All errors of `gate.trust`. A caller branches on the type, never on the text.

TrustError
├── SourceError   an unusable file: no certificate or list, or a list without an accepted signer
└── StoreError    the store cannot be read or written
    └── BusyError     another import is running: try later
"""


class TrustError(Exception):
    """Any failure of the trust store."""


class SourceError(TrustError):
    """An unusable file; the message names it."""


class StoreError(TrustError):
    """The store cannot be read or written; the message names it."""


class BusyError(StoreError):
    """Another import is running."""
