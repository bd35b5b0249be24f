"""Who may speak next on a line that carries one request at a time: the most urgent, and among equals the first.

Cancelling a waiter leaves the line to the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import heapq
import itertools
from collections.abc import AsyncIterator


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

    @contextlib.asynccontextmanager
    async def take(self, urgency: Urgency) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Never waits behind the less urgent, except for the one who speaks now."""
        if self._taken:
            await self._queue(urgency)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _queue(self, urgency: Urgency) -> None:
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # the turn came in the same moment
            raise

    def _pass_on(self) -> None:
        """Give the turn to the next waiter; it stays taken in between, so nobody slips in."""
        self._taken = False
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._taken = True
                turn.set_result(None)
                return
