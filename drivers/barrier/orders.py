"""What a barrier's session and its driver agree on: whose turn on the line it is, a pause in a conversation, what became of a grant. No I/O."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import heapq
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass


class Urgency(enum.IntEnum):
    """The order of service, most urgent first."""

    FREE = 0  # a person wants out
    REVOKE = 1
    GRANT = 2
    POLL = 3


class GrantFate(enum.Enum):
    """What became of a grant whose answer was lost, as a status tells."""

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
        """Wait for a turn and hold it. Never waits behind the less urgent, except for the one who speaks now; cancelled, it leaves the line to others."""
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
        """Somebody waits who takes permission away, or frees a person."""
        return any(urgency <= Urgency.REVOKE and not turn.done() for urgency, _, turn in self._waiting)

    def _end(self) -> None:
        """Give the turn to the next waiter; it stays taken in between, so nobody slips in."""
        self._taken = False
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._taken = True
                turn.set_result(None)
                return


@dataclass(frozen=True, slots=True)
class Pause:
    """Of a conversation: let so many seconds pass; the line is others' meanwhile."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AskedPassage:
    """A passage that a gate was asked for by a pulse: its side (0 left, 1 right), when the gate ends it, and the count before."""

    side: int
    ends_at_s: float
    count: int

    def is_over(self, now_s: float, counts: tuple[int, int]) -> bool:
        """The gate has ended it or counted it."""
        return now_s >= self.ends_at_s or counts[self.side] != self.count
