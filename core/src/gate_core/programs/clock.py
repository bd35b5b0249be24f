"""The only module that reads the clocks. All others take time as an argument or from the event loop.

`monotonic_ms` is CLOCK_MONOTONIC, the same for every program of a machine. The wall clock is *sure* if it is not before
a known past event and, in service, the time service synchronised it recently (safety invariant 15). The sandboxes
refuse adjtimex(2), so synchronisation is read from the file that systemd-timesyncd touches
(systemd-timesyncd.service(8)).
"""

from __future__ import annotations

import functools
import os
import stat
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gate_core.settings import environment
from gate_core.settings.config_file import ConfigError
from gate_core.settings.toml_file import Problem

SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
SYNCHRONISED_AGE_MAX = timedelta(hours=8)  # by then 500 ppm make 14 s; the kernel gives up at 16 s
MIRROR_AHEAD_MAX = timedelta(minutes=5)


def now() -> datetime:
    """Return the wall clock, UTC."""
    return datetime.now(UTC)


def monotonic_ms() -> int:
    """Return CLOCK_MONOTONIC in milliseconds."""
    return time.monotonic_ns() // 1_000_000


def boot_id() -> str:
    """Return the kernel's boot id, from systemd's environment if /proc is hidden. Raises ConfigError."""
    text = environment.boot_name() or Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError as error:
        raise ConfigError(Problem("PORTCULLIS_BOOT", f"is no boot's name: {text!r}", "the environment")) from error


def is_synchronised(flag: Path = SYNCHRONISED) -> bool:
    """True if the time service synchronised the clock in the last SYNCHRONISED_AGE_MAX; False also if unknown."""
    try:
        found = os.lstat(flag)
    except OSError:
        return False
    age = now() - datetime.fromtimestamp(found.st_mtime, UTC)
    return stat.S_ISREG(found.st_mode) and timedelta(0) <= age <= SYNCHRONISED_AGE_MAX


@functools.cache
def built() -> datetime:
    """Return when this program was built or installed: a lower bound for the time. Cached, since a later update belongs
    to another program.
    """
    return datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)


def floor(
    *, imported: datetime | None, written: datetime | None, cosigned: datetime | None, synchronised: bool
) -> datetime:
    """Return the earliest possible time: the latest of build, import of lists, mirror's signature minus
    MIRROR_AHEAD_MAX, and, unless synchronised, the latest record (it may have been written while the clock was ahead).
    """
    mirror = None if cosigned is None else cosigned - MIRROR_AHEAD_MAX
    known = (built(), imported, mirror, None if synchronised else written)
    return max(one for one in known if one is not None)


class Floor:
    """The earliest possible time now: the latest known past time plus CLOCK_MONOTONIC since then. Never decreases."""

    def __init__(self) -> None:
        self._ahead_s = 0.0  # of CLOCK_MONOTONIC

    def after(self, known_s: float) -> int:
        """Return the floor, at least `known_s`; both in seconds since 1970."""
        counted_s = monotonic_ms() / 1000
        self._ahead_s = max(self._ahead_s, known_s - counted_s)
        return int(self._ahead_s + counted_s)


def in_words(*, sure: bool, synchronised: bool) -> str:
    """Return the wall clock's state as text."""
    if not sure:
        return "unsure"
    return "synchronised" if synchronised else "not synchronised; allowed outside service"


def is_sure(*, not_before: datetime | None, must_be_synchronised: bool, flag: Path = SYNCHRONISED) -> bool:
    """True if the wall clock is reliable."""
    if not_before is not None and now() < not_before:
        return False
    return not must_be_synchronised or is_synchronised(flag)
