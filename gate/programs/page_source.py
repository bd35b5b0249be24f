"""The page source's child process as vision keeps it: started anew when it is lost, and what it says handed on.

Lanes that watch are told what lies there. The portrait of the newest page waits here as the bytes that came, not decoded, until its
crossing takes it or the page is gone; the child's own pixels end with it. A source that cannot be had is told with its reason, and
tried again for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from gate.channel import messages
from gate.channel.errors import ChannelClosedError
from gate.channel.sockets import Connection
from gate.programs.children.spare import PAUSE_MAX_S, PAUSE_MIN_S
from gate.programs.children.start import ChildLostError, Process

if TYPE_CHECKING:
    from gate.programs.config import Page

MODULE = "gate.programs.page_source_child"

log = logging.getLogger("vision")

Lane = Connection[messages.ToVision]


class Pages:
    """Keeps the page source. `state` is for the status: up, starting, or why it is lost."""

    def __init__(self, settings: Page, *, models: str) -> None:
        self.state = "starting"
        self._settings = settings
        self._models = models
        self._lanes: set[Lane] = set()
        self._portrait: messages.PagePortrait | None = None
        self._next_page = 1

    async def show_to(self, lane: Lane) -> None:
        """Tell this lane what lies there, from now on; first, whether the source is there."""
        self._lanes.add(lane)
        if self.state == "up":
            await lane.send(messages.PageSourceUp())
        elif self.state != "starting":
            await lane.send(messages.PageSourceLost(messages.words(self.state)))

    def forget(self, lane: Lane) -> None:
        """This lane is gone."""
        self._lanes.discard(lane)

    def take_portrait(self, page: int | None) -> messages.PagePortrait | None:
        """The portrait of this page, once; None when there is none."""
        portrait = self._portrait
        if portrait is None or portrait.page != page:
            return None
        self._portrait = None
        return portrait

    async def keep(self) -> None:
        """Have a child for ever, until cancelled."""
        pause_s = PAUSE_MIN_S
        while True:
            prepare = messages.PreparePage(self._models, self._settings.driver, self._settings.place, self._next_page)
            try:
                child: Process[messages.FromPageChild] = await Process.start(
                    MODULE, prepare, incoming=messages.FromPageChild
                )
            except ChildLostError as error:
                await self._hear(messages.PageSourceLost(messages.words(error)))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, PAUSE_MAX_S)
                continue
            pause_s = PAUSE_MIN_S
            try:
                while True:
                    await self._hear(await child.receive())
            except ChildLostError as error:
                await self._hear(messages.PageSourceLost(messages.words(error)))
            finally:
                await child.end()
            await asyncio.sleep(pause_s)

    async def _hear(self, message: messages.FromPageChild) -> None:
        match message:
            case messages.PagePortrait(page):
                self._next_page = page + 1
                self._portrait = message
                return
            case messages.PageRead(page) | messages.PageUnread(page):
                self._next_page = page + 1
            case messages.PageGone(page):
                self.take_portrait(page)
            case messages.PageSourceUp():
                self.state = "up"
                log.info("page_source_up")
            case messages.PageSourceLost(reason):
                if self.state != reason:
                    log.warning("page_source_lost", extra={"reason": reason})
                self.state = reason
                self._portrait = None
            case messages.PageHint():
                pass
            case messages.Prepared() | messages.Unfit() | messages.Alive():
                return  # answers to what came before
        for lane in tuple(self._lanes):
            with contextlib.suppress(ChannelClosedError):  # its own loop forgets it
                await lane.send(message)
