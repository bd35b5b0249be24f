"""Keepers of devices: trouble is told once when it starts and once when it ends, and never spreads."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from dataclasses import replace

import pytest
from fakes.line_bench import line_bench
from fakes.sensors import ALL_WELL, FakeSensors

from gate.passage.events import Counters, DocumentPresented, DoorSeen, Event, LampAnswered, Part, PartBack, PartLost
from gate.programs.lane.documents import SWIPE, Documents
from gate.programs.lane.parts import LAMP_AGAIN_S, BarrierKeeper, SensorsKeeper, SwipeKeeper, door_seen, sensors_seen
from gate_contract.virtual_time import in_virtual_time
from gate_core.errors import LinkLostError, NoReplyError, RefusedError
from gate_core.evidence.crossing import Alarm, Door
from gate_core.ports.values import BarrierStatus, Direction, LampColour, LeafPosition, MrzLines

CLOSED = BarrierStatus(
    position=LeafPosition.CLOSED,
    bodies=0,
    count_entry=3,
    count_exit=1,
    grants_left_entry=0,
    grants_left_exit=0,
    fire=False,
    emergency_open=False,
    alarms=frozenset(),
    restarts=1,
)


class FakeBarrier:
    """A barrier driver whose answers are scripted."""

    has_lamp = True

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.connect_fails = 0
        self.status_errors: list[Exception] = []
        self.status_takes_s = 0.0
        self.lamp_errors: list[Exception] = []
        self.grant_written_at_s: float | None = 12.5

    async def connect(self, *, revoke: bool = True) -> None:
        self.calls.append("connect" if revoke else "connect, take nothing back")
        if self.connect_fails:
            self.connect_fails -= 1
            raise LinkLostError("unplugged")

    async def status(self) -> BarrierStatus:
        await asyncio.sleep(self.status_takes_s)
        if self.status_errors:
            raise self.status_errors.pop(0)
        return CLOSED

    async def grant(self, direction: Direction, ttl_ms: int) -> None:
        self.calls.append(f"grant {direction.value} {ttl_ms}")

    async def revoke(self) -> None:
        self.calls.append("revoke")

    async def release(self) -> None:
        self.calls.append("release")

    def withdraw(self) -> None:
        self.calls.append("withdraw")

    async def lamp(self, colour: LampColour) -> None:
        self.calls.append(f"lamp {colour.value}")
        if self.lamp_errors:
            raise self.lamp_errors.pop(0)

    async def clear_alarms(self, alarms: Collection[Alarm]) -> None:
        self.calls.append(f"clear {' '.join(alarm.value for alarm in alarms)}")

    async def end_emergency(self) -> None:
        self.calls.append("end_emergency")

    async def check(self) -> str:
        raise NotImplementedError

    def describe(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        self.calls.append("close")


class Posted:
    """Collects events; a test waits until one came."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._condition = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._condition.set()

    async def until(self, event: Event, times: int = 1) -> None:
        async with asyncio.timeout(60):
            while self.events.count(event) < times:
                self._condition.clear()
                await self._condition.wait()

    async def until_a(self, kind: type) -> Event:
        async with asyncio.timeout(60):
            while not (found := [event for event in self.events if isinstance(event, kind)]):
                self._condition.clear()
                await self._condition.wait()
        return found[0]


