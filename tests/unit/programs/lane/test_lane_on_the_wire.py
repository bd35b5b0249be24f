"""The engine, the barrier's keeper and the real driver before a board that counts: what the lane orders is carried out, or told.

On a virtual clock. The line swallows, delays and answers "busy" as the test says.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from fakes.line_bench import OWN, RELEASE, REVOKE, LineBench, Lying, is_write, line_bench, writes
from fakes.passage_examples import CROSSING, GENUINE, RULES, SAME_FACE, ordered
from fakes.stories import told_to

from drivers.links import Link
from gate.passage import records, states
from gate.passage.desired_barrier_state import holds_open
from gate.passage.events import (
    DocumentPresented,
    DocumentRead,
    FaceCompared,
    Part,
    PartBack,
    Recorded,
    SiteSeen,
    TrackChanged,
)
from gate.passage.names import Disposition, IncidentKind, TrackChange
from gate.passage.orders import BePresent, Command, HandOver, LaneOrder
from gate.passage.records import Record
from gate.programs.lane.engine import Engine
from gate.programs.lane.health_counters import Tally
from gate.programs.lane.parts import BarrierKeeper
from gate_contract.links import Wrapped
from gate_contract.virtual_time import run_virtual
from gate_core.evidence.crossing import Door, Notice
from gate_core.ports.values import Direction
from hardware_sim.barrier.controller import Controller
from hardware_sim.barrier.leaf import LeafState
from hardware_sim.modbus import Slave

GRANT = 0  # the register that a grant's write begins at
BUSY = 6


class Line(Wrapped):
    """Swallows every frame from the host while the lane says so."""

    def __init__(self, inner: Link, lane: Lane) -> None:
        super().__init__(inner)
        self._lane = lane

    async def write(self, payload: bytes) -> None:
        if not self._lane.swallows(payload):
            await self.inner.write(payload)


@dataclass
class Lane:
    """One lane whose traveller is genuine; the log writes everything at once."""

    deaf_to: tuple[int, ...] = ()  # registers: what is written there is answered, and not carried out
    silent_until_s: float = 0.0
    swallow_orders: int = 0
    records: list[Record] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    engine: Engine = field(init=False)
    made: LineBench = field(init=False)
    lying: Lying = field(init=False)

    def install(self, made: LineBench) -> None:
        """Take a board."""
        assert isinstance(made.board, Controller)
        self.made, self.lying = made, Lying(made.board, deaf_to=self.deaf_to)
        made.slave, made.refused = Slave(1, self.lying), is_write
        made.host_line = lambda link: Line(link, self)

    def swallows(self, frame: bytes) -> bool:
        if is_write(frame) and self.swallow_orders:
            self.swallow_orders -= 1
            return True
        return asyncio.get_running_loop().time() < self.silent_until_s

    def append(self, record: Record, *, awaited: bool) -> None:
        self.records.append(record)
        if awaited:
            self.engine.post(Recorded(records.crossing_of(record) or "", record.kind))

    async def cross(self, crossing: str) -> None:
        self.engine.post(DocumentRead(crossing, GENUINE))
        self.engine.post(FaceCompared(crossing, SAME_FACE))

    async def grant(self) -> None:
        """A traveller comes, and the barrier has the grant."""
        self.engine.post(DocumentPresented(CROSSING))
        await self.until(lambda: self.made.stands(Direction.ENTRY))
        await asyncio.sleep(0.2)
        assert isinstance(self.engine.state, states.Granted)

    async def until(self, so: Callable[[], bool], within_s: float = 5.0) -> float:
        """Wait; returns how long it took."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while not so():
            assert loop.time() - began_s < within_s
            await asyncio.sleep(0.01)
        return loop.time() - began_s

    def order(self, command: Command) -> None:
        """An officer's order that answers a fresh challenge."""
        self.engine.post(ordered(command, version=self.engine.context.version))

    def incidents(self) -> list[IncidentKind]:
        return [one.incident for one in self.records if isinstance(one, records.Incident)]


def on_the_wire(story: Callable[[Lane], Awaitable[None]], *, deaf_to: tuple[int, ...] = ()) -> Lane:
    """Tell a story to a lane in service."""
    lane = Lane(deaf_to)

    async def run() -> None:
        async with line_bench(OWN) as made:
            lane.install(made)
            await _play(lane, made, story)

    run_virtual(run())
    return lane


