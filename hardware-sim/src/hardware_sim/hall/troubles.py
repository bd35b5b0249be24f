"""The faults of one crossing: each begins at its moment, lasts, and ends. None is left afterwards."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from typing import TYPE_CHECKING

from hardware_sim.barrier.leaf import TRAVEL_MS
from hardware_sim.hall.line import BIT_ERROR_RATES
from hardware_sim.hall.plan import Crossing, Fault, Kind, Moment

if TYPE_CHECKING:
    from hardware_sim.hall.scene import Scene

SLOWER = 5.0
JUMPS_S = (-20 * 365 * 86_400.0, -3_600.0, 45.0, 200 * 86_400.0)  # of the wall clock
LATE_S_MAX = 2.0
DISBELIEVED_S = 10.0  # how long the driver does not trust a line that answered late
FORGOTTEN_S = 0.5  # longer than an officer's report of presence is valid
_LATE = frozenset({Kind.LATE_REPLY, Kind.REORDERED_REPLY})
_OF_THE_LINE = _LATE | {Kind.BUSY_ANSWER, Kind.BURST, Kind.LOST_REPLY, Kind.POWER_CYCLE, Kind.DEATH}
_LOSES_ORDERS = _LATE | {Kind.BIT_ERRORS, Kind.BUSY_ANSWER, Kind.BURST, Kind.LOST_REPLY}


class Troubles:
    """The faults of one crossing."""

    def __init__(self, scene: Scene, crossing: Crossing) -> None:
        self._scene = scene
        self._faults = crossing.faults
        self._tasks: list[asyncio.Task[None]] = []
        self._moments = {moment: asyncio.Event() for moment in Moment}
        self._begun: set[Fault] = set()
        self._on_lines = 0  # present faults of lines
        self._doubled = 0  # lines that repeat replies: no driver connects again to a line with two answers to a number
        self._losing: Counter[str] = Counter()  # present faults that may lose an order, by door

    async def before(self) -> None:
        """Let a forgetful officer stop reporting long before the traveller comes."""
        if not any(fault.kind is Kind.FORGETFUL_OFFICER for fault in self._faults):
            return
        scene = self._scene
        scene.forgets = True
        last_s = scene.judge.present_s + scene.judge.presence_max_s + FORGOTTEN_S
        await scene.pause(max(0.0, last_s - scene.clock()))
        scene.hit(Kind.FORGETFUL_OFFICER.value)

    def begin(self) -> None:
        """Begin: the document is about to be placed."""
        self._tasks = [asyncio.ensure_future(self._play(fault)) for fault in self._faults]

    def come(self, moment: Moment) -> None:
        """Start the faults of this moment."""
        self._moments[moment].set()

    async def over(self) -> None:
        """Wait until all faults that have begun are over. Raises ViolationError."""
        for fault, task in zip(self._faults, self._tasks, strict=True):
            if fault not in self._begun or fault.kind is Kind.BIT_ERRORS:
                task.cancel()
        await self._scene.until(lambda: all(task.done() for task in self._tasks), math.inf)
        for task in self._tasks:
            if not task.cancelled():
                task.result()

    def end(self) -> None:
        """End all lasting faults."""
        for task in self._tasks:
            task.cancel()
        self._scene.forgets = False

    async def _play(self, fault: Fault) -> None:
        await self._moments[fault.moment].wait()
        await asyncio.sleep(fault.after_s)
        self._begun.add(fault)
        scene = self._scene
        scene.trace(scene.at_door(f"begins {fault}", fault.at))
        judge = scene.judge
        if fault.kind in _OF_THE_LINE:
            judge.well_since_s = math.inf
            self._on_lines += 1
        self._doubled += fault.kind is Kind.DOUBLED_REPLY
        loses_orders = fault.kind in _LOSES_ORDERS and fault.at in scene.boards  # sensors receive no orders
        if loses_orders:
            self._losing[fault.at] += 1
            judge.line(fault.at, clean=False)
        try:
            await self._last(fault)
        finally:
            scene.trace(f"ends {fault.kind.value}")
            self._on_lines -= fault.kind in _OF_THE_LINE
            self._doubled -= fault.kind is Kind.DOUBLED_REPLY
            if math.isinf(judge.well_since_s) and not (self._on_lines or self._doubled):
                judge.well_since_s = scene.clock()
            if fault.kind in _LATE:
                judge.believed_s = scene.clock() + DISBELIEVED_S
            if loses_orders:
                self._losing[fault.at] -= 1
                judge.line(fault.at, clean=not self._losing[fault.at])
            asyncio.get_running_loop().call_soon(scene.notify)  # the task is finished by then

    async def _last(self, fault: Fault) -> None:
        """Play one fault, from its beginning to its end."""
        match fault.kind:
            case Kind.DEATH:
                await self._die(fault)
            case Kind.POWER_CYCLE:
                self._cycle_power(fault.at)
            case _:
                self._switch(fault, on=True)
                try:
                    await asyncio.sleep(fault.lasts_s)
                finally:
                    self._switch(fault, on=False)
                if fault.kind is Kind.LATE_REPLY:
                    await asyncio.sleep(LATE_S_MAX * fault.drawn)  # replies in transit still arrive

    def _switch(self, fault: Fault, *, on: bool) -> None:
        scene = self._scene
        match fault.kind:
            case kind if kind in _OF_THE_LINE | {Kind.BIT_ERRORS, Kind.DOUBLED_REPLY}:
                self._harm(fault, on=on)
            case Kind.CLOCK_JUMP:
                scene.wall_jump_s = JUMPS_S[int(fault.drawn * len(JUMPS_S))] if on else 0.0
            case Kind.DISK_FULL:
                scene.disk.full = on
            case Kind.SLOW_LEAF:
                scene.judge.is_helpless = True
                scene.boards[fault.at].slow_leaf(SLOWER * TRAVEL_MS if on else TRAVEL_MS)
            case Kind.STUCK_BEAM:
                self._stick(fault.at, int(fault.drawn * 3) if on else None)
            case Kind.FORGETFUL_OFFICER:
                scene.forgets = on
            case Kind.FIRE:
                self._burn(fault.at, on=on)
            case _:
                pass

    def _harm(self, fault: Fault, *, on: bool) -> None:
        """Set or clear a fault of a line."""
        harm = self._scene.lines[fault.at].harm
        match fault.kind:
            case Kind.BUSY_ANSWER:
                self._be_busy(fault.at, busy=on)
            case Kind.BURST:
                harm.noise = on
            case Kind.BIT_ERRORS:
                harm.bit_error_rate = BIT_ERROR_RATES[fault.drawn < 0.5] if on else 0.0
            case Kind.LOST_REPLY:
                harm.lose_replies = on
            case Kind.DOUBLED_REPLY:
                harm.double_replies = on
            case Kind.LATE_REPLY:
                harm.late_s_max = LATE_S_MAX * fault.drawn if on else 0.0
            case Kind.REORDERED_REPLY:
                harm.reorder_replies = on
            case _:
                pass

    def _be_busy(self, at: str, *, busy: bool) -> None:
        self._scene.boards[at].be_busy(busy=busy)

    def _stick(self, door: str, beam: int | None) -> None:
        self._scene.judge.is_helpless = True
        self._scene.judge.board_miscounts(door)
        self._scene.judge.beams(door, well=beam is None)
        self._scene.boards[door].stick_beam(beam)
        if beam is not None:
            self._scene.hit(Kind.STUCK_BEAM.value)

    def _burn(self, door: str, *, on: bool) -> None:
        self._scene.boards[door].set_fire(active=on)
        if on:
            self._scene.hit(Kind.FIRE.value)

    def _cycle_power(self, at: str) -> None:
        self._scene.hit(Kind.POWER_CYCLE.value)
        self._scene.judge.board_miscounts(at)
        self._scene.boards[at].power_cycle()

    async def _die(self, fault: Fault) -> None:
        scene = self._scene
        scene.hit(Kind.DEATH.value)
        await scene.lane.die()
        scene.judge.lane_died()
        scene.shown("", "")
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            scene.lane.start()
