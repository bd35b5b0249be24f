"""Rate limits: token buckets. The clock is an argument; `Addresses` uses the event loop's."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit: `burst` messages at once, then `a_second`. Above it, the caller's messages are not read."""

    a_second: float
    burst: int


class Bucket:
    """A token bucket: `burst` messages at once, then `a_second`. At the limit the reader waits, and the kernel makes the sender wait."""

    def __init__(self, rate: Rate) -> None:
        self._step_s = 1.0 / rate.a_second
        self._slack_s = rate.burst / rate.a_second
        self._paid_until_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Return the seconds to wait before reading the next message."""
        return max(0.0, self._paid_until_s - self._slack_s + self._step_s - now_s)

    def take(self, now_s: float, weight: int = 1) -> None:
        """Count a message, as `weight` messages."""
        self._paid_until_s = max(self._paid_until_s, now_s) + weight * self._step_s

    def is_full(self, now_s: float) -> bool:
        """True if it equals a new bucket."""
        return self._paid_until_s <= now_s


class Buckets:
    """Buckets by caller (user or address). All connections of a caller share one; reconnecting does not refill it."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._of: dict[Hashable, Bucket] = {}

    def of(self, caller: Hashable, now_s: float) -> Bucket:
        """Return a caller's bucket."""
        if caller not in self._of:
            self._of = {known: bucket for known, bucket in self._of.items() if not bucket.is_full(now_s)}
            self._of[caller] = Bucket(self._rate)
        return self._of[caller]


HANDSHAKE_RATE: Final = Rate(5, 20)  # per address


class Addresses:
    """Rate limit per client address. An IPv6 /64 network counts as one address."""

    def __init__(self, rate: Rate = HANDSHAKE_RATE) -> None:
        self._of = Buckets(rate)

    def welcomes(self, host: str) -> bool:
        """Count a request and return True, or return False if the address is above its rate."""
        address = ipaddress.ip_address(host.partition("%")[0])
        prefix = 64 if address.version == 6 else 32
        now_s = asyncio.get_running_loop().time()
        bucket = self._of.of(ipaddress.ip_network((address, prefix), strict=False), now_s)
        if bucket.wait_s(now_s):
            return False
        bucket.take(now_s)
        return True
