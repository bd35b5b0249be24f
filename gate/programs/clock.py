"""The one reader of the clocks. Everything else takes time as an argument or from the event loop.

`monotonic_ms` is CLOCK_MONOTONIC, the same for every program of one machine. Whether the wall clock can be relied on is
a fact of its own: it must not stand before something that is known to have happened, and in service the kernel must say
that it is synchronised (safety invariant 15).
"""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


def now() -> datetime:
    """The wall clock, UTC."""
    return datetime.now(UTC)


def monotonic_ms() -> int:
    """Milliseconds of CLOCK_MONOTONIC."""
    return time.monotonic_ns() // 1_000_000


def boot_id() -> str:
    """The kernel's random name of this boot."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123 - a kernel file
        return file.read().strip()


def kernel_says_synchronised() -> bool:
    """What adjtimex(2) says. False also when it cannot be asked."""
    libc = ctypes.CDLL(None, use_errno=True)
    timex = ctypes.create_string_buffer(512)  # larger than struct timex; modes = 0 only reads
    state: int = libc.adjtimex(timex)
    return 0 <= state < _TIME_ERROR


def is_sure(*, not_before: datetime | None, must_be_synchronised: bool) -> bool:
    """True when the wall clock can be relied on."""
    if not_before is not None and now() < not_before:
        return False
    return not must_be_synchronised or kernel_says_synchronised()