async def _play(lane: Lane, made: LineBench, story: Callable[[Lane], Awaitable[None]]) -> None:
    keeper = BarrierKeeper(
        made.barrier,
        post=lambda event: lane.engine.post(event),  # noqa: PLW0108 - made below
        poll_s=0.05,
        holds_open=lambda: holds_open(lane.engine.context, lane.engine.state, Door.LAST),
    )
    lane.engine = Engine(
        rules=RULES,
        barrier=keeper,
        recorder=lane,
        start_crossing=lane.cross,
        erase=lambda _: None,
        forget=lambda _: None,
        took=lane.tally.order_took,
        show=lambda _: None,
        answer=lambda *_: None,
        clock_ms=lambda: asyncio.get_running_loop().time() * 1000,
        purpose="demo",  # type: ignore[arg-type]
        open_crossings=(),
    )
    running: list[asyncio.Future[Any]] = [asyncio.ensure_future(lane.engine.run()), asyncio.ensure_future(keeper.run())]
    for event in (PartBack(Part.VISION), PartBack(Part.CAMERA), ordered(BePresent()), SiteSeen(1.0, clock_sure=True)):
        lane.engine.post(event)
    await asyncio.sleep(0.3)
    try:
        await story(lane)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


SWITCHED = TrackChanged(CROSSING, TrackChange.SWITCHED)


def taken_back_in_s(before: Callable[[Lane], None]) -> float:
    """How long a grant stands on the board after its traveller became another one."""
    took_s = []

    async def story(lane: Lane) -> None:
        await lane.grant()
        before(lane)
        lane.engine.post(SWITCHED)
        took_s.append(await lane.until(lambda: not lane.made.stands(Direction.ENTRY), within_s=9.0))

    on_the_wire(story)
    return took_s[0]


def silent_for(seconds: float) -> Callable[[Lane], None]:
    def before(lane: Lane) -> None:
        lane.silent_until_s = asyncio.get_running_loop().time() + seconds

    return before


def busy_for(answers: int) -> Callable[[Lane], None]:
    def before(lane: Lane) -> None:
        lane.made.refusals = [BUSY] * answers

    return before


def deaf_for(orders: int) -> Callable[[Lane], None]:
    def before(lane: Lane) -> None:
        lane.swallow_orders = orders

    return before


