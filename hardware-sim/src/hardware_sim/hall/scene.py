"""The scene: a lane with its boards, lines and disk, its screens, and the true events. People and officers wait and order through it.

Time is the event loop's. Events go to the judge and into the trace; two runs are equal when the traces' digests are.
A violation ends every wait with an error.
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

TRACE_MAX = 200  # lines that are kept for display


class Scene:
    """One scene on the running loop, of a one-door lane. `presence_max_s` is how long an officer's report of presence is valid.

    `boards` and `lines` are keyed by door; the line of other devices has its own name.
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
        self.forgets = False  # the officer does not report presence
        self.heard: Callable[[Word, str], None] = lambda _, __: None  # receives the answers to orders
        self.wall_jump_s = 0.0
        self.crossing: Crossing | None = None
        self.standing = ""  # the person before the lane, or in it
        self.screen, self.served = CLOSED, ""
        self.newest: deque[str] = deque(maxlen=TRACE_MAX)  # of the trace
        self._digest = hashlib.blake2b(digest_size=16)
        self._violation: BaseException | None = None
        self._waits: dict[asyncio.Future[None], None] = {}  # in the order of their arrival
        self.hits: set[Kind] = set()  # the faults that affected the present crossing

    # ── reports of the gate's side ───────────────────────────────────────────────────────────────────────────────────

    def shown(self, screen: str, served: str) -> None:
        """Note the lane's screen, and the traveller whom it serves."""
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
        """Note the answer to an officer's order."""
        self.trace(f"answers {word.value}: {outcome} {detail}")
        self.heard(word, outcome)

    def order(self, word: Word, crossing: str = "") -> None:
        """Give an officer's order."""
        self.trace(f"officer {word.value} {crossing}")
        if word in {Word.PRESENT, Word.ADMIT}:
            self.judge.present_s = self.clock()
        self.lane.order(word, crossing)

    def incident(self, kind: str) -> None:
        """Note that the lane reported an incident."""
        self.trace(f"incident {kind}")
        self.judge.told(kind)

    @property
    def wall_s(self) -> float:
        """Return the present time of the wall clock, in seconds."""
        if self.wall_jump_s:
            self.hit(Kind.CLOCK_JUMP.value)
        return self.clock() + self.wall_jump_s

    def served_now(self, name: str) -> bool:
        """Return True while a crossing of this traveller runs."""
        return self.served == name and self.screen != OFFICER

    def may_go(self, name: str) -> bool:
        """Return True while the screen shows this traveller GO."""
        return self.screen == GO and self.served == name

    def is_over(self, name: str) -> bool:
        """Return True when the lane has finished with this traveller."""
        return self.served != name and name not in self.lane.report().waiting

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def any_fire(self) -> bool:
        """Return True while a fire input is active."""
        return any(board.controller.fire for board in self.boards.values())

    def at_rest(self) -> bool:
        """Return True when no one is in the lane, and every leaf is closed."""
        return self.board.empty and self.board.leaf_closed

    def pass_time(self) -> None:
        """Move all walking people to their present place."""
        for board in self.boards.values():
            board.tick(self.clock() * 1000)

    def at_door(self, what: str, door: str) -> str:
        """Return `what` with its door, where there are several."""
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
        """Note that a fault affected the present crossing."""
        self.hits.add(Kind(kind))

    def trace(self, text: str) -> None:
        """Add a line to the trace."""
        line = f"{self.clock():.4f} {text}"
        self.newest.append(line)
        self._digest.update(line.encode())

    @property
    def digest(self) -> str:
        """Return the BLAKE2b digest of the trace so far, in hex."""
        return self._digest.hexdigest()

    def violate(self, error: BaseException) -> None:
        """End everything at the first violation or error of the hall itself."""
        self._violation = self._violation or error
        self.notify()

    # ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def notify(self) -> None:
        """Report a change: all waiting tasks check again, in the order of their arrival."""
        waits, self._waits = self._waits, {}
        for one in waits:
            _wake(one)

    async def until(self, what: Callable[[], bool], limit_s: float) -> bool:
        """Wait until the condition holds; return False at the limit. Raises ViolationError."""
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
        """Wait for this time. Raises ViolationError."""
        await self.until(lambda: False, for_s)


def _wake(change: asyncio.Future[None]) -> None:
    if not change.done():
        change.set_result(None)
