"""The log of a simulated lane: the real record outbox over the hall's disk, whose content survives the lane.

It replaces the log's program, socket and client. A record is durable after the time of a write, and refused while the
disk is full. At its next start the lane receives what follows from the written records, as from the real log.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gate.channel import log_messages
from gate.passage import records
from gate.passage.events import Event, Part, PartBack, PartLost, Recorded
from gate.passage.names import RecordKind
from gate.programs.lane.record_outbox import Outcome, RecordOutbox
from gate.programs.lane.records import Remembered
from hardware_sim.hall.disk import Disk

WRITE_S = (0.003, 0.015)
PULSE_S = 1.0  # how often the lane asks a log that refused a record whether it works again
ID_BYTES = 16


@dataclass(slots=True)
class Left:
    """The data that a lane leaves on the disk for its next start."""

    disk: Disk
    rng: random.Random
    open: dict[str, None] = field(default_factory=dict)
    referred: dict[str, None] = field(default_factory=dict)
    remembered: bytes = b""
    store: Callable[[log_messages.NewRecord], Outcome] | None = None  # a real log, where there is one

    def write(self, new: log_messages.NewRecord) -> Outcome:
        """Write a record to the disk; return its outcome."""
        if not self.disk.takes(leads_to_admission=new.leads_to_admission):
            return log_messages.NotRecorded("the disk is full", again=True)
        outcome = log_messages.Recorded(self.disk.records + 1) if self.store is None else self.store(new)
        if not isinstance(outcome, log_messages.Recorded):
            return outcome
        self.disk.write(new.kind.value, new.crossing, new.body)
        self.remembered = new.remember or self.remembered
        if new.crossing is not None:
            self._follow(new.crossing, new)
        return outcome

    def _follow(self, crossing: str, new: log_messages.NewRecord) -> None:
        if new.kind is RecordKind.OPENED:
            self.open[crossing] = None
        if new.ends_crossing:
            self.open.pop(crossing, None)
            self.referred.pop(crossing, None)
        if new.awaits_officer:
            self.referred[crossing] = None


class SimulatedLog:
    """Implements `engine.Recorder`. Calls `told` with each record from the lane."""

    def __init__(self, left: Left, *, post: Callable[[Event], None], told: Callable[[records.Record], None]) -> None:
        self._left = left
        self._post = post
        self._told = told
        self._queue = RecordOutbox(lambda: left.rng.randbytes(ID_BYTES), Remembered.of(left.remembered))
        self._offered: Sequence[log_messages.NewRecord] = ()
        self._well = True
        self._said: Recorded | None = None  # the last receipt
        self._wake = asyncio.Event()

    @property
    def owed(self) -> int:
        """Return the number of records that are not on the disk yet."""
        return len(self._queue)

    def append(self, record: records.Record, *, awaited: bool) -> None:
        """Queue a record for writing."""
        self._told(record)
        if awaited and self._said is not None and self._said.crossing == records.crossing_of(record):
            self._post(self._said)  # sent again: no one may take it for the receipt of this record
        now_ms = int(asyncio.get_running_loop().time() * 1000)
        for answer in self._queue.add(record, now_ms, awaited=awaited, reachable=True):
            self._post(answer)
        self._wake.set()

    async def run(self) -> None:
        """Write queued records, without end."""
        loop = asyncio.get_running_loop()
        self._post(PartBack(Part.LOG))
        while True:
            self._wake.clear()
            self._offered = self._queue.offer(int(loop.time() * 1000), has_room=self._well)
            if not self._offered:
                await self._rest()
                continue
            await asyncio.sleep(self._left.rng.uniform(*WRITE_S))
            outcomes = [self._left.write(new) for new in self._offered]
            self._offered = ()
            for answer in self._queue.settle(outcomes):
                self._said = answer if isinstance(answer, Recorded) else self._said
                self._post(answer)
            if not all(isinstance(outcome, log_messages.Recorded) for outcome in outcomes):
                self._report(well=False)
                await self._rest()

    async def _rest(self) -> None:
        """Wait for a new record; ask a failed log from time to time."""
        if self._well:
            await self._wake.wait()
            return
        try:
            async with asyncio.timeout(PULSE_S):
                await self._wake.wait()
        except TimeoutError:
            self._report(well=not self._left.disk.full)

    def _report(self, *, well: bool) -> None:
        if well is not self._well:
            self._well = well
            self._post(PartBack(Part.LOG) if well else PartLost(Part.LOG))

    def die(self) -> None:
        """Kill the lane: records in transit may reach the disk, and no receipt is sent."""
        if self._left.rng.random() < 0.5:
            for new in self._offered:
                self._left.write(new)
        self._offered = ()
