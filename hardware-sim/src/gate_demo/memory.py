"""How much memory the programs hold: proportional set size of each and its descendants, from /proc.

Only root sees the proportional size of our programs, which let nobody read them; for everybody else their own pages count, without what
they share.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

PROC = Path("/proc")


def pss_mb(pid: int) -> float:
    """Megabytes of a process and all its descendants, shared pages counted in proportion where they can be seen. 0 when it is gone."""
    kilobytes = sum(_pss_kb(member) for member in [pid, *descendants(pid)])
    return round(kilobytes / 1024, 1)


def _pss_kb(pid: int) -> int:
    for name, field in (("smaps_rollup", "Pss:"), ("status", "RssAnon:")):
        with contextlib.suppress(OSError):
            for line in (PROC / str(pid) / name).read_text().splitlines():
                if line.startswith(field):
                    return int(line.split()[1])
    return 0


def descendants(pid: int) -> list[int]:
    """All processes below this one."""
    found = []
    with contextlib.suppress(OSError):
        for thread in (PROC / str(pid) / "task").iterdir():
            for child in (thread / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found
