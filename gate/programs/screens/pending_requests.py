"""What was asked for on the traveller's page and the lane has not been told yet.

However often a page says it, each wish is told once in `EVERY_S`: a thousand clicks are one call. A call for an officer is kept for `KEPT_S` while the
lane is away; more time is for whoever stands there now, and is not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gate.passage.events import Wish

EVERY_S: Final = 0.5
KEPT_S: Final = 30.0


class Asks:
    """A box of wishes, each in it once. `clock_s` is monotonic. For one event loop."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._waiting: dict[Wish, float] = {}
        self._changed = asyncio.Event()

    def put(self, wish: Wish, *, lane_up: bool) -> None:
        """Somebody asks for this."""
        if lane_up or wish is not Wish.MORE_TIME:
            self._waiting.setdefault(wish, self._clock_s())
            self._changed.set()

    async def take(self) -> Wish:
        """Wait for what the lane is to be told next, and remove it."""
        while True:
            for wish, asked_s in tuple(self._waiting.items()):
                del self._waiting[wish]
                if self._clock_s() - asked_s <= KEPT_S:
                    return wish
            self._changed.clear()
            await self._changed.wait()
