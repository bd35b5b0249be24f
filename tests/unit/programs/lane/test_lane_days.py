"""What the lane's program begins and ends by the site's own clock: the day's draw, and the shift's counts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from fakes.document_children import Nursery
from fakes.passage_examples import GENUINE, decided_record
from fakes.read_clock import clock_reads

from gate.channel import log_messages
from gate.passage.events import DocumentRead, DrawDue, Event
from gate.passage.names import ClosedAs
from gate.passage.records import Closed, GroupsCounted, Record, Stopped
from gate.programs.lane.lane import Lane
from gate.programs.lane.list_renewal import CurrentLists
from gate.programs.lane.rules import start_of
from gate.programs.shared.config import Config, parse


def config_for(folder: Path, rules: dict[str, Any]) -> Config:
    table = {
        "purpose": "trial",
        "gate_id": "gate-0001",
        "operator": "border.example",
        "time_zone": "Europe/Amsterdam",
        "paths": {"trust": str(folder / "trust.sqlite"), "run": str(folder)},
        "barrier": {"port": "none", "profile": "portcullis-sim"},
        "swipe": {"port": "nothing"},
        "chip": {"driver": "direct", "socket": str(folder / "chip")},
        "camera": {"address": "http://127.0.0.1:9/"},
        "audit": {"recipients": ["age1a", "age1b"]},
        "rules": rules,
        "fairness": {"groups": ["sex"], "basis": "Act 1, Article 2", "shift_ends": ["14:00"]},
    }
    return parse(table)


class Site:
    """A lane whose clock is the test's; what it posts and has written is kept."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, rules: dict[str, Any]) -> None:
        self.now = datetime(2026, 12, 5, 12, tzinfo=UTC)
        clock_reads(monkeypatch, now=lambda: self.now)
        config = config_for(folder, rules)
        (folder / "run").mkdir()
        lists = CurrentLists(config, folder=folder / "run", start=Nursery().start)
        self.lane = Lane(
            config, lists=lists, left=log_messages.OpenCrossings([]), start=start_of(config, None), state_folder=folder
        )
        self.records: list[Record] = []
        self.events: list[Event] = []
        monkeypatch.setattr(self.lane._log, "append", lambda record, **_: self.records.append(record))
        monkeypatch.setattr(self.lane.engine, "post", self.events.append)

    async def at(self, moment: str) -> None:
        """Look around at this moment, in UTC."""
        self.now = datetime.fromisoformat(f"{moment}+00:00")
        await self.lane.look_at_site()

    def draws(self) -> list[DrawDue]:
        return [event for event in self.events if isinstance(event, DrawDue)]

    def draw(self, due: DrawDue) -> None:
        """The draw is in force."""
        self.lane.engine._context = replace(self.lane.engine.context, draw=due.draw)

    def crosses(self, name: str) -> None:
        self.lane.post(DocumentRead(name, replace(GENUINE, sex="F")))
        self.lane._recorder.append(replace(decided_record(), crossing=name), awaited=True)
        self.lane._recorder.append(Closed(name, ClosedAs.ADMITTED, (), {"decided": 4_000.0}), awaited=False)

    def counted(self) -> list[GroupsCounted]:
        return [one for one in self.records if isinstance(one, GroupsCounted)]


async def test_each_day_of_the_site_draws_by_a_secret_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, monkeypatch, {"random_checks_per_10000": 200})
    await site.at("2026-12-05T12:00")
    (first,) = site.draws()
    assert first.draw is not None
    assert (first.draw.day, first.draw.per_10000) == ("2026-12-05", 200)
    site.draw(first)
    await site.at("2026-12-05T22:59")
    assert len(site.draws()) == 1
    await site.at("2026-12-05T23:01")  # the site's midnight is over
    second = site.draws()[-1]
    assert second.draw is not None
    assert second.draw.day == "2026-12-06"
    assert second.draw.secret != first.draw.secret


async def test_a_site_that_draws_nobody_has_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path, monkeypatch, {})
    await site.at("2026-12-05T12:00")
    assert site.draws() == []


async def test_a_shift_that_ends_is_written_and_the_last_one_when_the_program_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, monkeypatch, {})
    await site.at("2026-12-05T12:00")
    for number in range(12):
        site.crosses(f"c{number}")
    await site.at("2026-12-05T12:59")
    assert site.counted() == []
    await site.at("2026-12-05T13:00")  # 14:00 there
    (shift,) = site.counted()
    assert (shift.since, shift.until) == ("2026-12-05T12:00:00+00:00", "2026-12-05T13:00:00+00:00")
    assert [(one.attribute, one.value, one.crossings) for one in shift.cells] == [
        ("everybody", "", 12),
        ("sex", "F", 12),
    ]
    for number in range(10):
        site.crosses(f"d{number}")
    monkeypatch.setattr(site.lane._log, "drain", cast("Any", lambda _: _nothing()))
    site.lane.engine._context = replace(site.lane.engine.context, lost=frozenset())  # its state file is written
    await site.lane.last_words()
    assert [type(one) for one in site.records[-2:]] == [GroupsCounted, Stopped]


@pytest.mark.parametrize("profile", ["full", "basic"])
def test_what_is_logged_is_the_profile_that_the_site_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    clock_reads(monkeypatch, now=lambda: datetime(2026, 12, 5, 12, tzinfo=UTC))
    config = config_for(tmp_path, {})
    config = msgspec.structs.replace(config, audit=msgspec.structs.replace(config.audit, profile=profile))
    (tmp_path / "run").mkdir()
    lists = CurrentLists(config, folder=tmp_path / "run", start=Nursery().start)
    left, start = log_messages.OpenCrossings([]), start_of(config, None)
    lane = Lane(config, lists=lists, left=left, start=start, state_folder=tmp_path)
    lane._log.append(decided_record(), awaited=False)
    (new,) = lane._log._queue.offer(0)
    assert (b"UTO" in new.body, json.loads(new.body).get("profile", "full")) == (profile == "full", profile)


async def _nothing() -> None:
    return None
