"""The two programs that the screens program listens to, as small as they can be: real sockets, scripted words.

`FakeLane` answers like the lane (the view now and at every change, a Status for a StatusRequest); `FakePreview` like
vision's preview socket (pictures only while they are wanted).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from gate.channel.message import Status, StatusRequest
from gate.channel.preview_messages import Preview, ShowTint, TintShown, WantPreview
from gate.channel.screen_messages import PagePainted, TravellerAsks, View, WatchView
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.passage.names import Wish
from gate_core.evidence.screen import Guidance, Screen


def view(screen: Screen, guidance: Guidance = Guidance.NONE, **fields: Any) -> View:
    """A view with nothing for officers in it, unless `fields` says so."""
    about = {"crossing": None, "referred": None, "purpose": "demo"} | fields
    return View(screen=screen, guidance=guidance, **about)


class FakeLane:
    """A lane that shows what it is told. With `mute` it keeps connections open and says nothing more; `painted` is what it heard of the page, `asked`
    what was asked for there, and `on_painted` hears each word of the page.
    """

    def __init__(self, path: Path, *, first: View) -> None:
        self._path = path
        self._view = first
        self._watchers: set[Connection[Any]] = set()
        self.notices: list[str] = []
        self.mute = False
        self.painted: list[bool | None] = []
        self.on_painted: Callable[[bool | None], None] = lambda _: None
        self.asked: list[Wish] = []

    async def show(self, view: View) -> None:
        """Send a view to everyone who watches."""
        self._view = view
        for watcher in self._watchers:
            await watcher.send(view)

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[FakeLane]:
        """Listen until the block ends."""
        async with serve(CHANNELS.lane, self._path, self._handle):
            yield self

    async def _handle(self, connection: Connection[Any]) -> None:
        try:
            async for message in connection:
                if isinstance(message, WatchView):
                    self.notices.append(message.notice)
                    self._watchers.add(connection)
                    await connection.send(self._view)
                elif isinstance(message, PagePainted):
                    self.painted.append(message.ok)
                    self.on_painted(message.ok)
                elif isinstance(message, TravellerAsks):
                    self.asked.append(message.wish)
                elif isinstance(message, StatusRequest) and not self.mute:
                    await connection.send(Status("lane", "ready", {}))
        finally:
            self._watchers.discard(connection)


class FakePreview:
    """Vision's preview socket: sends `jpeg` again and again, `every_s`, while it is wanted, and notes every change of wishes in `asked`.

    `tint` asks for a colour; what comes back is in `painted`.
    """

    def __init__(self, path: Path, *, jpeg: bytes, every_s: float = 0.02) -> None:
        self._path = path
        self._every_s = every_s
        self.jpeg = jpeg
        self.asked: list[bool] = []
        self.painted: list[TintShown] = []
        self.heard = asyncio.Event()
        self._connections: set[Connection[Any]] = set()

    async def tint(self, number: int, colour: str) -> None:
        """Have every screen be of this colour."""
        for connection in self._connections:
            await connection.send(ShowTint(number, colour))

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[FakePreview]:
        """Listen until the block ends."""
        async with serve(CHANNELS.preview, self._path, self._handle):
            yield self

    async def _handle(self, connection: Connection[Any]) -> None:
        wanted = asyncio.Event()
        self._connections.add(connection)
        async with asyncio.TaskGroup() as tasks:
            sender = tasks.create_task(self._send(connection, wanted))
            async for message in connection:
                match message:
                    case TintShown():
                        self.painted.append(message)
                    case WantPreview(on):
                        if on is not wanted.is_set():
                            self.asked.append(on)
                        (wanted.set if on else wanted.clear)()
                    case other:
                        raise AssertionError(other)
                self.heard.set()
            sender.cancel()
        self._connections.discard(connection)

    async def _send(self, connection: Connection[Any], wanted: asyncio.Event) -> None:
        while True:
            await wanted.wait()
            await connection.send(Preview(self.jpeg))
            await asyncio.sleep(self._every_s)
