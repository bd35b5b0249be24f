"""An event loop in virtual time: its clock jumps to the next timer. For code without threads, sockets or processes.

Ready callbacks run before time passes; timers of the same time run in the order of setting. An exception ends the run.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, TypeVarTuple

Answer = TypeVar("Answer")
Arguments = TypeVarTuple("Arguments")
BEGINS_S = 1_000.0
RESOLUTION_S = 1e-9  # timers due within this time run together, as in asyncio's loops
_TIMERS_MIN = 256  # above it, cancelled timers are removed whenever the number of timers has doubled


class StandstillError(RuntimeError):
    """Every task waits, and no timer is set."""


class _Call(asyncio.TimerHandle):
    """A callback, ready or with a time. Does not initialise its base, to be fast: there are many."""

    __slots__ = ("args", "at_s", "callback", "context")

    def __init__(
        self,
        at_s: float,
        callback: Callable[..., object],
        args: tuple[object, ...],
        context: contextvars.Context | None,
    ) -> None:
        self.at_s = at_s
        self.callback: Callable[..., object] | None = callback  # None if cancelled
        self.args = args
        self.context = contextvars.copy_context() if context is None else context

    def cancel(self) -> None:
        """Cancel the call, if it has not run yet."""
        self.callback, self.args = None, ()

    def cancelled(self) -> bool:
        """True if it was cancelled."""
        return self.callback is None

    def when(self) -> float:
        """Return its time, in seconds of the loop's clock."""
        return self.at_s

    def __repr__(self) -> str:
        return f"<call of {self.callback} at {self.at_s}>"


class VirtualLoop(asyncio.BaseEventLoop):
    """The event loop; its base class runs and stops it."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = BEGINS_S
        self._soon: deque[_Call] = deque()
        self._timers: list[tuple[float, int, _Call]] = []
        self._order = itertools.count()
        self._timers_max = _TIMERS_MIN

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now_s

    def call_soon(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """Run the callback before time passes."""
        call = _Call(self._now_s, callback, args, context)
        self._soon.append(call)
        return call

    call_soon_threadsafe = call_soon  # there are no threads; a signal's handler may call it

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run the callback at its time; if that is past, after all ready callbacks."""
        call = _Call(when, callback, args, context)
        heapq.heappush(self._timers, (when, next(self._order), call))
        return call

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run the callback after `delay` seconds."""
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def _run_once(self) -> None:
        """Run ready callbacks, and those that they make ready. Raises StandstillError."""
        soon = self._soon
        if not soon:
            self._pass_time()
        while soon:
            call = soon.popleft()
            if call.callback is not None:
                call.context.run(call.callback, *call.args)

    def _pass_time(self) -> None:
        """Advance to the next timer, and make all timers of that time ready. Raises StandstillError."""
        timers = self._timers
        if len(timers) > self._timers_max:
            timers[:] = [timer for timer in timers if timer[2].callback is not None]
            heapq.heapify(timers)
            self._timers_max = max(_TIMERS_MIN, 2 * len(timers))
        while timers and timers[0][2].callback is None:
            heapq.heappop(timers)
        if not timers:
            raise StandstillError("every task waits and no timer is set")
        self._now_s += max(0.0, timers[0][0] - self._now_s)
        due_s = self._now_s + RESOLUTION_S
        while timers and timers[0][0] <= due_s:
            self._soon.append(heapq.heappop(timers)[2])


def run_virtual(main: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine to its end on a new virtual loop. Raises StandstillError."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
