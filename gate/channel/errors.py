"""All errors of a channel between our programs.

ChannelError
├── ChannelClosedError   the peer is gone, or does not read: reconnect
├── NotPermittedError    this user may not connect: use one that may
├── BadMessageError      the peer broke the protocol: close the connection
├── StrangerError        another user listens instead: trust nothing, try again later
└── NoPlaceError         the socket cannot be made at its path: end with this message
"""

from __future__ import annotations


class ChannelError(Exception):
    """Any failure of a channel between our programs."""


class ChannelClosedError(ChannelError):
    """The peer is gone, or does not read."""


class NotPermittedError(ChannelError):
    """The kernel denies this user access to the listener's socket; the message names who has it."""


class BadMessageError(ChannelError):
    """The peer sent something that its direction does not allow."""


class StrangerError(ChannelError):
    """The listener is not the expected program."""


class NoPlaceError(ChannelError):
    """Something else is at the socket's path, or there is no folder of ours for it; the message is one line."""
