"""The first moments of a lane program that comes back into an emergency: a real driver on a paced line, before log, lists and vision are there."""

from __future__ import annotations

import asyncio
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
import tomli_w
from document_fakes.master_lists import NOW, party
from fakes.small_gate import small_gate, started

from gate.channel.message import StatusRequest
from gate.channel.screen_messages import View, WatchView
from gate.channel.sockets import connect
from gate.channel.table import CHANNELS
from gate.passage.lasting_state import UNKNOWN, LastingEmergency, LastingState
from gate.passage.rule_set import RuleSet
from gate.programs.lane import emergency_hold
from gate.programs.lane.emergency_hold import STATE_FILE, held_open, is_held
from gate.programs.lane.lane import prepare
from gate.programs.lane.state_file import encoded
from gate.programs.shared import written_rules
from gate.programs.shared.config import Config, load, parse
from gate.programs.shared.runner import status_of
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate_core.errors import LinkLostError
from gate_core.evidence.screen import Screen
from gate_core.settings.toml_file import Wrong
from hardware_sim.barrier.device import Barrier
from hardware_sim.pty import SerialLine

if TYPE_CHECKING:
    from gate_core.ports.drivers import BarrierDriver

UNHEARD_S = 10  # after which a release that was to come does not
RULES = """schema = 1
version = "held"
[rules.adults]
effect = "eligible"
title = "Grown-ups"
basis = "Act 1, Article 2"
author = "N. N."
from = 2026-01-01
to = 2036-12-31
when = { age_from = 18 }
"""
HELD = LastingState(emergency=LastingEmergency(held=True))


def config(folder: Path, port: str) -> Config:
    return parse(
        {
            "purpose": "demo",
            "gate_id": "north-7",
            "operator": "border.example",
            "paths": {"run": str(folder), "state": str(folder)},
            "barrier": {"port": port},
            "swipe": {"port": "nothing"},
            "camera": {"address": "http://127.0.0.1:9/"},
            "audit": {"recipients": ["none"]},
        }
    )


async def test_the_doors_are_told_before_the_block_begins_and_again_and_the_way_out_is_shown(tmp_path: Path) -> None:
    heard: list[str] = []

    def report(event: str, **_: Any) -> None:
        heard.append(event)

    line = SerialLine(tmp_path / "barrier", Barrier(report), baud=115_200, seed=1)
    line.start()
    try:
        settings = config(tmp_path, str(tmp_path / "barrier"))
        async with held_open(settings):
            assert heard.count("release_received") >= 1
            assert "grant_received" not in heard
            status = await status_of(settings, "lane")
            assert status is not None
            assert status.detail["state"] == "emergency"
            async with asyncio.timeout(20):
                while not settings.socket("lane").exists():  # noqa: ASYNC110 - a file has no event
                    await asyncio.sleep(0.01)
                page = await connect(CHANNELS.lane, settings.socket("lane"))
                await page.send(WatchView())
                view = await page.receive()
                assert isinstance(view, View)
                assert view.screen is Screen.EMERGENCY
                await page.send(StatusRequest())
                page.close()
                while heard.count("release_received") < 3:  # noqa: ASYNC110 - nor has a board
                    await asyncio.sleep(0.05)
        assert not settings.socket("lane").exists()
    finally:
        line.stop()


def gate_with_rules(folder: Path) -> Config:
    """A small gate with written rules, lists, and a barrier's line."""
    small_gate(folder)
    path = folder / "gate.toml"
    (folder / "rules.toml").write_text(RULES)
    table: dict[str, Any] = tomllib.loads(path.read_text())
    table |= {"barrier": {"port": str(folder / "barrier")}, "rules": {"written": str(folder / "rules.toml")}}
    path.write_text(tomli_w.dumps(table))
    config = load(path)
    lists = read_source("the country's own", party("CSCA").der)
    import_sources(Path(config.paths.trust), [lists], signer=None, test=True, now=NOW)
    return config


async def test_the_doors_are_told_again_while_the_written_rules_are_judged_which_is_done_once(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Semaphore(0)
    told: list[bool] = []

    def report(event: str, **_: Any) -> None:
        if event == "release_received":
            released.release()

    def judged_until_told_again(_: RuleSet) -> Iterator[Wrong]:
        while released.acquire(blocking=False):
            pass
        told.append(released.acquire(timeout=UNHEARD_S))
        yield from ()

    config = gate_with_rules(short_path)
    monkeypatch.setattr(written_rules, "wrong_with", judged_until_told_again)
    line = SerialLine(short_path / "barrier", Barrier(report), baud=115_200, seed=1)
    line.start()
    try:
        async with started(short_path, config, "log"), held_open(config):
            lane, first = await prepare(config, state_folder=short_path)
            assert [one.name for one in lane._written.rule_set.rules] == ["adults"]
            if first is not None:
                await first.end()
        assert told == [True]
    finally:
        line.stop()


async def test_a_door_that_cannot_be_told_keeps_nothing_else_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emergency_hold, "TOLD_S_MAX", 0.1)
    async with held_open(config(tmp_path, "/nowhere")):
        pass


@pytest.mark.parametrize(
    ("content", "held"),
    [
        (encoded(HELD), True),
        (encoded(UNKNOWN), False),
        (encoded(LastingState()), False),
        (encoded(LastingState(emergency=LastingEmergency())), False),
        (b"", False),
        (b"[]", False),
        (b'{"state":{"emergency":{"held":1}}}', False),
    ],
)
def test_doors_are_held_for_an_emergency_that_the_host_held_and_for_nothing_else(
    tmp_path: Path, content: bytes, *, held: bool
) -> None:
    assert not is_held(tmp_path / STATE_FILE)
    (tmp_path / STATE_FILE).write_bytes(content)
    assert is_held(tmp_path / STATE_FILE) is held


async def test_what_holds_the_doors_takes_nothing_back_when_it_opens_the_line() -> None:
    told = asyncio.Event()

    class Board:
        revoked: ClassVar[list[bool]] = []

        async def connect(self, *, revoke: bool = True) -> None:
            self.revoked.append(revoke)

        async def release(self) -> None:
            if len(self.revoked) < 3:
                raise LinkLostError("gone")

        def close(self) -> None:
            pass

    holding = asyncio.ensure_future(emergency_hold._hold(cast("BarrierDriver", Board()), told))
    await asyncio.wait_for(told.wait(), 10)
    holding.cancel()
    assert Board.revoked == [False] * 3
