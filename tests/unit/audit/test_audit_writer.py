"""The writer and its database: what is acknowledged is there, whatever fails in between."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.audit_logs import ORIGIN, SmallLog, crossing, happening, wanted

from gate.audit.reserve import ROOM_BYTES, Reserve
from gate.audit.store import SCHEMA_VERSION, TRANSACTIONS_TOGETHER, WAL_BYTES_MAX, WAL_BYTES_SCARCE, Store
from gate.audit.writer import APPENDS_REMEMBERED, DISK_FULL, OLDER_APPROVAL, Refused, Unknown, Wanted
from gate_core.audit_format.checkpoint import Checkpoint, read_checkpoint
from gate_core.audit_format.errors import (
    BadFormatError,
    BadSignatureError,
    KeyFileError,
    RolledBackError,
    StoreError,
    StoreFullError,
)
from gate_core.audit_format.merkle import leaf_hash, root_of
from gate_core.audit_format.note import Algorithm, Signer
from gate_core.audit_format.record import Header
from gate_core.audit_format.resume_state import Approved
from gate_verify.verify import verify


class FaultyConnection(sqlite3.Connection):
    """A connection that fails where it is told to: `fault(statement)` returns an error to raise, or None."""

    fault: Callable[[str], sqlite3.Error | None] = staticmethod(lambda _: None)

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        error = type(self).fault(sql)
        if error is not None:
            raise error
        return super().execute(sql, *args)


@pytest.fixture
def log(tmp_path: Path) -> SmallLog:
    return SmallLog(tmp_path)


@pytest.fixture
def faulty() -> Any:
    class Connection(FaultyConnection):
        pass

    def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        return sqlite3.connect(*args, factory=Connection, **kwargs)

    connect.kind = Connection  # type: ignore[attr-defined]
    return connect


def full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


def at(statement: str, make: Callable[[], sqlite3.Error], *, times: int = 1) -> Callable[[str], sqlite3.Error | None]:
    """Fail at the first `times` executions of statements that begin so."""
    left = [times]

    def fault(sql: str) -> sqlite3.Error | None:
        if sql.startswith(statement) and left[0] > 0:
            left[0] -= 1
            return make()
        return None

    return fault


# ── the ordinary case ────────────────────────────────────────────────────────────────────────────────────────────────


def test_records_are_numbered_in_order_and_signed_for(log: SmallLog) -> None:
    with log.writer() as writer:
        assert writer.standing.checkpoint is None
        assert writer.append(crossing("c1"), 0) == [0, 1, 2, 3, 4]
        assert writer.append(crossing("c2"), 0) == [5, 6, 7, 8, 9]
        standing = writer.standing
    with _store(log) as store:
        leaves = store.leaves(0, 10)
    assert [Header.parse(leaf).index for leaf in leaves] == list(range(10))
    assert standing.note is not None
    checkpoint = read_checkpoint(standing.note, log.signer.verifier)
    assert checkpoint == Checkpoint(ORIGIN, 10, root_of([leaf_hash(leaf) for leaf in leaves]))


def _store(log: SmallLog) -> Any:
    from contextlib import closing

    return closing(Store(log.database))


def test_the_log_goes_on_where_it_was(log: SmallLog) -> None:
    log.write(crossing("c1"))
    assert log.write(crossing("c2")) == [5, 6, 7, 8, 9]
    assert verify(log.database, log.vkey).verified


def test_open_crossings_are_those_never_closed_oldest_first(log: SmallLog) -> None:
    log.write(
        [wanted("opened", "c2"), wanted("opened", "c1"), wanted("presence"), *crossing("c3"), wanted("opened", "c0")]
    )
    log.write([wanted("closed", "c1"), wanted("closed", "unknown"), wanted("closed")])
    with log.writer() as writer:
        assert writer.standing.left.open_crossings == ("c2", "c0")


def test_what_the_latest_record_asks_to_remember_is_told_after_a_restart_and_stands_in_no_record(log: SmallLog) -> None:
    def counted(number: int) -> Wanted:
        one = wanted("passed")
        return dataclasses.replace(one, happening=dataclasses.replace(one.happening, remember=b"%d" % number))

    log.write([counted(1), counted(2), wanted("incident")])
    with log.writer() as writer:
        assert writer.standing.left.remembered == b"2"
        writer.append([counted(3)], 0)
        assert writer.standing.left.remembered == b"3"
    with log.writer() as writer:
        assert writer.standing.left.remembered == b"3"
    assert b"remember" not in counted(4).plain
    report = verify(log.database, log.vkey)
    assert (report.verified, report.entries) == (True, 4)


def start(serial: int, sha256: str = "ab" * 32) -> Wanted:
    approved = Approved(serial, sha256, f"approvers of {serial}".encode())
    return Wanted.of(dataclasses.replace(happening("started"), approved=approved), b"{}")


def test_no_record_rests_on_an_older_approval_than_one_before(log: SmallLog) -> None:
    older = Refused(OLDER_APPROVAL)
    with log.writer() as writer:
        assert writer.standing.left.approved is None
        assert writer.append([start(5), start(4), wanted("stopped")], 0) == [0, older, 1]
        assert writer.append([start(5)], 0) == [2], "the same may begin again"
        assert writer.append([start(5, "cd" * 32)], 0) == [older]
    with log.writer() as writer:
        assert writer.standing.left.approved == Approved(5, "ab" * 32, b"approvers of 5")
        assert writer.append([start(4)], 0) == [older]
        again = start(7)
        assert writer.append([again, start(6)], 0) == [3, older]
        assert writer.append([again], 0) == [3], "an append that is known is answered with the index it has"
        assert writer.standing.left.approved == Approved(7, "ab" * 32, b"approvers of 7")


@pytest.mark.parametrize("statement", ["INSERT OR REPLACE INTO approved", "INSERT OR REPLACE INTO head", "COMMIT"])
def test_an_approval_is_kept_together_with_its_record_or_not_at_all(log: SmallLog, faulty: Any, statement: str) -> None:
    log.write([start(5)])
    with log.writer(faulty) as writer:
        faulty.kind.fault = staticmethod(at(statement, lambda: sqlite3.OperationalError("disk I/O error")))
        assert isinstance(writer.append([start(6)], 0)[0], Refused | Unknown)
    with log.writer() as writer:
        approved = writer.standing.left.approved
        assert approved is not None
        assert writer.standing.checkpoint is not None
        assert (approved.serial, writer.standing.checkpoint.size) in {(5, 1), (6, 2)}


def referral(name: str) -> Wanted:
    return Wanted.of(happening("closed", name, awaits_officer=True), b"{}")


def test_whoever_was_referred_waits_until_settled_and_is_not_open_while_an_officer_lets_them_through(
    log: SmallLog,
) -> None:
    log.write([wanted("opened", "c1"), wanted("opened", "c2"), referral("c2"), referral("c1"), *crossing("c3")])
    log.write([wanted("decided", "c2"), wanted("incident", "c1"), wanted("disposition", "c9")])
    with log.writer() as writer:
        assert (writer.standing.left.open_crossings, writer.standing.left.referred) == ((), ("c2", "c1"))
        writer.append([wanted("disposition", "c2")], 0)
        assert writer.standing.left.referred == ("c1",)
    assert verify(log.database, log.vkey).verified


def test_of_very_many_who_wait_the_latest_are_told(log: SmallLog) -> None:
    log.write([referral(f"c{number}") for number in range(40)])
    with log.writer() as writer:
        assert writer.standing.left.referred == tuple(f"c{number}" for number in range(8, 40))


def test_a_database_of_before_anybody_was_remembered_goes_on(log: SmallLog) -> None:
    log.write(crossing("c1"))
    with contextlib.closing(sqlite3.connect(log.database)) as older, older:
        older.execute("DROP TABLE referred")
    assert verify(log.database, log.vkey).verified
    log.write([referral("c2")])
    with log.writer() as writer:
        assert writer.standing.left.referred == ("c2",)


def test_a_late_disposition_has_a_key_of_its_own(log: SmallLog) -> None:
    log.write(crossing("c1"))
    log.write([wanted("disposition", "c1")])
    with _store(log) as store:
        headers = [Header.parse(leaf) for leaf in store.leaves(0, 6)]
    assert len({header.key for header in headers[:5]}) == 1
    assert headers[5].key != headers[0].key


def test_the_database_is_held_by_one_program(log: SmallLog) -> None:
    with log.writer() as writer:
        writer.append(crossing("c1"), 0)
        with (
            contextlib.closing(sqlite3.connect(log.database, timeout=0)) as other,
            other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("SELECT * FROM entries")
        other.close()


def test_full_tiles_leave_their_hash_on_the_next_level(log: SmallLog) -> None:
    log.write([wanted("incident") for _ in range(300)], [wanted("incident") for _ in range(300)], publish=False)
    with _store(log) as store:
        assert store.hashes(1, 0, 2) == [root_of(store.hashes(0, 0, 256)), root_of(store.hashes(0, 256, 512))]
        assert store.hash_at(9, 0) == root_of(store.hashes(0, 0, 512))
        with pytest.raises(StoreError, match="of 3 rows"):
            store.hashes(1, 0, 3)


def test_a_long_write_ahead_log_is_moved_into_the_database(log: SmallLog) -> None:
    wal = log.database.with_name("log.sqlite-wal")
    with log.writer() as writer:
        writer.append(crossing("c1"), 0)
        writer.tidy(0)
        assert wal.stat().st_size > 0
        writer.append([wanted("incident", body={"long": "x" * 45_000}) for _ in range(100)], 0)
        assert wal.stat().st_size > WAL_BYTES_MAX
        writer.tidy(0)
        assert wal.stat().st_size == 0


def test_the_write_ahead_log_is_written_over_and_what_was_in_it_is_in_the_database(log: SmallLog) -> None:
    wal = log.database.with_name("log.sqlite-wal")
    lengths, copies = list[int](), [log.folder / "a", log.folder / "b"]
    with log.writer() as writer:
        for _ in range(3 * TRANSACTIONS_TOGETHER):
            writer.append([wanted("incident")], 0)
            writer.tidy(0)
            lengths.append(wal.stat().st_size)
        assert lengths[-1] == lengths[TRANSACTIONS_TOGETHER + 1] < WAL_BYTES_MAX
        for copy, files in zip(copies, ([log.database], [log.database, wal]), strict=True):
            copy.mkdir()
            for path in files:
                shutil.copy(path, copy)
    alone, whole = (verify(copy / log.database.name, log.vkey) for copy in copies)
    assert (alone.intact, alone.entries) == (True, 3 * TRANSACTIONS_TOGETHER - 1)
    assert (whole.intact, whole.entries) == (True, 3 * TRANSACTIONS_TOGETHER)


def test_proofs_leave_the_log_and_its_files_as_they_are(log: SmallLog) -> None:
    wal = log.database.with_name("log.sqlite-wal")
    with log.writer() as writer:
        writer.append([wanted("incident", body={"long": "x" * 45_000}) for _ in range(40)], 0)
        before, checkpoint = wal.stat().st_size, writer.standing.checkpoint
        assert before > WAL_BYTES_MAX / 4
        lengths = list[int]()
        for _ in range(3 * TRANSACTIONS_TOGETHER):
            assert writer.probe(b"value")
            lengths.append(wal.stat().st_size)
        assert lengths[TRANSACTIONS_TOGETHER:] == [max(lengths)] * (2 * TRANSACTIONS_TOGETHER), "it is written over"
        assert max(lengths) <= WAL_BYTES_MAX
        assert writer.standing.checkpoint == checkpoint


# ── what fails ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "statement", ["BEGIN", "INSERT INTO entries", "INSERT OR REPLACE INTO head", "COMMIT", "DELETE FROM open_crossings"]
)
def test_a_failed_transaction_leaves_nothing_and_the_next_one_works(log: SmallLog, faulty: Any, statement: str) -> None:
    log.write(crossing("c1"))
    with log.writer(faulty) as writer:
        faulty.kind.fault = staticmethod(at(statement, lambda: sqlite3.OperationalError("disk I/O error")))
        outcome = writer.append(crossing("c2"), 0)
        assert all(isinstance(one, Refused) and "disk I/O error" in one.reason for one in outcome)
        assert writer.standing.checkpoint is not None
        assert writer.standing.checkpoint.size == 5
        assert writer.append(crossing("c3"), 0) == [5, 6, 7, 8, 9]
        assert writer.standing.problem is None
    assert verify(log.database, log.vkey).verified


def test_a_commit_that_failed_after_all_was_written_is_continued(log: SmallLog) -> None:
    log.write(crossing("c1"))

    class CommitsThenFails(FaultyConnection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            cursor = super().execute(sql, *args)
            if sql == "COMMIT" and self.total_changes and not fired:
                fired.append(True)
                raise sqlite3.OperationalError("disk I/O error")
            return cursor

    fired: list[bool] = []
    with log.writer(lambda *args, **kwargs: sqlite3.connect(*args, factory=CommitsThenFails, **kwargs)) as writer:
        outcome = writer.append(crossing("c2"), 0)
        assert outcome == [5, 6, 7, 8, 9], "the records are durable, so nobody is told that they are not"
        assert writer.standing.checkpoint is not None
        assert writer.standing.checkpoint.size == 10
        assert writer.append([wanted("closed", "c2")], 0) == [10]
        log.publish(writer)
    assert verify(log.spool, log.vkey).verified


def test_an_append_that_is_known_is_answered_with_the_index_it_has(log: SmallLog) -> None:
    first, second = crossing("c1"), crossing("c2")
    with log.writer() as writer:
        assert writer.append(first, 0) == [0, 1, 2, 3, 4]
        assert writer.append([first[4], *second, second[0]], 0) == [4, 5, 6, 7, 8, 9, 5]
    with log.writer() as writer:
        assert writer.append([*second, wanted("release"), *first], 0) == [5, 6, 7, 8, 9, 10, 0, 1, 2, 3, 4]
    assert verify(log.database, log.vkey).entries == 11


def test_only_the_latest_appends_are_known(log: SmallLog) -> None:
    batch = [wanted("incident") for _ in range(APPENDS_REMEMBERED + 2)]
    new = len(batch)
    with log.writer() as writer:
        writer.append(batch, 0)
        assert writer.append(batch[-3:], 0) == [new - 3, new - 2, new - 1]
        assert writer.append(batch[:1], 0) == [new], "older than what is remembered: a new append"
    with log.writer() as writer:
        assert writer.append([batch[-1], batch[0], batch[2]], 0) == [new - 1, new, new + 1]


class Unsure:
    """A disk whose next commit is written or not, fails either way, and whose database then cannot be opened for a while."""

    def __init__(self, *, written: bool) -> None:
        self.fails = self.shut = False
        unsure = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
                if unsure.shut and sql.startswith("PRAGMA journal_mode"):
                    raise sqlite3.OperationalError("unable to open")
                if unsure.fails and sql == "COMMIT":
                    unsure.fails, unsure.shut = False, True
                    if written:
                        super().execute(sql)
                    raise sqlite3.OperationalError("disk I/O error")
                return super().execute(sql, *args)

        self.connect = lambda *args, **kwargs: sqlite3.connect(*args, factory=Connection, **kwargs)


@pytest.mark.parametrize("written", [True, False])
def test_while_the_database_cannot_be_looked_into_nobody_says_what_is_in_it(log: SmallLog, *, written: bool) -> None:
    disk, batch, later = Unsure(written=written), crossing("c1"), wanted("release")
    with log.writer(disk.connect) as writer:
        disk.fails = True
        assert writer.append(batch, 0) == [Unknown("cannot open the audit database: unable to open", tried=True)] * 5
        (refusal,) = writer.append([later], 0)
        assert refusal == Unknown("cannot open the audit database: unable to open", tried=False)
        disk.shut = False
        assert writer.append([*batch, later], 0) == [0, 1, 2, 3, 4, 5]
    report = verify(log.database, log.vkey)
    assert (report.entries, report.problems) == (6, ())


def test_a_database_that_cannot_be_opened_refuses_until_it_can(log: SmallLog, faulty: Any) -> None:
    faulty.kind.fault = staticmethod(
        at("PRAGMA journal_mode", lambda: sqlite3.OperationalError("unable to open"), times=2)
    )
    with log.writer(faulty) as writer:
        assert "unable to open" in str(writer.standing.problem)
        assert [type(one) for one in writer.append(crossing("c1"), 0)] == [Unknown] * 5
        with pytest.raises(StoreError):
            writer.upper_tiles(0, 1)
        assert writer.append(crossing("c1"), 0) == [0, 1, 2, 3, 4]


def test_a_file_that_is_no_database_is_a_problem_and_no_crash(log: SmallLog) -> None:
    log.database.write_bytes(b"not a database, certainly not" * 100)
    with log.writer() as writer:
        assert "not a database" in str(writer.standing.problem)


def test_a_database_of_a_newer_program_is_left_alone(log: SmallLog) -> None:
    log.write(crossing("c1"))
    with contextlib.closing(sqlite3.connect(log.database)) as connection, connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        Store(log.database)


def test_a_database_of_the_first_format_is_refused_for_good(log: SmallLog) -> None:
    log.write(crossing("c1"))
    with contextlib.closing(sqlite3.connect(log.database)) as connection, connection:
        connection.execute("PRAGMA user_version=1")
    connection.close()
    with pytest.raises(BadFormatError, match="of format 1, which no gate in service"):
        Store(log.database)
    with pytest.raises(BadFormatError), log.writer():
        pass


def test_a_log_whose_name_no_header_can_hold_is_refused(tmp_path: Path) -> None:
    log = SmallLog(tmp_path, signer=Signer.generate("größe.example/gate-1"))
    with pytest.raises(BadFormatError, match="origin"), log.writer():
        pass


def test_a_folder_that_is_not_there_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Store(tmp_path / "missing" / "log.sqlite")


def test_a_database_that_cannot_have_a_write_ahead_log_is_refused() -> None:
    with pytest.raises(StoreError, match="write-ahead"):
        Store(Path(":memory:"))


def test_a_record_out_of_its_place_is_refused(log: SmallLog) -> None:
    from gate_core.audit_format.sealer import Sealer, seal

    key = Sealer([str(log.auditors[0].to_public())]).new_key()
    record = seal(wanted("opened", "c").happening, b"{}", origin=ORIGIN, index=7, key=key)
    with _store(log) as store, pytest.raises(StoreError, match="does not follow"):
        store.append([record], {key.id: key.wrapped}, lambda _: b"")


@pytest.mark.parametrize(
    ("column", "value"), [("frontier", bytes(64)), ("frontier", bytes(63)), ("checkpoint", b"nonsense")]
)
def test_a_damaged_head_is_not_signed_over(log: SmallLog, column: str, value: bytes) -> None:
    log.write(crossing("c1"))
    with contextlib.closing(sqlite3.connect(log.database)) as connection, connection:
        connection.execute(f"UPDATE head SET {column} = ?", (value,))
    connection.close()
    with log.writer() as writer:
        assert "damaged" in str(writer.standing.problem)
        assert [type(one) for one in writer.append(crossing("c2"), 0)] == [Unknown] * 5


# ── a full disk ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Disk:
    """A reserve on a disk that has room or not; writes work while there is room or the reserve was given up."""

    def __init__(self, tmp_path: Path) -> None:
        self.has_room = True
        disk = self

        class OnThisDisk(Reserve):
            def take(self) -> bool:
                self.is_held = disk.has_room
                return self.is_held

        self.reserve = OnThisDisk(tmp_path / "reserve")

    def fault(self, sql: str) -> sqlite3.Error | None:
        return full() if sql == "COMMIT" and not self.has_room and self.reserve.is_held else None


def test_with_the_disk_full_admissions_wait_and_people_are_still_freed_on_record(log: SmallLog, faulty: Any) -> None:
    disk = Disk(log.folder)
    with log.writer(faulty, reserve=disk.reserve) as writer:
        writer.append([wanted("opened", "c1")], 0)
        faulty.kind.fault = staticmethod(disk.fault)
        disk.has_room = False
        batch = [wanted("decided", "c1"), wanted("release"), wanted("closed", "c1"), wanted("opened", "c2")]
        outcome = writer.append(batch, 0)
        assert outcome[1:3] == [1, 2]
        assert isinstance(outcome[0], Refused)
        assert isinstance(outcome[3], Refused)
        assert writer.standing.problem == DISK_FULL
        assert writer.append([wanted("opened", "c3")], 0) == [Refused(DISK_FULL)]
        assert writer.append([wanted("emergency_began")], 0) == [3]
        disk.has_room = True
        assert writer.append([wanted("opened", "c4")], 0) == [4]
        assert writer.standing.problem is None
    assert verify(log.database, log.vkey).verified


def test_a_disk_that_fills_up_is_seen_though_no_write_fails(log: SmallLog, monkeypatch: pytest.MonkeyPatch) -> None:
    free, reserve_bytes = 1024**3, 2 * ROOM_BYTES
    monkeypatch.setattr("gate.audit.reserve._free_bytes", lambda _: free)
    reserve = Reserve(log.folder / "reserve", reserve_bytes)
    with log.writer(reserve=reserve) as writer:
        assert writer.append([wanted("opened", "c1")], 0) == [0]
        free = ROOM_BYTES - 1
        assert writer.append([wanted("decided", "c1")], 0) == [Refused(DISK_FULL)]
        assert writer.append([wanted("release"), wanted("closed", "c1")], 0) == [1, 2]
        assert (reserve.is_held, writer.standing.problem) == (False, DISK_FULL)
        free = 2 * reserve_bytes - 1
        assert writer.append([wanted("opened", "c2")], 0) == [Refused(DISK_FULL)]
        free = 1024**3
        assert writer.append([wanted("opened", "c2")], 0) == [3]
    assert verify(log.database, log.vkey).verified


def test_with_even_the_reserve_used_up_nothing_is_recorded_and_nothing_is_lost(log: SmallLog, faulty: Any) -> None:
    disk = Disk(log.folder)
    with log.writer(faulty, reserve=disk.reserve) as writer:
        writer.append(crossing("c1"), 0)
        disk.has_room = False
        faulty.kind.fault = staticmethod(lambda sql: full() if sql == "COMMIT" else None)
        assert all("no space" in str(one) for one in writer.append([wanted("release")], 0))
        assert all("no space" in str(one) for one in writer.append([wanted("release")], 0))
        faulty.kind.fault = staticmethod(lambda _: None)
        disk.has_room = True
        assert writer.append([wanted("release")], 0) == [5]


def test_when_the_first_reserve_is_used_up_the_last_room_is_for_what_is_urgent(log: SmallLog, faulty: Any) -> None:
    first, last = Disk(log.folder), Disk(log.folder)
    last.reserve = type(last.reserve)(log.folder / "reserve-last")
    with log.writer(faulty, reserve=first.reserve, last=last.reserve) as writer:
        writer.append([wanted("opened", "c1")], 0)
        first.has_room = False
        faulty.kind.fault = staticmethod(first.fault)
        assert writer.append([wanted("incident")], 0) == [1], "the first reserve is for all that happens"
        last.has_room = False
        faulty.kind.fault = staticmethod(last.fault)
        outcome = writer.append(
            [wanted("incident"), wanted("release"), wanted("closed", "c1"), wanted("opened", "c2")], 0
        )
        assert [type(one) for one in outcome] == [Refused, int, int, Refused]
        assert writer.append([wanted("incident")], 0) == [Refused(DISK_FULL)]
        assert writer.append([wanted("passed"), wanted("emergency_began")], 0) == [4, 5]
        last.has_room = True
        assert writer.append([wanted("incident"), wanted("opened", "c3")], 0) == [6, Refused(DISK_FULL)]
        first.has_room = True
        assert writer.append([wanted("opened", "c3")], 0) == [7]
        assert writer.standing.problem is None
    assert verify(log.database, log.vkey).verified


def test_both_reserves_may_go_for_one_release(log: SmallLog, faulty: Any) -> None:
    first, last = Disk(log.folder), Disk(log.folder)
    last.reserve = type(last.reserve)(log.folder / "reserve-last")
    with log.writer(faulty, reserve=first.reserve, last=last.reserve) as writer:
        first.has_room = last.has_room = False
        faulty.kind.fault = staticmethod(last.fault)
        assert writer.append([wanted("release")], 0) == [0]
        assert not first.reserve.is_held
        assert not last.reserve.is_held


def test_while_space_is_scarce_the_write_ahead_log_is_kept_short(log: SmallLog) -> None:
    disk = Disk(log.folder)
    wal = log.database.with_name("log.sqlite-wal")
    with log.writer(reserve=disk.reserve) as writer:
        for _ in range(60):
            writer.append([wanted("incident")], 0)
        assert wal.stat().st_size > WAL_BYTES_SCARCE
        disk.has_room = disk.reserve.is_held = False
        longest = 0
        for _ in range(60):
            writer.append([wanted("incident")], 0)
            longest = max(longest, wal.stat().st_size)
        assert longest <= WAL_BYTES_SCARCE


def test_a_database_that_finds_no_room_to_be_opened_gets_the_reserves(log: SmallLog, faulty: Any) -> None:
    log.write([wanted("opened", "c1")])
    reserve, last = Reserve(log.folder / "reserve", 4096), Reserve(log.folder / "reserve-last", 4096)

    def no_room(sql: str) -> sqlite3.Error | None:
        return full() if "wal_checkpoint" in sql and (reserve.is_held or last.is_held) else None

    faulty.kind.fault = staticmethod(no_room)
    with log.writer(faulty, reserve=reserve, last=last) as writer:
        assert writer.standing.left.open_crossings == ("c1",)
        assert writer.append([wanted("closed", "c1")], 0) == [1]


def test_a_database_that_finds_no_room_at_all_still_tells_what_was_left(log: SmallLog, faulty: Any) -> None:
    log.write([wanted("opened", "c1"), wanted("opened", "c2"), wanted("closed", "c1")])
    faulty.kind.fault = staticmethod(lambda sql: full() if "wal_checkpoint" in sql else None)
    with log.writer(faulty) as writer:
        assert writer.standing.left.open_crossings == ("c2",)
        assert writer.standing.problem == "no space is left for the audit log"
        assert [type(one) for one in writer.append([wanted("closed", "c2")], 0)] == [Unknown]
        faulty.kind.fault = staticmethod(lambda _: None)
        assert writer.append([wanted("closed", "c2")], 0) == [3]
        assert writer.standing.left.open_crossings == ()


def test_a_database_that_can_be_neither_opened_nor_read_tells_nothing(log: SmallLog, faulty: Any) -> None:
    log.write([wanted("opened", "c1")])
    faulty.kind.fault = staticmethod(lambda sql: full() if "wal_checkpoint" in sql or "open_crossings" in sql else None)
    with log.writer(faulty) as writer:
        assert writer.standing.left.open_crossings == ()
        faulty.kind.fault = staticmethod(lambda _: None)
        writer.append([wanted("incident")], 0)
        assert writer.standing.left.open_crossings == ("c1",)


def test_a_reserve_is_real_blocks_and_can_be_given_up(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 64 * 1024)
    assert reserve.is_held
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 64 * 1024
    reserve.give_up()
    assert not (tmp_path / "reserve").exists()
    assert reserve.take()


def test_a_reserve_that_cannot_be_had_leaves_nothing_behind(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 2**62)
    assert not reserve.is_held
    assert not (tmp_path / "reserve").exists()


# ── a disk from the past, and keys of others ─────────────────────────────────────────────────────────────────────────


def test_a_database_older_than_the_spool_signs_nothing(log: SmallLog) -> None:
    log.write(crossing("c1"))
    old = log.database.read_bytes()
    log.write(crossing("c2"))
    log.database.write_bytes(old)
    with log.writer() as writer:
        assert "from the past" in str(writer.standing.problem)
        assert all("from the past" in str(one) for one in writer.append([wanted("release")], 0))
        writer.tidy(0)
        assert "from the past" in str(writer.standing.problem)


def test_a_database_with_another_past_than_the_spool_signs_nothing(log: SmallLog) -> None:
    log.write(crossing("c1"))
    log.database.unlink()
    log.spool.rename(log.folder / "aside")
    log.write(crossing("x1"), crossing("x2"), publish=False)
    log.spool.rmdir()
    (log.folder / "aside").rename(log.spool)
    with log.writer() as writer:
        assert "other entries" in str(writer.standing.problem)


def test_a_database_signed_by_another_key_is_a_configuration_error(log: SmallLog) -> None:
    log.write(crossing("c1"), publish=False)
    log.signer = Signer.generate(ORIGIN)
    with pytest.raises(KeyFileError, match="another key"), log.writer():
        pass


def test_a_receipt_of_the_mirror_is_remembered(log: SmallLog) -> None:
    mirror = Signer.generate("mirror.example/m", Algorithm.COSIGNATURE_V1)
    with log.writer() as writer:
        writer.append(crossing("c1"), 0)
        checkpoint = writer.standing.checkpoint
        assert checkpoint is not None
        receipt = checkpoint.sign(log.signer).with_signatures([mirror.cosign(checkpoint.text, 1)]).to_bytes()
        writer.append(crossing("c2"), 0)
        writer.take_receipt(receipt, mirror.verifier, 0)
        assert writer.standing.mirrored == 5
        writer.take_receipt(receipt, mirror.verifier, 0)
        with pytest.raises(BadSignatureError):
            writer.take_receipt(checkpoint.sign(log.signer).to_bytes(), mirror.verifier, 0)
    with log.writer() as writer:
        assert writer.standing.mirrored == 5


@pytest.mark.parametrize("size", [5, 6])
def test_a_receipt_for_what_we_do_not_have_stops_the_log(log: SmallLog, size: int) -> None:
    mirror = Signer.generate("mirror.example/m", Algorithm.COSIGNATURE_V1)
    forked = Checkpoint(ORIGIN, size, bytes(32))
    receipt = forked.sign(log.signer).with_signatures([mirror.cosign(forked.text, 1)]).to_bytes()
    with log.writer() as writer:
        writer.append(crossing("c1"), 0)
        with pytest.raises(RolledBackError):
            writer.take_receipt(receipt, mirror.verifier, 0)
        assert [type(one) for one in writer.append([wanted("opened", "c2")], 0)] == [Unknown]
        with pytest.raises(StoreError):
            writer.take_receipt(receipt, mirror.verifier, 0)


def test_a_record_waiting_shows_nothing_of_its_body() -> None:
    assert repr(wanted("disposition", "c1", {"officer": "A. N. Other"})) == "Wanted(disposition)"


class OnAFullDisk(Reserve):
    def _allocate(self, _: int) -> bool:
        return False


def test_a_reserve_held_before_is_held_again_whatever_room_there_is(tmp_path: Path) -> None:
    Reserve(tmp_path / "reserve", 64 * 1024)
    assert OnAFullDisk(tmp_path / "reserve", 64 * 1024).is_held
    assert not OnAFullDisk(tmp_path / "other", 64 * 1024).is_held
    assert not (tmp_path / "other").exists()


def test_full_is_told_from_broken(log: SmallLog, faulty: Any) -> None:
    with log.writer(faulty):
        pass
    faulty.kind.fault = staticmethod(at("PRAGMA synchronous", full))
    with pytest.raises(StoreFullError):
        Store(log.database, connect=faulty)


@pytest.mark.parametrize("written", ["2026-11-28T02:00:00", "2026-13-28T02:00:00Z", "soon"])
def test_a_latest_hour_that_is_none_is_damage(log: SmallLog, written: str) -> None:
    """Compared with a clock that has a zone it would have ended the program."""
    log.write(crossing("c1"))
    with contextlib.closing(sqlite3.connect(log.database)) as older, older:
        older.execute("UPDATE times SET written = ?", (written,))
    with _store(log) as store, pytest.raises(StoreError, match="damaged"):
        store.left()
