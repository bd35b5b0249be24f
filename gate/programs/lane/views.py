"""The lane's channel of views: what the screens show and when (`Paced`), whether a page paints it (`Painted`), what travellers ask for there, and how
the lane is. Orders have a channel of their own (`officers`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from gate.channel import messages
from gate.channel.errors import ChannelClosedError
from gate.channel.sockets import Connection, serve
from gate.channel.table import CHANNELS
from gate.passage.events import Wish
from gate.programs.shared.config import Config
from gate_core.evidence.screen import Guidance, Purpose, Screen
from gate_core.programs.reconnect import Backoff

APART_S: Final = 0.02  # views come no faster than screens takes them: the newest never waits behind older ones
SILENCE_S: Final = 3.0  # screens speaks once a second
DUE_S: Final = 60.0
STEADY_S: Final = 120.0
PROOF_MIN_S, PROOF_MAX_S = 10.0, 600.0
REFERRAL_MS: Final = 2_500
GRID_MS: Final = 500
_REFERRALS: Final = frozenset({Screen.OFFICER, Screen.OTHER_LANE})


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


def is_due(config: Config) -> bool:
    """True when travellers need the page: a demo's browser may be elsewhere, and a gate that only watches tells them nothing."""
    return config.purpose != Purpose.DEMO and config.mode == "gate"


class Painted:
    """Whether the traveller's page is painted, by what screens says of it: once a second, and at once when a page paints again.

    `tell` hears False when the page is missed, and True when it is there again. A page that is `due` is missed from the start, and told as a loss
    after `DUE_S`, which a machine has from its start to its display. One that paints again is believed at once; one that is missed a second time
    within `STEADY_S` must first paint without a break, for longer each time: a page that fails on the screen of an open lane paints that of a
    closed one, and would have the lane open and close for ever.
    """

    def __init__(self, tell: Callable[[bool], None], *, due: bool, silence_s: float = SILENCE_S) -> None:
        self._tell = tell
        self._silence_s = silence_s
        self._silence: asyncio.TimerHandle | None = None
        self._missed = self._awaited = due
        self._since_s: float | None = None  # painted without a break
        self._back_s = float("-inf")
        self._proof_s = 0.0  # for so long it must have painted before it is believed
        self._proofs = Backoff(PROOF_MIN_S, PROOF_MAX_S)

    async def run(self) -> None:
        """Tell of a page that does not come; ends when it is time."""
        if self._awaited:
            await asyncio.sleep(DUE_S)
        if self._awaited:
            self._tell(False)

    def hear(self, painted: bool | None) -> None:  # noqa: FBT001 - what screens says is one word
        """What screens says; None: there is none to miss. Silence after a page that painted says that it is gone: screens hangs, or has ended."""
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
        """It is missed now, or is there again."""
        if not self._missed:
            self._back_s = self._back_s if self._awaited else now_s  # that it came at all is no return
            self._awaited = False
        elif now_s - self._back_s < STEADY_S:
            self._proof_s = self._proofs.next_s()
        else:
            self._proof_s = 0.0
            self._proofs.reset()


class Paced:
    """Passes views on to `show`: page and lamp say that an officer comes after the same time for every cause of a referral (safety invariant 13).

    Whatever becomes of a crossing, the page first says one moment: at the decision, or in the place of the screen that a referral ends. The officer's
    screen comes `REFERRAL_MS` later, or on the next multiple of `GRID_MS` where the lane itself took longer. `REFERRAL_MS` is more than everything
    between a decision and its referral may take (`Timing.receipt_max_ms` and `look_max_ms`), so what blocked the crossing shows in no time. Nothing
    else waits: a grant and the way out are shown at once, and "walk through" goes when the grant is taken back.
    """

    def __init__(self, show: Callable[[messages.View], None], *, clock_ms: Callable[[], float]) -> None:
        self._pass_on = show
        self._clock_ms = clock_ms
        self._shown: Screen | None = None
        self._waits_since_ms = 0.0
        self._due: asyncio.TimerHandle | None = None

    def show(self, view: messages.View) -> None:
        """Show it now, or in its time. The first view of a program and one that changes no referral's screen is shown as it is."""
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

    def _show(self, view: messages.View) -> None:
        if view.screen is Screen.WAIT and self._shown is not Screen.WAIT:
            self._waits_since_ms = self._clock_ms()
        self._shown = view.screen
        self._pass_on(view)
