"""The world's time: it follows the machine's clock while all parts of the world keep up, and stops when one does not.

An active part (the barrier, the camera, the thread that plays the travellers) reports each step. Time then continues
for as long as that part may be late. After that it stops for all parts until the late part reports a step. A busy
machine therefore slows the whole world: no body skips a beam, no timer of a device expires unnoticed. The clock
measures how late each part was and how long time stopped; the host decides what this means.

`Times` is pure: the machine's time is an argument. `WorldClock` reads it and is thread-safe.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GLANCE_S = 0.02  # how often a thread that waits for a world time reads the clock


@dataclass(slots=True)
class _Part:
    """`every_s` is the planned interval of its steps, `late_s_max` the delay after which time stops."""

    every_s: float
    late_s_max: float
    moved_at_s: float | None = None  # machine's clock; None while it rests
    until_s: float = 0.0  # the world's time may continue until then


@dataclass(frozen=True, slots=True)
class Lateness:
    """The latest part since the last query and its delay, and how long time stopped, in milliseconds."""

    part: str = ""
    late_ms: int = 0
    stood_ms: int = 0


@dataclass(slots=True)
class Times:
    """Converts the machine's time to the world's time, in seconds. A part rests until its first step."""

    behind_s: float = 0.0  # how long time stopped in total
    _parts: dict[str, _Part] = field(default_factory=dict)
    _stood_s: float = 0.0
    _latest: tuple[float, str] = (0.0, "")

    def part(self, name: str, *, every_s: float, late_s_max: float) -> None:
        """Register a part."""
        self._parts[name] = _Part(every_s, late_s_max)

    def at(self, real_s: float) -> float:
        """Return the world's time at a time of the machine's clock."""
        return min(real_s - self.behind_s, self._until_s)

    def moved(self, name: str, real_s: float) -> None:
        """Report a step of a part: it has reached the present world time."""
        part, now_s = self._parts[name], self.at(real_s)
        if part.moved_at_s is not None:
            self._latest = max(self._latest, (real_s - part.moved_at_s - part.every_s, name))
        part.moved_at_s, part.until_s = real_s, now_s + part.every_s + part.late_s_max
        self._go_on(now_s, real_s)

    def rests(self, name: str, real_s: float) -> None:
        """Stop waiting for this part until its next step."""
        now_s = self.at(real_s)
        self._parts[name].moved_at_s = None
        self._go_on(now_s, real_s)

    def take_lateness(self) -> Lateness:
        """Return the figures since the last call, and reset them."""
        (late_s, name), stood_s = self._latest, self._stood_s
        self._latest, self._stood_s = (0.0, ""), 0.0
        return Lateness(name, round(late_s * 1000), round(stood_s * 1000))

    @property
    def _until_s(self) -> float:
        return min((part.until_s for part in self._parts.values() if part.moved_at_s is not None), default=float("inf"))

    def _go_on(self, now_s: float, real_s: float) -> None:
        """Let time continue from `now_s`, unless another part still holds it; add the stop to `behind_s`."""
        stood_s = real_s - self.behind_s - now_s
        if stood_s > 0 and self._until_s > now_s:
            self.behind_s += stood_s
            self._stood_s += stood_s


class WorldClock:
    """The time of one world; thread-safe."""

    def __init__(self, real_s: Callable[[], float] = time.monotonic) -> None:
        self._real_s = real_s
        self._times = Times()
        self._lock = threading.Lock()

    def part(self, name: str, *, every_s: float, late_s_max: float) -> Part:
        """Register a part of the world, and return its handle."""
        with self._lock:
            self._times.part(name, every_s=every_s, late_s_max=late_s_max)
        return Part(self, name)

    def now_s(self) -> float:
        """Return the world's time now."""
        return self.at_s(self._real_s())

    def at_s(self, real_s: float) -> float:
        """Return the world's time at a recent time of the machine's clock."""
        with self._lock:
            return self._times.at(real_s)

    def stamp(self) -> tuple[float, float]:
        """Return the machine's time, and how far the world's time is behind it, in seconds."""
        real_s = self._real_s()
        return real_s, real_s - self.at_s(real_s)

    @property
    def behind_s(self) -> float:
        """Return how long time stopped in total, in seconds, without the present stop."""
        with self._lock:
            return self._times.behind_s

    def take_lateness(self) -> Lateness:
        """Return the figures since the last call, and reset them."""
        with self._lock:
            return self._times.take_lateness()

    def moved(self, name: str) -> None:
        """Report a step of a part."""
        with self._lock:
            self._times.moved(name, self._real_s())

    def rests(self, name: str) -> None:
        """Stop waiting for a part until its next step."""
        with self._lock:
            self._times.rests(name, self._real_s())

    def later(self, after_s: float, act: Callable[[], None]) -> Timer:
        """Call `act` once, after this much of the world's time."""
        timer = Timer(self, after_s, act)
        timer.start()
        return timer


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a world; the handle for its thread."""

    clock: WorldClock
    name: str

    def moved(self) -> None:
        """Report a step."""
        self.clock.moved(self.name)

    def rests(self) -> None:
        """Stop the clock's waiting for this part until its next step."""
        self.clock.rests(self.name)


class Timer(threading.Thread):
    """Calls a function once at a world time, unless it is cancelled before."""

    def __init__(self, clock: WorldClock, after_s: float, act: Callable[[], None]) -> None:
        super().__init__(name="timer", daemon=True)
        self._clock = clock
        self._due_s = clock.now_s() + after_s
        self._act = act
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Cancel the call."""
        self._cancelled.set()

    def run(self) -> None:
        """Wait, then call the function."""
        while (left_s := self._due_s - self._clock.now_s()) > 0:
            if self._cancelled.wait(min(left_s, GLANCE_S)):
                return
        if not self._cancelled.is_set():
            self._act()
