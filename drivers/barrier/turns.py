"""Who may speak next on a line that carries one request at a time: the most urgent, and among equals the first.

Cancelling a waiter leaves the line to the others.
"""

from __future__ import annotations

import asyncio
import enum
import heapq
import itertools
from dataclasses import dataclass


class Urgency(enum.IntEnum):
    """The order of service, most urgent first."""

    FREE = 0  # a person wants out
    REVOKE = 1
    GRANT = 2
    POLL = 3


class Turns:
    """Hands out turns. For one event loop."""

    def __init__(self) -> None:
        self._taken = False
        self._order = itertools.count()
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []

    def take(self, urgency: Urgency) -> Turn:
        """Wait for a turn and hold it: `async with`. Never waits behind the less urgent, except for the one who speaks now."""
        return Turn(self, urgency)

    async def begin(self, urgency: Urgency) -> None:
        """Wait for a turn; `end` must follow."""
        if self._taken:
            await self._queue(urgency)
        self._taken = True

    async def _queue(self, urgency: Urgency) -> None:
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.end()  # the turn came in the same moment
            raise

    @property
    def is_urgent(self) -> bool:
        """Somebody waits who takes permission away, or frees a person."""
        return any(urgency <= Urgency.REVOKE and not turn.done() for urgency, _, turn in self._waiting)

    def end(self) -> None:
        """Give the turn to the next waiter; it stays taken in between, so nobody slips in."""
        self._taken = False
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._taken = True
                turn.set_result(None)
                return


@dataclass(slots=True)
class Turn:
    """One turn, as long as the block that it is held for."""

    turns: Turns
    urgency: Urgency

    async def __aenter__(self) -> None:
        await self.turns.begin(self.urgency)

    async def __aexit__(self, *_: object) -> None:
        self.turns.end()
