"""The world's time: the machine's as long as every part of the world keeps up with it, and slower when one does not.

A part that moves by itself (the barrier, the camera, whoever plays the travellers) says after each move that it has come so far. From
there time goes on for as long as that part may be late; then it stands still for everybody until the part has moved. So a
busy machine slows the whole world down: nobody jumps over a beam, no timer of a device runs out unseen. How late each part was
and how long time stood is measured here, and is the host's to judge.

`Times` is pure: the machine's clock is an argument. `WorldClock` reads it; thread-safe.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GLANCE_S = 0.02  # how often a thread that waits for a time reads the clock


@dataclass(slots=True)
class _Part:
    """`every_s` is how often it means to move, `late_s_max` how much later it may before time stands still."""

    every_s: float
    late_s_max: float
    moved_at_s: float | None = None  # of the machine's clock; None while it rests
    until_s: float = 0.0  # the world's time may go on so far


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late the world was since it was last asked: its latest part, and how long time stood, in milliseconds."""

    part: str = ""
    late_ms: int = 0
    stood_ms: int = 0


@dataclass(slots=True)
class Times:
    """What time it is in the world at a time of the machine's clock, in seconds. Parts rest until they move first."""

    behind_s: float = 0.0  # how long time stood in all
    _parts: dict[str, _Part] = field(default_factory=dict)
    _stood_s: float = 0.0
    _latest: tuple[float, str] = (0.0, "")

    def part(self, name: str, *, every_s: float, late_s_max: float) -> None:
        """There is such a part."""
        self._parts[name] = _Part(every_s, late_s_max)

    def at(self, real_s: float) -> float:
        """The world's time."""
        return min(real_s - self.behind_s, self._until_s)

    def moved(self, name: str, real_s: float) -> None:
        """This part has come as far as the world's time is."""
        part, now_s = self._parts[name], self.at(real_s)
        if part.moved_at_s is not None:
            self._latest = max(self._latest, (real_s - part.moved_at_s - part.every_s, name))
        part.moved_at_s, part.until_s = real_s, now_s + part.every_s + part.late_s_max
        self._go_on(now_s, real_s)

    def rests(self, name: str, real_s: float) -> None:
        """Time does not wait for this part until it moves again."""
        now_s = self.at(real_s)
        self._parts[name].moved_at_s = None
        self._go_on(now_s, real_s)

    def take_lateness(self) -> Lateness:
        """The figures since this was last called."""
        (late_s, name), stood_s = self._latest, self._stood_s
        self._latest, self._stood_s = (0.0, ""), 0.0
        return Lateness(name, round(late_s * 1000), round(stood_s * 1000))

    @property
    def _until_s(self) -> float:
        return min((part.until_s for part in self._parts.values() if part.moved_at_s is not None), default=float("inf"))

    def _go_on(self, now_s: float, real_s: float) -> None:
        """Let time continue from `now_s`, unless another part still holds it: the time it stood is lost."""
        stood_s = real_s - self.behind_s - now_s
        if stood_s > 0 and self._until_s > now_s:
            self.behind_s += stood_s
            self._stood_s += stood_s


class WorldClock:
    """The time of one world, for all its threads."""

    def __init__(self, real_s: Callable[[], float] = time.monotonic) -> None:
        self._real_s = real_s
        self._times = Times()
        self._lock = threading.Lock()

    def part(self, name: str, *, every_s: float, late_s_max: float) -> Part:
        """Make a part of the world known."""
        with self._lock:
            self._times.part(name, every_s=every_s, late_s_max=late_s_max)
        return Part(self, name)

    def now_s(self) -> float:
        """The world's time now."""
        return self.at_s(self._real_s())

    def at_s(self, real_s: float) -> float:
        """The world's time at a time of the machine's clock that is not long past."""
        with self._lock:
            return self._times.at(real_s)

    def stamp(self) -> tuple[float, float]:
        """Now, as the machine's clock has it, and how far the world's is behind."""
        real_s = self._real_s()
        return real_s, real_s - self.at_s(real_s)

    @property
    def behind_s(self) -> float:
        """Return how long time stood in all, where it has continued."""
        with self._lock:
            return self._times.behind_s

    def take_lateness(self) -> Lateness:
        """How late the world was since this was last called."""
        with self._lock:
            return self._times.take_lateness()

    def moved(self, name: str) -> None:
        """A part has moved."""
        with self._lock:
            self._times.moved(name, self._real_s())

    def rests(self, name: str) -> None:
        """A part rests."""
        with self._lock:
            self._times.rests(name, self._real_s())

    def later(self, after_s: float, act: Callable[[], None]) -> Timer:
        """Do something once so much of the world's time has passed."""
        timer = Timer(self, after_s, act)
        timer.start()
        return timer


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a world, for its thread."""

    clock: WorldClock
    name: str

    def moved(self) -> None:
        """It has come so far."""
        self.clock.moved(self.name)

    def rests(self) -> None:
        """No other part needs to wait for it."""
        self.clock.rests(self.name)


class Timer(threading.Thread):
    """Acts once, at a time of the world, unless it was cancelled before."""

    def __init__(self, clock: WorldClock, after_s: float, act: Callable[[], None]) -> None:
        super().__init__(name="timer", daemon=True)
        self._clock = clock
        self._due_s = clock.now_s() + after_s
        self._act = act
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Do not act."""
        self._cancelled.set()

    def run(self) -> None:
        """Wait and act."""
        while (left_s := self._due_s - self._clock.now_s()) > 0:
            if self._cancelled.wait(min(left_s, GLANCE_S)):
                return
        if not self._cancelled.is_set():
            self._act()
