"""The warm spare: one child that was prepared beforehand and waits for the next crossing.

A spare that is lost is replaced, and so is one that was prepared otherwise than is wanted by now. `take` gives it away: from then on
it is its taker's to end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gate.programs.children.start import ChildLostError, Process
from gate.programs.racing import first_of

TAKE_DEADLINE_S = 10.0
PAUSE_MIN_S = 0.5
PAUSE_MAX_S = 10.0

Said = TypeVar("Said")
Start = Callable[[], Awaitable[Process[Said]]]


class Spare(Generic[Said]):
    """Keeps one prepared child at hand. `problem` says why there is none, when there is a reason.

    `start` starts and prepares one; it raises ChildLostError. `log` is the program's.
    """

    def __init__(self, start: Start[Said], *, log: logging.Logger) -> None:
        self.problem = ""
        self._start = start
        self._log = log
        self._child: Process[Said] | None = None
        self._changed = asyncio.Condition()
        self._wanted = asyncio.Event()
        self._wanted.set()

    @property
    def child(self) -> Process[Said] | None:
        """The waiting child."""
        return self._child

    def want(self) -> None:
        """Have a spare again, unless there is one."""
        if self._child is None:
            self._wanted.set()

    async def keep(self) -> None:
        """Start a child whenever one is wanted and none is there; a lost one is replaced. For ever, until cancelled."""
        pause_s = PAUSE_MIN_S
        try:
            while True:
                await self._wanted.wait()
                try:
                    child = await self._start()
                except ChildLostError as error:
                    await self._set(None, problem=str(error))
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, PAUSE_MAX_S)
                    continue
                pause_s = PAUSE_MIN_S
                self._wanted.clear()
                try:
                    await self._set(child, problem="")
                except asyncio.CancelledError:
                    await child.end()
                    raise
                await first_of(self._watch(child), self._until_wanted())
        finally:
            if self._child is not None:
                await self._child.end()

    async def take(self) -> Process[Said]:
        """Take the spare, waiting for one that is being prepared. Raises ChildLostError."""
        try:
            async with asyncio.timeout(TAKE_DEADLINE_S), self._changed:
                await self._changed.wait_for(lambda: self._child is not None or self.problem != "")
                child, self._child = self._child, None
        except TimeoutError as error:
            raise ChildLostError("no child is ready") from error
        if child is None:
            raise ChildLostError(self.problem)
        return child

    async def _watch(self, child: Process[Said]) -> None:
        """A spare that dies before its crossing is replaced; one that was taken is its taker's to end."""
        await child.lost.wait()
        async with self._changed:
            ours = self._child is child
            self._child = None if ours else self._child
        if not ours:
            await self._wanted.wait()
            return
        self._log.warning("spare_lost")
        await child.end()
        self.want()

    async def _until_wanted(self) -> None:
        await self._wanted.wait()

    async def _set(self, child: Process[Said] | None, *, problem: str) -> None:
        if problem and problem != self.problem:
            self._log.error("no_spare", extra={"reason": problem})
        async with self._changed:
            self._child, self.problem = child, problem
            self._changed.notify_all()
