"""The lane takes newer lists between crossings, tells what it took, and keeps what it has when the new ones cannot be used."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from fakes.master_lists import NOW, Party, party, revocation_list

from gate.document.pki.certificate import parse_certificate
from gate.passage.events import Event, SiteSeen
from gate.passage.records import ListsUpdated, Record
from gate.programs import clock
from gate.programs.config import Config
from gate.programs.lane.program import Lane
from gate.programs.lane.renewal import CurrentLists, update_of
from gate.programs.records import fields_of
from gate.trust.importing import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore

CSCA = party("CSCA")
OTHER = party("Other CSCA", country="ZZ")


def config_for(path: Path, purpose: str = "trial") -> Config:
    table = {
        "purpose": purpose,
        "gate_id": "gate-0001",
        "operator": "border.example",
        "paths": {"trust": str(path), "run": str(path.parent)},
        "barrier": {"port": "none", "profile": "portcullis-sim" if purpose != "service" else "acme"},
        "swipe": {"port": "none"},
        "chip": {"driver": "direct", "socket": str(path.parent / "chip")},
        "camera": {"address": "none"},
        "audit": {"recipients": ["age1a", "age1b"]},
    }
    return msgspec.convert(table, Config)


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


async def test_newer_lists_are_seen_and_taken_when_they_are_asked_for(path: Path) -> None:
    lists = CurrentLists(config_for(path))
    before = lists.store
    await lists.look()
    assert lists.take_newer() is None
    version = bring(path, OTHER.der)
    await lists.look()
    assert lists.store is before
    assert lists.take_newer() is before
    assert lists.store.version == version
    assert lists.take_newer() is None


async def test_a_list_written_into_the_file_itself_is_seen_too(path: Path) -> None:
    lists = CurrentLists(config_for(path))
    newer = path.with_name("newer")
    version = bring(newer, CSCA.der, OTHER.der)
    put(path, content(newer))
    await lists.look()
    assert lists.take_newer() is not None
    assert lists.store.version == version


async def test_lists_that_cannot_be_opened_change_nothing_but_the_status(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "lane")
    lists = CurrentLists(config_for(path))
    good = content(path)
    put(path, None)
    await lists.look()
    put(path, b"no database at all" * 100)
    for _ in range(3):
        await lists.look()
        assert lists.take_newer() is None
    assert "cannot be used" in lists.detail()["alarms"][0]
    assert lists.detail()["version"] == lists.store.version
    put(path, good)
    await lists.look()
    assert lists.take_newer() is not None
    assert not any("cannot be used" in one for one in lists.detail()["alarms"])
    assert caplog.messages == ["lists_unusable", "lists_unusable", "lists_usable"]  # gone, then broken


async def test_lists_for_demos_never_reach_a_running_gate_in_service(path: Path) -> None:
    lists = CurrentLists(config_for(path, "service"))
    bring(path, OTHER.der, test=True)
    await lists.look()
    assert lists.take_newer() is None
    assert "marked as test" in lists.detail()["alarms"][0]


def test_the_record_says_what_judges_from_here_on(path: Path) -> None:
    before = TrustStore.open(path)
    bring(path, OTHER.der, revocation_list(CSCA, 5, number=9))
    now = TrustStore.open(path)
    update = update_of(before, now)
    assert (update.version, update.before, update.certificates, update.revocation_lists) == (
        now.version,
        before.version,
        2,
        1,
    )
    assert update.imported_at == NOW.isoformat()
    msgspec.json.encode(fields_of(update))


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


async def look_once(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """One turn of the lane's look at its site."""

    async def stop(_: float) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "sleep", stop)
        with pytest.raises(asyncio.CancelledError):
            await lane._watch_site()


def revoked(store: TrustStore, authority: Party, serial: int) -> bool:
    lists = store.revocation_lists(parse_certificate(authority.der).subject_id)
    return any(serial in one.serials for one in lists)


async def test_between_crossings_the_lane_takes_newer_lists_and_records_it_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = Lane(config_for(path), lists=CurrentLists(config_for(path)), open_crossings=())
    seen = Seen(lane, monkeypatch)
    await look_once(lane, monkeypatch)
    assert seen.records == []
    before, now = lane._lists.store.version, bring(path, revocation_list(CSCA, 5))
    for _ in range(2):
        await look_once(lane, monkeypatch)
    assert [(one.before, one.version) for one in seen.records if isinstance(one, ListsUpdated)] == [(before, now)]
    assert len(seen.records) == 1
    assert revoked(lane._lists.store, CSCA, 5)


async def test_the_same_lists_in_another_file_are_taken_without_a_record(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = Lane(config_for(path), lists=CurrentLists(config_for(path)), open_crossings=())
    seen = Seen(lane, monkeypatch)
    later = NOW + timedelta(days=1)
    import_sources(path, [read_source("again", CSCA.der)], signer=None, test=False, now=later)
    await look_once(lane, monkeypatch)
    assert seen.records == []
    monkeypatch.setattr(clock, "now", lambda: later + timedelta(days=2))
    await look_once(lane, monkeypatch)
    assert seen.events[-1] == SiteSeen(2.0, clock_sure=True)


async def test_a_crossing_is_judged_to_its_end_by_the_lists_that_it_began_with(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = Lane(config_for(path), lists=CurrentLists(config_for(path)), open_crossings=())
    seen = Seen(lane, monkeypatch)
    before = lane._lists.store
    monkeypatch.setattr("gate.programs.lane.program.crossing_of", lambda _: "under way")
    bring(path, revocation_list(CSCA, 5))
    await look_once(lane, monkeypatch)
    assert lane._lists.store is before
    assert seen.records == []
    await lane._cross("the next one")  # nothing was read of it: it ends at once
    assert revoked(lane._lists.store, CSCA, 5)
    assert [type(one) for one in seen.records] == [ListsUpdated]
