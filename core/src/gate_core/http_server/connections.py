"""Connections of a server: who may hold one, how many and for how long, before and between requests.

Whoever says nothing is shown out. Strangers, without a certificate, share few places and take none of those of certificates.
"""

from __future__ import annotations

import resource
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

DESCRIPTORS_MAX = 65_536
DESCRIPTORS_KEPT = 256  # for the database, the log and what else is no connection


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many and how long. At each limit somebody is shown out: the one who waits longest, of those without a request if there are any."""

    unsecured_max: int = 256  # connections whose TLS handshake is not over
    handshake_s: float = 10.0
    strangers_max: int = 64
    stranger_s: float = 30.0  # from its handshake on, whatever it does: to enrol takes one short request
    a_holder_max: int = 8
    first_s: float = 10.0  # until the head of the first request is there
    idle_s: float = 75.0  # the same for each further one; a gate asks again within 60 s
    read_s: float = 30.0  # how long a peer may leave unread what waits for it
    goodbye_s: float = 5.0  # for the peer's answer to the end of TLS
    everybody_max: int = 4096
    requests_max: int = 512  # under way; one more is to try later


class Guest(Protocol):
    """A connection behind its handshake."""

    @property
    def is_busy(self) -> bool:
        """True while a request is under way."""
        ...

    def show_out(self) -> None:
        """End the connection now."""
        ...


class ConnectionPlaces:
    """Who is inside. A holder is the fingerprint of a client certificate that is known here, None for a stranger."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._inside: dict[Guest, str | None] = {}  # the longest inside first
        self._of: dict[str | None, dict[Guest, None]] = {}

    def enter(self, guest: Guest, holder: str | None) -> None:
        """Give a place; whoever has to make room is shown out."""
        self._inside[guest] = holder
        own = self._of.setdefault(holder, {})
        own[guest] = None
        if len(own) > (self._limits.strangers_max if holder is None else self._limits.a_holder_max):
            self._make_room(own, guest)
        elif len(self._inside) > self._limits.everybody_max:
            self._make_room(self._of.get(None) or self._inside, guest)  # strangers first

    def leave(self, guest: Guest) -> None:
        """Take the place back. Leaving twice is fine."""
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
    """The limits that this process can keep, with as many descriptors as it may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    standard = ConnectionLimits()
    room = wanted - standard.unsecured_max - DESCRIPTORS_KEPT
    return ConnectionLimits(everybody_max=max(standard.strangers_max, room))
