"""What a lane does between its start and its first traveller, while the doors of an emergency are held."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.approvals import approve
from fakes.document_children import Nursery

from drivers.toml_file import Wrong
from gate.channel import messages
from gate.passage.rulebook import RuleBook
from gate.programs.lane import emergency_hold
from gate.programs.lane import lane as lane_module
from gate.programs.lane.list_renewal import CurrentLists
from gate.programs.shared import written_rules
from gate.programs.shared.config import Config, parse

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
UNHEARD_S = 10  # after which a release that was to come does not


class Door:
    """A door's board that hears when it is told to open."""

    def __init__(self) -> None:
        self.heard = threading.Semaphore(0)

    async def connect(self, *, revoke: bool) -> None:
        assert not revoke

    async def release(self) -> None:
        self.heard.release()

    def close(self) -> None:
        pass


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "rules.toml").write_text(RULES)
    made = parse(
        {
            "purpose": "trial",
            "gate_id": "gate-0001",
            "operator": "border.example",
            "paths": {"run": str(tmp_path), "approval": str(tmp_path)},
            "barrier": {"port": "none", "profile": "portcullis-sim"},
            "swipe": {"port": "nothing"},
            "camera": {"address": "http://127.0.0.1:9/"},
            "audit": {"recipients": ["age1a", "age1b"]},
            "rules": {"written": str(tmp_path / "rules.toml")},
        }
    )
    approve(made)
    return made


async def test_doors_are_told_again_while_the_written_rules_are_judged_which_is_done_once(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door()
    told: list[bool] = []

    def judged_until_told_thrice(_: RuleBook) -> Iterator[Wrong]:
        told.append(all(door.heard.acquire(timeout=UNHEARD_S) for _ in range(3)))
        yield from ()

    async def no_list(_: CurrentLists) -> None:
        return None

    async def nothing_left(_: Config) -> messages.OpenCrossings:
        return messages.OpenCrossings([])

    monkeypatch.setattr(emergency_hold, "barrier", lambda _: door)
    monkeypatch.setattr(emergency_hold, "AGAIN_S", 0.001)
    monkeypatch.setattr(CurrentLists, "begin", no_list)
    monkeypatch.setattr(
        lane_module, "CurrentLists", lambda _, folder: CurrentLists(config, folder=folder, start=Nursery().start)
    )
    monkeypatch.setattr(lane_module, "_left", nothing_left)
    monkeypatch.setattr(written_rules, "wrong_with", judged_until_told_thrice)
    written_rules._wrong_with.cache_clear()
    config.socket("lane").parent.mkdir(exist_ok=True)
    async with emergency_hold.held_open(config):
        while door.heard.acquire(blocking=False):
            pass
        lane, _ = await lane_module.prepare(config, state_folder=tmp_path)
        assert [one.name for one in lane._written.book.rules] == ["adults"]
    assert told == [True]
