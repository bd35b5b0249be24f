"""Reads a copy of the log's database, with its `-wal` file and the folder `keys` beside it if these were copied too.

SQLite opens a second copy, because opening writes; the auditor's file stays unchanged. The database is untrusted:
nothing in it is executed, only plain tables are read, and a cell may hold a value of any type. Any damage ends in a
report.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from gate_verify.bundle import Closing, EntryLine, KeyLine, Line, Opening
from gate_verify.cosigners import Cosigners
from gate_verify.findings import StructureError, UnreadableError
from gate_verify.handover import KeyRing
from gate_verify.judge import Judge, key_of
from gate_verify.tree import HASH_BYTES

MAGIC = b"SQLite format 3\0"
# The log program's own tables, no part of the log: its write check, what the lane wants at its next start, waiting referrals, the findings
# of its latest boot, and the log keys' handovers, which are judged.
OURS_BESIDE = frozenset({
    "probe", "remembered", "referred", "approved", "handovers", "boot", "key_days", "undated", "held", "pruned", "times",
})  # fmt: skip
TABLES = frozenset({"entries", "keys", "nodes", "head", "receipt", "open_crossings"})
PIECE = 256  # entries
CELL_BYTES_MAX = 1024 * 1024
LINE_BYTES_MAX = 128 * 1024
_DAY = re.compile(r"(crossing|device|administration)-[0-9]{4}-[0-9]{2}-[0-9]{2}")


def verify_database(path: Path, ring: KeyRing, cosigners: Cosigners, hour_max: str) -> Judge:
    """Judge a copy of the database. Raises UnreadableError if it cannot be read at all."""
    judge = Judge(ring, cosigners=cosigners, hour_max=hour_max)
    try:
        with _opened(path) as connection:
            _verify(connection, judge)
            for wrapped in _keys_of_days(path.parent / "keys"):
                judge.key(wrapped)
    except StructureError as error:
        judge.findings.add(str(error))
    return judge


def database_lines(path: Path) -> Iterator[Line]:
    """Yield the database as the lines of a bundle, for decryption. Raises StructureError and UnreadableError."""
    with _opened(path) as connection:
        moved = {hashlib.sha256(wrapped).hexdigest(): wrapped for wrapped in _keys_of_days(path.parent / "keys")}
        (size, note) = connection.execute("SELECT size, checkpoint FROM head").fetchone() or (0, b"")
        (first,) = connection.execute("SELECT min(i) FROM entries").fetchone()
        first = first if isinstance(first, int) else size
        yield Opening(_bytes(note), first, b"", size)
        seen: set[str] = set()
        for leaf, sealed in connection.execute("SELECT leaf, sealed FROM entries ORDER BY i"):
            key = key_of(_bytes(leaf))
            if key is not None and key not in seen:
                seen.add(key)
                row = connection.execute("SELECT wrapped FROM keys WHERE id = ?", (key,)).fetchone()
                wrapped = moved.get(key) if row is None else _bytes(row[0])
                if wrapped is not None:
                    yield KeyLine(wrapped)
            yield EntryLine(_bytes(leaf), _bytes(sealed))
        yield Closing(size - first, len(seen))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy. Raises UnreadableError, and StructureError where the block cannot read it further."""
    with tempfile.TemporaryDirectory(prefix="gate-verify-") as folder:
        copy, wal = Path(folder) / "log.sqlite", path.with_name(path.name + "-wal")
        try:
            shutil.copyfile(path, copy)
            if wal.is_file():
                shutil.copyfile(wal, f"{copy}-wal")
        except OSError as error:
            raise UnreadableError(f"cannot copy {path.name}: {error.strerror}") from error
        try:
            with closing(sqlite3.connect(copy)) as connection:
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, CELL_BYTES_MAX)
                yield connection
        except OSError as error:
            raise UnreadableError(f"cannot read the keys beside {path.name}: {error.strerror}") from error
        except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite quotes unreadable bytes in its message
            raise StructureError(f"the database cannot be read to its end: {error}") from error


def _verify(connection: sqlite3.Connection, judge: Judge) -> None:
    for setting in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON"):
        connection.execute(f"PRAGMA {setting}")
    for (finding,) in connection.execute("PRAGMA integrity_check(20)"):
        if finding != "ok":
            judge.findings.add(f"the database is damaged: {finding}")
    if not _has_only_our_tables(connection, judge):
        return
    _verify_dropped(connection, judge)
    for index, leaf, sealed in _rows(connection, "entries", "i, leaf, sealed"):
        if index != judge.tree.size:
            judge.findings.add(f"row {index} stands where entry {judge.tree.size} belongs")
        judge.entry(_bytes(leaf), _bytes(sealed))
    _verify_keys(connection, judge)
    judge.handovers(_bytes(note) for _, note in _rows(connection, "handovers", "since, note"))
    tiles = judge.tree.tiles()
    _verify_head(connection, judge)
    _verify_derived(connection, judge, tiles)


