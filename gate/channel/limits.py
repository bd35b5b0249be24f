"""What one caller of a channel may take: connections and messages. Pure; the clock is an argument.

Promises: whatever one caller does, another finds its own connections free and is heard at its own rate. Nothing is shared between
callers but the listener's time, of which a caller gets a bounded part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from gate.channel.row import Channel, Rate

PERSONS_MAX = 16  # connections of all persons together, a channel


class Bucket:
    """A token bucket: `burst` messages at once, then `a_second`. At the limit the reader waits, and the kernel makes the sender wait."""

    def __init__(self, rate: Rate) -> None:
        self._step_s = 1.0 / rate.a_second
        self._slack_s = rate.burst / rate.a_second
        self._paid_until_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """How long to wait before the next message is read, in seconds."""
        return max(0.0, self._paid_until_s - self._slack_s + self._step_s - now_s)

    def take(self, now_s: float, weight: int = 1) -> None:
        """Count one message."""
        self._paid_until_s = max(self._paid_until_s, now_s) + weight * self._step_s

    def is_full(self, now_s: float) -> bool:
        """True when it is as good as a new one."""
        return self._paid_until_s <= now_s


class Buckets:
    """The buckets of callers by their user, or address: all connections of one draw on one, and hanging up does not fill it."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._of: dict[Hashable, Bucket] = {}

    def of(self, caller: Hashable, now_s: float) -> Bucket:
        """The bucket of a caller."""
        if caller not in self._of:
            self._of = {known: bucket for known, bucket in self._of.items() if not bucket.is_full(now_s)}
            self._of[caller] = Bucket(self._rate)
        return self._of[caller]


@dataclass(slots=True)
class Turnstile:
    """Counts the connections of each caller, by user and by process.

    A program's connections are reserved for it. Persons share `PERSONS_MAX`: there may be any number of users among them.
    """

    channel: Channel[Any, Any]
    _of_user: Counter[int] = field(default_factory=Counter)
    _of_process: Counter[tuple[int, int]] = field(default_factory=Counter)
    _persons: int = 0

    def enter(self, uid: int, pid: int, *, person: bool) -> bool:
        """Count one more connection; False when the caller has as many as it may have."""
        of_program = 0 if person else self.channel.connections_a_program
        if (
            self._of_user[uid] >= (of_program or self.channel.connections_a_user)
            or self._of_process[uid, pid] >= (of_program or self.channel.connections_a_process)
            or (person and self._persons >= PERSONS_MAX)
        ):
            return False
        self._of_user[uid] += 1
        self._of_process[uid, pid] += 1
        self._persons += person
        return True

    def leave(self, uid: int, pid: int, *, person: bool) -> None:
        """Count one less."""
        self._of_user -= Counter({uid: 1})
        self._of_process -= Counter({(uid, pid): 1})
        self._persons -= person
