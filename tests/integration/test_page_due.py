"""A gate on trial, of which lane, log and screens are the processes that they are: nobody is invited while no browser paints the traveller's page."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from fakes.approvals import approve
from fakes.painter import painting
from fakes.ports import free_port
from fakes.small_gate import started
from integration.test_lane_approval import trial

from gate.programs.shared.config import Config, load
from gate.programs.shared.degraded_modes import modes_now
from gate.programs.shared.program_status import ProgramStatus
from gate.programs.shared.status import hear_all

pytestmark = pytest.mark.long
DEADLINE_S = 30.0


def with_a_page(folder: Path) -> Config:
    """The small gate on trial, approved with a page on a port of its own."""
    trial(folder)
    path = folder / "gate.toml"
    path.write_text(tomli_w.dumps({**tomllib.loads(path.read_text()), "screens": {"port": free_port()}}))
    config = load(path)
    approve(config)
    return config


async def until(config: Config, holds: Callable[[ProgramStatus], bool]) -> ProgramStatus:
    """The first answer of the programs of which this holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds(told := await hear_all(config)):  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.1)
    return told


async def test_a_page_that_nobody_ever_painted_is_missed_from_the_start_until_a_browser_paints_it(
    short_path: Path,
) -> None:
    config = with_a_page(short_path)

    def is_missed(told: ProgramStatus) -> bool:
        return told.says("lane") and "screen" in told.lane.lost

    def is_there(told: ProgramStatus) -> bool:
        return told.says("lane") and "screen" not in told.lane.lost

    async with started(short_path, config, "log"), started(short_path, config, "screens"):
        async with started(short_path, config, "lane"):
            told = await until(config, lambda told: told.says("lane"))
            assert is_missed(told)
            assert "page_gone" in {mode.name for mode in modes_now(told, config)}
            assert "screen_lost" not in told.lane.counters.incidents, "a start is no alarm"
            async with painting(config):
                await until(config, is_there)
            told = await until(config, is_missed)
            assert told.lane.counters.incidents["screen_lost"] == 1
            async with painting(config):
                await until(config, is_there)
        async with painting(config), started(short_path, config, "lane"):
            told = await until(config, is_there)
            assert "screen_lost" not in told.lane.counters.incidents
