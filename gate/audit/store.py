"""The log's database: one SQLite file, one connection, one thread; WAL with synchronous=FULL, exclusively locked.

Entries, the tree's frontier and the signed checkpoint change in one transaction. After an unclean end the write-ahead log may hold
a commit that was never synced: opening moves it into the database file and syncs that (`_settle`) before anything read is used.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gate_core import durable
from gate_core.audit_format.errors import BadFormatError, StoreError, StoreFullError
from gate_core.audit_format.merkle import HASH_BYTES, Frontier, leaf_hash, root_of
from gate_core.audit_format.record import Happening, is_hour
from gate_core.audit_format.resume_state import Approved, Boot, Left
from gate_core.audit_format.sealer import SealedRecord
from gate_core.audit_format.tiles import TILE_HEIGHT, TILE_WIDTH

SCHEMA_VERSION = 2
# Then the write-ahead log is moved into the database file, between two answers, and written over.
TRANSACTIONS_TOGETHER = 128
WAL_BYTES_MAX = 4 * 1024 * 1024  # and when it became so long, cut
WAL_BYTES_SCARCE = (
    256 * 1024
)  # the same while space is scarce: a record takes five times as much there as in the database
BUSY_TIMEOUT_S = 2.0
REFERRED_MAX = 32  # maximum reported of those that wait; older ones follow once these are settled

Connect = Callable[..., sqlite3.Connection]


@dataclass(frozen=True, slots=True)
class WaitingKey:
    """An age file in the database until it is in a day's file. `leaf`: of its first record; `name`: the file of its
    class and day if it differs from that record's; `dated`: the clock was confirmed when it was made.
    """

    id: str
    wrapped: bytes
    leaf: bytes
    name: str | None
    dated: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The mirror's number of entries up to a day, the smallest number on any day since, and the latest of these days; None: never reported."""

    then: int | None
    since: int | None
    newest: date | None


@dataclass(frozen=True, slots=True)
class Head:
    """The log's end in the database. `checkpoint`: the signed note, None before the first entry."""

    frontier: Frontier
    checkpoint: bytes | None


