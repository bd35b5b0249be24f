"""The engine by itself: its clockwork, its stopwatch, and what it says when."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, replace

import pytest
from fakes.passage_examples import AT_REST, CROSSING, GENUINE, RULES, SAME_FACE, ordered

from gate.channel import screen_messages
from gate.passage import records, states
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    Event,
    FaceCompared,
    NotRecorded,
    Recorded,
    SiteSeen,
    Tick,
)
from gate.passage.names import Outcome
from gate.passage.orders import BePresent, LaneOrder
from gate.programs.lane.engine import REST_TICK_S, TICK_S, Engine, Stopwatch
from gate.programs.lane.published_status import LAG_MS_MAX
from gate_contract.virtual_time import in_virtual_time, run_virtual
from gate_core.errors import RefusedError
from gate_core.evidence.crossing import Alarm
from gate_core.evidence.screen import Purpose


class Ports:
    """Barrier, log and screens that only remember. The barrier `refuses` grants, the log `forgets` what is waited for."""

    def __init__(
        self,
        *,
        refuses: bool = False,
        forgets: bool = False,
        two_doors: bool = False,
        engine: type[Engine] = Engine,
    ) -> None:
        self.views: list[screen_messages.View] = []
        self.records: list[records.Record] = []
        self.erased: list[str] = []
        self.forgotten: list[str] = []
        self.cancelled: list[str] = []
        self.orders: list[str] = []
        self.refuses, self.forgets = refuses, forgets
        self.written_after_s: float | None = 0.020
        self.engine = engine(
            rules=RULES,
            barrier=self,
            first_barrier=self if two_doors else None,
            recorder=self,
            start_crossing=self.cross,
            erase=lambda erasing: self.erased.append(erasing.crossing),
            forget=self.forgotten.append,
            show=self.views.append,
            answer=self.answer,
            clock_ms=lambda: asyncio.get_running_loop().time() * 1000,
            purpose=Purpose.DEMO,
            open_crossings=(),
        )

    async def grant(self, ttl_ms: int) -> float | None:
        self.orders.append("grant")
        if self.refuses:
            raise RefusedError(f"no grant of {ttl_ms} ms")
        return None if self.written_after_s is None else asyncio.get_running_loop().time() + self.written_after_s

    async def revoke(self) -> None:
        self.orders.append("revoke")

    async def release(self) -> None:
        self.orders.append("release")

    async def end_emergency(self) -> None:
        self.orders.append("end_emergency")

    async def clear_alarms(self, alarms: tuple[Alarm, ...]) -> None:
        assert alarms
        self.orders.append("clear_alarms")

    def look(self) -> None:
        self.orders.append("look")

    def append(self, record: records.Record, *, awaited: bool) -> None:
        self.records.append(record)
        if awaited:
            crossing = records.crossing_of(record) or ""
            self.engine.post(NotRecorded(crossing, record.kind) if self.forgets else Recorded(crossing, record.kind))

    def answer(self, number: int, outcome: Outcome, detail: str) -> None:
        pass

    async def cross(self, crossing: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.append(crossing)

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    async def feed(self, *events: Event) -> None:
        for event in events:
            self.engine.post(event)
        await self.settle()


async def _running(ports: Ports) -> AsyncIterator[Ports]:
    task = asyncio.ensure_future(ports.engine.run())
    await ports.feed(AT_REST, ordered(BePresent()), SiteSeen(1.0, clock_sure=True))
    yield ports
    await ports.settle()
    assert not task.done(), "the engine ended by itself"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@in_virtual_time
async def test_the_machine_hears_of_time_even_if_nothing_else_happens() -> None:
    """A crossing whose chip never answers ends at its limit, and the engine has turned a tick ago at most."""
    ports = Ports()
    assert ports.engine.turned_ms == 0.0
    async for lane in _running(ports):
        await lane.feed(DocumentPresented(CROSSING))
        await asyncio.sleep(RULES.timing.crossing_max_ms / 1000 + 3 * TICK_S)
        assert isinstance(lane.engine.state, states.Referred)
        assert 0.0 <= lane.engine.turned_ms <= TICK_S * 1000
        await asyncio.sleep(TICK_S / 2)
        assert lane.engine.turned_ms > 0.0


@pytest.mark.parametrize(
    ("two_doors", "laid", "tick_s"), [(False, False, REST_TICK_S), (False, True, TICK_S), (True, False, TICK_S)]
)
@in_virtual_time
async def test_a_lane_of_one_door_at_rest_hears_of_time_less_often(two_doors: bool, laid: bool, tick_s: float) -> None:  # noqa: FBT001 - cases
    async for lane in _running(Ports(two_doors=two_doors)):
        if laid:
            await lane.feed(DocumentPresented(CROSSING))
        await asyncio.sleep(2 * REST_TICK_S)
        turned_ms = [0.0]
        for _ in range(1_000):
            await asyncio.sleep(0.001)
            turned_ms.append(lane.engine.turned_ms)
        turns = sum(now < before for before, now in itertools.pairwise(turned_ms))
        assert abs(turns - 1.0 / tick_s) <= 1
        assert max(turned_ms) <= tick_s * 1000 + 1


async def test_a_loop_that_something_holds_up_is_seen_to_be_late() -> None:
    async for lane in _running(Ports()):
        await asyncio.sleep(2 * TICK_S)
        time.sleep(0.6)  # noqa: ASYNC251 - what must not happen in a loop
        await asyncio.sleep(2 * REST_TICK_S)
        assert lane.engine.pulse.lag_ms > LAG_MS_MAX


def test_every_limit_of_a_crossing_is_longer_than_a_tick_at_rest() -> None:
    """So that the tick which the lane awaited when a document was laid comes before any of them."""
    limits = {name: value for name, value in asdict(RULES.timing).items() if name.endswith("_ms")}
    assert min(limits.values()) > REST_TICK_S * 1000, limits


@in_virtual_time
async def test_what_a_tick_finds_wrong_ends_the_engine() -> None:
    """As an error in a step does; one that a timer's callback swallowed would leave a lane without a clock."""

    class Deaf(Engine):
        def post(self, event: Event) -> None:
            if isinstance(event, Tick):
                raise asyncio.QueueFull
            super().post(event)

    ports = Ports(engine=Deaf)
    with pytest.raises(ExceptionGroup) as ended:
        await ports.engine.run()
    assert isinstance(ended.value.exceptions[0], asyncio.QueueFull)