@contextlib.asynccontextmanager
async def kept(keeper: BarrierKeeper | SensorsKeeper | SwipeKeeper) -> AsyncIterator[None]:
    task = asyncio.ensure_future(keeper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_only_a_closed_leaf_is_closed() -> None:
    for position in LeafPosition:
        assert door_seen(replace(CLOSED, position=position)).closed is (position is LeafPosition.CLOSED)
    counted = door_seen(replace(CLOSED, count_entry=7, count_exit=3, restarts=2))
    assert counted.counters == Counters(7, 3, 2)
    seen = door_seen(replace(CLOSED, grants_left_entry=1, grants_left_exit=1, alarms=frozenset({Alarm.FORCED})))
    assert (seen.grants_left, seen.alarms) == (2, (Alarm.FORCED,))


def test_every_alarm_of_a_controller_has_a_word_in_the_record() -> None:
    assert {alarm.value for alarm in Alarm} == {alarm.value for alarm in Alarm}
    assert door_seen(replace(CLOSED, alarms=frozenset(Alarm))).alarms == tuple(Alarm)


@in_virtual_time
async def test_a_connected_barrier_is_polled_and_looked_at_on_demand() -> None:
    driver, posted = FakeBarrier(), Posted()
    keeper = BarrierKeeper(driver, post=posted, poll_s=60)
    async with kept(keeper):
        await posted.until(PartBack(Part.BARRIER))
        seen = door_seen(CLOSED)
        await posted.until(seen, times=1)
        keeper.look()
        await posted.until(seen, times=2)
    assert driver.calls[:2] == ["connect", "lamp red"], (
        "an alarm of the time without a line is nobody's to clear unseen"
    )
    assert driver.calls[-1] == "close"


@pytest.mark.parametrize("answer_s", [0.0, 0.004, 0.031, 0.09, 0.3])
@in_virtual_time
async def test_a_barrier_is_looked_at_no_later_than_a_pause_after_its_last_answer(answer_s: float) -> None:
    """And one that answers in no time ten times a second, not oftener."""
    driver, posted = FakeBarrier(), Posted()
    driver.status_takes_s = answer_s
    async with kept(BarrierKeeper(driver, post=posted, poll_s=0.1)):
        await posted.until_a(DoorSeen)
        before = len(posted.events)
        await asyncio.sleep(10)
        looks = len(posted.events) - before
    assert 10 / (0.1 + answer_s) - 1 <= looks <= 10 / max(0.1, answer_s + 0.025) + 1


@in_virtual_time
async def test_a_line_that_is_opened_anew_in_an_emergency_takes_nothing_back() -> None:
    driver, posted, is_emergency = FakeBarrier(), Posted(), [True]
    keeper = BarrierKeeper(driver, post=posted, poll_s=60, holds_open=lambda: is_emergency[0])
    async with kept(keeper):
        await posted.until(PartBack(Part.BARRIER))
        assert "connect" not in driver.calls
        is_emergency.clear()
        is_emergency.append(False)
        driver.status_errors.append(LinkLostError("cut"))
        keeper.look()
        await posted.until(PartBack(Part.BARRIER), times=2)
    assert [call for call in driver.calls if call.startswith("connect")] == ["connect, take nothing back", "connect"]


@in_virtual_time
async def test_the_first_of_two_doors_is_told_of_by_its_name() -> None:
    driver, posted = FakeBarrier(), Posted()
    keeper = BarrierKeeper(driver, post=posted, poll_s=60, door=Door.FIRST)
    async with kept(keeper):
        await posted.until(PartBack(Part.FIRST_BARRIER))
        await posted.until(door_seen(CLOSED, Door.FIRST))
    assert not any(isinstance(event, DoorSeen) and event.door is Door.LAST for event in posted.events)


@in_virtual_time
async def test_sensors_are_polled_looked_at_on_demand_and_lost_and_back() -> None:
    driver, posted = FakeSensors(), Posted()
    keeper = SensorsKeeper(driver, post=posted, poll_s=60)
    async with kept(keeper):
        await posted.until(PartBack(Part.SENSORS))
        empty = sensors_seen(ALL_WELL)
        await posted.until(empty)
        driver.now = replace(ALL_WELL, people=1, session=2, age_ms=30)
        keeper.look()
        await posted.until(sensors_seen(driver.now))
        driver.plugged = False
        keeper.look()
        await posted.until(PartLost(Part.SENSORS))
        driver.plugged = True
        await posted.until(PartBack(Part.SENSORS), times=2)
    assert keeper.describe() == {"connects": 0}, "the line is let go"
    assert (empty.people, empty.object_left, empty.mains_present) == (0, False, True)


@in_virtual_time
async def test_orders_reach_the_driver_and_a_grant_tells_when_it_was_written() -> None:
    driver, posted = FakeBarrier(), Posted()
    keeper = BarrierKeeper(driver, post=posted, poll_s=0.001)
    async with kept(keeper):
        await posted.until(PartBack(Part.BARRIER))
        assert await keeper.grant(5000) == 12.5
        await keeper.revoke()
        await keeper.release()
        await keeper.end_emergency()
        keeper.lamp(LampColour.GREEN)
        await posted.until(door_seen(CLOSED), times=posted.events.count(door_seen(CLOSED)) + 3)
    for call in ("grant entry 5000", "revoke", "release", "end_emergency", "lamp green"):
        assert call in driver.calls


@in_virtual_time
async def test_without_a_line_a_grant_fails_at_once() -> None:
    keeper = BarrierKeeper(FakeBarrier(), post=Posted(), poll_s=1)
    for order in (keeper.grant(5000), keeper.revoke(), keeper.release(), keeper.end_emergency()):
        with pytest.raises(LinkLostError):
            await order


@in_virtual_time
async def test_a_cut_line_is_told_once_and_taken_over_again() -> None:
    driver, posted = FakeBarrier(), Posted()
    driver.connect_fails = 3
    async with kept(BarrierKeeper(driver, post=posted, poll_s=0.001)):
        await posted.until(PartBack(Part.BARRIER))
        assert posted.events.count(PartLost(Part.BARRIER)) == 1
        driver.status_errors = [LinkLostError("cut")]
        await posted.until(PartLost(Part.BARRIER), times=2)
        await posted.until(PartBack(Part.BARRIER), times=2)


@in_virtual_time
async def test_one_silence_is_asked_again_and_a_long_one_is_a_loss() -> None:
    driver, posted = FakeBarrier(), Posted()
    driver.status_errors = [NoReplyError("silence")]
    async with kept(BarrierKeeper(driver, post=posted, poll_s=0.001)):
        assert isinstance(await posted.until_a(DoorSeen), DoorSeen)
        assert PartLost(Part.BARRIER) not in posted.events
        driver.status_takes_s, driver.status_errors = 0.4, [NoReplyError("silence")] * 9
        await posted.until(PartLost(Part.BARRIER))


@pytest.mark.parametrize("profile", ["lot", "relay-8"])
@pytest.mark.parametrize("cut_after_s", [1.0, 1.013, 1.04, 1.07])
@in_virtual_time
async def test_a_cut_wire_is_noticed_within_a_second_at_9600_baud(profile: str, cut_after_s: float) -> None:
    posted = Posted()
    async with line_bench(profile, baud=9600) as made:
        keeper = BarrierKeeper(made.barrier, post=posted, poll_s=0.05)
        async with kept(keeper):
            await asyncio.sleep(cut_after_s)
            assert PartLost(Part.BARRIER) not in posted.events
            cut_s = asyncio.get_running_loop().time()
            made.deafen()
            await posted.until(PartLost(Part.BARRIER))
            assert asyncio.get_running_loop().time() - cut_s <= 1.0


@in_virtual_time
async def test_a_refused_lamp_is_told_once_and_is_no_lost_barrier() -> None:
    """It ended the polls and the line, and refused every new one: the lane came up no more."""
    driver, posted = FakeBarrier(), Posted()
    driver.lamp_errors = [RefusedError("exception 2"), NoReplyError("silence"), RefusedError("exception 2")]
    keeper = BarrierKeeper(driver, post=posted, poll_s=0.05)
    async with kept(keeper):
        await posted.until(door_seen(CLOSED), times=5)
        assert posted.events.count(LampAnswered(shown=False)) == 1
        assert driver.calls.count("lamp red") == 1  # it is not hammered
        assert PartLost(Part.BARRIER) not in posted.events
        await posted.until(LampAnswered(shown=True))
        assert posted.events.count(LampAnswered(shown=False)) == 1
        assert driver.calls.count("lamp red") == 4
        keeper.lamp(LampColour.GREEN)
        await posted.until(door_seen(CLOSED), times=posted.events.count(door_seen(CLOSED)) + 3)
    assert driver.calls[-2:] == ["lamp green", "close"]


@in_virtual_time
async def test_a_lamp_that_is_not_answered_is_told_when_it_happens_again() -> None:
    driver, posted = FakeBarrier(), Posted()
    driver.lamp_errors = [NoReplyError("silence")]
    async with kept(BarrierKeeper(driver, post=posted, poll_s=0.05)):
        await posted.until(door_seen(CLOSED), times=4)
        assert [event for event in posted.events if isinstance(event, LampAnswered)] == []
    driver.lamp_errors = [NoReplyError("silence")] * 2
    async with kept(BarrierKeeper(driver, post=posted, poll_s=0.05)):
        await posted.until(LampAnswered(shown=False))
        await posted.until(LampAnswered(shown=True))


@in_virtual_time
async def test_one_silence_after_a_lamp_that_obeyed_again_is_the_lines() -> None:
    driver, posted = FakeBarrier(), Posted()
    driver.lamp_errors = [RefusedError("exception 2")]
    keeper = BarrierKeeper(driver, post=posted, poll_s=0.05)
    async with kept(keeper):
        await posted.until(LampAnswered(shown=True))
        driver.lamp_errors = [NoReplyError("silence")]
        keeper.lamp(LampColour.GREEN)
        await asyncio.sleep(LAMP_AGAIN_S + 1)
    assert driver.calls.count("lamp green") == 2
    assert posted.events.count(LampAnswered(shown=False)) == 1


@in_virtual_time
async def test_a_new_line_is_shown_the_colour_again() -> None:
    driver, posted = FakeBarrier(), Posted()
    async with kept(BarrierKeeper(driver, post=posted, poll_s=0.001)):
        await posted.until(door_seen(CLOSED), times=2)
        driver.status_errors = [LinkLostError("cut")]
        await posted.until(PartBack(Part.BARRIER), times=2)
        await posted.until(door_seen(CLOSED), times=posted.events.count(door_seen(CLOSED)) + 2)
    assert driver.calls.count("lamp red") == 2


@in_virtual_time
async def test_a_board_without_a_lamp_is_told_no_colour_and_nobody_says_that_one_was_shown() -> None:
    driver, posted = FakeBarrier(), Posted()
    driver.has_lamp = False
    driver.lamp_errors = [RefusedError("no lamp")]
    async with kept(BarrierKeeper(driver, post=posted, poll_s=0.001)):
        await posted.until(door_seen(CLOSED), times=3)
    assert not [call for call in driver.calls if call.startswith("lamp")]
    assert not [event for event in posted.events if isinstance(event, LampAnswered)]


@in_virtual_time
async def test_a_line_that_goes_with_the_lamps_order_is_lost() -> None:
    driver, posted = FakeBarrier(), Posted()
    driver.lamp_errors = [LinkLostError("cut")]
    async with kept(BarrierKeeper(driver, post=posted, poll_s=0.001)):
        await posted.until(PartLost(Part.BARRIER))
        await posted.until(PartBack(Part.BARRIER), times=2)


class FakeSwipe:
    """An MRZ reader that gives what is queued; an exception is raised."""

    source = "fake"

    def __init__(self, *given: MrzLines | Exception) -> None:
        self.given = list(given)

    async def connect(self) -> None:
        await asyncio.sleep(0)

    async def next_lines(self) -> MrzLines:
        if not self.given:
            await asyncio.get_running_loop().create_future()
        item = self.given.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    async def check(self) -> str:
        raise NotImplementedError

    def close(self) -> None:
        pass


@in_virtual_time
async def test_lines_open_a_crossing_and_are_handed_over_once() -> None:
    lines, posted = MrzLines(("P<UTO",), "fake"), Posted()
    documents = Documents(readers=frozenset({SWIPE}), post=posted)
    keeper = SwipeKeeper(FakeSwipe(LinkLostError("unplugged"), lines), documents)
    async with kept(keeper):
        presented = await posted.until_a(DocumentPresented)
        assert isinstance(presented, DocumentPresented)
        assert documents.take(presented.crossing).readings == (lines.lines,)
        assert documents.take(presented.crossing).readings == ()
    assert [event for event in posted.events if isinstance(event, PartLost | PartBack)] == [
        PartBack(Part.READER),
        PartLost(Part.READER),
        PartBack(Part.READER),
    ]