class Store:
    """An open database. Every method raises StoreError; after one, close it and open it again.

    Raises BadFormatError for a database of a format that was never in service.
    """

    def __init__(self, path: Path, *, connect: Connect = sqlite3.connect) -> None:
        self._wal = path.with_name(path.name + "-wal")
        self._head: Head | None = None  # as last read or written: no other process opens this file
        self._left: Left | None = None
        self._transactions = 0  # since the write-ahead log was moved last
        with _translated("open"):
            self._connection = connect(str(path), isolation_level=None, timeout=BUSY_TIMEOUT_S)
        try:
            with _translated("open"):
                self._settle(path)
        except StoreFullError as error:
            left: Left | None = None
            with suppress(
                StoreError
            ):  # what an earlier run left without making it durable: closing a crossing too many does no harm
                left = self.left()
            self.close()
            raise StoreFullError(str(error), left) from error
        except (StoreError, BadFormatError):
            self.close()
            raise

    def _settle(self, path: Path) -> None:
        """Make an earlier process's data durable, then migrate the schema."""
        run = self._connection.execute
        run("PRAGMA locking_mode=EXCLUSIVE")
        if run("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
            raise StoreError("the file system does not allow a write-ahead log")
        run("PRAGMA synchronous=FULL")
        run("PRAGMA secure_delete=ON")  # a key that was moved to the file of its day is not left behind in a free page
        run("PRAGMA wal_autocheckpoint=0")
        run("PRAGMA trusted_schema=OFF")
        if run("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise StoreError("the write-ahead log cannot be moved into the database")
        durable.sync(path.parent)
        (version,) = run("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreError(f"the database is of a newer version ({version}) of this program")
        if 0 < version < SCHEMA_VERSION:
            raise BadFormatError(
                f"the database is of format {version}, which no gate in service has written; move it away"
            )
        if version == 0:
            _create_schema(self._connection)
        for table, columns in _LATER_TABLES.items():
            run(f"CREATE TABLE IF NOT EXISTS {table} ({columns}) STRICT")
        run(_TIMES_OF_AN_OLDER_LOG)
        if not run("SELECT 1 FROM sqlite_schema WHERE name = 'key_days'").fetchone():
            with self._transaction():
                run("CREATE TABLE key_days (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT")
                run(_DAYS_OF_OLD_KEYS)

    def close(self) -> None:
        """Close the file. Committed data stays."""
        with suppress(sqlite3.Error):
            self._connection.close()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def head(self) -> Head:
        """Return the end of the log."""
        if self._head is None:
            row = self._one("SELECT size, frontier, checkpoint FROM head")
            try:
                self._head = (
                    Head(Frontier(), None) if row is None else Head(Frontier.from_bytes(row[0], row[1]), row[2])
                )
            except BadFormatError as error:
                raise StoreError("the database's frontier is damaged") from error
        return self._head

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Return the leaves `[start, end)`."""
        rows = self._all("SELECT leaf FROM entries WHERE i >= ? AND i < ? ORDER BY i", start, end)
        return _complete([leaf for (leaf,) in rows], end - start)

    def sealed(self, start: int, end: int) -> list[bytes]:
        """Return the sealed bodies `[start, end)`."""
        rows = self._all("SELECT sealed FROM entries WHERE i >= ? AND i < ? ORDER BY i", start, end)
        return _complete([sealed for (sealed,) in rows], end - start)

    def keys_to_move(self, end: int, count: int) -> list[WaitingKey]:
        """Return the first keys whose first record is before `end`."""
        return self._waiting("k.first < ? ORDER BY k.first LIMIT ?", end, count)

    def waiting(self, ids: Sequence[str]) -> list[WaitingKey]:
        """Return those of these keys that are in the database."""
        return self._waiting(f"k.id IN ({_marks(ids)})", *ids)

    def _waiting(self, where: str, *values: object) -> list[WaitingKey]:
        rows = self._all(f"{_WAITING} WHERE {where}", *values)
        return [WaitingKey(key_id, wrapped, leaf, name, bool(dated)) for key_id, wrapped, leaf, name, dated in rows]

    def days_elsewhere(self, ids: Sequence[str]) -> set[str]:
        """Return the files of those of these keys that are not stored under the day of their first record."""
        found: set[str] = set()
        for start in range(0, len(ids), TILE_WIDTH):
            some = ids[start : start + TILE_WIDTH]
            rows = self._all(f"SELECT name FROM key_days WHERE id IN ({_marks(some)})", *some)  # noqa: S608
            found |= {name for (name,) in rows}
        return found

    def keys_first_used(self, start: int, end: int) -> dict[str, bytes]:
        """Return the age files, by id, whose first record is in `[start, end)`."""
        return dict(self._all("SELECT id, wrapped FROM keys WHERE first >= ? AND first < ? ORDER BY first", start, end))

    def hashes(self, level: int, start: int, end: int) -> list[bytes]:
        """Return the hashes `[start, end)` of a tile level."""
        if level == 0:
            here = min(max(self.first_here(), start), end)
            return [*self._pruned_hashes(start, here), *(leaf_hash(leaf) for leaf in self.leaves(here, end))]
        sql = "SELECT hash FROM nodes WHERE level = ? AND n >= ? AND n < ? ORDER BY n"
        return _complete([one for (one,) in self._all(sql, level, start, end)], end - start)

    def _pruned_hashes(self, start: int, end: int) -> list[bytes]:
        sql = "SELECT hashes FROM pruned WHERE n >= ? AND n <= ? ORDER BY n"
        pieces = self._all(sql, start // TILE_WIDTH, (end - 1) // TILE_WIDTH) if start < end else []
        whole, skipped = b"".join(hashes for (hashes,) in pieces), start % TILE_WIDTH
        found = [whole[at : at + HASH_BYTES] for at in range(0, len(whole), HASH_BYTES)]
        return _complete(found[skipped : skipped + end - start], end - start)

    def first_here(self) -> int:
        """Return the first entry that was not dropped; of earlier ones, a whole number of pieces, the hashes are stored."""
        row = self._one("SELECT max(n) FROM pruned")
        return 0 if row is None or row[0] is None else (int(row[0]) + 1) * TILE_WIDTH

    def first_waiting(self) -> int | None:
        """Return the first entry whose key is not in a day's file yet, None if all are."""
        row = self._one("SELECT min(first) FROM keys")
        return None if row is None else row[0]

    def held(self, day: date) -> Held:
        """Return the mirror's reported numbers on this day and since."""
        text = day.isoformat()
        (then,) = self._one("SELECT max(n) FROM held WHERE day <= ?", text) or (None,)
        since, newest = self._one("SELECT min(n), max(day) FROM held WHERE day > ?", text) or (None, None)
        return Held(then, since, None if newest is None else date.fromisoformat(newest))

    def hash_at(self, height: int, index: int) -> bytes:
        """Return the hash of a complete subtree: the `HashAt` of `gate_core.audit_format.merkle`."""
        level, above = divmod(height, TILE_HEIGHT)
        return root_of(self.hashes(level, index << above, (index + 1) << above))

    def left(self) -> Left:
        """Return the data for the sender's next start; of the crossings that wait for an officer, the latest."""
        if self._left is None:
            self._left = self._read_left()
        return self._left

    def _read_left(self) -> Left:
        open_crossings = self._all("SELECT crossing FROM open_crossings ORDER BY first")
        referred = self._all("SELECT crossing FROM referred ORDER BY first DESC LIMIT ?", REFERRED_MAX)
        row = self._one("SELECT value FROM remembered")
        approved = self._one("SELECT serial, sha256, approvers FROM approved")
        written, cosigned_s = self._one("SELECT written, cosigned_s FROM times") or ("", None)
        if written and not is_hour(written):
            raise StoreError("the database's times are damaged")
        boot = self._one("SELECT name, size, root, accepted, heard_ms FROM boot")
        return Left(
            open_crossings=tuple(crossing for (crossing,) in open_crossings),
            referred=tuple(crossing for (crossing,) in reversed(referred)),
            remembered=b"" if row is None else row[0],
            approved=None if approved is None else Approved(*approved),
            written=written,
            cosigned_s=cosigned_s,
            boot=None if boot is None else Boot(boot[0], boot[1], boot[2], bool(boot[3]), boot[4]),
        )

    def recent_appends(self, count: int) -> dict[bytes, int]:
        """Return the ids of the latest appends, each with the index of its record, oldest first."""
        sql = "SELECT append_id, i FROM entries WHERE i >= (SELECT max(i) FROM entries) + 1 - ? ORDER BY i"
        return dict(self._all(sql, count))

    def handovers(self) -> tuple[bytes, ...]:
        """Return the handovers of the log's keys, oldest first."""
        return tuple(note for (note,) in self._all("SELECT note FROM handovers ORDER BY since"))

    def receipt(self) -> tuple[int, bytes] | None:
        """Return the mirror's latest receipt: the size it has and the cosigned checkpoint."""
        row = self._one("SELECT size, note FROM receipt")
        return None if row is None else (row[0], row[1])

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def append(
        self,
        records: Sequence[SealedRecord],
        keys: Mapping[str, bytes],
        checkpoint: Callable[[Frontier], bytes],
        handover: Callable[[int], bytes] | None = None,
        *,
        dated: bool = True,
    ) -> Head:
        """Add records at the end, in one transaction, and return the new head once it is durable.

        `keys`: the age file of every key that the records use; `dated`: the clock is confirmed. `checkpoint` signs the new frontier, last
        before the commit: if that fails, the signature must never leave the process. The same holds for `handover`, if another key follows.
        """
        frontier, left = self.head().frontier, self.left()
        told, hashes = set[str](), list[bytes]()
        first = records[0].happening
        changed = left.boot is None or left.boot.name != first.boot
        with self._transaction() as run:
            if changed:  # keep how the log was before the first record of a boot
                row = (first.boot, frontier.size, frontier.root(), first.monotonic_ms)
                run("INSERT OR REPLACE INTO boot VALUES (1, ?, ?, ?, 0, ?)", row)
            for record in records:
                leaf, header = record.header.leaf(), record.header
                if header.index != frontier.size + len(hashes):
                    raise StoreError(f"record {header.index} does not follow {frontier.size + len(hashes)} entries")
                happening = record.happening
                run("INSERT INTO entries VALUES (?, ?, ?, ?)", (header.index, happening.id, leaf, record.sealed))
                if header.key not in told:
                    told.add(header.key)
                    is_new = run(
                        "INSERT OR IGNORE INTO keys VALUES (?, ?, ?)", (header.key, keys[header.key], header.index)
                    )
                    if is_new.rowcount and not dated:
                        run("INSERT OR IGNORE INTO undated VALUES (?)", (header.key,))
                changed |= _follow(run, happening, header.index)
                hashes.append(leaf_hash(leaf))
                self._add_nodes(frontier.size + len(hashes))
            frontier = frontier.extend(hashes)
            latest = max(record.header.hour for record in records)
            if latest > left.written:
                run("UPDATE times SET written = ?", (latest,))
                changed = True
            note = checkpoint(frontier)
            if handover is not None:
                run("INSERT INTO handovers VALUES (?, ?)", (frontier.size, handover(frontier.size)))
            run("INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)", (frontier.size, frontier.to_bytes(), note))
        self._head, self._left = Head(frontier, note), None if changed else left
        return self._head

    def remember_receipt(self, size: int, note: bytes, now_ms: int, cosigned_s: int | None) -> None:
        """Store a receipt of the mirror, replacing an earlier one."""
        with self._transaction() as run:
            run("UPDATE times SET cosigned_s = ?", (cosigned_s,))
            run("INSERT OR REPLACE INTO receipt VALUES (1, ?, ?)", (size, note))
            run("UPDATE boot SET heard_ms = ? WHERE size < ?", (now_ms, size))

    def keep_days(self, names: Mapping[str, str]) -> None:
        """Store the days of keys that are not, or will not be, stored under the day of their first record."""
        with self._transaction() as run:
            for key_id, name in names.items():
                run("INSERT OR REPLACE INTO key_days VALUES (?, ?)", (key_id, name))

    def moved(self, ids: Sequence[str]) -> None:
        """Delete these keys: they are durable elsewhere."""
        with self._transaction() as run:
            for one in ids:
                run("DELETE FROM keys WHERE id = ?", (one,))
                run("DELETE FROM undated WHERE id = ?", (one,))

    def drop_keys(self, ids: Sequence[str]) -> None:
        """Erase these keys."""
        self.moved(ids)
        with self._transaction() as run:
            for one in ids:
                run("DELETE FROM key_days WHERE id = ?", (one,))

    def forget_day(self, name: str) -> None:
        """Delete the record of the keys under this day."""
        with self._transaction() as run:
            run("DELETE FROM key_days WHERE name = ?", (name,))

    def take_held(self, day: date, entries: int) -> None:
        """Store the mirror's number of entries on this day; the smallest of a day counts."""
        with self._transaction() as run:
            run(
                "INSERT INTO held VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET n = min(n, excluded.n)",
                (day.isoformat(), entries),
            )

    def prune(self, n: int, day: date) -> None:
        """Drop a piece's entries, the first that is here, and keep their hashes. `day`: of older reports by the mirror only the latest is kept."""
        start, end = n * TILE_WIDTH, (n + 1) * TILE_WIDTH
        if start != self.first_here():
            raise StoreError(f"entry {start} is not the first one here")
        hashes = b"".join(self.hashes(0, start, end))
        with self._transaction() as run:
            run("INSERT INTO pruned VALUES (?, ?)", (n, hashes))
            run("DELETE FROM entries WHERE i >= ? AND i < ?", (start, end))
            run("DELETE FROM held WHERE day < (SELECT max(day) FROM held WHERE day <= ?)", (day.isoformat(),))

    def know_approval(self, newer: Approved) -> None:
        """Store an approval on which no record rests yet, replacing an earlier one."""
        with self._transaction() as run:
            _keep_approval(run, newer)

    def probe(self, value: bytes) -> None:
        """Write a value as durably as a record and read it back; it replaces the one before, and the log does not grow."""
        with self._transaction() as run:
            run("INSERT OR REPLACE INTO probe VALUES (1, ?)", (value,))
        if self._one("SELECT value FROM probe") != (value,):
            raise StoreError("what was written cannot be read back")

    def tidy(self, *, scarce: bool = False, whole: bool = False) -> None:
        """Move a large write-ahead log into the database file; for quiet moments, since it takes a few syncs. The file
        stays, and the next transactions overwrite it: extending a file takes each of them twice as long. A long one is
        cut, earlier if space is `scarce`; with `whole`, at any length, so that nothing stays in it.
        """
        with _translated("tidy"):
            if whole or self._wal.stat().st_size > (WAL_BYTES_SCARCE if scarce else WAL_BYTES_MAX):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            elif self._transactions >= TRANSACTIONS_TOGETHER:
                self._connection.execute("PRAGMA wal_checkpoint(RESTART)")
            else:
                return
        self._transactions = 0

    def _add_nodes(self, size: int) -> None:
        """Add the hashes of tiles that the latest entry completed."""
        level, width = 1, size
        while width % TILE_WIDTH == 0:
            width //= TILE_WIDTH
            tile = self.hashes(level - 1, (width - 1) * TILE_WIDTH, width * TILE_WIDTH)
            self._connection.execute("INSERT INTO nodes VALUES (?, ?, ?)", (level, width - 1, root_of(tile)))
            level += 1

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        self._head = self._left = None
        self._transactions += 1
        with _translated("write"):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection.execute
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite itself rolls back on some errors; then there is nothing left to undo.
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                raise

    def _one(self, sql: str, *values: object) -> tuple[Any, ...] | None:
        rows = self._all(sql, *values)
        return rows[0] if rows else None

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise _ours("read", error) from error


def _keep_approval(run: Callable[..., sqlite3.Cursor], one: Approved) -> None:
    run("INSERT OR REPLACE INTO approved VALUES (1, ?, ?, ?)", (one.serial, one.sha256, one.approvers))


def _follow(run: Callable[..., sqlite3.Cursor], happening: Happening, index: int) -> bool:
    """Store a record's data for the next start. False if nothing changed."""
    changed = _follow_crossing(run, happening, index)
    if happening.remember:
        run("INSERT OR REPLACE INTO remembered VALUES (1, ?)", (happening.remember,))
    if happening.approved is not None:
        _keep_approval(run, happening.approved)
    if happening.accepts_head:
        run("UPDATE boot SET accepted = 1, heard_ms = ?", (happening.monotonic_ms,))
    return changed or bool(happening.remember) or happening.approved is not None or happening.accepts_head


def _follow_crossing(run: Callable[..., sqlite3.Cursor], happening: Happening, index: int) -> bool:
    """Update the lists of open crossings and of those that wait for an officer. False if nothing changed.

    A crossing that an officer admits stays in the list until it is settled: it already has the machine's verdict.
    """
    crossing, changed = happening.crossing, 0
    if crossing is None:
        return False
    if happening.ends_crossing:
        changed += run("DELETE FROM open_crossings WHERE crossing = ?", (crossing,)).rowcount
        changed += run("DELETE FROM referred WHERE crossing = ?", (crossing,)).rowcount
    elif happening.leads_to_admission:
        changed += run(_OPENS, (crossing, index, crossing)).rowcount
    if happening.awaits_officer:
        changed += run("INSERT OR REPLACE INTO referred VALUES (?, ?)", (crossing, index)).rowcount
    return changed > 0


def _marks(values: Sequence[object]) -> str:
    """Return a statement's placeholders."""
    return ",".join("?" * len(values))


def _complete(rows: list[bytes], count: int) -> list[bytes]:
    if len(rows) != count:
        raise StoreError(f"the database has {len(rows)} of {count} rows")
    return rows


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Translate SQLite's and the system's errors into ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _ours(what, error) from error


def _ours(what: str, error: sqlite3.Error | OSError) -> StoreError:
    if isinstance(error, OSError):
        return StoreError(f"cannot {what} the audit database: {error.strerror}")
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return StoreFullError("no space is left for the audit log")
    return StoreError(f"cannot {what} the audit database: {error}")


def _create_schema(connection: sqlite3.Connection) -> None:
    # Only a new database needs it, and it loads numpy: too slow and too much for every start of the log program.
    from sqlite_utils import Database  # noqa: PLC0415

    database = Database(connection, execute_plugins=False, recursive_triggers=False)
    with database.atomic():
        for name, (key, columns) in _TABLES.items():
            database.table(name).create(columns, pk=key, not_null=set(columns), strict=True)
        database.table("keys").create_index(["first"])
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


_OPENS = """
INSERT OR IGNORE INTO open_crossings SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM referred WHERE crossing = ?)
"""
_WAITING = """
SELECT k.id, k.wrapped, e.leaf, d.name, u.id IS NULL FROM keys k JOIN entries e ON e.i = k.first
LEFT JOIN key_days d ON d.id = k.id LEFT JOIN undated u ON u.id = k.id
"""
# In a log of before times were kept, those of its last record.
_TIMES_OF_AN_OLDER_LOG = """
INSERT INTO times SELECT 1, coalesce((
    SELECT CASE WHEN json_valid(CAST(leaf AS TEXT)) THEN CAST(leaf AS TEXT) ->> '$.hour' END FROM entries ORDER BY i DESC LIMIT 1
), ''), NULL WHERE NOT EXISTS (SELECT 1 FROM times)
"""
# Of keys that were in use before keys had days: which file is theirs. One such key may seal records of several days and classes; it is kept
# with the last of them.
_DAYS_OF_OLD_KEYS = """
INSERT INTO key_days
SELECT key, class || '-' || substr(max(hour), 1, 10) FROM (
    SELECT leaf ->> '$.key' AS key, leaf ->> '$.class' AS class, leaf ->> '$.hour' AS hour
    FROM (SELECT CASE WHEN json_valid(CAST(leaf AS TEXT)) THEN CAST(leaf AS TEXT) END AS leaf
          FROM entries WHERE i >= (SELECT min(first) FROM keys))
) GROUP BY key HAVING key IN (SELECT id FROM keys)
"""
_LATER_TABLES: dict[str, str] = {
    "probe": "one INTEGER PRIMARY KEY, value BLOB",
    "remembered": "one INTEGER PRIMARY KEY, value BLOB",
    "approved": "one INTEGER PRIMARY KEY, serial INTEGER NOT NULL, sha256 TEXT NOT NULL, approvers BLOB NOT NULL",
    "handovers": "since INTEGER PRIMARY KEY, note BLOB NOT NULL",
    "referred": "crossing TEXT PRIMARY KEY, first INTEGER NOT NULL",
    "boot": "one INTEGER PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, accepted INTEGER NOT NULL, heard_ms INTEGER NOT NULL",
    "times": "one INTEGER PRIMARY KEY, written TEXT NOT NULL, cosigned_s INTEGER",
    "undated": "id TEXT PRIMARY KEY",
    "held": "day TEXT PRIMARY KEY, n INTEGER NOT NULL",
    "pruned": "n INTEGER PRIMARY KEY, hashes BLOB NOT NULL",
}
# Each with its primary key.
_TABLES: dict[str, tuple[str | tuple[str, str], dict[str, type]]] = {
    "entries": ("i", {"i": int, "append_id": bytes, "leaf": bytes, "sealed": bytes}),
    # Not moved to their days' files yet; first: the first record sealed with it.
    "keys": ("id", {"id": str, "wrapped": bytes, "first": int}),
    "nodes": (("level", "n"), {"level": int, "n": int, "hash": bytes}),  # tile levels from 1 on
    "head": ("one", {"one": int, "size": int, "frontier": bytes, "checkpoint": bytes}),
    "receipt": ("one", {"one": int, "size": int, "note": bytes}),
    "open_crossings": ("crossing", {"crossing": str, "first": int}),
}
