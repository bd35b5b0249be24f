"""What goes wrong around a walked lane: lines, logs, cameras, power, fire, alarms, officers' whims, the lane program itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fakes.walked_board import Line
from fakes.walked_lane import WalkedLane
from fakes.walked_people import People

from gate.passage.events import DocumentPresented, DocumentRemoved, Part, PartBack, PartLost
from gate.passage.names import Disposition
from gate.passage.orders import Admit, BePresent, Command, HandOver, Hold, LaneOrder
from gate_core.evidence.crossing import Alarm

EVERY_S = 6.0  # on the average

Story = Callable[[], Coroutine[Any, Any, None]]


class Troubles:
    """Draws faults, of which several may last at once. Each ends by itself."""

    def __init__(self, lane: WalkedLane, people: People) -> None:
        self._lane = lane
        self._people = people
        self._rng = lane.rng
        self._lasting: set[asyncio.Task[None]] = set()
        self._stories: list[Story] = [
            *(3 * [self._line]),
            *(3 * [self._whim]),
            *(2 * [self._log_away]),
            *(2 * [self._vision]),
            *(2 * [self._alarm]),
            *(2 * [people.wander]),
            self._log_full,
            self._log_slow,
            self._log_picky,
            self._camera,
            self._reader,
            self._power,
            self._fire,
            self._stuck,
            self._out,
            self._early,
            self._absence,
            self._new_start,
        ]
        self.unknown_entries = self.unknown_exits = 0  # went through, and only a board that lost its power knew

    async def come(self) -> None:
        """One after another. For ever."""
        while True:
            await asyncio.sleep(self._rng.expovariate(1 / EVERY_S))
            task = asyncio.ensure_future(self._rng.choice(self._stories)())
            self._lasting.add(task)
            task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._lasting.discard(task)
        if not task.cancelled():
            task.result()  # a story that fails is said by the loop, and the loop's word ends the test

    @property
    def last(self) -> bool:
        """True while one of them is not over."""
        return bool(self._lasting)

    def end(self) -> None:
        """The walk is over."""
        for task in tuple(self._lasting):
            task.cancel()

    def _some(self, *limits_s: float) -> Coroutine[Any, Any, None]:
        return asyncio.sleep(self._rng.uniform(*limits_s))

    # ── the barrier ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _line(self) -> None:
        self._lane.board.set_line(self._rng.choice([Line.BUSY, Line.SILENT, Line.CUT]))
        await asyncio.sleep(self._rng.choice([0.1, 0.3, 0.8, 1.5, 4.0]) * self._rng.uniform(0.5, 1.5))
        self._lane.board.set_line(Line.GOOD)

    async def _power(self) -> None:
        board = self._lane.board
        board.set_line(Line.CUT)
        await self._some(0.2, 3.0)
        known = self._lane.log.counted()
        kept = known is not None and known.power_ups == board.restarts
        self.unknown_entries += (
            (board.count_entry - known.entry) % 2**32 if kept and known else board.count_entry % 2**31
        )
        self.unknown_exits += (board.count_exit - known.exit) % 2**32 if kept and known else board.count_exit
        board.power_cycle()
        board.set_line(Line.GOOD)

    async def _fire(self) -> None:
        self._lane.board.fire = True
        await self._some(0.05, 8.0)
        self._lane.board.fire = False

    async def _alarm(self) -> None:
        kinds = [Alarm.OBSTRUCTED, Alarm.OPEN_TOO_LONG, Alarm.MOTOR_FAULT, Alarm.FORCED]
        self._lane.board.alarms.add(self._rng.choice(kinds))

    async def _stuck(self) -> None:
        self._lane.board.stuck = True
        await self._some(0.5, 20.0)
        self._lane.board.stuck = False

    async def _out(self) -> None:
        self._lane.board.comes_out(self._people.somebody())

    # ── the programs ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _log_away(self) -> None:
        self._lane.log.goes()
        await self._some(0.05, 4.0)
        self._lane.log.comes()

    async def _log_full(self) -> None:
        self._lane.log.full = True
        await self._some(0.5, 8.0)
        self._lane.log.full = False
        self._lane.log.flush()

    async def _log_slow(self) -> None:
        self._lane.log.slow_s = self._rng.uniform(0.1, 3.0)
        await self._some(0.5, 5.0)
        self._lane.log.slow_s = 0.0

    async def _log_picky(self) -> None:
        self._lane.log.picky = True
        await self._some(0.5, 8.0)
        self._lane.log.picky = False

    async def _vision(self) -> None:
        self._lane.vision = False
        self._lane.post(PartLost(Part.VISION))
        await self._some(0.01, 3.0)
        self._lane.vision = True
        self._lane.post(PartBack(Part.VISION))
        if self._lane.camera:
            self._lane.post(PartBack(Part.CAMERA))  # whoever comes back says how the camera is

    async def _camera(self) -> None:
        self._lane.camera = False
        self._lane.post(PartLost(Part.CAMERA))
        await self._some(0.01, 3.0)
        self._lane.camera = True
        self._lane.post(PartBack(Part.CAMERA))

    async def _reader(self) -> None:
        self._lane.reader = False
        self._lane.post(PartLost(Part.READER))
        await self._some(0.01, 3.0)
        self._lane.reader = True
        self._lane.post(PartBack(Part.READER))

    async def _new_start(self) -> None:
        if self._rng.random() < 0.4:
            await self._lane.restart()

    # ── officers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _whim(self) -> None:
        lane, rng = self._lane, self._rng
        crossing = rng.choice([*lane.waiting(), *list(lane.oracle.crossings)[-1:], "unknown"])
        commands: list[Command] = [
            Hold(crossing),
            Admit(crossing),
            HandOver(crossing, Disposition.WALKED_BACK),
            LaneOrder.RELEASE,
            LaneOrder.RELEASE,
            LaneOrder.OPEN_EMERGENCY,
            LaneOrder.END_EMERGENCY,
            LaneOrder.ACKNOWLEDGE,
            LaneOrder.CLOSE,
            LaneOrder.OPEN,
            LaneOrder.OPEN,
            BePresent(),
        ]
        behind = int(rng.random() < 0.2)
        lane.order(rng.choice(commands), officer=rng.choice(["officer-1", "officer-2"]), behind=behind)

    async def _early(self) -> None:
        """Somebody lays a document when it is not their turn, and takes it away again or not."""
        self._lane.post(DocumentPresented(f"early-{self._rng.getrandbits(40)}"))
        await self._some(0.2, 3.0)
        if self._rng.random() < 0.5:
            self._lane.post(DocumentRemoved())

    async def _absence(self) -> None:
        self._people.absent = True
        await self._some(60.0, 200.0)
        self._people.absent = False
