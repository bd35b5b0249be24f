"""The lane's channel of views: screens with their timing (`Paced`), whether a page shows them (`Painted`), travellers'
requests, and the lane's status. Orders have their own channel (`officers`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from gate.channel import order_messages, screen_messages
from gate.channel.errors import ChannelClosedError
from gate.channel.message import Status, StatusRequest
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.passage.names import Wish
from gate.programs.shared.config import Config
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.programs.reconnect import Backoff

APART_S: Final = 0.02  # minimum interval of views, so that none queue before the newest
SILENCE_S: Final = 3.0  # screens sends a message once a second
DUE_S: Final = 60.0
STEADY_S: Final = 120.0
PROOF_MIN_S, PROOF_MAX_S = 10.0, 600.0
REFERRAL_MS: Final = 2_500
GRID_MS: Final = 500
_REFERRALS: Final = frozenset({Screen.OFFICER, Screen.OTHER_LANE})


class Views:
    """Sends views to all watchers. Calls `asked` with a traveller's request, `painted` with the page's state."""

    def __init__(
        self,
        *,
        status: Callable[[], Status],
        purpose: Purpose,
        asked: Callable[[Wish], None],
        on_notice: Callable[[str], None] = lambda _: None,
        painted: Callable[[bool | None], None] = lambda _: None,
    ) -> None:
        """`on_notice`: called with each new notice that is shown to travellers."""
        self._status = status
        self._asked = asked
        self._on_notice = on_notice
        self._notice = ""
        self._painted = painted
        self._view = screen_messages.View(Screen.CLOSED, Guidance.NONE, None, None, purpose)
        self._looked: tuple[str, int] | None = None
        self._watchers: set[asyncio.Event] = set()

    def show(self, view: screen_messages.View) -> None:
        """Set the newest view; a slow watcher gets only the newest."""
        self._view = view
        for watcher in self._watchers:
            watcher.set()

    def fill(self, crossing: str, progress: int) -> None:
        """Set the progress of a crossing's look, in tenths, for its `look` screen only."""
        self._looked = (crossing, progress)
        self.show(self._view)

    def _now(self) -> screen_messages.View:
        view = self._view
        if self._looked is None or view.screen is not Screen.LOOK or view.crossing != self._looked[0]:
            return view
        return msgspec.structs.replace(view, progress=self._looked[1])

    @contextlib.asynccontextmanager
    async def serve(self, path: Path) -> AsyncIterator[None]:
        """Listen on the lane's socket."""
        async with serve(CHANNELS.lane, path, self._handle):
            yield

    async def _handle(self, connection: Connection[order_messages.ToLane]) -> None:
        changed = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            watching: asyncio.Task[None] | None = None
            try:
                async for message in connection:
                    match message:
                        case screen_messages.WatchView(notice):
                            self._hear(notice)
                            if watching is None:
                                self._watchers.add(changed)
                                changed.set()
                                watching = tasks.create_task(self._watch(connection, changed))
                        case screen_messages.PagePainted(ok):
                            self._painted(ok)
                        case screen_messages.TravellerAsks(wish):
                            self._asked(wish)
                        case StatusRequest():
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


def is_due(config: Config) -> bool:
    """True if travellers need the page: not in a demo, where no browser may be open, nor in shadow mode."""
    return config.purpose != Purpose.DEMO and config.mode == "gate"


class Painted:
    """Tracks whether the traveller's page is shown, from screens' messages: once a second, and when it is shown again.

    `tell` is called with False when the page is missed, with True when it is back. A `due` page is missed from the
    start, and reported as lost after DUE_S, the time from a machine's start to its display. A page that returns counts
    at once; if it is missed again within STEADY_S, only after it was shown without a break, longer each time. Otherwise
    a page that fails on an open lane's screen, but not on a closed one's, would open and close the lane for ever.
    """

    def __init__(self, tell: Callable[[bool], None], *, due: bool, silence_s: float = SILENCE_S) -> None:
        self._tell = tell
        self._silence_s = silence_s
        self._silence: asyncio.TimerHandle | None = None
        self._missed = self._awaited = due
        self._since_s: float | None = None  # shown without a break since then
        self._back_s = float("-inf")
        self._proof_s = 0.0  # how long it must be shown before it counts
        self._proofs = Backoff(PROOF_MIN_S, PROOF_MAX_S)

    async def run(self) -> None:
        """Report a page that does not appear within DUE_S."""
        if self._awaited:
            await asyncio.sleep(DUE_S)
        if self._awaited:
            self._tell(False)

    def hear(self, painted: bool | None) -> None:  # noqa: FBT001 - the message's only value
        """Handle screens' message; None: no page is missed. Silence after True means False: screens hangs or ended."""
        loop = asyncio.get_running_loop()
        if self._silence is not None:
            self._silence.cancel()
        self._silence = loop.call_later(self._silence_s, self.hear, False) if painted else None
        if not painted:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = loop.time()
        proven = self._since_s is not None and loop.time() - self._since_s >= self._proof_s
        missed = painted is False or (self._missed and painted is True and not proven)
        if missed is not self._missed:
            self._missed = missed
            self._turn(loop.time())
            self._tell(not missed)

    def _turn(self, now_s: float) -> None:
        """Update the times after a change."""
        if not self._missed:
            self._back_s = self._back_s if self._awaited else now_s  # the first appearance is no return
            self._awaited = False
        elif now_s - self._back_s < STEADY_S:
            self._proof_s = self._proofs.next_s()
        else:
            self._proof_s = 0.0
            self._proofs.reset()


class Paced:
    """Delays views so that a referral takes the same time for every cause on page and lamp (safety invariant 13).

    At the decision, or instead of a screen that a referral ends, the page shows WAIT. The officer's screen follows
    after REFERRAL_MS, or at the next multiple of GRID_MS if the lane took longer. REFERRAL_MS exceeds all times between
    decision and referral (`Timing.receipt_max_ms`, `look_max_ms`), so no delay reveals the cause. Nothing else waits: a
    grant and the way out are shown at once, and "walk through" ends when the grant is revoked.
    """

    def __init__(self, show: Callable[[screen_messages.View], None], *, clock_ms: Callable[[], float]) -> None:
        self._pass_on = show
        self._clock_ms = clock_ms
        self._shown: Screen | None = None
        self._waits_since_ms = 0.0
        self._due: asyncio.TimerHandle | None = None

    def show(self, view: screen_messages.View) -> None:
        """Show the view now or when due. A first view, and a change between referral screens, are shown now."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if view.screen not in _REFERRALS or self._shown is None or self._shown in _REFERRALS:
            self._show(view)
            return
        self._show(msgspec.structs.replace(view, screen=Screen.WAIT, guidance=Guidance.NONE))
        lasts_ms = self._clock_ms() - self._waits_since_ms
        left_ms = max(REFERRAL_MS, math.ceil(lasts_ms / GRID_MS) * GRID_MS) - lasts_ms
        self._due = asyncio.get_running_loop().call_later(left_ms / 1000, self._show, view)

    def _show(self, view: screen_messages.View) -> None:
        if view.screen is Screen.WAIT and self._shown is not Screen.WAIT:
            self._waits_since_ms = self._clock_ms()
        self._shown = view.screen
        self._pass_on(view)