def _verify_dropped(connection: sqlite3.Connection, judge: Judge) -> None:
    """Verify the hashes of entries that were deleted after a mirror had them."""
    for n, hashes in _rows(connection, "pruned", "n, hashes"):
        if n * PIECE != judge.tree.size or len(_bytes(hashes)) != PIECE * HASH_BYTES:
            judge.findings.add(f"the hashes of piece {n} do not follow on {judge.tree.size} entries")
            return
        judge.dropped(_bytes(hashes))


def _has_only_our_tables(connection: sqlite3.Connection, judge: Judge) -> bool:
    things = list(connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"))
    missing = TABLES - {name for kind, name, _ in things if kind == "table"}
    for name in sorted(missing):
        judge.findings.add(f"table {name} is missing")
    computed = [name for kind, name, sql in things if kind == "table" and not str(sql).startswith("CREATE TABLE ")]
    for name in computed:
        judge.findings.add(f"table {name} is computed, and not read")
    for kind, name, _ in things:
        if (kind == "table" and name not in TABLES | OURS_BESIDE) or kind not in {"table", "index"}:
            judge.findings.add(f"{kind} {name} does not belong into the log")
    return not missing and not computed


def _verify_keys(connection: sqlite3.Connection, judge: Judge) -> None:
    rows = connection.execute("SELECT id, wrapped, first, leaf FROM keys LEFT JOIN entries ON i = first ORDER BY first")
    for key_id, wrapped, first, leaf in rows:
        if judge.key(_bytes(wrapped)) != key_id:
            judge.findings.add(f"key {key_id} is not the one that its id says")
        elif key_of(_bytes(leaf)) != key_id:  # one that was moved and is used again is here with a later entry
            judge.findings.add(f"key {key_id} is not first used by entry {first}")


def _keys_of_days(folder: Path) -> Iterator[bytes]:
    """Yield the age files that were moved to files by day, one per line. Anything else becomes a key that no header names."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _DAY.fullmatch(path.name) and path.is_file():
            with path.open("rb") as file:
                while line := file.readline(LINE_BYTES_MAX):
                    yield _decoded(line)


def _decoded(line: bytes) -> bytes:
    try:
        return base64.b64decode(line.strip(), validate=True)
    except ValueError:
        return b""


def _verify_head(connection: sqlite3.Connection, judge: Judge) -> None:
    heads = list(connection.execute("SELECT size, frontier, checkpoint FROM head LIMIT 2"))
    if not heads and judge.tree.size == 0:
        return
    if len(heads) != 1:
        judge.findings.add(f"the database has {len(heads)} heads")
        return
    size, frontier, note = heads[0]
    if size != judge.tree.size or frontier != judge.tree.frontier():
        judge.findings.add("the frontier is not the one that the entries make")
    judge.checkpoint(_bytes(note))


def _verify_derived(connection: sqlite3.Connection, judge: Judge, tiles: Mapping[int, bytes]) -> None:
    """Compare the data that the log program derives from entries and relies on."""
    nodes = list(connection.execute("SELECT level, n, hash FROM nodes ORDER BY level, n"))
    if nodes != list(_nodes(tiles)):
        judge.findings.add("the stored hashes of full tiles are not those that the entries make")
    for table, what in (
        ("open_crossings", "the open crossing {} begins with"),
        ("referred", "the crossing {} waits for an officer since"),
    ):
        for crossing, first in _rows(connection, table, "crossing, first"):
            if not (type(first) is int and 0 <= first < judge.tree.size):
                judge.findings.add(f"{what.format(crossing)} no entry of the log")


def _rows(connection: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """Yield a table's rows by the first column; none if an older log program has no such table."""
    query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
    if connection.execute(query, (table,)).fetchone() is not None:
        yield from connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1")  # noqa: S608 - both are ours


def _bytes(cell: object) -> bytes:
    """Return a cell's bytes; empty for a value of another type, which no hash matches."""
    return cell if isinstance(cell, bytes) else b""


def _nodes(tiles: Mapping[int, bytes]) -> Iterator[tuple[int, int, bytes]]:
    for level, hashes in sorted(tiles.items()):
        if level:
            for n in range(len(hashes) // HASH_BYTES):
                yield level, n, hashes[n * HASH_BYTES : (n + 1) * HASH_BYTES]
