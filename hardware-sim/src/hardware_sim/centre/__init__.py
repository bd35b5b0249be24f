"""A control centre: the certificates and the key of an inspection system, offered to gates over a Unix socket (TR-03129).

CentreError
└── FrameError   bytes that are no message of this channel: hang up
"""


class CentreError(Exception):
    """Whatever the simulated control centre may raise."""


class FrameError(CentreError):
    """Bytes that are no message of this channel."""
