"""The lane takes newer lists between crossings, tells what it took, and keeps what it has when the new ones cannot be used."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from document_fakes.master_lists import NOW, party, revocation_list
from fakes.document_children import FakeChild, Nursery
from fakes.read_clock import clock_reads

from gate.channel import document_messages, log_messages
from gate.passage.events import Event, SiteSeen
from gate.passage.records import ListsUpdated, Record
from gate.programs.children import fd_passing
from gate.programs.children.child_handle import ChildLostError
from gate.programs.lane import list_renewal
from gate.programs.lane.document.child import told
from gate.programs.lane.document_session import ways_by
from gate.programs.lane.lane import Lane
from gate.programs.lane.list_renewal import CurrentLists, DocumentChild, HeldLists, ready_of, update_of
from gate.programs.lane.records import fields_of
from gate.programs.lane.rules import start_of
from gate.programs.shared.config import Config, OnlineRegister, Registers, parse
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_core.settings.config_file import ConfigError

CSCA = party("CSCA")
OTHER = party("Other CSCA", country="ZZ")


def config_for(path: Path, purpose: str = "trial") -> Config:
    table = {
        "purpose": purpose,
        "gate_id": "gate-0001",
        "operator": "border.example",
        "paths": {"trust": str(path), "run": str(path.parent)},
        "barrier": {"port": "none", "profile": "portcullis-sim" if purpose != "service" else "acme"},
        "swipe": {"port": "nothing"},
        "chip": {"driver": "direct", "socket": str(path.parent / "chip")},
        "camera": {"address": "http://127.0.0.1:9/"},
        "audit": {"recipients": ["age1a", "age1b"]},
    }
    return parse(table)


def bring(path: Path, *files: bytes, test: bool = False) -> str:
    sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
    return import_sources(path, sources, signer=None, test=test, now=NOW).version


def content(path: Path) -> bytes:
    return path.read_bytes()


def put(path: Path, data: bytes | None) -> None:
    """Write into the very file; None removes it."""
    path.unlink() if data is None else path.write_bytes(data)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    bring(tmp_path / "trust.sqlite", CSCA.der)
    return tmp_path / "trust.sqlite"


async def begun(path: Path, nursery: Nursery, purpose: str = "trial") -> CurrentLists:
    """Lists that a first child has opened."""
    folder = path.parent / "run"
    folder.mkdir(exist_ok=True)
    lists = CurrentLists(config_for(path, purpose), folder=folder, start=nursery.start)
    assert await lists.begin() is not None
    return lists


def alarms(lists: CurrentLists) -> list[str]:
    return msgspec.convert(lists.detail()["alarms"], list[str])


def version_of(lists: CurrentLists) -> str:
    assert lists.held is not None
    return lists.held.version


async def test_newer_lists_are_seen_and_taken_when_they_are_asked_for(path: Path) -> None:
    nursery = Nursery()
    lists = await begun(path, nursery)
    before = lists.held
    await lists.look()
    assert lists.take_newer() is None
    version = bring(path, OTHER.der)
    await lists.look()
    assert lists.held is before
    assert lists.take_newer() == (before, nursery.started[1])
    assert version_of(lists) == version
    assert lists.take_newer() is None


async def test_a_list_written_into_the_file_itself_is_seen_too(path: Path) -> None:
    lists = await begun(path, Nursery())
    newer = path.with_name("newer")
    version = bring(newer, CSCA.der, OTHER.der)
    put(path, content(newer))
    await lists.look()
    assert lists.take_newer() is not None
    assert version_of(lists) == version


async def test_lists_that_cannot_be_opened_change_nothing_but_the_status(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lane")
    lists = await begun(path, Nursery())
    good = content(path)
    put(path, None)
    await lists.look()
    put(path, b"no database at all" * 100)
    for _ in range(3):
        await lists.look()
        assert lists.take_newer() is None
    assert "cannot be used" in alarms(lists)[0]
    assert lists.detail()["version"] == version_of(lists)
    put(path, good)
    await lists.look()
    assert lists.take_newer() is not None
    assert not any("cannot be used" in one for one in alarms(lists))
    assert caplog.messages == ["lists_unusable", "lists_unusable", "lists_usable"]  # gone, then broken


async def test_lists_for_demos_never_reach_a_running_gate_in_service(path: Path) -> None:
    lists = await begun(path, Nursery(), "service")
    bring(path, OTHER.der, test=True)
    await lists.look()
    assert lists.take_newer() is None
    assert "marked as test" in alarms(lists)[0]


def test_the_record_says_what_judges_from_here_on(path: Path) -> None:
    before = HeldLists(told(TrustStore.open(path)))
    bring(path, OTHER.der, revocation_list(CSCA, 5, number=9))
    now = HeldLists(told(TrustStore.open(path)))
    update = update_of(before, now)
    assert (update.version, update.before, update.certificates, update.revocation_lists) == (
        now.version,
        before.version,
        2,
        1,
    )
    assert update.imported_at == NOW.isoformat()
    msgspec.json.encode(fields_of(update))
    assert update_of(None, now).before == ""


def test_a_child_tells_a_document_s_number_only_where_somebody_is_asked_by_it(path: Path) -> None:
    exchange = OnlineRegister(adapter="reuse", basis="Border Act, Article 12a", minutes=30)
    lost = OnlineRegister(adapter="lost_documents")
    for online, told_of in (({"reuse": exchange}, False), ({"reuse": exchange, "lost": lost}, True), ({}, False)):
        registers = Registers(online=online) if online else None
        config = msgspec.structs.replace(config_for(path), registers=registers)
        assert CurrentLists(config, folder=path.parent)._prepare(path).registers is told_of


async def test_a_child_after_a_broken_store_still_has_the_lists_that_judge(path: Path) -> None:
    nursery = Nursery()
    lists = await begun(path, nursery)
    put(path, b"no database at all" * 100)
    await lists.look()
    await lists.child()
    ready = [ready_of(cast("DocumentChild", one)).lists.version for one in nursery.started]
    assert ready == [version_of(lists)] * 2


async def test_a_store_that_is_broken_is_tried_once_and_not_at_every_look(path: Path) -> None:
    nursery, tried = Nursery(), []

    async def counted(prepare: document_messages.PrepareDocument) -> Any:
        tried.append(prepare.lists)
        return await nursery.start(prepare)

    lists = CurrentLists(config_for(path), folder=path.parent, start=counted)
    await lists.begin()
    put(path, b"no database at all" * 100)
    for _ in range(3):
        await lists.look()
    assert len(tried) == 2


async def test_a_child_that_was_lost_with_newer_lists_is_tried_again(path: Path) -> None:
    nursery = Nursery()
    lists = await begun(path, nursery)
    version, nursery.lost = bring(path, OTHER.der), "the child hangs"
    await lists.look()
    assert "the child hangs" in alarms(lists)[0]
    nursery.lost = ""
    await lists.look()
    assert lists.take_newer() is not None
    assert version_of(lists) == version


async def test_newer_lists_than_the_newer_ones_take_their_place_and_end_their_child(path: Path) -> None:
    nursery = Nursery()
    lists = await begun(path, nursery)
    for authority in (OTHER, party("Third CSCA", country="YY")):
        version = bring(path, authority.der)
        await lists.look()
    assert [one.ended for one in nursery.started] == [False, True, False]
    assert lists.take_newer() is not None
    assert version_of(lists) == version
    assert len(list((path.parent / "run").glob("lists-*"))) == 1, "copies that nobody judges by are gone"
    await lists.close()
    assert not list((path.parent / "run").glob("lists-*"))


@pytest.mark.parametrize(
    ("put_there", "problem"), [("pipe", "no ordinary file"), ("nothing", "No such file"), ("huge", "larger than")]
)
async def test_what_is_no_store_ends_the_start_with_its_setting(
    path: Path, monkeypatch: pytest.MonkeyPatch, put_there: str, problem: str
) -> None:
    if put_there == "huge":
        monkeypatch.setattr(list_renewal, "STORE_BYTES_MAX", 100)
    else:
        put(path, None)
    if put_there == "pipe":
        os.mkfifo(path)
    lists = CurrentLists(config_for(path), folder=path.parent, start=Nursery().start)
    with pytest.raises(ConfigError, match=rf"paths\.trust: .*{problem}"):
        await lists.begin()


async def test_without_a_child_the_lane_has_no_lists_and_says_so(path: Path) -> None:
    nursery = Nursery()
    nursery.lost = "the child hangs"
    lists = CurrentLists(config_for(path), folder=path.parent, start=nursery.start)
    assert await lists.begin() is None
    assert lists.held is None
    assert lists.detail() == {"version": None, "alarms": ["no document child has opened the lists yet"]}
    nursery.lost = ""
    await lists.child()
    assert version_of(lists) == TrustStore.open(path).version


async def test_a_child_that_says_nothing_of_its_lists_is_lost() -> None:
    with pytest.raises(ChildLostError, match="says nothing of its lists"):
        ready_of(cast("DocumentChild", FakeChild({"lists": "mine"})))


# ── in the lane ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Seen:
    """What one lane recorded and posted."""

    def __init__(self, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records: list[Record] = []
        self.events: list[Event] = []
        monkeypatch.setattr(lane._log, "append", self.append)
        monkeypatch.setattr(lane.engine, "post", self.events.append)

    def append(self, record: Record, *, awaited: bool) -> None:
        assert not awaited
        self.records.append(record)


async def lane_with(path: Path, nursery: Nursery) -> Lane:
    """A lane whose first document child has opened the lists."""
    lists = await begun(path, nursery)
    config = config_for(path)
    lane = Lane(
        config, lists=lists, left=log_messages.OpenCrossings([]), start=start_of(config, None), state_folder=path.parent
    )
    await lane._children.spare.replace(cast("DocumentChild", nursery.started[0]))
    return lane


async def test_between_crossings_the_lane_takes_newer_lists_and_records_it_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery = Nursery()
    lane = await lane_with(path, nursery)
    seen = Seen(lane, monkeypatch)
    await lane.look_at_site()
    assert seen.records == []
    before, now = version_of(lane._children.lists), bring(path, revocation_list(CSCA, 5))
    for _ in range(2):
        await lane.look_at_site()
    assert [(one.before, one.version) for one in seen.records if isinstance(one, ListsUpdated)] == [(before, now)]
    assert len(seen.records) == 1
    assert lane._children.spare.child is nursery.started[1]
    assert nursery.started[0].ended


async def test_the_same_lists_in_another_file_are_taken_without_a_record(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery = Nursery()
    lane = await lane_with(path, nursery)
    seen = Seen(lane, monkeypatch)
    later = NOW + timedelta(days=1)
    import_sources(path, [read_source("again", CSCA.der)], signer=None, test=False, now=later)
    await lane.look_at_site()
    assert seen.records == []
    clock_reads(monkeypatch, now=lambda: later + timedelta(days=2), built=lambda: NOW)
    await lane.look_at_site()
    on_the_wall = (later + timedelta(days=2)).replace(second=0, microsecond=0, tzinfo=None)
    assert seen.events[-1] == SiteSeen(2.0, clock_sure=True, local=on_the_wall)


async def test_a_crossing_is_judged_to_its_end_by_the_lists_that_it_began_with(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery = Nursery()
    lane = await lane_with(path, nursery)
    seen = Seen(lane, monkeypatch)
    before = lane._children.lists.held
    monkeypatch.setattr("gate.programs.lane.lane.crossing_of", lambda _: "under way")
    bring(path, revocation_list(CSCA, 5))
    await lane.look_at_site()
    assert lane._children.lists.held is before
    assert seen.records == []
    nursery.started[1]._says = [document_messages.DocumentUnread("nothing lay there"), None]
    await lane._cross("the next one")
    assert lane._children.lists.held is not before
    assert [type(one) for one in seen.records] == [ListsUpdated]


async def test_a_spare_without_a_chip_reader_makes_room_for_one_that_has_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery = Nursery()
    nursery.chip = "the chip reader is away"
    lane = await lane_with(path, nursery)
    Seen(lane, monkeypatch)
    assert lane._status().detail["chip"] == "the chip reader is away"
    under_way = ["a crossing"]
    monkeypatch.setattr("gate.programs.lane.lane.crossing_of", lambda _: next(iter(under_way), None))
    await lane.look_at_site()
    assert len(nursery.started) == 1, "not beside a crossing"
    under_way.clear()
    nursery.chip = ""
    await lane.look_at_site()
    assert (lane._children.spare.child, nursery.started[0].ended) == (nursery.started[1], True)
    assert lane._status().detail["chip"] == "up"
    await lane.look_at_site()
    assert len(nursery.started) == 2


async def test_without_vision_there_is_no_way_to_its_children(path: Path) -> None:
    assert await ways_by(path.with_name("portraits"))(fd_passing.OfPage(1)) is None