LOSSES = {
    "one busy answer": (busy_for(1), 0.1),
    "twenty busy answers": (busy_for(20), 2.0),
    "a burst of 0.75 s": (silent_for(0.75), 1.3),
    "twelve lost orders": (deaf_for(12), 3.5),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_grant_is_taken_back_whatever_the_line_does_to_the_first_order(loss: str) -> None:
    """With one busy answer, or a burst of 0.75 s, it stood for 9.7 s, and another body walked through on it."""
    before, within_s = LOSSES[loss]
    assert taken_back_in_s(before) <= within_s


@told_to(on_the_wire)
async def test_a_revocation_that_the_board_takes_and_does_not_obey_is_told_to_officers_and_the_log(lane: Lane) -> None:
    await lane.grant()
    lane.lying.deaf_to = (REVOKE[0],)
    lane.engine.post(SWITCHED)
    await lane.until(lambda: Notice.REVOKE_NOT_SHOWN in lane.engine.context.notices(), within_s=2.2)
    assert lane.incidents().count(IncidentKind.REVOKE_NOT_SHOWN) == 1
    assert writes(lane.made).count(REVOKE) > 5
    lane.lying.deaf_to = ()
    await lane.until(lambda: lane.engine.context.notices() == (), within_s=0.5)


@pytest.mark.parametrize("lost", [1, 4, 12])
@told_to(on_the_wire)
async def test_a_release_opens_however_many_of_its_orders_are_lost(lane: Lane, *, lost: int) -> None:
    lane.swallow_orders = lost
    lane.order(LaneOrder.RELEASE)
    await lane.until(lambda: lane.made.board.leaf.state is LeafState.OPEN, within_s=4.0)
    told = writes(lane.made).count(RELEASE)
    await asyncio.sleep(3)
    assert writes(lane.made).count(RELEASE) <= told + 1  # it was shown: nobody is inside
    assert lane.engine.context.notices() == ()


@told_to(on_the_wire)
async def test_a_line_that_is_opened_anew_during_a_release_takes_nothing_back(lane: Lane) -> None:
    """It revoked what stood from before, which closed the leaf before a person who was being freed."""
    lane.made.occupy(occupied=True)
    lane.order(LaneOrder.RELEASE)
    await lane.until(lambda: lane.made.board.leaf.state is LeafState.OPEN, within_s=4.0)
    revoked = writes(lane.made).count(REVOKE)
    lane.made.unplug()
    await asyncio.sleep(0.1)
    lane.made.replug()
    await lane.until(lambda: Part.BARRIER in lane.engine.context.lost)
    await lane.until(lambda: Part.BARRIER not in lane.engine.context.lost)
    await asyncio.sleep(1)
    assert writes(lane.made).count(REVOKE) == revoked


@told_to(on_the_wire)
async def test_a_release_that_never_opens_is_told_to_officers_and_the_log(lane: Lane) -> None:
    lane.lying.deaf_to = (RELEASE[0],)
    lane.order(LaneOrder.RELEASE)
    await lane.until(lambda: Notice.RELEASE_NOT_SHOWN in lane.engine.context.notices(), within_s=2.2)
    assert lane.incidents().count(IncidentKind.RELEASE_NOT_SHOWN) == 1
    assert writes(lane.made).count(RELEASE) > 5


@told_to(on_the_wire, deaf_to=(GRANT,))
async def test_a_grant_that_the_board_takes_and_does_not_make_is_taken_back_and_not_repeated(lane: Lane) -> None:
    lane.engine.post(DocumentPresented(CROSSING))
    await lane.until(lambda: isinstance(lane.engine.state, states.Referred))
    assert [address for address, _ in writes(lane.made)].count(GRANT) == 1
    assert IncidentKind.GRANT_NOT_SHOWN in lane.incidents()


def timed(kind: str, before: Callable[[Lane], None], *, within_s: float) -> tuple[float, Tally]:
    """What the lane counts of one order whose line does this first, and the time until the board obeys."""
    took_s = []

    async def story(lane: Lane) -> None:
        await lane.grant()
        before(lane)
        if kind == "revoke":
            lane.engine.post(SWITCHED)
            took_s.append(await lane.until(lambda: not lane.made.stands(Direction.ENTRY), within_s=within_s))
        else:
            began_s = asyncio.get_running_loop().time()
            lane.order(LaneOrder.RELEASE)
            await lane.until(lambda: RELEASE in writes(lane.made), within_s=within_s)
            took_s.append(asyncio.get_running_loop().time() - began_s)
        await asyncio.sleep(2.5)  # a release is repeated meanwhile: it counts once

    lane = on_the_wire(story)
    return took_s[0], lane.tally


@pytest.mark.parametrize("kind", ["revoke", "release"])
def test_an_order_is_timed_from_its_cause_to_the_first_confirmation_and_a_late_one_warns(kind: str) -> None:
    """Also when the first orders fail and a later one is confirmed at once: that one was wanted since the first."""
    for before, late in ((deaf_for(0), False), (silent_for(0.75), True), (deaf_for(12), True)):
        took_s, tally = timed(kind, before, within_s=5.0)
        counted = tally.orders[kind]
        assert counted.count == 1
        assert counted.sum_s == pytest.approx(took_s, abs=0.08)
        assert tally.warnings() == (["orders_late"] if late else [])


@pytest.mark.parametrize("seed", range(20))
@told_to(on_the_wire)
async def test_whatever_a_line_loses_no_grant_outlives_its_crossing_by_more_than_the_line_was_bad(
    lane: Lane, *, seed: int
) -> None:
    """Random bursts and losses around random revocations and releases: once the line is good the board agrees with the lane."""
    chance = random.Random(seed)
    for number in range(8):
        lane.engine.post(DocumentPresented(f"c{number}"))
        await asyncio.sleep(chance.uniform(0, 0.4))
        chance.choice((silent_for(chance.uniform(0, 0.9)), busy_for(chance.randrange(9)), deaf_for(5)))(lane)
        match chance.randrange(3):
            case 0:
                lane.engine.post(TrackChanged(f"c{number}", TrackChange.SWITCHED))
            case 1:
                lane.order(LaneOrder.RELEASE)
            case _:
                pass
        await asyncio.sleep(chance.uniform(0, 3))
        for one in lane.engine.context.waiting:
            lane.order(HandOver(one.crossing, Disposition.WALKED_BACK))
            await asyncio.sleep(0.01)
    lane.silent_until_s, lane.swallow_orders, lane.made.refusals = 0.0, 0, []
    await asyncio.sleep(3)
    granted = isinstance(lane.engine.state, states.Granted)
    assert lane.made.stands(Direction.ENTRY) is granted
    assert lane.made.grants(Direction.ENTRY) <= sum(isinstance(one, records.Granted) for one in lane.records)
    assert lane.made.grants(Direction.ENTRY)
