"""How late this machine was while a traveller was in the lane, measured beside the gate: a busy machine is not the gate's mistake.

Three figures a visit: the simulated world's own lateness, the lag of a probe in this process, and for how long a thread of
the gate was ready to run and had no processor, by the kernel's own count. A gate that is starved may refer whom it would have
admitted; what it must not do, open wrongly, is never excused by any of this.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gate.cli.demo.memory import PROC, descendants

PROBE_S = 0.02
LOOK_EVERY_S = 0.2  # a child of one crossing lives for seconds
WORLD_MS_MAX = 300  # three pictures of the camera beyond what time waits for
PROBE_MS_MAX = 300  # as old as a status of the lane may be
QUEUED_MS_MAX = 600  # a face that is not looked at for so long counts as gone


@dataclass(frozen=True, slots=True)
class Lateness:
    """In milliseconds. `queued_ms` is the thread's that waited longest."""

    world_ms: int = 0
    probe_ms: int = 0
    queued_ms: int = 0

    @property
    def excuses(self) -> bool:
        """True when what came of the visit is no verdict on the gate."""
        return self.world_ms > WORLD_MS_MAX or self.probe_ms > PROBE_MS_MAX or self.queued_ms > QUEUED_MS_MAX

    def worst(self, other: Lateness) -> Lateness:
        """The larger figures of both."""
        return Lateness(
            max(self.world_ms, other.world_ms),
            max(self.probe_ms, other.probe_ms),
            max(self.queued_ms, other.queued_ms),
        )

    def __str__(self) -> str:
        """For people."""
        return (
            f"the simulated world was up to {self.world_ms} ms late, a probe {self.probe_ms} ms, and a thread of the gate "
            f"waited {self.queued_ms} ms for a processor"
        )


@dataclass(slots=True)
class Queued:
    """How long each thread has waited in the processor's queue, from counts that only grow. Pure."""

    _before_ms: dict[int, float] = field(default_factory=dict)
    _grown_ms: dict[int, float] = field(default_factory=dict)

    def see(self, counts_ms: dict[int, float]) -> None:
        """Take the counts of all threads that there are now; a new one's counts from its beginning."""
        for thread, count_ms in counts_ms.items():
            self._grown_ms[thread] = self._grown_ms.get(thread, 0.0) + count_ms - self._before_ms.get(thread, 0.0)
        self._before_ms = counts_ms

    def take_ms(self) -> float:
        """What the thread that waited longest has waited since this was last called."""
        worst_ms = max(self._grown_ms.values(), default=0.0)
        self._grown_ms.clear()
        return worst_ms


@dataclass(slots=True)
class Machine:
    """Watches from `run`, for ever; `take` gives the figures since it was last called. `programs` gives the gate's processes."""

    programs: Callable[[], Iterable[int]]
    _probe_ms: float = 0.0
    _queued: Queued = field(default_factory=Queued)

    async def run(self) -> None:
        """Probe and look."""
        loop = asyncio.get_running_loop()
        look_at_s = 0.0
        while True:
            slept_at_s = loop.time()
            await asyncio.sleep(PROBE_S)
            self._probe_ms = max(self._probe_ms, (loop.time() - slept_at_s - PROBE_S) * 1000)
            if loop.time() >= look_at_s:
                look_at_s = loop.time() + LOOK_EVERY_S
                self._look()

    def take(self, world_ms: int) -> Lateness:
        """How late the machine was since this was last called; the world says so itself."""
        self._look()
        late = Lateness(world_ms, round(self._probe_ms), round(self._queued.take_ms()))
        self._probe_ms = 0.0
        return late

    def _look(self) -> None:
        self._queued.see(queued_ms([member for pid in self.programs() for member in (pid, *descendants(pid))]))


def queued_ms(pids: Iterable[int], proc: Path = PROC) -> dict[int, float]:
    """For how long each thread of these processes was ready and had no processor since it began; empty where the kernel does not count."""
    counts = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for thread in (proc / str(pid) / "task").iterdir():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    counts[int(thread.name)] = int((thread / "schedstat").read_text().split()[1]) / 1_000_000
    return counts
