"""Everything a driver may raise. A caller branches on the type, never on the text.

DriverError
├── LinkLostError    the cable, socket or device went away: reconnect
│   ├── CardGoneError   the card was removed or stopped answering: wait for a card
│   ├── FrozenError     a camera repeats one picture: a fault, or a recording
│   ├── BusyError       another program uses the device: reconnect when it is free
│   └── NoRightError    this user may not use the device: an administrator must act
├── NoReplyError     silence past the deadline: retry
├── BadFrameError    bytes that break the protocol: drop and resynchronise
├── RefusedError     the device refused the request: do not retry
├── NotWellError     the device answers but is not fit for use: a technician must act
└── SetupError       the device can never work as configured: a technician must act
"""

from __future__ import annotations

import errno

_BUSY = frozenset({errno.EBUSY, errno.EAGAIN})
_DENIED = frozenset({errno.EACCES, errno.EPERM})


class DriverError(Exception):
    """Any failure of a device or of its connection."""


class LinkLostError(DriverError):
    """The cable, socket or device went away."""


class CardGoneError(LinkLostError):
    """The card was removed or stopped answering; its reader still works."""


class FrozenError(LinkLostError):
    """A camera repeats one picture."""


class BusyError(LinkLostError):
    """Another program uses the device."""


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
    """The device understood the request and refused it."""


class NotWellError(DriverError):
    """The device answers but is not fit for use; the message gives the finding and what to do."""


class SetupError(DriverError):
    """The device, its profile or its settings can never work as configured."""


def not_opened(path: str, number: int | None, why: str) -> LinkLostError:
    """Return the error for a device that cannot be opened: `number` is the errno, `why` the system's message."""
    if number in _DENIED:
        return NoRightError(f"{path} may not be opened by this user: {why}", path)
    kind = BusyError if number in _BUSY else LinkLostError
    return kind(f"{path} cannot be opened: {why}")
