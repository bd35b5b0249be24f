"""The scene: a lane with its boards, lines and disk, what is shown there, and what truly happens. Who acts there waits and orders through it.

Time is the event loop's, whatever that is. What happens goes to the judge and into the trace, whose digest tells two runs apart. After a
violation everybody who waits hears of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections import deque
from typing import TYPE_CHECKING

from hardware_sim.barrier.device import Barrier
from hardware_sim.hall.disk import Disk
from hardware_sim.hall.judge import Bench, Judge, ViolationError
from hardware_sim.hall.lane import CLOSED, GO, LAST, OFFICER, Lane, Word
from hardware_sim.hall.line import Line
from hardware_sim.hall.plan import Crossing, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

TRACE_MAX = 200  # lines that are kept to be shown


class Scene:
    """One scene on the running loop, of a lane of one door. `presence_max_s` is for how long the lane takes an officer's word that they are there.

    `boards` and `lines` are by their doors; the line of what stands beside doors has a name of its own.
    """

    def __init__(self, *, presence_max_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.clock: Callable[[], float] = self._loop.time
        self.board = Barrier(self._reported)
        self.boards: dict[str, Barrier] = {LAST: self.board}
        self.lines = {LAST: Line(self.board, self.clock, self.hit)}
        self.disk = Disk(lambda: self.hit(Kind.DISK_FULL.value))
        self.judge: Bench = Judge(board=self.board, disk=self.disk, clock=self.clock, presence_max_s=presence_max_s)
        self.lane: Lane
        self.forgets = False  # the officer, to report presence
        self.heard: Callable[[Word, str], None] = lambda _, __: None  # what an order is answered
        self.wall_jump_s = 0.0
        self.crossing: Crossing | None = None
        self.standing = ""  # who stands before the lane, or is in it
        self.screen, self.served = CLOSED, ""
        self.newest: deque[str] = deque(maxlen=TRACE_MAX)  # of the trace
        self._digest = hashlib.blake2b(digest_size=16)
        self._violation: BaseException | None = None
        self._waits: dict[asyncio.Future[None], None] = {}  # in the order in which they came
        self.hits: set[Kind] = set()  # what hit the crossing that runs

    # ── reports of the gate's side ──────────────────────────────────────────────────────────────────────────────────────

    def shown(self, screen: str, served: str) -> None:
        """The lane shows this, and serves this traveller."""
        if (screen, served) != (self.screen, self.served):
            self.screen, self.served = screen, served
            self.judge.shows, self.judge.served = screen, served
            self.trace(f"shows {screen} {served}")
            self.notify()

    def ordered(self, order: str, door: str) -> None:
        """Note that the lane sends a board an order."""
        self.trace(f"orders {self.at_door(order, door)}")
        self.judge.ordered(order, door)

    def answered(self, word: Word, outcome: str, detail: str) -> None:
        """An officer is answered."""
        self.trace(f"answers {word.value}: {outcome} {detail}")
        self.heard(word, outcome)

    def order(self, word: Word, crossing: str = "") -> None:
        """An officer gives an order."""
        self.trace(f"officer {word.value} {crossing}")
        if word in {Word.PRESENT, Word.ADMIT}:
            self.judge.present_s = self.clock()
        self.lane.order(word, crossing)

    def incident(self, kind: str) -> None:
        """An incident is made known."""
        self.trace(f"incident {kind}")
        self.judge.told(kind)

    @property
    def wall_s(self) -> float:
        """Seconds of the wall clock, as it stands."""
        if self.wall_jump_s:
            self.hit(Kind.CLOCK_JUMP.value)
        return self.clock() + self.wall_jump_s

    def served_now(self, name: str) -> bool:
        """True while a crossing of this traveller runs."""
        return self.served == name and self.screen != OFFICER

    def may_go(self, name: str) -> bool:
        """Return True while the screen shows this traveller go."""
        return self.screen == GO and self.served == name

    def is_over(self, name: str) -> bool:
        """True when the lane has nothing more to do with this traveller."""
        return self.served != name and name not in self.lane.report().waiting

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def any_fire(self) -> bool:
        """True while a fire input is active."""
        return any(board.controller.fire for board in self.boards.values())

    def at_rest(self) -> bool:
        """Return True when no one is in the lane, and every leaf is closed."""
        return self.board.empty and self.board.leaf_closed

    def pass_time(self) -> None:
        """Move all who walk to their present place."""
        for board in self.boards.values():
            board.tick(self.clock() * 1000)

    def at_door(self, what: str, door: str) -> str:
        """The same with its door, where there are several."""
        return what if len(self.boards) == 1 else f"{what} {door}"

    def _reported(self, event: str, *, at_ms: int, door: str = LAST, **fields: str | int | bool) -> None:
        self.trace(f"{self.at_door(event, door)} {at_ms} {fields}")
        if event == "leaf_moved" and self.boards[door].leaf_is_slow:
            self.hit(Kind.SLOW_LEAF.value)
        try:
            self.judge.happened(event, fields, door)
        except ViolationError as error:
            self.violate(error)
        self.notify()

    def hit(self, kind: str) -> None:
        """A fault did something to the crossing that runs."""
        self.hits.add(Kind(kind))

    def trace(self, text: str) -> None:
        """Note what happens."""
        line = f"{self.clock():.4f} {text}"
        self.newest.append(line)
        self._digest.update(line.encode())

    @property
    def digest(self) -> str:
        """Of the trace so far, in hex."""
        return self._digest.hexdigest()

    def violate(self, error: BaseException) -> None:
        """The first violation, or mistake of the hall's own, ends everything."""
        self._violation = self._violation or error
        self.notify()

    # ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def notify(self) -> None:
        """Report a change: all who wait look again, in the order in which they came."""
        waits, self._waits = self._waits, {}
        for one in waits:
            _wake(one)

    async def until(self, what: Callable[[], bool], limit_s: float) -> bool:
        """Wait until it is so; False when the time is over. Raises ViolationError."""
        loop = self._loop
        end_s = loop.time() + limit_s
        while True:
            if self._violation is not None:
                raise self._violation
            if what():
                return True
            if loop.time() >= end_s:
                return False
            change = loop.create_future()
            self._waits[change] = None
            timer = loop.call_at(end_s, _wake, change) if end_s < math.inf else None
            try:
                await change
            finally:
                if timer is not None:
                    timer.cancel()
                self._waits.pop(change, None)

    async def pause(self, for_s: float) -> None:
        """Let time pass. Raises ViolationError."""
        await self.until(lambda: False, for_s)


def _wake(change: asyncio.Future[None]) -> None:
    if not change.done():
        change.set_result(None)
