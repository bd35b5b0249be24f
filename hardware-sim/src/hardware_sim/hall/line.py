"""The line between host and board (or sensor unit), byte by byte and in time: bytes arrive later, changed, twice or never.

Half duplex and paced: a frame takes its characters' time, the board its turnaround time. Faults are set from outside.
It counts the bytes and frames, and the orders that the host repeated.
"""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

BAUD = 115_200
_BITS_A_CHARACTER = 10
TURNAROUND_S = (0.002, 0.008)
WRITE_MANY = 0x10
_REFUSED, _BUSY = 0x80, 6
AGAIN_S = 2.0  # an identical write within this time is a repeated order
BIT_ERROR_RATES = (1e-4, 1e-3)


class Device(Protocol):
    """The device at the far end."""

    def receive(self, received: bytes, now_ms: float) -> bytes:
        """Receive bytes from the host; return the reply."""


@dataclass(slots=True)
class Harm:
    """The present faults of the line."""

    bit_error_rate: float = 0.0
    noise: bool = False
    lose_replies: bool = False
    double_replies: bool = False
    late_s_max: float = 0.0
    reorder_replies: bool = False


@dataclass(slots=True)
class Line:
    """One device's line. `deliver` receives the bytes for the host, `hit` the name of each fault that had an effect."""

    device: Device
    clock: Callable[[], float]
    hit: Callable[[str], None]
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    deliver: Callable[[bytes], None] | None = None
    harm: Harm = field(default_factory=Harm)
    bytes_sent: int = 0
    bytes_received: int = 0
    frames_sent: int = 0
    orders_again: int = 0
    _written: bytes = b""
    _overtaken: bytes = b""  # a reply that the next one overtakes
    _written_s: float = -math.inf

    def send(self, sent: bytes) -> None:
        """Send bytes from the host."""
        self.frames_sent += 1
        self.bytes_sent += len(sent)
        self._count(sent)
        asyncio.get_running_loop().call_later(_wire_s(sent), self._arrive, self._hurt(sent))

    def _count(self, sent: bytes) -> None:
        if len(sent) < 2 or sent[1] != WRITE_MANY:
            return
        now_s = self.clock()
        if sent == self._written and now_s - self._written_s < AGAIN_S:
            self.orders_again += 1
        self._written, self._written_s = sent, now_s

    def _arrive(self, received: bytes) -> None:
        reply = self.device.receive(received, self.clock() * 1000)
        if not reply:
            return
        if reply[1] & _REFUSED and reply[2] == _BUSY:
            self.hit("busy_answer")
        if self.harm.lose_replies:
            self.hit("lost_reply")
            return
        times = 1
        if self.harm.double_replies:
            self.hit("doubled_reply")
            times = 2
        later_s = self.rng.uniform(*TURNAROUND_S) + _wire_s(reply)
        if self.harm.late_s_max:
            self.hit("late_reply")
            later_s += self.rng.uniform(0.0, self.harm.late_s_max)
        if self.harm.reorder_replies and not self._overtaken:
            self.hit("reordered_reply")
            self._overtaken = self._hurt(reply)
            return
        asyncio.get_running_loop().call_later(later_s, self._back, self._hurt(reply) * times + self._overtaken)
        self._overtaken = b""

    def _back(self, received: bytes) -> None:
        self.bytes_received += len(received)
        if self.deliver is not None:
            self.deliver(received)

    def _hurt(self, sent: bytes) -> bytes:
        """Return the bytes as the line's faults change them."""
        if self.harm.noise:
            self.hit("burst")
            return self.rng.randbytes(self.rng.randrange(len(sent) + 8))
        if not self.harm.bit_error_rate:
            return sent
        hurt = bytearray(sent)
        at = self._next_error()
        while at < 8 * len(hurt):
            hurt[at // 8] ^= 1 << at % 8
            self.hit("bit_errors")
            at += 1 + self._next_error()
        return bytes(hurt)

    def _next_error(self) -> int:
        """Return the number of correct bits before the next error."""
        return int(math.log(1.0 - self.rng.random()) / math.log(1.0 - self.harm.bit_error_rate))


def _wire_s(sent: bytes) -> float:
    return len(sent) * _BITS_A_CHARACTER / BAUD
