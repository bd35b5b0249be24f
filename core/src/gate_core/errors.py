"""Everything a driver may raise. A caller branches on the type, never on the text.

DriverError
├── LinkLostError    the cable, socket or device went away: reconnect
│   ├── CardGoneError   the card was taken away or stopped answering: wait for a card
│   ├── FrozenError     a camera gives one picture again and again: a fault, or somebody's recording
│   ├── BusyError       another program has the device: reconnect once it lets go
│   └── NoRightError    this user may not use the device: ask whoever may
├── NoReplyError     silence past the deadline: retry
├── BadFrameError    bytes that break the protocol: drop and resynchronise
├── RefusedError     the device understood and said no: do not retry
├── NotWellError     the device answers and is not as it must be: tell the technician
└── SetupError       the device can never work as configured: tell the technician
"""

from __future__ import annotations

import errno

_BUSY = frozenset({errno.EBUSY, errno.EAGAIN})
_DENIED = frozenset({errno.EACCES, errno.EPERM})


class DriverError(Exception):
    """Any failure of a device or of the way to it."""


class LinkLostError(DriverError):
    """The cable, socket or device went away."""


class CardGoneError(LinkLostError):
    """The card was taken away or stopped answering; its reader is still there."""


class FrozenError(LinkLostError):
    """A camera gives one picture again and again."""


class BusyError(LinkLostError):
    """Another program has the device."""


class NoRightError(LinkLostError):
    """This user may not use the device at `path`."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


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


def not_opened(path: str, number: int | None, why: str) -> LinkLostError:
    """What it means that the device at `path` cannot be opened: `number` is the system's errno, `why` its words."""
    if number in _DENIED:
        return NoRightError(f"{path} may not be opened by this user: {why}", path)
    kind = BusyError if number in _BUSY else LinkLostError
    return kind(f"{path} cannot be opened: {why}")
