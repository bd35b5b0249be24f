"""Keeps the page source's child process: restarts it when lost, and passes its messages to the lanes that watch.

The newest page's lines and portrait stay in the child; sockets for them are forwarded, and never read here.
"""

import contextlib
import logging
import socket

from drivers.reader.settings import PageSettings
from gate.channel import child_messages, vision_messages
from gate.channel.errors import ChannelClosedError
from gate.channel.message import words
from gate.channel.sockets import Connection
from gate.programs.children import fd_passing
from gate.programs.children.child_handle import ChildLostError, Process
from gate.programs.children.warm_spare import PAUSE_MAX_S, PAUSE_MIN_S
from gate.programs.shared.fault_latch import FaultLatch
from gate_core.programs.reconnect import Backoff, keep

MODULE = "gate.programs.vision.page_source_child"

log = logging.getLogger("vision")

Lane = Connection[vision_messages.ToVision]


class Pages:
    """Keeps the page source. `state`, for the status: up, starting, or why it is lost."""

    def __init__(self, settings: PageSettings, *, models: str) -> None:
        self.state = "starting"
        self._settings = settings
        self._models = models
        self._lanes: set[Lane] = set()
        self._child: Process[child_messages.FromPageChild] | None = None
        self._next_page = 1
        self._backoff = Backoff(PAUSE_MIN_S, PAUSE_MAX_S)
        self._trouble = FaultLatch(log, begins="page_source_lost", ends="page_source_up", first=True)

    async def show_to(self, lane: Lane) -> None:
        """Send this lane all messages from now on; first, whether the source works."""
        self._lanes.add(lane)
        if self.state != "starting":
            await lane.send(vision_messages.PageSource(None if self.state == "up" else words(self.state)))

    def forget(self, lane: Lane) -> None:
        """Stop sending to this lane."""
        self._lanes.discard(lane)

    def hand_lines(self, page: int, way: socket.socket) -> None:
        """Pass a socket for this page's lines to the child."""
        self._hand(fd_passing.LINES, page, way)

    def printed_portrait(self, page: int | None) -> socket.socket | None:
        """Return a socket on which the child sends this page's portrait; None without a page or a child."""
        if page is None or self._child is None:
            return None
        ours, theirs = socket.socketpair()
        with theirs:
            self._hand(fd_passing.PAGE_PORTRAIT, page, theirs)
        return ours

    def _hand(self, letter: bytes, page: int, way: socket.socket) -> None:
        if self._child is not None:
            with contextlib.suppress(ChildLostError):  # the other end sees the socket closed
                self._child.hand(letter + str(page).encode(), way.fileno())

    async def keep(self) -> None:
        """Keep a child running until cancelled."""

        async def lost(error: ChildLostError) -> None:
            await self._hear(vision_messages.PageSource(words(error)))

        await keep(self._hear_child, ending=ChildLostError, lost=lost, backoff=self._backoff)

    async def _hear_child(self) -> None:
        """Serve one child until it is lost. Raises ChildLostError."""
        prepare = child_messages.Prepare(self._models, self._settings.spelt(), first_page=self._next_page)
        child: Process[child_messages.FromPageChild] = await Process.start(
            MODULE, prepare, incoming=child_messages.FromPageChild, ends=False
        )
        self._backoff.reset()
        self._child = child
        try:
            while True:
                await self._hear(await child.receive())
        finally:
            self._child = None
            await child.end()

    async def _hear(self, message: child_messages.FromPageChild) -> None:
        match message:
            case vision_messages.PageRead(page) | vision_messages.PageStatus(page, gone=False):
                self._next_page = page + 1
            case vision_messages.PageSource(lost):
                self.state = "up" if lost is None else lost
                self._trouble.is_now(lost or "")
            case vision_messages.PageHint() | vision_messages.PageStatus():
                pass
            case child_messages.Prepared() | child_messages.Unfit() | child_messages.Alive():
                return  # answers to earlier messages
        for lane in tuple(self._lanes):
            with contextlib.suppress(ChannelClosedError):  # its own task removes it
                await lane.send(message)
