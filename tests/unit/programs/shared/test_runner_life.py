"""What systemd is told of a program: ready once, and a sign of life only while its own work goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest

from gate.channel.messages import Status
from gate.programs.shared import runner

ABLE = Status("lane", "ready", {})
WAITING = Status("lane", "degraded", {})
STILL = Status("lane", "degraded", {}, alive=False)


async def told(monkeypatch: pytest.MonkeyPatch, *answers: Status | None) -> list[str]:
    """What is notified while the program answers so, one after another."""
    monkeypatch.setattr(runner, "LIFE_POLL_S", 0)
    monkeypatch.setattr(runner, "READY_POLL_S", 0)
    left: Iterator[Status | None] = iter(answers)
    done = asyncio.Event()

    async def status_of(*_: object, **__: object) -> Status | None:
        try:
            return next(left)
        except StopIteration:
            done.set()
            await asyncio.Event().wait()
            raise

    monkeypatch.setattr(runner, "status_of", status_of)
    heard: list[str] = []
    life = asyncio.ensure_future(runner._tell_of_life("lane", cast("Any", None), heard.append))
    async with asyncio.timeout(5):
        await done.wait()
    life.cancel()
    await asyncio.gather(life, return_exceptions=True)
    return heard


async def test_a_program_that_answers_is_ready_once_and_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = await told(monkeypatch, None, ABLE, ABLE)
    assert heard == ["READY=1", "WATCHDOG=1\nSTATUS=ready", "WATCHDOG=1\nSTATUS=ready"]


async def test_a_program_that_waits_for_others_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane whose barrier is unplugged would be started anew for ever, and be no better for it."""
    assert (await told(monkeypatch, WAITING))[1:] == ["WATCHDOG=1\nSTATUS=degraded"]


async def test_a_program_whose_work_stands_still_gives_no_sign_of_life_though_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = await told(monkeypatch, ABLE, STILL, STILL, None)
    assert [one for one in heard if "WATCHDOG" in one] == ["WATCHDOG=1\nSTATUS=ready"]
    assert heard[-1] == "STATUS=stands still"
