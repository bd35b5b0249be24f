"""What systemd is told of a program: ready once, and a sign of life only while its own work goes on."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from fakes.small_gate import small_gate

from gate.channel.message import Status
from gate.programs.shared.config import Config
from gate.programs.shared.runner import LIFE_POLL_S, READY_POLL_S, _tell_of_life
from gate.programs.shared.status import serve_status
from gate_contract.virtual_time import run_virtual

ABLE = Status("lane", "ready", {})
WAITING = Status("lane", "degraded", {})
STILL = Status("lane", "degraded", {}, alive=False)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return small_gate(tmp_path)


def told(config: Config, *answers: Status) -> list[str]:
    """What is notified while the program begins to answer, and then answers so, one after another."""
    left = iter(answers)
    heard: list[str] = []

    async def lived() -> None:
        life = asyncio.ensure_future(_tell_of_life("lane", config, heard.append))
        await asyncio.sleep(3)
        assert heard == []
        async with serve_status(config, "lane", lambda: next(left)):
            await asyncio.sleep(READY_POLL_S + (len(answers) - 0.5) * LIFE_POLL_S)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)

    run_virtual(lived())
    assert list(left) == []
    return heard


def test_a_program_that_answers_is_ready_once_and_gives_signs_of_life(config: Config) -> None:
    heard = told(config, ABLE, ABLE)
    assert heard == ["READY=1", "WATCHDOG=1\nSTATUS=ready", "WATCHDOG=1\nSTATUS=ready"]


def test_a_sign_of_life_may_fail_to_come_twice_before_systemd_starts_a_program_anew() -> None:
    units = [unit.read_text() for unit in sorted((Path(__file__).parents[4] / "systemd").glob("gate-*.service"))]
    seconds = [float(found[1]) for unit in units if (found := re.search(r"^WatchdogSec=(\d+)$", unit, re.MULTILINE))]
    assert len(seconds) >= 5
    assert min(seconds) > 3 * LIFE_POLL_S


@pytest.mark.parametrize("name", ["lane", "vision"])
def test_systemd_waits_for_a_program_that_tries_the_written_rules_before_it_is_ready(name: str) -> None:
    """They take about half a minute of a processor, some minutes at worst, and systemd gives up after one and a half by itself."""
    unit = (Path(__file__).parents[4] / f"systemd/gate-{name}.service").read_text()
    assert re.search(r"^TimeoutStartSec=30min$", unit, re.MULTILINE)


def test_a_program_that_waits_for_others_is_alive(config: Config) -> None:
    """A lane whose barrier is unplugged would be started anew for ever, and be no better for it."""
    assert told(config, WAITING)[1:] == ["WATCHDOG=1\nSTATUS=degraded"]


def test_a_program_whose_work_stands_still_gives_no_sign_of_life_though_it_answers(config: Config) -> None:
    heard = told(config, ABLE, STILL, STILL)
    assert [one for one in heard if "WATCHDOG" in one] == ["WATCHDOG=1\nSTATUS=ready"]
    assert heard[-1] == "STATUS=stands still"
