"""The log's head after a boot: confirmed by a receipt that nobody could have had before, accepted by a record, or neither."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes.audit_logs import SmallLog, crossing, happening

from gate.audit.writer import TIME_S_MAX, Wanted, Writer
from gate.programs.log.context import FoundHead, found_head
from gate_core.audit_format.errors import RolledBackError
from gate_core.audit_format.merkle import EMPTY_ROOT
from gate_core.audit_format.note import Algorithm, Signer
from gate_core.evidence.names import Head
from gate_verify.verify import verify

MIRROR = Signer.generate("mirror.example/m", Algorithm.COSIGNATURE_V1)
MONDAY, TUESDAY = "aaaa", "bbbb"


@pytest.fixture
def log(tmp_path: Path) -> SmallLog:
    return SmallLog(tmp_path / "log")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()


def record(boot: str, kind: str = "incident", *, accepts: bool = False, monotonic_ms: int = 1) -> Wanted:
    one = dataclasses.replace(happening(kind), boot=boot, accepts_head=accepts, monotonic_ms=monotonic_ms)
    return Wanted.of(one, b"{}")


def receipt(log: SmallLog, writer: Writer) -> bytes:
    """The mirror's signature for all that the log has."""
    checkpoint = writer.standing.checkpoint
    assert checkpoint is not None
    return checkpoint.sign(log.signer).with_signatures([MIRROR.cosign(checkpoint.text, 1)]).to_bytes()


def found(writer: Writer, boot: str) -> FoundHead:
    standing = writer.standing
    return found_head(standing, boot)


def state(writer: Writer, boot: str) -> Head:
    return found(writer, boot).state


def test_a_new_log_is_confirmed_by_the_receipt_for_its_first_record(log: SmallLog) -> None:
    with log.writer() as writer:
        assert found(writer, MONDAY) == FoundHead(Head.UNCONFIRMED, 0, EMPTY_ROOT, None)
        writer.append([record(MONDAY, monotonic_ms=50)], 0)
        assert found(writer, MONDAY) == FoundHead(Head.UNCONFIRMED, 0, EMPTY_ROOT, 50)
        writer.take_receipt(receipt(log, writer), MIRROR.verifier, 900)
        assert found(writer, MONDAY) == FoundHead(Head.CONFIRMED, 0, EMPTY_ROOT, 900)


def test_each_boot_asks_anew_and_an_old_receipt_says_nothing(log: SmallLog) -> None:
    with log.writer() as writer:
        writer.append([record(MONDAY)], 0)
        before = receipt(log, writer)
        writer.take_receipt(before, MIRROR.verifier, 1)
        root = writer.standing.checkpoint.root if writer.standing.checkpoint else b""
    with log.writer() as writer:
        assert state(writer, MONDAY) is Head.CONFIRMED, "the program's end is no boot"
        assert found(writer, TUESDAY) == FoundHead(Head.UNCONFIRMED, 1, root, None)
        writer.append([record(TUESDAY)], 0)
        writer.take_receipt(before, MIRROR.verifier, 2)
        assert found(writer, TUESDAY) == FoundHead(Head.UNCONFIRMED, 1, root, 1)
        writer.take_receipt(receipt(log, writer), MIRROR.verifier, 3)
        assert found(writer, TUESDAY) == FoundHead(Head.CONFIRMED, 1, root, 3)


def test_what_was_written_in_this_boot_before_the_program_started_anew_still_counts(log: SmallLog) -> None:
    with log.writer() as writer:
        writer.append([record(MONDAY)], 0)
    with log.writer() as writer:
        writer.take_receipt(receipt(log, writer), MIRROR.verifier, 1)
        assert state(writer, MONDAY) is Head.CONFIRMED, "no further record is needed"


