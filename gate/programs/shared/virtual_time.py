"""An event loop whose clock jumps to the next timer: hours of a lane run in moments, and always the same way.

For code without threads, sockets or processes: nothing from outside is waited for. When nothing can ever happen again the run ends with
an error instead of hanging.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")
BEGINS_S = 1_000.0


class StandstillError(RuntimeError):
    """Everybody waits, and no timer is set."""


class _Jumping(selectors.DefaultSelector):
    now_s = BEGINS_S

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StandstillError("everybody waits and no timer is set")
        if timeout > 0:
            self.now_s += timeout
        return []


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, selector: _Jumping) -> None:
        super().__init__(selector)
        self._jumping = selector

    def time(self) -> float:
        return self._jumping.now_s


def run_virtual(main: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine to its end on a loop of its own. Raises StandstillError."""
    with asyncio.Runner(loop_factory=lambda: _VirtualLoop(_Jumping())) as runner:
        return runner.run(main)
