"""The warm spare: one prepared child that waits for the next crossing.

A lost or outdated spare is replaced. The caller of `take` must end the child.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from gate.channel.message import Message
from gate.programs.children.child_handle import ChildLostError, Process
from gate_core.programs.reconnect import Backoff
from gate_core.programs.task_groups import run_until_first_exits

TAKE_DEADLINE_S = 10.0
PAUSE_MIN_S = 0.5
PAUSE_MAX_S = 10.0

Said = TypeVar("Said", bound=Message)
Start = Callable[[], Awaitable[Process[Said]]]


class Spare(Generic[Said]):
    """Keeps one prepared `child`. `problem`: why there is none, empty if no fault.

    `start` starts and prepares a child; it raises ChildLostError. `log` is the program's.
    """

    def __init__(self, start: Start[Said], *, log: logging.Logger) -> None:
        self.problem = ""
        self._start = start
        self._log = log
        self.child: Process[Said] | None = None
        self._changed = asyncio.Condition()
        self._wanted = True
        self._turn = asyncio.Event()

    def want(self) -> None:
        """Request a spare, unless there is one."""
        if self.child is None:
            self._wanted = True
            self._turn.set()

    async def keep(self) -> None:
        """Start a child whenever one is requested or was lost, until cancelled."""
        backoff = Backoff(PAUSE_MIN_S, PAUSE_MAX_S)
        try:
            while True:
                if self.child is not None:
                    await self._watch(self.child)
                elif not self._wanted:
                    await self._turned()
                else:
                    try:
                        await self._have(await self._start())
                    except ChildLostError as error:
                        await self._set_problem(str(error))
                        await asyncio.sleep(backoff.next_s())
                    else:
                        backoff.reset()
        finally:
            if self.child is not None:
                await self.child.end()

    async def take(self) -> Process[Said]:
        """Return the spare, waiting at most TAKE_DEADLINE_S for its preparation. Raises ChildLostError."""
        try:
            async with asyncio.timeout(TAKE_DEADLINE_S), self._changed:
                await self._changed.wait_for(lambda: self.child is not None or self.problem != "")
                child, self.child = self.child, None
        except TimeoutError as error:
            raise ChildLostError("no child is ready") from error
        self._turn.set()
        if child is None:
            raise ChildLostError(self.problem)
        return child

    async def replace(self, child: Process[Said]) -> None:
        """Make this child the spare, and end the previous one."""
        async with self._changed:
            before, self.child = self.child, child
            self.problem, self._wanted = "", False
            self._changed.notify_all()
        self._turn.set()
        if before is not None:
            await before.end()

    async def _have(self, child: Process[Said]) -> None:
        """Make a started child the spare; end it if there is another one by now."""
        try:
            async with self._changed:
                surplus = self.child is not None
                if not surplus:
                    self.child, self.problem, self._wanted = child, "", False
                    self._changed.notify_all()
        except asyncio.CancelledError:
            await child.end()
            raise
        if surplus:
            await child.end()

    async def _watch(self, child: Process[Said]) -> None:
        """Wait until the spare is lost, taken or replaced. A lost one is ended, and a new one requested."""
        await run_until_first_exits(child.lost.wait(), self._turned())
        if not child.lost.is_set():
            return
        async with self._changed:
            ours = self.child is child
            self.child = None if ours else self.child
        if ours:
            self._log.warning("spare_lost")
            await child.end()
            self.want()

    async def _turned(self) -> None:
        await self._turn.wait()
        self._turn.clear()

    async def _set_problem(self, problem: str) -> None:
        if problem != self.problem:
            self._log.error("no_spare", extra={"reason": problem})
        async with self._changed:
            self.problem = problem
            self._changed.notify_all()
