"""Entries go from the disk when the central server has signed for them, bodies and all, for long enough: never others, and every proof goes on."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.audit_logs import BOOT, ORIGIN, SmallLog, wanted
from fakes.log_context import LogParts, log_parts

from gate.audit.inbox import HELD, Inbox, MirrorKeys
from gate.audit.writer import APPENDS_REMEMBERED
from gate.programs.log.context import Now
from gate.programs.log.pruning import Pruning
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.export import Outlet, tiles
from gate_core.audit_format.merkle import prove_consistency, root_of, verify_consistency
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_core.audit_format.spool import Spool, sealed_path
from gate_core.audit_format.statements import Held
from gate_core.audit_format.tiles import Piece, entries_path
from gate_core.mirror_client.spool import SpoolLog
from gate_verify.verify import verify

MIRROR = Signer.generate("mirror.example", Algorithm.COSIGNATURE_V1)
DAY = date(2026, 11, 25)  # of the fakes
DAYS = 7
ENTRIES = APPENDS_REMEMBERED + 700
GONE = 512  # whole pieces before the latest appends
NOT_HERE = f"entries 0 to {GONE - 1} are not here, only the hashes over them"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """A log that is long enough, whose keys are in the files of their days."""
    log = SmallLog(tmp_path_factory.mktemp("whole"))
    with log.writer() as writer:
        for first in range(0, ENTRIES, 256):
            count = min(256, ENTRIES - first)
            writer.append([wanted("incident") for _ in range(count)], 0)
        log.publish(writer)
        while not writer.move_keys(ENTRIES, DAY, whole=True):
            pass
    return log


@pytest.fixture
def log(whole: SmallLog, tmp_path: Path) -> SmallLog:
    shutil.copytree(whole.folder, tmp_path / "log")
    (tmp_path / "log" / "inbox").mkdir()
    return dataclasses.replace(whole, folder=tmp_path / "log")


class Gate(LogParts):
    """A log program's part that prunes; `day` is today as it is borne out, `known` whether it is."""

    pruning: Pruning
    day = DAY
    known = True

    def parts(self) -> dict[str, Any]:
        folder = self.log.folder
        return {
            "inbox": Inbox(folder / "inbox", folder / "refused"),
            "mirror": MirrorKeys(MIRROR.verifier, folder / "mirror-keys"),
            "origin": ORIGIN,
            "now": Now(wall=lambda: self.noon, monotonic_ms=lambda: 0, boot=BOOT),
            "today": lambda: self.day if self.known else None,
        }

    @property
    def noon(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)

    async def receipt(self, size: int | None = None) -> None:
        """The mirror's cosignature of all there is, or of less."""
        standing = self.writer.standing
        assert standing.note is not None
        note = Note.parse(standing.note)
        if size is not None:
            root = await self.in_store(self.writer._open_store().hashes, 0, 0, size)
            note = Checkpoint(ORIGIN, size, root_of(root)).sign(self.log.signer)
        signed = note.with_signatures([MIRROR.cosign(note.text, int(self.noon.timestamp()))])
        await self.in_store(self.writer.take_receipt, signed.to_bytes(), MIRROR.verifier, 0)

    def held(self, entries: int, *, origin: str = ORIGIN, by: Signer = MIRROR, ago: timedelta = timedelta()) -> None:
        note = Held(origin, entries).sign(by, int((self.noon - ago).timestamp()))
        (self.log.folder / "inbox" / HELD).write_bytes(note)

    async def days(self, count: int, entries: int = ENTRIES) -> None:
        """Days go by, on each of which the mirror says what it holds."""
        for _ in range(count):
            self.held(entries)
            await self.pruning.look()
            self.day += timedelta(days=1)
        self.held(entries)
        await self.pruning.look()

    @property
    def first(self) -> object:
        return self.pruning.detail()["first"]


@contextlib.asynccontextmanager
async def gate(log: SmallLog, days: int | None = DAYS, *, boot: str = BOOT) -> AsyncIterator[Gate]:
    async with log_parts(Gate, log) as (made, shared):
        now = dataclasses.replace(shared.now, boot=boot)
        made.pruning = Pruning(dataclasses.replace(shared, now=now), days)
        yield made


async def test_what_the_mirror_has_held_for_long_goes_and_every_proof_goes_on(log: SmallLog, tmp_path: Path) -> None:
    async with gate(log) as here:
        await here.receipt()
        await here.days(DAYS - 1)
        assert (here.first, here.said) == (0, [])
        before = log.database.stat().st_size
        await here.days(1)
        assert (here.first, here.said) == (GONE, [{"since": 0, "until": GONE}])
        for piece in (Piece(0, 256), Piece(1, 256)):
            assert not (log.spool / entries_path(piece)).exists()
            assert not (log.spool / sealed_path(piece)).exists()
        await here.in_store(here.writer.append, [wanted("incident") for _ in range(300)], 0)
        assert await here.publisher.catch_up()
        assert log.database.stat().st_size == before, "the room is used again"
        await here.receipt(10)  # of a size that is long gone: compared all the same
    entries = ENTRIES + 1 + 300
    for copy in (log.spool, log.database):
        report = verify(copy, log.vkey)
        assert report.problems == ()
        assert (report.verified, report.is_partial) == (True, True)
        assert (report.since, report.entries, report.bodies) == (GONE, entries - GONE, entries - GONE)
        assert NOT_HERE in report.unknown
        assert report.copies[0].since == GONE
    (tmp_path / "carried.bundle").write_bytes(log.bundle())
    report = verify(tmp_path / "carried.bundle", log.vkey)
    assert (report.verified, report.since, report.entries) == (True, GONE, entries - GONE)
    tiles(Outlet(log.spool), tmp_path / "tiles")
    assert verify(tmp_path / "tiles", log.vkey).since == GONE
    spool = SpoolLog(log.spool)
    hashes = spool.hashes(entries)
    proof = prove_consistency(hashes, 100, entries)
    async with gate(log) as here:  # it opens, and compares with what was published
        checkpoint = here.writer.standing.checkpoint
        assert checkpoint is not None
        old = root_of(await here.in_store(here.writer._open_store().hashes, 0, 0, 100))
        verify_consistency(100, entries, root_old=old, root=checkpoint.root, proof=proof)


