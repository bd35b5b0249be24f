"""Honest gates' logs have every key accounted for: the gate's own writer and files of days, against the verifier."""

from __future__ import annotations

import random
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fakes.audit_logs import SmallLog, wanted
from verify_fakes import audit_logs as verifiers
from verify_fakes import key_accounts
from verify_fakes.key_accounts import DAY, LATER, approval, judged, keys_of, without, wrong

from gate.audit.key_days import KeyDays
from gate.audit.writer import Wanted, Writer
from gate_core.audit_format.record import time_text
from gate_core.audit_format.spool import Spool, key_path
from gate_core.audit_format.unsealer import Unsealer
from gate_verify.records import with_story
from gate_verify.verify import verify


def gates(one: verifiers.Wanted) -> Wanted:
    """The record as the gate's writer takes it."""
    return Wanted(one.happening, one.plain)


def own(kind: str, *, on: object = LATER) -> Wanted:
    return gates(key_accounts.own(kind, on=on))


def opened(name: str, day: str) -> Wanted:
    return gates(key_accounts.opened(name, day))


def ordered(*keys: str) -> Wanted:
    return gates(key_accounts.ordered(*keys))


def expired(count: int, *, day: str = DAY) -> Wanted:
    return gates(key_accounts.expired(count, day=day))


def begun(folder: Path) -> SmallLog:
    """A log in which a lane started, with whose approval it says."""
    log = SmallLog(folder)
    log.write([wanted("started", body={"recipients": list(log.recipients), "approval": approval()})])
    return log


def test_a_clock_that_ran_ahead_and_was_set_back_leaves_no_key_unexplained(tmp_path: Path) -> None:
    log = begun(tmp_path)
    log.write([opened("a", "2026-11-28")], [own("clock_stepped", on=DAY)], [opened("b", DAY)])
    with log.writer() as writer:
        assert writer.standing.checkpoint is not None
        assert writer.move_keys(writer.standing.checkpoint.size, date.fromisoformat(DAY), whole=True)
    days = KeyDays(tmp_path / "keys")
    (day,) = [one for one in days.days() if one.about == "crossing"]
    gone = days.read(day)
    assert (day.day.isoformat(), len(gone)) == (DAY, 2)
    log.write([expired(2)])
    without(log, gone)
    report = judged(log)
    assert (wrong(report), report.is_partial) == ([], False), report.unknown


def test_the_database_of_a_gate_that_goes_on_is_verified_while_a_moved_key_is_in_use(tmp_path: Path) -> None:
    """Each hour keys go to the files of their days; those of a crossing under way and of the day's lone records are used again."""
    log = begun(tmp_path / "log")
    with log.writer() as writer:
        for kinds in (("presence", "opened"), ("presence", "closed")):
            writer.append([wanted(kinds[0]), wanted(kinds[1], "a")], 0)
            log.publish(writer)
            if kinds[1] == "opened":
                assert writer.move_keys(3, date.fromisoformat(DAY), whole=True)
        shutil.copytree(tmp_path / "log", tmp_path / "copy")
    report = verify(tmp_path / "copy" / "log.sqlite", log.vkey)
    assert (report.problems, report.erased) == ((), 0)
    with sqlite3.connect(tmp_path / "copy" / "log.sqlite") as connection:
        connection.execute("UPDATE keys SET first = 0 WHERE first > 2")
    assert verify(tmp_path / "copy" / "log.sqlite", log.vkey).problems, "that entry has another key"


class Honest:
    """A gate over some days: its writer, spool and files of days, as the log program uses them, and a clock that is not always borne out."""

    def __init__(self, seed: int, folder: Path, *, unknown: float) -> None:
        self.random, self.unknown = random.Random(seed), unknown
        self.log = begun(folder)
        self.spool, self.days = Spool(self.log.spool), KeyDays(folder / "keys")
        self.now, self.names = datetime(2026, 11, 25, 10, 30, tzinfo=UTC), ["c0"]
        self.is_known = True  # which day it is
        self.said: set[str] = set()

    def put(self, writer: Writer, *records: Wanted) -> None:
        time = time_text(self.now)
        batch = [replace(one, happening=replace(one.happening, time=time)) for one in records]
        batch = [Wanted.of(one.happening, one.plain.partition(b"\n")[2].rstrip()) for one in batch]
        assert all(isinstance(one, int) for one in writer.append(batch, 0, dated=self.is_known))
        self.said |= {one.happening.kind for one in records}
        if self.random.random() < 0.7:
            self.log.publish(writer)

    def forget(self, writer: Writer) -> None:
        """Move keys to the files of their days; tell of those that are over, and forget them."""
        self.log.publish(writer)
        standing = writer.standing.checkpoint
        assert standing is not None
        assert writer.move_keys(standing.size, self.now.date(), whole=True)
        for one in self.days.days():
            if one.about == "crossing" and one.day < self.now.date() - timedelta(days=1):
                keys = self.days.read(one)
                self.put(writer, expired(len(keys), day=one.day.isoformat()))
                self.spool.forget([key_path(key) for key in keys])
                writer.forget_day(one)

    def erase(self, writer: Writer) -> None:
        """Do what two persons order, some of it gone before, perhaps."""
        self.log.publish(writer)
        some = self.random.sample(keys := keys_of(self.log), min(2, len(keys)))
        if some and writer.has_any(some):
            self.put(writer, ordered(*some))
            writer.erase_keys(some)
            self.spool.forget([key_path(key) for key in some])

    def live(self, events: int) -> None:
        with self.log.writer() as writer:
            for _ in range(events):
                self.now += timedelta(minutes=self.random.choice([5, 60, 400]))
                self.is_known = self.random.random() >= self.unknown
                match self.random.choices(("new", "on", "lone", "forget", "erase"), (5, 3, 3, 4, 1))[0]:
                    case "new":
                        self.names.append(f"c{len(self.names)}")
                        self.put(writer, wanted("opened", self.names[-1]), wanted("decided", self.names[-1]))
                    case "on":
                        self.put(writer, wanted("asked", self.random.choice(self.names[-3:])))
                    case "lone":
                        self.put(writer, wanted("presence"), own("clock_stepped"))
                    case "forget" if self.is_known:
                        self.forget(writer)
                    case "erase":
                        self.erase(writer)
                    case _:
                        pass
            self.log.publish(writer)


@pytest.mark.parametrize(("seed", "unknown"), [(0, 0), (1, 0), (2, 0), (3, 0.2), (4, 0.2)])
def test_every_copy_of_an_honest_gates_log_has_its_keys_accounted_for(
    tmp_path: Path, seed: int, unknown: float
) -> None:
    """While nobody bears the clock out a key is filed late, and where another one of the day that it went with is still here none accounts for it."""
    gate = Honest(seed, tmp_path / "log", unknown=unknown)
    for _ in range(2):  # a new program has no key of before
        gate.live(25)
    bundle = tmp_path / "log.bundle"
    bundle.write_bytes(gate.log.bundle())
    for path in (gate.log.spool, gate.log.database, bundle):
        report = with_story(verify(path, gate.log.vkey), [path], Unsealer(gate.log.auditors[:1]))
        assert (wrong(report), report.intact) == ([], True), path
        assert unknown or not report.is_partial, (path, report.unknown)
    assert gate.said >= {"keys_expired", "keys_erased"}
