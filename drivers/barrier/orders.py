"""Types shared by a barrier's session and driver: turns on the line, a pause in a conversation, a grant's result. No I/O."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import heapq
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass


def loop_s() -> float:
    """Return the seconds of the running loop's clock (CLOCK_MONOTONIC)."""
    return asyncio.get_running_loop().time()


class Urgency(enum.IntEnum):
    """The order of service, most urgent first."""

    FREE = 0  # a person wants out
    REVOKE = 1
    GRANT = 2
    POLL = 3


class GrantFate(enum.Enum):
    """The result of a grant whose answer was lost, from a later status."""

    STANDS = enum.auto()
    NEVER_ARRIVED = enum.auto()
    UNSURE = enum.auto()


class Turns:
    """Hands out turns. For one event loop."""

    def __init__(self) -> None:
        self._taken = False
        self._order = itertools.count()
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []

    @contextlib.asynccontextmanager
    async def take(self, urgency: Urgency) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Never waits for less urgent callers, except the one whose turn it is; if cancelled, the line is free."""
        if self._taken:
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (urgency, next(self._order), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._end()  # the turn came in the same moment
                raise
        self._taken = True
        try:
            yield
        finally:
            self._end()

    @property
    def is_urgent(self) -> bool:
        """True if a caller waits who revokes permission or frees a person."""
        return any(urgency <= Urgency.REVOKE and not turn.done() for urgency, _, turn in self._waiting)

    def _end(self) -> None:
        """Give the turn to the next waiter; it stays taken in between, so that no new caller takes it."""
        self._taken = False
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._taken = True
                turn.set_result(None)
                return


@dataclass(frozen=True, slots=True)
class Pause:
    """In a conversation: wait this many seconds; others may use the line."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AskedPassage:
    """A passage requested of a gate by a pulse: its side (0 left, 1 right), when the gate ends it, and the count before."""

    side: int
    ends_at_s: float
    count: int

    def is_over(self, now_s: float, counts: tuple[int, int]) -> bool:
        """True if the gate has ended or counted it."""
        return now_s >= self.ends_at_s or counts[self.side] != self.count
