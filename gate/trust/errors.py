"""Everything `gate.trust` may raise. A caller branches on the type, never on the text.

TrustError
├── SourceError   a file that cannot be used: no certificate or list, or a list whose signer nobody vouches for
└── StoreError    the store cannot be read or written
    └── BusyError     another import is under way: try later
"""


class TrustError(Exception):
    """Any failure of the trust store."""


class SourceError(TrustError):
    """A file that cannot be used; the message names it."""


class StoreError(TrustError):
    """The store cannot be read or written; the message names it."""


class BusyError(StoreError):
    """Another import is under way."""
