"""How late this machine was while a traveller was in the lane, measured beside the gate: not the gate's error.

Three figures for each visit: the simulated world's own lateness, the lag of a probe in this process, and the share of a
second in which a thread of the gate was ready to run without a processor, by the kernel's count. A gate without
processor time may refer a traveller whom it would have admitted. A wrong opening is never excused.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

PROC = Path("/proc")
PROBE_S = 0.02
LOOK_EVERY_S = 0.2  # the child process of a crossing lives for seconds
WINDOW_S = 1.0
WORLD_MS_MAX = 300  # three camera pictures more than the time for which the world's clock waits
PROBE_MS_MAX = 300  # the maximum age of a lane's status
QUEUED_PERCENT_MAX = 50  # of one second: without other load, the gate's threads never wait this long


def pss_mb(pid: int) -> float:
    """Return the megabytes of a process and its descendants; for root, shared pages in proportion. 0 when it is gone."""
    kilobytes = sum(_pss_kb(member) for member in [pid, *descendants(pid)])
    return round(kilobytes / 1024, 1)


def _pss_kb(pid: int) -> int:
    for name, key in (("smaps_rollup", "Pss:"), ("status", "RssAnon:")):
        with contextlib.suppress(OSError):
            for line in (PROC / str(pid) / name).read_text().splitlines():
                if line.startswith(key):
                    return int(line.split()[1])
    return 0


def descendants(pid: int) -> list[int]:
    """Return all descendants of this process."""
    found = []
    with contextlib.suppress(OSError):
        for thread in (PROC / str(pid) / "task").iterdir():
            for child in (thread / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


@dataclass(frozen=True, slots=True)
class Lateness:
    """The first two are milliseconds; `queued_percent` is of the worst second and its longest waiting thread."""

    world_ms: int = 0
    probe_ms: int = 0
    queued_percent: int = 0

    @property
    def excuses(self) -> bool:
        """Return True when the visit's result is no judgement of the gate."""
        return self.world_ms > WORLD_MS_MAX or self.probe_ms > PROBE_MS_MAX or self.queued_percent > QUEUED_PERCENT_MAX

    def worst(self, other: Lateness) -> Lateness:
        """Return the larger figures of both."""
        return Lateness(
            max(self.world_ms, other.world_ms),
            max(self.probe_ms, other.probe_ms),
            max(self.queued_percent, other.queued_percent),
        )

    def __str__(self) -> str:
        """Return the figures as text."""
        return (
            f"the simulated world was up to {self.world_ms} ms late, a probe {self.probe_ms} ms, and a thread of the gate "
            f"waited for a processor for {self.queued_percent} % of a second"
        )


@dataclass(slots=True)
class Queued:
    """The share of each second in which a thread waited for a processor, from cumulative counts. Pure.

    `shares` has that of the longest waiting thread, for each second since `begin`.
    """

    shares: list[float] = field(default_factory=list)
    _since_s: float | None = None
    _before_ms: dict[int, float] = field(default_factory=dict)
    _newest_ms: dict[int, float] = field(default_factory=dict)

    def begin(self) -> None:
        """Forget the past seconds; keep the counts of the present threads."""
        self.shares.clear()
        self._since_s = None

    def see(self, counts_ms: dict[int, float], at_s: float) -> None:
        """Take the counts of all present threads. A new thread counts from its start; an ended one no longer counts."""
        if self._since_s is None:
            self._open(counts_ms, at_s)
            return
        self._newest_ms |= counts_ms
        passed_s = at_s - self._since_s
        if passed_s >= WINDOW_S:
            grown_ms = (count - self._before_ms.get(thread, 0.0) for thread, count in self._newest_ms.items())
            self.shares.append(max(grown_ms, default=0.0) / 1000 / passed_s)
            self._open(counts_ms, at_s)

    def _open(self, counts_ms: dict[int, float], at_s: float) -> None:
        self._since_s, self._before_ms, self._newest_ms = at_s, counts_ms, dict(counts_ms)


@dataclass(slots=True)
class Machine:
    """Measures while `run` runs. `programs` returns the gate's processes."""

    programs: Callable[[], Iterable[int]]
    _probe_ms: float = 0.0
    _queued: Queued = field(default_factory=Queued)

    async def run(self) -> None:
        """Probe and measure, without end."""
        loop = asyncio.get_running_loop()
        look_at_s = 0.0
        while True:
            slept_at_s = loop.time()
            await asyncio.sleep(PROBE_S)
            self._probe_ms = max(self._probe_ms, (loop.time() - slept_at_s - PROBE_S) * 1000)
            if loop.time() >= look_at_s:
                look_at_s = loop.time() + LOOK_EVERY_S
                members = [member for pid in self.programs() for member in (pid, *descendants(pid))]
                self._queued.see(queued_ms(members), loop.time())

    def begin(self) -> None:
        """Begin a visit."""
        self._probe_ms = 0.0
        self._queued.begin()

    def late(self, world_ms: int) -> Lateness:
        """Return the machine's worst lateness since the visit began, with the world's own figure."""
        return Lateness(world_ms, round(self._probe_ms), round(100 * max(self._queued.shares, default=0.0)))

    def late_throughout(self) -> Lateness:
        """Return the lateness in an ordinary second, which may excuse a lane that remains stuck."""
        return Lateness(queued_percent=round(100 * median(self._queued.shares or [0.0])))


def queued_ms(pids: Iterable[int], proc: Path = PROC) -> dict[int, float]:
    """Return for each thread how long it was ready without a processor; empty where the kernel has no count."""
    return _schedstat(pids, 1, proc)


def worked_ms(pids: Iterable[int], proc: Path = PROC) -> float:
    """Return how long the threads of these processes and of their descendants had a processor, in milliseconds."""
    members = [member for pid in pids for member in (pid, *descendants(pid))]
    return sum(_schedstat(members, 0, proc).values())


def _schedstat(pids: Iterable[int], place: int, proc: Path) -> dict[int, float]:
    counts = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for thread in (proc / str(pid) / "task").iterdir():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    counts[int(thread.name)] = int((thread / "schedstat").read_text().split()[place]) / 1_000_000
    return counts