async def test_another_copy_has_what_went(log: SmallLog, whole: SmallLog) -> None:
    async with gate(log) as here:
        await here.receipt()
        await here.days(DAYS)
    report = verify(log.database, log.vkey, whole.spool)
    assert (report.verified, report.since, report.bodies) == (True, 0, ENTRIES + 1)
    assert NOT_HERE not in report.unknown


async def test_a_spool_that_was_lost_is_made_anew_without_what_went(log: SmallLog) -> None:
    async with gate(log) as here:
        await here.receipt()
        await here.days(DAYS)
    shutil.rmtree(log.spool)
    async with gate(log) as here:
        assert await here.publisher.catch_up()
    report = verify(log.spool, log.vkey)
    assert (report.problems, report.since) == ((), GONE)


async def test_an_end_between_spool_and_database_is_gone_on_with(log: SmallLog) -> None:
    Spool(log.spool).forget([path(Piece(0, 256)) for path in (entries_path, sealed_path)])
    assert verify(log.spool, log.vkey).verified
    async with gate(log) as here:
        await here.receipt()
        await here.days(DAYS)
        assert here.first == GONE
        assert await here.publisher.catch_up()
    assert verify(log.spool, log.vkey).verified


@pytest.mark.parametrize(
    "lack",
    [
        "setting", "receipt", "borne out", "head", "record", "days", "went back", "silent", "moved",
    ],
)  # fmt: skip
async def test_nothing_goes_where_one_thing_is_missing(log: SmallLog, lack: str) -> None:
    if lack == "moved":
        with log.writer() as writer:
            writer.append([wanted("opened", "c1")], 0)
            writer._open_store()._connection.execute("UPDATE keys SET first = 300")
            log.publish(writer)
    async with gate(log, None if lack == "setting" else DAYS, boot="2" * 8 if lack == "head" else BOOT) as here:
        if lack != "receipt":
            await here.receipt()
        here.refuses = lack == "record"
        match lack:
            case "borne out":
                here.known = False
                await here.days(DAYS)
            case "days":
                await here.days(DAYS - 1)
            case "went back":
                await here.days(3)
                await here.days(1, 100)
                await here.days(3)
            case "silent":
                await here.days(1)
                here.day += timedelta(days=DAYS)
                await here.pruning.look()
            case _:
                await here.days(DAYS)
        assert here.first == (256 if lack == "moved" else 0)
    report = verify(log.spool, log.vkey)
    assert (report.verified, report.since) == (True, 256 if lack == "moved" else 0)


@pytest.mark.parametrize("kind", ["another log", "another key", "more", "replayed", "nonsense", "receipt"])
async def test_what_the_mirror_did_not_say_today_of_this_log_is_refused(log: SmallLog, kind: str) -> None:
    async with gate(log) as here:
        await here.receipt()
        for _ in range(DAYS + 2):
            match kind:
                case "another log":
                    here.held(ENTRIES, origin="border.example/gate-0002/demo")
                case "another key":
                    here.held(ENTRIES, by=Signer.generate("mirror.example", Algorithm.COSIGNATURE_V1))
                case "more":
                    here.held(ENTRIES + 1)
                case "replayed":
                    here.held(ENTRIES, ago=timedelta(days=2))
                case "receipt":
                    assert here.writer.standing.note is not None
                    (log.folder / "inbox" / HELD).write_bytes(here.writer.standing.note)
                case _:
                    (log.folder / "inbox" / HELD).write_bytes(b"nonsense")
            await here.pruning.look()
            assert here.pruning.detail()["problem"]
            here.day += timedelta(days=1)
        assert (here.first, here.said) == (0, [])
        assert list((log.folder / "inbox").iterdir()) == []


async def test_one_flipped_byte_in_the_hashes_that_are_left_is_found(log: SmallLog) -> None:
    async with gate(log) as here:
        await here.receipt()
        await here.days(DAYS)
    tile = log.spool / "tile/0/000"
    raw = bytearray(tile.read_bytes())
    raw[77] ^= 1
    tile.write_bytes(raw)
    assert not verify(log.spool, log.vkey).intact


async def test_bodies_that_are_there_without_their_entries_are_no_pruning(log: SmallLog) -> None:
    (log.spool / entries_path(Piece(0, 256))).unlink()
    assert not verify(log.spool, log.vkey).intact
