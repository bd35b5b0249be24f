"""The keys of a day in a file of their own: none is lost on its way there, none is left behind when the day is forgotten."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import sqlite3
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from core_fakes.killing import killed_at, refused
from fakes.audit_logs import SmallLog, crossing, happening, wanted

from gate.audit.key_days import KeyDay, KeyDays
from gate.audit.store import Store
from gate.audit.writer import MOVED_TOGETHER, Wanted, Writer
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.record import Happening
from gate_core.audit_format.sealer import KeyRing, Sealer, seal
from gate_verify.bundle import KeyLine
from gate_verify.database import database_lines
from gate_verify.verify import verify

MONDAY = KeyDay(date(2026, 11, 23), "crossing")
OF_TIME = KeyDay(date(2026, 11, 25), "crossing")  # the day of the fakes


@pytest.fixture
def log(tmp_path: Path) -> SmallLog:
    return SmallLog(tmp_path)


def days(log: SmallLog) -> KeyDays:
    return KeyDays(log.folder / "keys")


def move(log: SmallLog, *, whole: bool = True) -> bool:
    with log.writer() as writer:
        return writer.move_keys(_size(writer), OF_TIME.day, whole=whole)


def _size(writer: Writer) -> int:
    checkpoint = writer.standing.checkpoint
    return 0 if checkpoint is None else checkpoint.size


def in_database(log: SmallLog) -> int:
    with contextlib.closing(sqlite3.connect(log.database)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM keys").fetchone()
    return int(count)


def readable(log: SmallLog) -> bool:
    """True when the database and the files of days have every key together."""
    report = verify(log.database, log.vkey)
    assert report.verified, report.problems
    return report.erased == 0


# ── the files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_added_is_read_by_its_hash_and_a_day_that_is_forgotten_is_gone(tmp_path: Path) -> None:
    kept = KeyDays(tmp_path / "keys")
    assert (kept.days(), kept.read(MONDAY)) == ([], {})
    kept.add(MONDAY, [b"one", b"two"])
    kept.add(MONDAY, [b"three", b"one"])
    kept.add(KeyDay(MONDAY.day, "device"), [b"four"])
    assert list(kept.read(MONDAY).values()) == [b"one", b"two", b"three"]
    assert [one.name for one in kept.days()] == ["crossing-2026-11-23", "device-2026-11-23"]
    assert (tmp_path / "keys" / MONDAY.name).stat().st_mode & 0o777 == 0o600
    kept.forget(MONDAY)
    kept.forget(MONDAY)
    assert (kept.read(MONDAY), len(kept.days())) == ({}, 1)


@pytest.mark.parametrize("left", [b"dH", b"dHdv", b"\xff\xfe", b"\n", b"=\n"])
def test_what_a_kill_left_of_a_line_is_no_key_and_spoils_none(tmp_path: Path, left: bytes) -> None:
    kept = KeyDays(tmp_path)
    kept.add(MONDAY, [b"one"])
    with (tmp_path / MONDAY.name).open("ab") as file:
        file.write(left)
    assert list(kept.read(MONDAY).values()) == [b"one"]
    kept.add(MONDAY, [b"two"])
    assert list(kept.read(MONDAY).values()) == [b"one", b"two"]


@pytest.mark.parametrize("name", ["crossing", "crossing-2026-13-01", "lane-2026-11-23", "crossing-2026-11-23.tmp", ""])
def test_another_name_is_no_day(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadFormatError):
        KeyDay.named(name)
    (tmp_path / f"{name}x").write_bytes(b"")
    assert KeyDays(tmp_path).days() == []


# ── whose keys they are ──────────────────────────────────────────────────────────────────────────────────────────────


def at(day: str, kind: str, of: str | None = None, *, about: str | None = None) -> Happening:
    one = dataclasses.replace(happening(kind, of), time=f"{day}T10:00:00.000Z")
    return one if about is None else dataclasses.replace(one, about=about)


def test_no_key_seals_records_of_two_days_or_of_two_classes(log: SmallLog) -> None:
    ring = KeyRing(Sealer([str(log.auditors[0].to_public())]))
    first = ring.key_for(at("2026-11-23", "opened", "c1"), 0)
    assert ring.key_for(at("2026-11-23", "decided", "c1"), 1) is first
    assert ring.key_for(at("2026-11-24", "closed", "c1"), 2) is not first
    assert len(ring) == 1
    device = ring.key_for(at("2026-11-23", "incident"), 0)
    assert ring.key_for(at("2026-11-23", "incident"), 0) is device
    assert ring.key_for(at("2026-11-23", "presence", about="administration"), 0) is not device
    assert ring.key_for(at("2026-11-24", "incident"), 0) is not device


# ── on their way ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_leave_the_database_when_their_records_are_published_and_no_byte_of_them_stays(log: SmallLog) -> None:
    log.write(crossing("c1"), [wanted("incident")])
    with log.writer() as writer:
        writer.append(crossing("c2"), 0)
        assert writer.move_keys(6, OF_TIME.day, whole=True), "nothing is left to move"
        keys = list(days(log).read(OF_TIME).values())
    assert (len(keys), in_database(log)) == (1, 1)
    assert readable(log)
    for path in (log.database, log.database.with_name("log.sqlite-wal")):
        assert not path.exists() or keys[0][100:160] not in path.read_bytes()
    move(log)
    assert (len(days(log).read(OF_TIME)), in_database(log)) == (2, 0)
    assert readable(log)


def test_a_key_in_use_is_filed_once_though_it_comes_again_when_nobody_bears_the_clock_out(log: SmallLog) -> None:
    with log.writer() as writer:
        writer.append([wanted("opened", "c1")], 0)
        assert writer.move_keys(1, OF_TIME.day, whole=True)
        writer.append([wanted("disposition", "c1")], 0, dated=False)
        assert writer.move_keys(2, date(2026, 11, 26), whole=True)
    assert (days(log).days(), len(days(log).read(OF_TIME)), in_database(log)) == ([OF_TIME], 1, 0)
    assert readable(log)


def test_of_a_day_that_is_forgotten_no_key_is_left_in_the_write_ahead_log_either(log: SmallLog) -> None:
    def places(wrapped: bytes) -> list[str]:
        return [path.name for path in log.folder.rglob("*") if path.is_file() and wrapped[100:160] in path.read_bytes()]

    with log.writer() as writer:
        writer.append(crossing("c1"), 0)
        assert writer.move_keys(5, OF_TIME.day, whole=True)
        (key,) = days(log).read(OF_TIME).values()
        assert places(key) == ["log.sqlite-wal"], "and as text in the file of its day"
        writer.forget_day(OF_TIME)
        assert places(key) == []


def test_few_keys_wait_for_others(log: SmallLog) -> None:
    for number in range(MOVED_TOGETHER - 1):
        log.write([wanted("opened", f"c{number}")])
    move(log, whole=False)
    assert days(log).days() == []
    log.write([wanted("opened", "last")])
    move(log, whole=False)
    assert (len(days(log).read(OF_TIME)), in_database(log)) == (MOVED_TOGETHER, 0)


def test_a_spool_that_was_lost_is_made_anew_with_the_keys_that_were_moved(log: SmallLog) -> None:
    log.write(crossing("c1"), [wanted("incident")])
    move(log)
    shutil.rmtree(log.spool)
    log.write(crossing("c2"))
    report = verify(log.spool, log.vkey)
    assert (report.verified, report.entries, report.erased) == (True, 11, 0)


def test_whoever_opens_a_copy_of_the_database_has_the_keys_that_were_moved(log: SmallLog) -> None:
    log.write(crossing("c1"), [wanted("incident")], crossing("c2"))
    before = [line for line in database_lines(log.database) if isinstance(line, KeyLine)]
    move(log)
    assert [line for line in database_lines(log.database) if isinstance(line, KeyLine)] == before
    assert len(before) == 3


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_kill_at_any_step_of_moving_loses_no_key(log: SmallLog) -> None:
    log.write(crossing("c1"), [wanted("incident")], crossing("c2"))
    step = 1
    while killed_at(step, lambda: move(log)):
        assert readable(log), step
        step += 1
    assert step > 8, "the steps were counted"
    assert readable(log)
    assert in_database(log) == 0
    move(log)
    assert len(days(log).read(OF_TIME)) == 2


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EIO])
def test_a_folder_that_takes_nothing_leaves_the_keys_where_they_are(log: SmallLog, reason: int) -> None:
    log.write(crossing("c1"))
    with log.writer() as writer:

        def tries() -> None:
            writer.move_keys(5, OF_TIME.day, whole=True)

        assert os.strerror(reason) in refused(tries, at="fsync", reason=reason)
    assert in_database(log) == 1
    assert readable(log)


def test_while_the_disk_is_full_no_key_is_moved(log: SmallLog) -> None:
    log.write(crossing("c1"))
    with log.writer() as writer:
        writer._reserve.give_up()
        writer._reserve._bytes = 1 << 60  # it cannot be had again
        assert not writer.move_keys(5, OF_TIME.day, whole=True)
    assert in_database(log) == 1


# ── an older log ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_of_before_keys_had_days_goes_to_the_last_day_that_it_sealed(log: SmallLog) -> None:
    """Such a key may seal records of several days and classes."""
    log.write(crossing("c0"))
    key = Sealer([str(one.to_public()) for one in log.auditors]).new_key()
    records = [
        at("2026-11-23", "incident"),
        at("2026-11-24", "presence", about="administration"),
        at("2026-11-24", "incident"),
    ]
    with contextlib.closing(Store(log.database)) as store:
        sealed = [
            seal(one, Wanted.of(one, b"{}").plain, origin=log.signer.verifier.name, index=index, key=key)
            for index, one in enumerate(records, 5)
        ]
        store.append(
            sealed,
            {key.id: key.wrapped},
            lambda tree: Checkpoint(log.signer.verifier.name, tree.size, tree.root()).sign(log.signer).to_bytes(),
        )
    with contextlib.closing(sqlite3.connect(log.database)) as older, older:
        older.execute("DROP TABLE key_days")
        older.execute("DROP TABLE boot")
    assert verify(log.database, log.vkey).verified
    move(log)
    assert [one.day.day for one in days(log).days()] == [24, 25]
    assert readable(log)
    log.write(crossing("c9"))
    move(log)
    assert readable(log)


def test_a_damaged_leaf_of_an_older_log_keeps_nobody_from_opening_it(log: SmallLog) -> None:
    log.write(crossing("c1"))
    with contextlib.closing(sqlite3.connect(log.database)) as older, older:
        older.execute("DROP TABLE key_days")
        older.execute("UPDATE entries SET leaf = x'00ff' WHERE i = 2")
    with contextlib.closing(Store(log.database)) as store:
        assert len(store.keys_to_move(5, 9)) == 1


# ── erased one by one ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_kill_at_any_step_of_an_erasure_leaves_the_other_keys_and_it_can_be_done_again(tmp_path: Path) -> None:
    kept, others = KeyDays(tmp_path), [f"key {n}".encode() for n in range(3)]
    kept.add(MONDAY, [*others, b"erased"])
    kept.add(OF_TIME, [b"of another day"])
    (erased,) = (key_id for key_id, wrapped in kept.read(MONDAY).items() if wrapped == b"erased")
    step = 1
    while killed_at(step, lambda: kept.erase([erased])):
        found = list(kept.read(MONDAY).values())
        assert found in ([*others, b"erased"], others), step
        step += 1
    assert step > 3, "the steps were counted"
    assert list(kept.read(MONDAY).values()) == others
    assert list(kept.read(OF_TIME).values()) == [b"of another day"]
    assert (tmp_path / MONDAY.name).stat().st_mode & 0o777 == 0o600
    assert b"ZXJhc2Vk" not in b"".join(one.read_bytes() for one in tmp_path.iterdir()), "no draft is left with it"
    kept.erase([erased])


@pytest.mark.parametrize("left", [b"ZXJhc2Vk", b"ZXJhc2"])
def test_what_a_kill_left_of_an_erased_key_goes_with_it(tmp_path: Path, left: bytes) -> None:
    """It stands in the file of a day that has no whole line of it."""
    kept = KeyDays(tmp_path)
    kept.add(MONDAY, [b"one"])
    kept.add(OF_TIME, [b"another"])
    with (tmp_path / MONDAY.name).open("ab") as file:
        file.write(left)
    (tmp_path / f".tmp-{OF_TIME.name}").write_bytes(left)
    kept.erase(["ab" * 32])
    assert left not in b"".join(one.read_bytes() for one in tmp_path.iterdir())
    assert [*kept.read(MONDAY).values(), *kept.read(OF_TIME).values()] == [b"one", b"another"]


def test_with_a_day_what_a_kill_left_of_its_draft_is_forgotten(tmp_path: Path) -> None:
    kept = KeyDays(tmp_path)
    kept.add(MONDAY, [b"one"])
    (tmp_path / f".tmp-{MONDAY.name}").write_bytes(b"b25l")
    kept.forget(MONDAY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_kill_on_the_way_to_another_day_than_its_own_leaves_a_key_in_one_day(log: SmallLog) -> None:
    with log.writer() as writer:
        writer.append([wanted("opened", "c1"), wanted("incident")], 0, dated=False)
        log.publish(writer)
    other = date(2026, 12, 1)
    step = 1

    def file_it(day: date) -> bool:
        with log.writer() as writer:
            return writer.move_keys(2, day, whole=True)

    while killed_at(step, partial(file_it, other)):
        assert readable(log), step
        step += 1
        other = date(2026, 12, min(step, 28))  # the time goes on
    assert step > 8, "the steps were counted"
    assert file_it(date(2026, 12, 31))
    assert (len(days(log).days()), in_database(log)) == (2, 0), "one a class"
    assert readable(log)
