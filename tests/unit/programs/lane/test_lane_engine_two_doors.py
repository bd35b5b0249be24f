"""The engine of a lane of two doors: each order reaches the barrier of its door, and a restart finds each door's books and alarms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from fakes.passage_examples import CROSSING, GENUINE, SAME_FACE, ordered
from fakes.two_door_lane import ALONE, EMPTY, FIRST, LAST, TWO_DOORS

from gate.passage import records, states
from gate.passage.events import (
    Counters,
    DocumentPresented,
    DocumentRead,
    DoorSeen,
    Event,
    FaceCompared,
    Recorded,
    SensorsSeen,
    SiteSeen,
)
from gate.passage.names import IncidentKind
from gate.passage.orders import BePresent, LaneOrder, Said
from gate.passage.records import ObeyedVerb, PassedBy
from gate.programs.lane.engine import Engine
from gate.programs.lane.records import Remembered
from gate_core.errors import LinkLostError
from gate_core.evidence.crossing import Alarm, Door, Notice
from gate_core.evidence.names import Role
from gate_core.evidence.screen import Purpose, Screen


class Barrier:
    """One door's barrier: what it was told. `broken`: its line is down."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name = name
        self.told = told
        self.broken = False

    async def _do(self, what: str) -> None:
        self.told.append(f"{what} {self.name}")
        if self.broken:
            raise LinkLostError("no line")

    async def grant(self, ttl_ms: int) -> float | None:
        """Grant; written now."""
        await self._do(f"grant for {ttl_ms} ms")
        return asyncio.get_running_loop().time()

    def revoke(self) -> Awaitable[None]:
        """Take back."""
        return self._do("revoke")

    def release(self) -> Awaitable[None]:
        """Open."""
        return self._do("release")

    def end_emergency(self) -> Awaitable[None]:
        """End an emergency."""
        return self._do("end emergency")

    def clear_alarms(self, alarms: tuple[Alarm, ...]) -> Awaitable[None]:
        """Clear alarms."""
        return self._do(f"clear {alarms[0].value}")

    def look(self) -> None:
        """Poll."""
        self.told.append(f"look {self.name}")


class Lane:
    """A lane of two doors whose log answers at once."""

    def __init__(self, remembered: Remembered | None = None) -> None:
        self.told: list[str] = []
        self.written: list[records.Record] = []
        self.first, self.last = Barrier("first", self.told), Barrier("last", self.told)
        self.engine = Engine(
            rules=TWO_DOORS,
            barrier=self.last,
            first_barrier=self.first,
            look_inside=lambda: self.told.append("look inside"),
            recorder=self,
            start_crossing=self.start,
            open_camera=lambda crossing: self.told.append(f"camera {crossing}"),
            erase=lambda _: None,
            forget=lambda _: None,
            show=lambda _: None,
            answer=lambda *_: None,
            clock_ms=lambda: asyncio.get_running_loop().time() * 1000,
            purpose=Purpose.DEMO,
            open_crossings=(),
            remembered=remembered,
        )

    def append(self, record: records.Record, *, awaited: bool) -> None:
        """Take a record."""
        self.written.append(record)
        if awaited:
            self.engine.post(Recorded(records.crossing_of(record) or "", record.kind))

    async def start(self, crossing: str) -> None:
        """Read the chip."""
        self.told.append(f"read {crossing}")

    async def hear(self, *events: Event) -> list[str]:
        """Post events, and say what was done about them."""
        del self.told[:]
        for event in events:
            self.engine.post(event)
            await asyncio.sleep(0.003 if isinstance(event, SensorsSeen) else 0.0)
        for _ in range(20):
            await asyncio.sleep(0.001)
        return list(self.told)


async def _run(lane: Lane) -> asyncio.Task[None]:
    running = asyncio.create_task(lane.engine.run())
    await lane.hear(FIRST, LAST, EMPTY, EMPTY, ordered(BePresent()), SiteSeen(1.0, clock_sure=True))
    return running


