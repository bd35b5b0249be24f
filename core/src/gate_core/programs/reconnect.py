"""Repeats a session with a device, child process or program forever, with pauses between attempts.

Left to the caller: what a loss means. Left to `gate.programs.shared.fault_latch`: reporting it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

Ending = TypeVar("Ending", bound=Exception)


class Backoff:
    """Pauses after failures: `min_s` first, then doubled up to `max_s`; constant without `max_s`."""

    def __init__(self, min_s: float, max_s: float | None = None) -> None:
        self._min_s = self._next_s = min_s
        self._max_s = min_s if max_s is None else max_s

    def next_s(self) -> float:
        """Return the seconds to wait after this failure."""
        pause_s, self._next_s = self._next_s, min(2 * self._next_s, self._max_s)
        return pause_s

    def reset(self) -> None:
        """Start again with `min_s`, after a success."""
        self._next_s = self._min_s


async def keep(
    session: Callable[[], Awaitable[None]],
    *,
    ending: type[Ending],
    lost: Callable[[Ending], Awaitable[None]],
    backoff: Backoff,
) -> NoReturn:
    """Run sessions forever. Each ends with an `ending`, passed to `lost` before the pause; other errors propagate.

    Sessions must use `run_until_first_exits`, not TaskGroup: up to Python 3.12 a group can leave its task cancelled.
    """
    while True:
        try:
            await session()
        except ending as error:
            await lost(error)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError  # the cancellation was lost, as the session ended at the same moment
        await asyncio.sleep(backoff.next_s())
