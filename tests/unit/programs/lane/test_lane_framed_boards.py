"""A lane's keeper before a board of short frames: another board, frames of nobody, floods are said once when they begin and once when they end."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

import pytest
from fakes.framed_boards import KINDS, CountingBoard, FramedBench, Kind, framed_bench

from drivers.links import Link
from gate.passage.events import Event, Part, PartBack, PartLost
from gate.programs.lane.parts import BarrierKeeper
from gate_contract.links import Troubled, Wrapped
from gate_contract.virtual_time import run_virtual
from gate_core.errors import DriverError


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


def never_valid(answer: bytes) -> list[bytes]:
    """A frame whose check is wrong."""
    return [answer[:1] + bytes([answer[1] ^ 0x01]) + answer[2:], answer[:-2]]


def garbled(answer: bytes) -> list[bytes]:
    """Two boards speak at once, as a wire has it: low wins."""
    return [bytes(one & another for one, another in zip(answer, answer[::-1], strict=True))]


def flooded(answer: bytes) -> list[bytes]:
    """Somebody speaks on and on, over every answer."""
    noise = random.Random(1).randbytes(300)
    return [noise, bytes(one & another for one, another in zip(answer, noise, strict=False)), noise]


@pytest.mark.parametrize("trouble", [never_valid, garbled, flooded])
@pytest.mark.parametrize("kind", KINDS)
def test_trouble_on_the_line_closes_the_lane_once_and_its_end_opens_it_once(
    kind: Kind, trouble: Callable[[bytes], list[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    events: list[Event] = []
    wrong: list[Callable[[bytes], list[bytes]]] = []

    async def story(made: FramedBench) -> None:
        made.board_line = lambda link: Troubled(link, lambda: wrong[0] if wrong else None)
        keeper = BarrierKeeper(made.barrier, post=events.append, poll_s=0.05)
        kept = asyncio.create_task(keeper.run())
        await asyncio.sleep(2)
        wrong.append(trouble)
        await asyncio.sleep(10)
        with pytest.raises(DriverError):
            await keeper.grant(10_000)
        wrong.clear()
        await asyncio.sleep(5)
        assert made.board.grants_made == made.board.grants_made_right == 0
        kept.cancel()

    async def run() -> None:
        async with framed_bench(CountingBoard(kind=kind)) as made:
            await story(made)

    run_virtual(run())
    parts = [event for event in events if isinstance(event, PartBack | PartLost)]
    assert parts == [PartBack(Part.BARRIER), PartLost(Part.BARRIER), PartBack(Part.BARRIER)]
    assert [record.message for record in caplog.records] == ["barrier_lost", "barrier_back"]