async def test_each_order_reaches_its_door() -> None:
    lane = Lane()
    running = await _run(lane)
    assert await lane.hear(DocumentPresented(CROSSING)) == [f"read {CROSSING}"]
    looked = await lane.hear(FIRST, LAST, EMPTY, DocumentRead(CROSSING, GENUINE))
    assert looked == ["look first", "look last", "look inside"]
    ttl_ms = TWO_DOORS.timing.grant_ttl_ms
    assert await lane.hear(FIRST, LAST, EMPTY) == [f"grant for {ttl_ms} ms first"]
    assert await lane.hear(replace(FIRST, closed=False, passages_entry=1)) == ["revoke first"]
    passed: DoorSeen = replace(FIRST, passages_entry=1)
    assert await lane.hear(passed, LAST, ALONE, ALONE) == [f"camera {CROSSING}"]
    looked = await lane.hear(passed, LAST, ALONE, FaceCompared(CROSSING, SAME_FACE))
    assert looked == ["look first", "look last", "look inside"]
    assert await lane.hear(passed, LAST, ALONE) == [f"grant for {ttl_ms} ms last"]
    assert await lane.hear(replace(LAST, closed=False, passages_entry=1)) == ["revoke last"]
    # The stages of the first door are told apart: else the lane would seem to have decided after its grant.
    marks = lane.engine.stopwatch.marks
    order = [
        "entry_decided",
        "entry_granted",
        "entry_grant_written",
        "entry_passed",
        "decided",
        "granted",
        "grant_written",
    ]
    times = [marks[stage] for stage in (*order, "passed")]
    assert times == sorted(times)
    running.cancel()


async def test_a_grant_that_fails_is_the_one_of_its_door() -> None:
    lane = Lane()
    running = await _run(lane)
    lane.first.broken = True
    await lane.hear(DocumentPresented(CROSSING))
    await lane.hear(FIRST, LAST, EMPTY, DocumentRead(CROSSING, GENUINE))
    await lane.hear(FIRST, LAST, EMPTY)
    assert isinstance(lane.engine.state, states.Referred)
    running.cancel()


async def test_freeing_and_emergencies_reach_every_door_that_they_mean() -> None:
    lane = Lane()
    running = await _run(lane)
    assert await lane.hear(ordered(LaneOrder.RELEASE)) == ["release first"]
    version = lane.engine.context.version
    assert await lane.hear(ordered(LaneOrder.OPEN_EMERGENCY, version=version)) == ["release first", "release last"]
    running.cancel()


async def test_a_restart_finds_each_doors_books_and_alarms() -> None:
    said = Said("officer-1", Role.OFFICER)
    told = Remembered()
    for record in (
        records.Counted(Counters(5, 0, 1), door=Door.FIRST),
        records.Passed("c1", 1, PassedBy.GRANT, counters=Counters(6, 0, 1), door=Door.FIRST),
        records.Counted(Counters(2, 0, 1)),
        records.Incident(None, IncidentKind.FORCED, waits=True, door=Door.FIRST),
        records.Obeyed(None, said, ObeyedVerb.PAUSE),
    ):
        told = told.after(record)
    assert told.through is None, "through the first door is not through"
    lane = Lane(Remembered.of(told.to_bytes()))
    running = asyncio.create_task(lane.engine.run())
    await lane.hear(replace(FIRST, passages_entry=8), replace(LAST, passages_entry=3), EMPTY, EMPTY)
    passed = [record for record in lane.written if isinstance(record, records.Passed)]
    assert [(one.door, one.count, one.how) for one in passed] == [
        (Door.FIRST, 2, PassedBy.UNSEEN),
        (Door.LAST, 1, PassedBy.UNSEEN),
    ]
    waits = {one.door: [raised.alarm for raised in one.alarms] for one in lane.engine.context.doors}
    assert waits == {Door.FIRST: [Alarm.FORCED], Door.LAST: []}
    assert lane.engine.context.closed_by == "officer-1"
    seen = told.after(records.Obeyed(None, said, ObeyedVerb.ACKNOWLEDGE, (Alarm.FORCED,)))
    assert seen.first_alarms == ()
    assert await lane.hear(ordered(LaneOrder.ACKNOWLEDGE, version=lane.engine.context.version)) == []
    running.cancel()


async def test_a_restart_does_not_forget_a_call_for_help() -> None:
    said = Said("officer-1", Role.OFFICER)
    told = Remembered().after(records.Incident(None, IncidentKind.HELP_CALLED))
    lane = Lane(Remembered.of(told.to_bytes()))
    running = await _run(lane)
    assert Notice.HELP_CALLED in lane.engine.context.notices()
    assert lane.engine.state == states.Idle(Screen.CLOSED)
    await lane.hear(ordered(LaneOrder.ACKNOWLEDGE, version=lane.engine.context.version), EMPTY)
    assert lane.engine.state == states.Idle(Screen.WELCOME)
    assert not told.after(records.Obeyed(None, said, ObeyedVerb.ACKNOWLEDGE)).called
    running.cancel()
