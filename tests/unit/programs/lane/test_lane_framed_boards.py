"""A lane's keeper before a board of short frames: another board on the line is said once when it begins and once when it ends."""

from __future__ import annotations

import asyncio
import logging

import pytest
from fakes.framed_boards import KINDS, CountingBoard, FramedBench, Kind, framed_bench
from fakes.links import Wrapped
from fakes.virtual_time import run_virtual

from drivers.errors import DriverError
from drivers.links import Link
from gate.passage.events import Event, Part, PartBack, PartLost
from gate.programs.lane.parts import BarrierKeeper


class Shared(Wrapped):
    """A wire with a second board on it, as long as there is one: whatever the first answers, it answers, too."""

    others: list[CountingBoard]

    async def write(self, payload: bytes) -> None:
        await self.inner.write(payload)
        for other in self.others:
            await self.inner.write(other.status())


@pytest.mark.parametrize("number", [1, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_another_board_closes_the_lane_once_and_its_going_opens_it_once(
    kind: Kind, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    others: list[CountingBoard] = []
    events: list[Event] = []

    def wire(link: Link) -> Shared:
        shared = Shared(link)
        shared.others = others
        return shared

    async def story(made: FramedBench) -> None:
        made.board_line = wire
        keeper = BarrierKeeper(made.barrier, post=events.append, poll_s=0.05)
        kept = asyncio.create_task(keeper.run())
        await asyncio.sleep(2)
        others.append(CountingBoard(kind=kind, unit=number))
        await asyncio.sleep(10)
        made.board.told.clear()
        with pytest.raises(DriverError):
            await keeper.grant(10_000)
        others.clear()
        await asyncio.sleep(5)
        assert made.board.grants_made == 0
        kept.cancel()

    async def run() -> None:
        async with framed_bench(CountingBoard(kind=kind)) as made:
            await story(made)

    run_virtual(run())
    parts = [event for event in events if isinstance(event, PartBack | PartLost)]
    assert parts == [PartBack(Part.BARRIER), PartLost(Part.BARRIER), PartBack(Part.BARRIER)]
    told = [(record.message, getattr(record, "reason", "")) for record in caplog.records]
    assert [name for name, _ in told] == ["barrier_lost", "barrier_back"]
    assert ("another board than number 1" if number == 7 else "nobody asked for") in told[0][1]
