"""A lane's keeper before a Modbus board with something wrong on its line: said once when it begins, once when it ends, and nothing moves meanwhile."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

import pytest
from fakes.barrier import Bench, bench
from fakes.modbus_controller import CountingController, framed

from drivers.links import Link
from gate.passage.events import Event, Part, PartBack, PartLost
from gate.programs.lane.parts import BarrierKeeper
from gate_contract.links import Troubled
from gate_contract.virtual_time import run_virtual
from gate_core.errors import DriverError, NotWellError
from gate_core.ports.values import Direction


def never_valid(_: bytes) -> list[bytes]:
    """Sound in its check, and no answer to anything."""
    return [framed(bytes((1, 0x2B, 0x0E, 1)))]


def garbled(answer: bytes) -> list[bytes]:
    """Two boards with one number speak at once, as a wire has it: low wins."""
    other = framed(bytes((answer[0], answer[1], *(byte ^ 0x55 for byte in answer[2:-2]))))
    return [bytes(one & another for one, another in zip(answer, other, strict=True))]


def by_another(answer: bytes) -> list[bytes]:
    """A board with another number answers."""
    return [framed(bytes((7, *answer[1:-2])))]


def flooded(answer: bytes) -> list[bytes]:
    """Somebody speaks on and on, over every answer."""
    noise = random.Random(1).randbytes(300)
    return [noise, bytes(one & another for one, another in zip(answer, noise, strict=False)), noise]


@pytest.mark.parametrize("trouble", [never_valid, garbled, by_another, flooded], ids=lambda trouble: trouble.__name__)
def test_trouble_on_the_line_closes_the_lane_once_and_its_end_opens_it_once(
    trouble: Callable[[bytes], list[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    events: list[Event] = []
    wrong: list[Callable[[bytes], list[bytes]]] = []

    def wire(link: Link) -> Troubled:
        return Troubled(link, lambda: wrong[0] if wrong else None)

    async def story(made: Bench) -> None:
        made.board_line = wire
        keeper = BarrierKeeper(made.barrier, post=events.append, poll_s=0.05)
        kept = asyncio.create_task(keeper.run())
        await asyncio.sleep(2)
        wrong.append(trouble)
        await asyncio.sleep(10)
        with pytest.raises(DriverError):
            await keeper.grant(10_000)
        wrong.clear()
        await asyncio.sleep(5)
        assert made.controller.grants_made == made.controller.releases == 0
        kept.cancel()

    async def run() -> None:
        async with bench(CountingController()) as made:
            await story(made)

    run_virtual(run())
    parts = [event for event in events if isinstance(event, PartBack | PartLost)]
    assert parts == [PartBack(Part.BARRIER), PartLost(Part.BARRIER), PartBack(Part.BARRIER)]
    assert [record.message for record in caplog.records] == ["barrier_lost", "barrier_back"]


def test_a_second_board_of_the_same_number_is_heard_at_connecting_and_the_lane_is_not_opened_before_it_is_gone() -> (
    None
):
    others = [1]

    def wire(link: Link) -> Troubled:
        return Troubled(link, lambda: lambda answer: [answer] * (1 + len(others)))

    async def run() -> None:
        async with bench(CountingController()) as made:
            made.board_line = wire
            for _ in range(2):
                with pytest.raises(NotWellError, match="two boards answer to number 1"):
                    await made.barrier.connect()
                with pytest.raises(DriverError):
                    await made.barrier.grant(Direction.ENTRY, 5000)
            others.clear()
            await made.barrier.connect()
            assert made.controller.grants_made == 0
            await made.barrier.grant(Direction.ENTRY, 5000)

    run_virtual(run())
