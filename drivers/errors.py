"""Everything a driver may raise. A caller branches on the type, never on the text.

DriverError
├── LinkLostError    the cable, socket or device went away: reconnect
│   ├── CardGoneError   the card was taken away or stopped answering: wait for a card
│   └── FrozenError     a camera gives one picture again and again: a fault, or somebody's recording
├── NoReplyError     silence past the deadline: retry
├── BadFrameError    bytes that break the protocol: drop and resynchronise
├── RefusedError     the device understood and said no: do not retry
├── NotWellError     the device answers and is not as it must be: tell the technician
└── SetupError       the device can never work as configured: tell the technician
"""


class DriverError(Exception):
    """Any failure of a device or of the way to it."""


class LinkLostError(DriverError):
    """The cable, socket or device went away."""


class CardGoneError(LinkLostError):
    """The card was taken away or stopped answering; its reader is still there."""


class FrozenError(LinkLostError):
    """A camera gives one picture again and again."""


class NoReplyError(DriverError):
    """Nothing came before the deadline."""


class BadFrameError(DriverError):
    """Bytes that break the device's protocol."""


class RefusedError(DriverError):
    """The device understood the request and said no."""


class NotWellError(DriverError):
    """The device answers, and is not as it must be to serve; the message says what was found and what to do."""


class SetupError(DriverError):
    """The device, its profile or its settings can never work as configured."""