def test_a_record_accepts_the_head_for_its_boot_alone(log: SmallLog) -> None:
    with log.writer() as writer:
        writer.append([record(MONDAY), record(MONDAY, accepts=True, monotonic_ms=7)], 0)
        assert found(writer, MONDAY) == FoundHead(Head.ACCEPTED, 0, EMPTY_ROOT, 7)
        writer.append([record(MONDAY)], 0)
    with log.writer() as writer:
        assert state(writer, MONDAY) is Head.ACCEPTED
        writer.append([record(TUESDAY)], 0)
        assert state(writer, TUESDAY) is Head.UNCONFIRMED
        writer.append([record(TUESDAY, accepts=True)], 0)
        writer.take_receipt(receipt(log, writer), MIRROR.verifier, 9)
        assert state(writer, TUESDAY) is Head.CONFIRMED, "the mirror's word is the better one"


class Broken(sqlite3.Connection):
    """A disk that fails at the statement that is named."""

    statement = "nothing"

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if sql.startswith(type(self).statement):
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *args)


@pytest.mark.parametrize("statement", ["UPDATE boot", "INSERT OR REPLACE INTO head", "COMMIT"])
def test_a_head_is_accepted_together_with_its_record_or_not_at_all(log: SmallLog, statement: str) -> None:
    class Connection(Broken):
        pass

    def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        return sqlite3.connect(*args, factory=Connection, **kwargs)

    with log.writer(connect) as writer:
        writer.append([record(MONDAY)], 0)
        Connection.statement = statement
        (outcome,) = writer.append([record(MONDAY, accepts=True)], 0)
        assert not isinstance(outcome, int)
        assert state(writer, MONDAY) is Head.UNCONFIRMED
        Connection.statement = "nothing"
        assert writer.append([record(MONDAY)], 0) == [1]
        assert state(writer, MONDAY) is Head.UNCONFIRMED
    assert verify(log.database, log.vkey).entries == 2


def test_a_disk_from_the_past_is_not_confirmed_by_what_the_mirror_signed_for_before(
    log: SmallLog, tmp_path: Path
) -> None:
    with log.writer() as writer:
        writer.append([record(MONDAY)], 0)
    shutil.copytree(log.folder, tmp_path / "copy")
    with log.writer() as writer:
        writer.append(crossing("c1"), 0)
        newest = receipt(log, writer)
        writer.take_receipt(newest, MIRROR.verifier, 1)
    shutil.rmtree(log.folder)
    shutil.copytree(tmp_path / "copy", log.folder)
    with log.writer() as writer:
        writer.append([record(TUESDAY)], 0)
        assert state(writer, TUESDAY) is Head.UNCONFIRMED
        with pytest.raises(RolledBackError):
            writer.take_receipt(newest, MIRROR.verifier, 2)
        assert state(writer, TUESDAY) is Head.UNCONFIRMED
        assert writer.standing.problem is not None


def test_the_mirrors_time_is_kept_and_one_that_no_clock_can_show_is_the_last_that_one_can(log: SmallLog) -> None:
    for signed_s, kept_s in ((1_795_000_000, 1_795_000_000), (2**62, TIME_S_MAX)):
        with log.writer() as writer:
            writer.append([record(MONDAY)], 0)
            checkpoint = writer.standing.checkpoint
            assert checkpoint is not None
            note = checkpoint.sign(log.signer).with_signatures([MIRROR.cosign(checkpoint.text, signed_s)]).to_bytes()
            writer.take_receipt(note, MIRROR.verifier, 1)
            assert writer.standing.left.cosigned_s == kept_s
        with log.writer() as writer:
            assert writer.standing.left.cosigned_s == kept_s, "over a restart, too"
            assert datetime.fromtimestamp(kept_s, UTC)


def test_a_database_of_before_boots_were_kept_goes_on_unconfirmed(log: SmallLog) -> None:
    with log.writer() as writer:
        writer.append([record(MONDAY)], 0)
        writer.take_receipt(receipt(log, writer), MIRROR.verifier, 1)
    with contextlib.closing(sqlite3.connect(log.database)) as older, older:
        older.execute("DROP TABLE boot")
    assert verify(log.database, log.vkey).verified
    with log.writer() as writer:
        assert state(writer, MONDAY) is Head.UNCONFIRMED
        writer.append([record(MONDAY)], 0)
        writer.take_receipt(receipt(log, writer), MIRROR.verifier, 2)
        assert state(writer, MONDAY) is Head.CONFIRMED
