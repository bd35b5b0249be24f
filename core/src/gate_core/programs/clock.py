"""The one reader of the clocks. `monotonic_ms` is CLOCK_MONOTONIC, the same for every program of one machine.

The sandboxes refuse adjtimex(2): whether the time service has synchronised the wall clock is read from the file that systemd-timesyncd
touches (systemd-timesyncd.service(8)).
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
    """The wall clock, UTC."""
    return datetime.now(UTC)


def monotonic_ms() -> int:
    """Milliseconds of CLOCK_MONOTONIC."""
    return time.monotonic_ns() // 1_000_000


def boot_id() -> str:
    """The kernel's random name of this boot, which systemd hands over where /proc does not show it. Raises ConfigError."""
    text = environment.boot_name() or Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError as error:
        raise ConfigError(Problem("PORTCULLIS_BOOT", f"is no boot's name: {text!r}", "the environment")) from error


def is_synchronised(flag: Path = SYNCHRONISED) -> bool:
    """True when the time service synchronised the clock in this boot and not long ago. False also when that cannot be told."""
    try:
        found = os.lstat(flag)
    except OSError:
        return False
    age = now() - datetime.fromtimestamp(found.st_mtime, UTC)
    return stat.S_ISREG(found.st_mode) and timedelta(0) <= age <= SYNCHRONISED_AGE_MAX


@functools.cache
def built() -> datetime:
    """When this program was built, or put here from its source: no clock stands before that. As it was at the first look: an update that comes while
    this program runs is another program's.
    """
    return datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)


def floor(
    *, imported: datetime | None, written: datetime | None, cosigned: datetime | None, synchronised: bool
) -> datetime:
    """Before which the wall clock is wrong: the program's build, the newest import of lists, the mirror's latest signature by a clock that may be
    a little ahead of ours, and, unless the time service has the word, the latest record: that may have been written while the clock ran ahead.
    """
    mirror = None if cosigned is None else cosigned - MIRROR_AHEAD_MAX
    known = (built(), imported, mirror, None if synchronised else written)
    return max(one for one in known if one is not None)


class Floor:
    """The earliest that it can be now: the latest time that is known to have been, and what CLOCK_MONOTONIC has counted since. It only grows, also
    while the wall clock stands behind it.
    """

    def __init__(self) -> None:
        self._ahead_s = 0.0  # of CLOCK_MONOTONIC

    def after(self, known_s: float) -> int:
        """The floor when it cannot be before `known_s`; both in seconds since 1970."""
        counted_s = monotonic_ms() / 1000
        self._ahead_s = max(self._ahead_s, known_s - counted_s)
        return int(self._ahead_s + counted_s)


def in_words(*, sure: bool, synchronised: bool) -> str:
    """How the wall clock is, for people."""
    if not sure:
        return "unsure"
    return "synchronised" if synchronised else "not synchronised; allowed outside service"


def is_sure(*, not_before: datetime | None, must_be_synchronised: bool, flag: Path = SYNCHRONISED) -> bool:
    """True when the wall clock can be relied on."""
    if not_before is not None and now() < not_before:
        return False
    return not must_be_synchronised or is_synchronised(flag)
