"""The day's key of a site's exchange, as a gate holds it: fetched before a traveller needs it, in memory alone, and forgotten when the site's day
ends.

Whatever the exchange does, silent, wrong or hostile, there is a key of today or none. Without one no chip is marked, and an officer sees whoever
comes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import date
from typing import Final

from gate.lists.adapters.port import AdapterError
from gate.lists.adapters.reuse import Reuse
from gate.programs.shared.fault_latch import FaultLatch

LOOK_S: Final = 5.0  # at whether the day has ended


class DayKey:
    """Keeps it. `today` is the site's day, None on days on which the exchange is not asked; `deadline_s` is for one try."""

    def __init__(
        self, exchange: Reuse, trouble: FaultLatch, *, today: Callable[[], date | None], deadline_s: float
    ) -> None:
        self._exchange = exchange
        self._trouble = trouble
        self._today = today
        self._deadline_s = deadline_s
        self._held: tuple[date, bytes] | None = None
        self._doubted = asyncio.Event()

    def now(self) -> bytes:
        """The key of today; empty while there is none, which is tried for at once."""
        held = self._held
        if held is not None and held[0] == self._today():
            return held[1]
        self._doubted.set()
        return b""

    def doubt(self) -> None:
        """The exchange gave no answer: it may have another key by now."""
        self._doubted.set()

    async def keep(self) -> None:
        """Have today's key, for ever."""
        is_doubted = False
        while True:
            await self.look(is_doubted=is_doubted)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._doubted.wait()
            is_doubted = self._doubted.is_set()
            self._doubted.clear()

    async def look(self, *, is_doubted: bool) -> None:
        """Forget a key whose day is over, and fetch the one that is missing or doubted."""
        today = self._today()
        if self._held is not None and self._held[0] != today:
            self._held = None
        if today is None or (self._held is not None and not is_doubted):
            return
        try:
            async with asyncio.timeout(self._deadline_s):
                self._held = (today, await self._exchange.day_key(today))
        except TimeoutError:
            self._trouble.is_now(f"no day's key within {self._deadline_s:g} s")
        except AdapterError as error:
            self._trouble.is_now(str(error))
        except Exception as error:  # noqa: BLE001 - as of every adapter: whatever it raised ends nobody else's answers
            self._trouble.is_now(f"the adapter failed: {type(error).__name__}")
        else:
            self._trouble.is_now("")
