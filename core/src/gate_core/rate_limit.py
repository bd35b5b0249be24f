"""Rate limits: a burst at once, then a number a second. The clock is an argument, but of `Addresses`, which has the event loop's."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rate:
    """How many messages a caller may send: so many at once, so many a second from then on. Over it, it is not read from."""

    a_second: float
    burst: int


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


HANDSHAKE_RATE: Final = Rate(5, 20)  # of one address, which leaves room for everybody else


class Addresses:
    """Counts what addresses begin. An IPv6 network of 64 bits counts as one address."""

    def __init__(self, rate: Rate = HANDSHAKE_RATE) -> None:
        self._of = Buckets(rate)

    def welcomes(self, host: str) -> bool:
        """True while this address begins no more than its rate."""
        address = ipaddress.ip_address(host.partition("%")[0])
        prefix = 64 if address.version == 6 else 32
        now_s = asyncio.get_running_loop().time()
        bucket = self._of.of(ipaddress.ip_network((address, prefix), strict=False), now_s)
        if bucket.wait_s(now_s):
            return False
        bucket.take(now_s)
        return True
