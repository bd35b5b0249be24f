"""A gate of two doors on two boards and a sensor unit, while somebody is between the doors and no officer answers: whatever breaks, the way
back opens by itself, and the last door does not.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.whole_gate import Gate, running

from gate.programs.shared.runner import status_of
from gate_core.evidence.screen import Screen
from gate_demo import audit_review
from gate_demo.report import Door
from hardware_sim.truth import read_truth

pytestmark = [pytest.mark.e2e, pytest.mark.long]

WAY_BACK_DEADLINE_S = 80.0
POLL_S = 0.2


@dataclass
class World:
    """What truly happened, as the world tells it."""

    truth: Path

    def passages(self, door: str, way: str) -> int:
        return sum(
            (one.event, one.text("door"), one.text("direction")) == ("passed", door, way)
            for one in read_truth(self.truth)
        )

    def opened(self, door: str) -> int:
        moves = [one for one in read_truth(self.truth) if one.event == "leaf_moved" and one.text("door") == door]
        return sum(one.text("to") == "opening" for one in moves)


async def let_back(gate: Gate, scenario: str) -> None:
    """Send a traveller, have no officer answer from when they are looked at, and wait until they are out by the first door."""
    world = World(Path(gate.world.ready.truth))
    before = world.passages("first", "exit"), world.passages("last", "entry")
    gate.screens.clear()
    visiting = asyncio.ensure_future(gate.visit(scenario))
    await gate.until(Screen.LOOK)
    gate.officer.absent = True
    async with asyncio.timeout(WAY_BACK_DEADLINE_S):
        while world.passages("first", "exit") == before[0]:  # noqa: ASYNC110 - another process's file has no event
            await asyncio.sleep(POLL_S)
    gate.officer.absent = False
    visit = await visiting
    assert visit.passed == 0
    assert world.passages("last", "entry") == before[1]


async def judged(gate: Gate, folder: Path) -> dict[str, Door]:
    """What the judge saw at each door, when the lane has written its last."""
    await gate.family.stop("lane")
    status = await status_of(gate.stage.config, "log")
    assert status is not None
    assert status.detail["open_crossings"] == 0
    records = await asyncio.to_thread(audit_review.read, gate.stage, folder / "bundle")
    found = await asyncio.to_thread(audit_review.judge, Path(gate.world.ready.truth), records)
    assert (found.wrong, found.different) == ((), [])
    return found.doors


@pytest.mark.parametrize("scenario", ["someone_elses_passport", "lane_killed", "first_barrier_cut_inside"])
async def test_whoever_nobody_answers_is_let_back_and_the_next_traveller_passes(
    short_path: Path, scenario: str
) -> None:
    async with running(short_path, lane="two-door") as gate:
        await gate.until(Screen.WELCOME)
        await let_back(gate, scenario)
        assert World(Path(gate.world.ready.truth)).opened("last") == 0
        assert await gate.passes()
        doors = await judged(gate, short_path)
    assert doors["last"].passages == 1


async def test_a_last_board_that_falls_silent_while_it_is_granted_lets_nobody_out_and_the_next_traveller_passes(
    short_path: Path,
) -> None:
    async with running(short_path, lane="two-door") as gate:
        await gate.until(Screen.WELCOME)
        await let_back(gate, "barrier_cut")
        assert await gate.passes()
        doors = await judged(gate, short_path)
    assert doors["last"].passages == 1


async def test_a_sensor_unit_that_falls_silent_lets_nobody_out_and_an_officer_lets_them_back(short_path: Path) -> None:
    async with running(short_path, lane="two-door") as gate:
        await gate.until(Screen.WELCOME)
        visit = await gate.visit("sensors_cut")
        world = World(Path(gate.world.ready.truth))
        assert (visit.passed, world.opened("last"), world.passages("first", "exit")) == (0, 0, 1)
        assert await gate.passes()
        await judged(gate, short_path)
