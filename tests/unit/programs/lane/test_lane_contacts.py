"""A lane's keeper before a gate on contacts: a defect is said once when it begins and once when it ends, and nothing moves meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest
from fakes.contacts_gate import ContactsBench, contacts_bench
from fakes.gpio_turnstile import PASS_A

from gate.passage.events import DoorSeen, Event, Part, PartBack, PartLost
from gate.programs.lane.parts import BarrierKeeper
from gate_contract.virtual_time import run_virtual
from gate_core.errors import DriverError
from gate_core.ports.values import Direction


def stuck(made: ContactsBench, on: bool) -> None:  # noqa: FBT001 - a defect is there or not
    made.chip.stick(0, True if on else None)


def unplugged(made: ContactsBench, on: bool) -> None:  # noqa: FBT001
    if on:
        made.unplug()
    else:
        made.replug()


def bouncing(made: ContactsBench, on: bool) -> None:  # noqa: FBT001
    loop = asyncio.get_running_loop()
    for at in range(500 if on else 0):
        loop.call_later(at / 100, made.chip.drive, PASS_A, None if at % 2 else False)


@pytest.mark.parametrize(
    ("defect", "why"),
    [
        (stuck, "the contact left stays closed"),
        (unplugged, "No such device"),
        (bouncing, "faster than people walk"),
    ],
    ids=["stuck", "unplugged", "bouncing"],
)
def test_a_defect_closes_the_lane_once_and_its_end_opens_it_once(
    defect: Callable[[ContactsBench, bool], None], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    events: list[Event] = []

    async def story(made: ContactsBench) -> None:
        keeper = BarrierKeeper(made.barrier, post=events.append, poll_s=0.05)
        kept = asyncio.create_task(keeper.run())
        await asyncio.sleep(2)
        defect(made, True)
        await asyncio.sleep(5)
        with pytest.raises(DriverError):
            await keeper.grant(10_000)
        ordered = made.grants(Direction.ENTRY)
        defect(made, False)
        await asyncio.sleep(4)
        assert made.grants(Direction.ENTRY) == ordered <= int(defect is stuck)
        kept.cancel()

    async def run() -> None:
        async with contacts_bench() as made:
            await story(made)

    run_virtual(run())
    parts = [event for event in events if isinstance(event, PartBack | PartLost)]
    assert parts == [PartBack(Part.BARRIER), PartLost(Part.BARRIER), PartBack(Part.BARRIER)]
    (lost, *_) = [record for record in caplog.records if record.message == "barrier_lost"]
    assert [record.message for record in caplog.records].count("barrier_back") == 1
    assert why in getattr(lost, "reason", "")
    last = next(event for event in reversed(events) if isinstance(event, DoorSeen))
    assert last.closed
    assert last.grants_left == 0
