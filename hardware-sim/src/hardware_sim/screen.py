"""The host as the traveller sees it: the screen, and the completion of requests to the host. Thread-safe.

Orders arrive on one thread, the traveller waits on another. This is the only place where a traveller waits. The end of
the world wakes a waiting traveller.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from hardware_sim.clock import GLANCE_S, WorldClock

if TYPE_CHECKING:
    from collections.abc import Callable

LATE_S_MAX = 0.1  # a person's reaction time; when the traveller is later, the world's time stops
UNSEEN_SCREENS_MAX = 64  # the oldest are dropped; a host changes the screen less often between two looks


class WorldClosedError(Exception):
    """The world ends during a story."""


class Screen:
    """The traveller's screen as last reported by the host, and the host's completed requests; thread-safe.

    A traveller notices screens one after another, in their order, so that no short screen is missed. Waiting is in
    the world's time, which in turn waits for the traveller, until `rest`.
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
        """Set the screen's present content."""
        with self._changed:
            self._unseen.append(screen)
            self._changed.notify_all()

    def host_did(self, what: str) -> None:
        """Note that the host has completed a request."""
        with self._changed:
            self._done.add(what)
            self._changed.notify_all()

    def close(self) -> None:
        """End the world: wake all waiting threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    @property
    def noticed(self) -> str:
        """Return the screen that the traveller noticed last."""
        with self._changed:
            return self._noticed

    def look_up(self) -> None:
        """Notice the present screen, and forget earlier ones."""
        with self._changed:
            if self._unseen:
                self._noticed = self._unseen[-1]
                self._unseen.clear()

    def notice(self, until: Callable[[str], bool], limit_ms: float) -> None:
        """Notice screens until one meets the condition, or the limit expires. Raises WorldClosedError."""
        self._wait(lambda: self._notice_next(until), limit_ms)

    def pause(self, ms: float, until: Callable[[], bool] = lambda: False) -> None:
        """Wait for this time, or until the condition holds. Raises WorldClosedError."""
        self._wait(until, ms)

    def wait_for_host(self, what: str, limit_ms: float) -> bool:
        """Wait until the host has completed this request; return False at the limit. Raises WorldClosedError."""
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
        """Tell the clock that no traveller is looking."""
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
