"""A lane's keeper before a board with something wrong on its line: said once when it begins, once when it ends, and nothing moves meanwhile."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

import pytest
from fakes.framed_boards import Beside
from fakes.line_bench import FRAMED, OWN, LineBench, line_bench
from fakes.stories import on

from drivers.links import Link
from gate.passage.events import Event, Part, PartBack, PartLost
from gate.programs.lane.parts import BarrierKeeper
from gate_contract.links import Troubled
from gate_core.errors import DriverError, NotWellError
from gate_core.ports.values import Direction
from hardware_sim.modbus import seal

Trouble = Callable[[bytes], list[bytes]]


def together(one: bytes, other: bytes) -> bytes:
    """Two speak at once, as a wire has it: low wins."""
    return bytes(low & another for low, another in zip(one, other, strict=False))


def never_valid(_: bytes) -> list[bytes]:
    """Sound in its check, and no answer to anything."""
    return [seal(bytes((1, 0x2B, 0x0E, 1)))]


def garbled(answer: bytes) -> list[bytes]:
    """Two boards with one number."""
    return [together(answer, seal(bytes((answer[0], answer[1], *(byte ^ 0x55 for byte in answer[2:-2])))))]


def by_another(answer: bytes) -> list[bytes]:
    """A board with another number."""
    return [seal(bytes((7, *answer[1:-2])))]


def flooded(answer: bytes) -> list[bytes]:
    """Somebody speaks on and on, over every answer."""
    noise = random.Random(1).randbytes(300)
    return [noise, together(answer, noise), noise]


def wrong_check(answer: bytes) -> list[bytes]:
    return [answer[:1] + bytes([answer[1] ^ 0x01]) + answer[2:], answer[:-2]]


def mirrored(answer: bytes) -> list[bytes]:
    return [together(answer, answer[::-1])]


TROUBLES: list[tuple[str, Trouble]] = [(OWN, trouble) for trouble in (never_valid, garbled, by_another, flooded)]
TROUBLES += [(name, trouble) for name in FRAMED for trouble in (wrong_check, mirrored, flooded)]


async def kept(made: LineBench, begin: Callable[[], None], end: Callable[[], None]) -> None:
    """A lane's keeper, with trouble from the second second to the twelfth."""
    events: list[Event] = []
    keeper = BarrierKeeper(made.barrier, post=events.append, poll_s=0.05)
    running = asyncio.create_task(keeper.run())
    await asyncio.sleep(2)
    begin()
    await asyncio.sleep(10)
    with pytest.raises(DriverError):
        await keeper.grant(10_000)
    end()
    await asyncio.sleep(5)
    assert made.grants(Direction.ENTRY) == made.releases() == 0
    running.cancel()
    parts = [event for event in events if isinstance(event, PartBack | PartLost)]
    assert parts == [PartBack(Part.BARRIER), PartLost(Part.BARRIER), PartBack(Part.BARRIER)]


@pytest.mark.parametrize(("name", "trouble"), TROUBLES)
@on(line_bench, "name", connected=False)
async def test_trouble_on_the_line_closes_the_lane_once_and_its_end_opens_it_once(
    made: LineBench, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wrong: list[Trouble] = []
    made.board_line = lambda link: Troubled(link, lambda: wrong[0] if wrong else None)
    await kept(made, lambda: wrong.append(trouble), wrong.clear)
    assert [record.message for record in caplog.records] == ["barrier_lost", "barrier_back"]


@pytest.mark.parametrize(("number", "why"), [(1, "nobody asked for"), (7, "another board than number 1")])
@pytest.mark.parametrize("name", FRAMED)
@on(line_bench, "name", connected=False)
async def test_another_board_closes_the_lane_once_and_its_going_opens_it_once(
    made: LineBench, number: int, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    others: list[int] = []
    made.board_line = lambda link: Beside(link, made.profile, others)
    await kept(made, lambda: others.append(number), others.clear)
    told = [(record.message, getattr(record, "reason", "")) for record in caplog.records]
    assert [name for name, _ in told] == ["barrier_lost", "barrier_back"]
    assert why in told[0][1]


@on(lambda: line_bench(OWN), connected=False)
async def test_a_second_board_of_the_same_number_is_heard_at_connecting_and_the_lane_is_not_opened_before_it_is_gone(
    made: LineBench,
) -> None:
    others = [1]

    def wire(link: Link) -> Troubled:
        return Troubled(link, lambda: lambda answer: [answer] * (1 + len(others)))

    made.board_line = wire
    for _ in range(2):
        with pytest.raises(NotWellError, match="two boards answer to number 1"):
            await made.barrier.connect()
        with pytest.raises(DriverError):
            await made.barrier.grant(Direction.ENTRY, 5000)
    others.clear()
    await made.barrier.connect()
    assert made.grants(Direction.ENTRY) == 0
    await made.barrier.grant(Direction.ENTRY, 5000)
