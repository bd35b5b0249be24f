"""Everything that a channel between our programs may raise.

ChannelError
├── ChannelClosedError   the peer is gone, or does not read: reconnect
├── NotPermittedError    this user may not call here: ask whoever may
├── BadMessageError      the peer broke the protocol: hang up
├── StrangerError        another user answers in the listener's place: believe nothing, try again later
└── NoPlaceError         the listener's socket cannot stand where it belongs: end, and say so
"""

from __future__ import annotations


class ChannelError(Exception):
    """Any failure of a channel between our programs."""


class ChannelClosedError(ChannelError):
    """The peer is gone, or does not read."""


class NotPermittedError(ChannelError):
    """The kernel does not let this user near the listener's socket; the message says whom it does."""


class BadMessageError(ChannelError):
    """The peer sent what its direction does not allow."""


class StrangerError(ChannelError):
    """Whoever listens is not who should."""


class NoPlaceError(ChannelError):
    """Something else stands in the socket's place, or there is no folder of ours for it; the message is one line that says what."""
