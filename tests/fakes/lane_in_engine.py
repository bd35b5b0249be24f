"""The lane under test in the lane program's engine: its ports say what it does, in the order in which it does it, and a restart is an engine of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from fakes.hostile_lane import Hostile
from fakes.hostile_two_doors import HostileTwoDoors
from fakes.lane_under_test import LaneUnderTest

from gate.passage import records, states
from gate.passage.effects import (
    Answer,
    ClearAlarms,
    Effect,
    EndEmergency,
    Erase,
    Grant,
    OpenCamera,
    Release,
    Revoke,
    Show,
    StartCrossing,
    Write,
)
from gate.passage.events import Event, Part
from gate.passage.lasting_state import LastingState
from gate.programs.lane.engine import Engine
from gate.programs.lane.records import Remembered
from gate_contract.virtual_time import virtual_loop
from gate_core.evidence.crossing import Alarm, Door
from gate_core.evidence.screen import Purpose

TURNS = 5  # of the loop: whatever an event brings about is done by then


class _Barrier:
    """One door's orders."""

    def __init__(self, lane: EngineLane, door: Door) -> None:
        self._lane = lane
        self._door = door

    async def _done(self) -> None:
        pass

    def grant(self, ttl_ms: int) -> Awaitable[float | None]:
        """Note it, of whoever runs."""
        self._lane.acts.append(Grant(states.crossing_of(self._lane.engine.state) or "", ttl_ms, self._door))
        return self._done()

    def revoke(self) -> Awaitable[None]:
        """Note it."""
        self._lane.acts.append(Revoke(self._door))
        return self._done()

    def release(self) -> Awaitable[None]:
        """Note it."""
        self._lane.acts.append(Release(self._door))
        return self._done()

    def end_emergency(self) -> Awaitable[None]:
        """Note it."""
        self._lane.acts.append(EndEmergency(self._door))
        return self._done()

    def clear_alarms(self, alarms: tuple[Alarm, ...]) -> Awaitable[None]:
        """Note it."""
        self._lane.acts.append(ClearAlarms(alarms, self._door))
        return self._done()

    def look(self) -> None:
        """Statuses come all the time."""


class EngineLane(LaneUnderTest):
    """Mixed in before a world: the same world around the engine. `close` ends it."""

    def __init__(self, seed: int) -> None:
        """Begin with a lane of which nothing is known."""
        self.acts: list[Effect] = []
        self._loop = virtual_loop()
        self._running: asyncio.Task[None] | None = None
        super().__init__(seed)  # type: ignore[call-arg,arg-type]  # the world's

    def _engine(
        self,
        left: tuple[str, ...],
        referred: tuple[str, ...],
        told: Remembered,
        missing: frozenset[Part],
        last: LastingState | None = None,
    ) -> Engine:
        return Engine(
            rules=self.rules,
            barrier=_Barrier(self, Door.LAST),
            first_barrier=_Barrier(self, Door.FIRST) if Door.FIRST in self.doors else None,
            recorder=self,
            start_crossing=self._start_crossing,
            open_camera=lambda crossing: self.acts.append(OpenCamera(crossing)),
            erase=self._erase,
            forget=lambda _: None,
            show=lambda view: self.acts.append(Show(view.screen, view.guidance)),
            answer=lambda number, outcome, detail: self.acts.append(Answer(number, outcome, detail)),
            clock_ms=lambda: self.now_ms,
            purpose=Purpose.DEMO,
            open_crossings=left,
            referred=referred,
            remembered=told,
            last=last,
            missing=missing,
        )

    def append(self, record: records.Record, *, awaited: bool) -> None:
        """Take a record."""
        self.acts.append(Write(record, awaited))

    def _erase(self, erasing: Erase) -> None:
        self.acts.append(erasing)

    async def _start_crossing(self, crossing: str) -> None:
        self.acts.append(StartCrossing(crossing))

    def answered(self, event: Event) -> tuple[Effect, ...]:
        """What the engine does about an event."""
        if self._running is None:
            self.engine = self._engine((), (), Remembered(), frozenset())
            self._running = self._loop.create_task(self.engine.run())
            self._turn()
            del self.acts[:]  # an empty lane has nothing to say
        self.engine.post(event)
        return self._turn()

    def started(
        self, left: tuple[str, ...], referred: tuple[str, ...], told: Remembered, last: LastingState
    ) -> tuple[Effect, ...]:
        """Another engine, with what the log and the state file tell."""
        self._end()
        self.engine = self._engine(left, referred, told, self.missing, last)
        self._running = self._loop.create_task(self.engine.run())
        return self._turn()

    def _turn(self) -> tuple[Effect, ...]:
        self._loop.run_until_complete(self._turns())
        self.lane, self.state = self.engine.context, self.engine.state
        done, self.acts = tuple(self.acts), []
        return done

    async def _turns(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert self._running is not None
        if self._running.done():
            self._running.result()

    def _end(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._loop.run_until_complete(asyncio.gather(self._running, return_exceptions=True))
            self._running = None

    def close(self) -> None:
        """Stop the engine."""
        self._end()
        self._loop.close()


class EngineTwoDoors(EngineLane, HostileTwoDoors):
    """Two doors in a hostile world."""


class EngineHostile(EngineLane, Hostile):
    """One door in a hostile world."""
