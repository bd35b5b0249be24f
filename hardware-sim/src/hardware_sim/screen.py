"""What a traveller sees of the host: the screen, and that the host has done what it was asked for. Thread-safe.

Orders come in on one thread, the traveller waits on another. Here is the only place where a traveller waits; the end of the
world wakes whoever does.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from hardware_sim.clock import GLANCE_S, WorldClock

if TYPE_CHECKING:
    from collections.abc import Callable

LATE_S_MAX = 0.1  # a traveller's eyes and feet; beyond, the world's time stands still
UNSEEN_SCREENS_MAX = 64  # the oldest are forgotten; a host does not change the screen so often in one glance


class WorldClosedError(Exception):
    """The world ends in the middle of a story."""


class Screen:
    """The traveller's screen as the host last told it, and what the host has done; thread-safe.

    A traveller notices screens one after another, in their order, so that none is missed that was shown only briefly. Waiting is in
    the world's time, which waits for whoever looks around here, until `rest`.
    """

    def __init__(self, clock: WorldClock | None = None) -> None:
        self._clock = WorldClock() if clock is None else clock
        self._travellers = self._clock.part("travellers", every_s=GLANCE_S, late_s_max=LATE_S_MAX)
        self._changed = threading.Condition()
        self._noticed = "closed"
        self._unseen: deque[str] = deque(maxlen=UNSEEN_SCREENS_MAX)
        self._done: set[str] = set()
        self._closing = False

    def show(self, screen: str) -> None:
        """The screen shows this now."""
        with self._changed:
            self._unseen.append(screen)
            self._changed.notify_all()

    def host_did(self, what: str) -> None:
        """The host has done what it was asked for."""
        with self._changed:
            self._done.add(what)
            self._changed.notify_all()

    def close(self) -> None:
        """The world ends: wake everybody who waits."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    @property
    def noticed(self) -> str:
        """What the traveller has noticed last."""
        with self._changed:
            return self._noticed

    def look_up(self) -> None:
        """Notice what is shown now and forget what was shown before."""
        with self._changed:
            if self._unseen:
                self._noticed = self._unseen[-1]
                self._unseen.clear()

    def notice(self, until: Callable[[str], bool], limit_ms: float) -> None:
        """Notice screens until the condition holds of one, or the limit is over. Raises WorldClosedError."""
        self._wait(lambda: self._notice_next(until), limit_ms)

    def pause(self, ms: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, or wait until the condition holds. Raises WorldClosedError."""
        self._wait(until, ms)

    def wait_for_host(self, what: str, limit_ms: float) -> bool:
        """Wait until the host says it has done this; False at the limit. Raises WorldClosedError."""
        done = self._wait(lambda: what in self._done, limit_ms)
        with self._changed:
            self._done.discard(what)
        return done

    def _notice_next(self, until: Callable[[str], bool]) -> bool:
        while not until(self._noticed):
            if not self._unseen:
                return False
            self._noticed = self._unseen.popleft()
        return True

    def rest(self) -> None:
        """Nobody is there who looks around."""
        self._travellers.rests()

    def _wait(self, until: Callable[[], bool], limit_ms: float) -> bool:
        self._travellers.moved()
        deadline_s = self._clock.now_s() + limit_ms / 1000
        with self._changed:
            while not until():
                if self._closing:
                    raise WorldClosedError
                self._travellers.moved()
                left_s = deadline_s - self._clock.now_s()
                if left_s <= 0:
                    return False
                self._changed.wait(min(left_s, GLANCE_S))
            return True
