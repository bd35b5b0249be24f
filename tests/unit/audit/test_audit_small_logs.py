"""The verifier's tests make logs of their own, and a database has a write-ahead log: both held against the gate's writer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from fakes import audit_logs as written
from fakes.audit_logs import SmallLog, wanted
from verify_fakes import audit_logs as made

from gate_core.audit_format.note import Signer
from gate_core.audit_format.record import Header
from gate_core.audit_format.sealer import SealedRecord
from gate_verify.verify import verify


def test_a_copy_of_the_database_is_verified_also_with_its_write_ahead_log(tmp_path: Path) -> None:
    log = SmallLog(tmp_path)
    with log.writer() as writer:
        writer.append([wanted("incident") for _ in range(300)], 0)
        writer.append([wanted("opened", "c1")], 0)
        for name in ("log.sqlite", "log.sqlite-wal"):
            (tmp_path / f"copy-{name}").write_bytes((tmp_path / name).read_bytes())
    report = verify(tmp_path / "copy-log.sqlite", log.vkey)
    assert (report.problems, report.entries, report.bodies) == ((), 301, 301)


def rows(database: Path, table: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return sorted(connection.execute(f"SELECT * FROM {table}"))


def files(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


def test_a_log_of_the_verifiers_tests_is_what_the_gate_makes_of_the_same_records(tmp_path: Path) -> None:
    """The same rows and the same files, byte for byte, over the end of a full tile and a handover of keys."""
    (tmp_path / "gate").mkdir()
    (tmp_path / "tests").mkdir()
    gates = SmallLog(tmp_path / "gate", successor=Signer.generate(written.ORIGIN))
    mine = made.StoredLog(tmp_path / "tests", gates.signer, gates.auditors)
    batches = [
        [wanted("incident") for _ in range(254)],
        written.crossing("c1"),
        [wanted("presence")],
        written.crossing("c2"),
    ]
    for batch in batches:
        first = len(rows(gates.database, "entries")) if gates.database.exists() else 0
        gates.write(batch)
        entries = rows(gates.database, "entries")[first:]
        keys = {name: wrapped for name, wrapped, _ in rows(gates.database, "keys")}
        sealed = [
            SealedRecord(Header.parse(leaf), body, one.happening)
            for (_, _, leaf, body), one in zip(entries, batch, strict=True)
        ]
        mine.take(sealed, keys)
    assert files(mine.spool) == files(gates.spool)
    for table in ("entries", "keys", "nodes", "head"):
        assert rows(mine.database, table) == rows(gates.database, table), table
    assert mine.bundle(since=7) == gates.bundle(since=7)
