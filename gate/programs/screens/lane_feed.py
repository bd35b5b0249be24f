"""The lane as consoles watch it: one look at it for all of them, told anew when something changed.

Nobody watching, nothing is asked. A console that reads slowly misses sights and delays nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Final, NoReturn

from gate.programs.screens.console_status import Sight
from gate_core.console_link import BEAT, BEAT_S, LaneEvent, event
from gate_core.web_pages.fanout import Fanout, FanoutError, Latest

EVERY_S: Final = 0.5  # the lane is looked at, beside its own word that something changed
APART_S: Final = 0.125  # and never more often


class Feed:
    """`look` gives the lane as it is now, whatever happens."""

    def __init__(self, look: Callable[[], Awaitable[LaneEvent]], *, streams_max: int) -> None:
        self._look = look
        self._watched = asyncio.Event()
        self._changed = asyncio.Event()
        self._streams: Fanout[Sight] = Fanout(clients_max=streams_max, on_change=self._count)
        self._latest: Sight | None = None

    @property
    def streams(self) -> int:
        """How many consoles watch."""
        return self._streams.clients

    def changed(self) -> None:
        """Look at the lane again."""
        self._changed.set()

    async def run(self) -> NoReturn:
        """Look at it while somebody watches."""
        while True:
            await self._watched.wait()
            self._changed.clear()
            lane = await self._look()
            self._tell(Sight(_now_s(), lane))
            await asyncio.sleep(APART_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S - APART_S):
                    await self._changed.wait()

    async def events(self) -> AsyncIterator[bytes]:
        """The stream of one console: the lane now and after each change, and a beat where there is nothing to say. Ends when all do."""
        with contextlib.suppress(FanoutError), self._watch() as sights:
            while True:
                try:
                    async with asyncio.timeout(BEAT_S):
                        sight = await sights.take()
                except TimeoutError:
                    yield BEAT
                else:
                    yield event(sight.at(_now_s()))

    def close(self) -> None:
        """End every stream."""
        self._streams.close()

    @contextlib.contextmanager
    def _watch(self) -> Iterator[Latest[Sight]]:
        with self._streams.join() as sights:
            if self._latest is not None:
                sights.put(self._latest)
            self._changed.set()
            yield sights

    def _tell(self, sight: Sight) -> None:
        if self.streams and (self._latest is None or not sight.says_no_more_than(self._latest)):
            self._latest = sight
            self._streams.send(sight)

    def _count(self) -> None:
        if self._streams.clients:
            self._watched.set()
        else:
            self._watched.clear()
            self._latest = None  # who comes next is told nothing old


def _now_s() -> float:
    return asyncio.get_running_loop().time()
