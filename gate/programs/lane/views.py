"""The lane's channel of views: what the screens show, whether a page paints it, what travellers ask for there, and how the lane is. Orders have a
channel of their own (`officers`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from gate.channel import messages
from gate.channel.errors import ChannelClosedError
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.passage.events import Wish
from gate_core.evidence.screen import Guidance, Purpose, Screen

APART_S: Final = 0.02  # views come no faster than screens takes them: the newest never waits behind older ones


class Views:
    """Shows views to whoever looks on. `asked` hears what is asked for on the page, `painted` whether a browser paints it."""

    def __init__(
        self,
        *,
        status: Callable[[], messages.Status],
        purpose: Purpose,
        asked: Callable[[Wish], None],
        on_notice: Callable[[str], None] = lambda _: None,
        painted: Callable[[bool | None], None] = lambda _: None,
    ) -> None:
        """`on_notice` hears of each notice that travellers are shown from now on: once, until it is another one."""
        self._status = status
        self._asked = asked
        self._on_notice = on_notice
        self._notice = ""
        self._painted = painted
        self._view = messages.View(Screen.CLOSED, Guidance.NONE, None, None, purpose)
        self._looked: tuple[str, int] | None = None
        self._watchers: set[asyncio.Event] = set()

    def show(self, view: messages.View) -> None:
        """The newest view; a slow one gets the newest only."""
        self._view = view
        for watcher in self._watchers:
            watcher.set()

    def fill(self, crossing: str, progress: int) -> None:
        """How much of a crossing's look is done, in tenths: on the `look` screen of that crossing, and nowhere else."""
        self._looked = (crossing, progress)
        self.show(self._view)

    def _now(self) -> messages.View:
        view = self._view
        if self._looked is None or view.screen is not Screen.LOOK or view.crossing != self._looked[0]:
            return view
        return msgspec.structs.replace(view, progress=self._looked[1])

    @contextlib.asynccontextmanager
    async def serve(self, path: Path) -> AsyncIterator[None]:
        """Listen on the lane's socket."""
        async with serve(CHANNELS.lane, path, self._handle):
            yield

    async def _handle(self, connection: Connection[messages.ToLane]) -> None:
        changed = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            watching: asyncio.Task[None] | None = None
            try:
                async for message in connection:
                    match message:
                        case messages.WatchView(notice):
                            self._hear(notice)
                            if watching is None:
                                self._watchers.add(changed)
                                changed.set()
                                watching = tasks.create_task(self._watch(connection, changed))
                        case messages.PagePainted(ok):
                            self._painted(ok)
                        case messages.TravellerAsks(wish):
                            self._asked(wish)
                        case messages.StatusRequest():
                            await connection.send(self._status())
            finally:
                self._watchers.discard(changed)
                if watching is not None:
                    watching.cancel()

    def _hear(self, notice: str) -> None:
        if notice not in {"", self._notice}:
            self._notice = notice
            self._on_notice(notice)

    async def _watch(self, connection: Connection[Any], changed: asyncio.Event) -> None:
        with contextlib.suppress(ChannelClosedError):
            while True:
                await changed.wait()
                changed.clear()
                await connection.send(self._now())
                await asyncio.sleep(APART_S)
