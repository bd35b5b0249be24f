"""One session after another with a device, a child or another program, and growing pauses between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

Ending = TypeVar("Ending", bound=Exception)


class Backoff:
    """Pauses after failures: `min_s` at first, then each twice as long as the one before up to `max_s`; without it all alike."""

    def __init__(self, min_s: float, max_s: float | None = None) -> None:
        self._min_s = self._next_s = min_s
        self._max_s = min_s if max_s is None else max_s

    def next_s(self) -> float:
        """How long to wait after this failure."""
        pause_s, self._next_s = self._next_s, min(2 * self._next_s, self._max_s)
        return pause_s

    def reset(self) -> None:
        """It was well meanwhile: the next failure is the first."""
        self._next_s = self._min_s


async def keep(
    session: Callable[[], Awaitable[None]],
    *,
    ending: type[Ending],
    lost: Callable[[Ending], Awaitable[None]],
    backoff: Backoff,
) -> NoReturn:
    """Run one session after another. Each ends with an `ending`, of which `lost` hears before the pause; what else it raises ends all.

    A session keeps no TaskGroup of its own but `run_until_first_exits`: up to Python 3.12 a group may end and leave its task marked as cancelled.
    """
    while True:
        try:
            await session()
        except ending as error:
            await lost(error)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # which the session lost, since its end came at the same moment
        await asyncio.sleep(backoff.next_s())