@in_virtual_time
async def test_an_engine_that_does_not_turn_says_for_how_long() -> None:
    ports = Ports()
    async for lane in _running(ports):
        before_ms = lane.engine.turned_ms
    await asyncio.sleep(2.0)  # it was cancelled
    assert ports.engine.turned_ms >= before_ms + 2_000.0


@in_virtual_time
async def test_only_what_changes_is_shown() -> None:
    async for lane in _running(Ports()):
        shown = len(lane.views)
        await lane.feed(Tick(), Tick(), AT_REST)
        assert len(lane.views) == shown


def test_a_new_state_is_logged_and_the_same_state_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async for lane in _running(Ports()):
            caplog.clear()
            await lane.feed(Tick(), DocumentPresented(CROSSING), Tick())

    with caplog.at_level(logging.INFO, "gate.programs.lane.engine"):
        run_virtual(story())
    told = [getattr(line, "state", None) for line in caplog.records if line.message == "lane_state"]
    assert told[:2] == ["Opening", "Inspecting"]
    assert len(told) == len(set(told))


@in_virtual_time
async def test_the_crossings_work_ends_with_its_erasure() -> None:
    async for lane in _running(Ports()):
        await lane.feed(DocumentPresented(CROSSING))
        assert lane.cancelled == []
        await asyncio.sleep(RULES.timing.crossing_max_ms / 1000 + 3 * TICK_S)
        assert lane.erased == lane.cancelled == [CROSSING]


@pytest.mark.parametrize("refuses", [False, True])
@in_virtual_time
async def test_when_a_grant_was_written_is_marked_once_the_barrier_took_it(refuses: bool) -> None:  # noqa: FBT001 - a case
    async for lane in _running(Ports(refuses=refuses)):
        await lane.feed(DocumentPresented(CROSSING))
        await lane.feed(DocumentRead(CROSSING, GENUINE), FaceCompared(CROSSING, SAME_FACE))
        assert lane.orders == ["look"]
        await lane.feed(AT_REST)
        assert lane.orders == ["look", "grant", *(["revoke"] if refuses else [])]
        marks = lane.engine.stopwatch.since_presented_ms()
        assert marks.get("grant_written") == (None if refuses else pytest.approx(20.0))


def test_a_barrier_that_refuses_a_grant_and_one_that_cannot_say_when_it_was_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(ports: Ports) -> dict[str, float]:
        async for lane in _running(ports):
            await lane.feed(DocumentPresented(CROSSING))
            await lane.feed(DocumentRead(CROSSING, GENUINE), FaceCompared(CROSSING, SAME_FACE))
            await lane.feed(AT_REST)
            assert "grant" in lane.orders
            marks = lane.engine.stopwatch.since_presented_ms()
        return marks

    async def refused() -> dict[str, float]:
        return await story(Ports(refuses=True))

    async def silent() -> dict[str, float]:
        ports = Ports()
        ports.written_after_s = None
        return await story(ports)

    assert "grant_written" not in run_virtual(silent())
    assert "grant_failed" not in [line.message for line in caplog.records]
    assert "grant_written" not in run_virtual(refused())
    assert "grant_failed" in [line.message for line in caplog.records]


@in_virtual_time
async def test_the_end_of_an_emergency_and_the_clearing_of_alarms_reach_the_barrier() -> None:
    async for lane in _running(Ports()):
        await lane.feed(replace(AT_REST, emergency_open=True, closed=False))
        await lane.feed(ordered(LaneOrder.END_EMERGENCY, version=lane.engine.context.version))
        assert lane.orders == ["end_emergency"]
        await lane.feed(AT_REST, replace(AT_REST, alarms=(Alarm.FORCED,)))
        await lane.feed(ordered(LaneOrder.ACKNOWLEDGE, version=lane.engine.context.version))
        assert lane.orders == ["end_emergency", "clear_alarms"]


@in_virtual_time
async def test_a_crossing_that_never_began_is_erased_all_the_same() -> None:
    async for lane in _running(Ports(forgets=True)):
        await lane.feed(DocumentPresented(CROSSING))
        assert lane.erased == [CROSSING]
        await lane.feed(Tick())
        assert isinstance(lane.engine.state, states.Referred)


def test_a_stopwatch_takes_the_first_mark_of_each_stage_of_its_own_crossing() -> None:
    watch = Stopwatch("mine")
    watch.mark("mine", "presented", 1_000.04)
    watch.mark("another's", "decided", 1_100.0)
    watch.mark("mine", "decided", 1_250.18)
    watch.mark("mine", "decided", 9_999.0)
    assert watch.since_presented_ms() == {"presented": 0.0, "decided": 250.1}  # to a tenth of a millisecond
