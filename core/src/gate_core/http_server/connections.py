"""Limits of a server's connections: number and time.

Silent connections are closed: during the handshake, before or within a request's head, and after the last request.
Clients without a certificate (*strangers*) share a few places, where a new one replaces the oldest. Each certificate
(*holder*) has places of its own, so that many strangers cannot block holders.
"""

from __future__ import annotations

import resource
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

DESCRIPTORS_MAX = 65_536
DESCRIPTORS_KEPT = 256  # reserved for database, log and other files


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Numbers and times. At a limit the oldest connection is closed, preferably one without an open request."""

    unsecured_max: int = 256  # connections whose TLS handshake is not over
    handshake_s: float = 10.0
    strangers_max: int = 64
    stranger_s: float = 30.0  # from its handshake on, also with requests: enrolment needs one short request
    a_holder_max: int = 8
    first_s: float = 10.0  # until the head of the first request is complete
    idle_s: float = 75.0  # the same for each further request; a gate sends one within 60 s
    read_s: float = 30.0  # how long a peer may leave an answer unread
    goodbye_s: float = 5.0  # for the peer's answer to the end of TLS
    everybody_max: int = 4096
    requests_max: int = 512  # concurrent; a further one is answered 503


class Guest(Protocol):
    """A connection after its handshake."""

    @property
    def is_busy(self) -> bool:
        """True while a request is open."""
        ...

    def show_out(self) -> None:
        """End the connection now."""
        ...


class ConnectionPlaces:
    """The open connections by holder: the fingerprint of a known client certificate, None for a stranger."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._inside: dict[Guest, str | None] = {}  # oldest first
        self._of: dict[str | None, dict[Guest, None]] = {}

    def enter(self, guest: Guest, holder: str | None) -> None:
        """Add a connection, and close one if a limit is exceeded."""
        self._inside[guest] = holder
        own = self._of.setdefault(holder, {})
        own[guest] = None
        if len(own) > (self._limits.strangers_max if holder is None else self._limits.a_holder_max):
            self._make_room(own, guest)
        elif len(self._inside) > self._limits.everybody_max:
            self._make_room(self._of.get(None) or self._inside, guest)  # strangers first

    def leave(self, guest: Guest) -> None:
        """Remove a connection; no effect if it is already removed."""
        if guest not in self._inside:
            return
        holder = self._inside.pop(guest)
        del self._of[holder][guest]
        if not self._of[holder]:
            del self._of[holder]

    def _make_room(self, among: Iterable[Guest], newcomer: Guest) -> None:
        others = (one for one in among if one is not newcomer)
        longest = next(others, newcomer)
        leaving = longest if not longest.is_busy else next((one for one in others if not one.is_busy), longest)
        self.leave(leaving)
        leaving.show_out()


def limits_of_process() -> ConnectionLimits:
    """Raise the process's limit of descriptors to its hard limit, at most DESCRIPTORS_MAX; return the connection limits that fit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    standard = ConnectionLimits()
    room = wanted - standard.unsecured_max - DESCRIPTORS_KEPT
    return ConnectionLimits(everybody_max=max(standard.strangers_max, room))
