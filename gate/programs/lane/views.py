"""The lane's channel of views: what the screens show, and how the lane is. Orders have a channel of their own (`officers`)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from gate.channel import messages
from gate.channel.errors import ChannelClosedError
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.passage.screen import Guidance, Purpose, Screen


class Views:
    """Shows views to whoever looks on."""

    def __init__(
        self,
        *,
        status: Callable[[], messages.Status],
        purpose: Purpose,
        on_notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`on_notice` hears of each notice that travellers are shown from now on: once, until it is another one."""
        self._status = status
        self._on_notice = on_notice
        self._notice = ""
        self._view = messages.View(Screen.CLOSED, Guidance.NONE, None, None, purpose)
        self._watchers: set[asyncio.Event] = set()

    def show(self, view: messages.View) -> None:
        """The newest view; a slow one gets the newest only."""
        self._view = view
        for watcher in self._watchers:
            watcher.set()

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
                    if isinstance(message, messages.WatchView):
                        self._hear(message.notice)
                        if watching is None:
                            self._watchers.add(changed)
                            changed.set()
                            watching = tasks.create_task(self._watch(connection, changed))
                    else:
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
                await connection.send(self._view)
