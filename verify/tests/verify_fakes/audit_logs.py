"""Small audit logs for the verifier's tests: sealed, signed and laid out as the format says, by nothing of the gate.

They have a database, which the verifier reads, too. tests/unit/audit/test_audit_small_logs.py holds rows and files against the gate's own
writer, byte for byte.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core_fakes.sealed_log import GateLog, PlainRecord, Unsealed, plain_record

from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.merkle import Frontier, leaf_hash, root_of
from gate_core.audit_format.note import Note, Signer
from gate_core.audit_format.record import Happening
from gate_core.audit_format.sealer import KeyRing, SealedRecord, Sealer, plaintext, seal
from gate_core.audit_format.spool import Spool, files_above, files_of_piece, handover_path
from gate_core.audit_format.statements import hand_over
from gate_core.audit_format.tiles import TILE_WIDTH, pieces_between

# The kinds of records that the log program writes of its own; tests/unit/audit/test_audit_words_of_the_verifier.py holds them against it.
OWN_KINDS = (
    "clock_stepped",
    "entries_dropped",
    "keys_erased",
    "keys_erased_at_mirror",
    "keys_expired",
    "log_key_changed",
)

# The tables that a verifier reads of a database, and of those beside them the two that tests write into.
_TABLES = """
CREATE TABLE entries (i INTEGER PRIMARY KEY NOT NULL, append_id BLOB NOT NULL, leaf BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;
CREATE TABLE keys (id TEXT PRIMARY KEY NOT NULL, wrapped BLOB NOT NULL, first INTEGER NOT NULL) STRICT;
CREATE TABLE nodes (level INTEGER NOT NULL, n INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, n)) STRICT;
CREATE TABLE head (one INTEGER PRIMARY KEY NOT NULL, size INTEGER NOT NULL, frontier BLOB NOT NULL, checkpoint BLOB NOT NULL) STRICT;
CREATE TABLE receipt (one INTEGER PRIMARY KEY NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL) STRICT;
CREATE TABLE open_crossings (crossing TEXT PRIMARY KEY NOT NULL, first INTEGER NOT NULL) STRICT;
CREATE TABLE referred (crossing TEXT PRIMARY KEY, first INTEGER NOT NULL) STRICT;
CREATE TABLE handovers (since INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;
"""


class Wanted(PlainRecord):
    @classmethod
    def of(cls, happening: Happening, body: bytes) -> Wanted:
        return cls(happening, plaintext(happening, body))


class Rows:
    """What lies in the database, as the spool's files are made of it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._all = connection.execute

    @property
    def size(self) -> int:
        (count,) = self._all("SELECT count(*) FROM entries").fetchone()
        return int(count)

    def frontier(self) -> Frontier:
        return Frontier().extend(self.hashes(0, 0, self.size))

    def leaves(self, start: int, end: int) -> list[bytes]:
        return [
            leaf for (leaf,) in self._all("SELECT leaf FROM entries WHERE i >= ? AND i < ? ORDER BY i", (start, end))
        ]

    def sealed(self, start: int, end: int) -> list[bytes]:
        return [
            one for (one,) in self._all("SELECT sealed FROM entries WHERE i >= ? AND i < ? ORDER BY i", (start, end))
        ]

    def keys_first_used(self, start: int, end: int) -> dict[str, bytes]:
        return dict(self._all("SELECT id, wrapped FROM keys WHERE first >= ? AND first < ?", (start, end)))

    def hashes(self, level: int, start: int, end: int) -> list[bytes]:
        if level == 0:
            return [leaf_hash(leaf) for leaf in self.leaves(start, end)]
        nodes = "SELECT hash FROM nodes WHERE level = ? AND n >= ? AND n < ? ORDER BY n"
        return [one for (one,) in self._all(nodes, (level, start, end))]


@dataclass
class StoredLog(GateLog):
    """A log with its database. Whoever opens the same folder goes on with it."""

    sealing: Callable[[list[str]], Sealer] = Sealer

    @property
    def database(self) -> Path:
        return self.folder / "log.sqlite"

    def write(self, *batches: Iterable[Unsealed], publish: bool = True) -> None:
        """Append batches, publishing after each."""
        ring = KeyRing(self.sealing([str(one.to_public()) for one in self.auditors]))
        with self._opened() as connection:
            for batch in batches:
                rows, keys = Rows(connection), dict[str, bytes]()
                records = []
                for index, one in enumerate(batch, rows.size):
                    key = ring.key_for(one.happening, 0)
                    keys[key.id] = key.wrapped
                    records.append(
                        seal(one.happening, one.plain, origin=self.signer.verifier.name, index=index, key=key)
                    )
                self._append(connection, records, keys)
                if publish:
                    self._publish(connection)

    def take(self, records: Iterable[SealedRecord], keys: dict[str, bytes]) -> None:
        """Append records that are sealed already, and publish."""
        with self._opened() as connection:
            self._append(connection, records, keys)
            self._publish(connection)

    def hand_over(self) -> Signer:
        new = Signer.generate(self.signer.verifier.name)
        self.write([plain_record("log_key_changed")], publish=False)
        with self._opened() as connection:
            size = Rows(connection).size
            connection.execute("INSERT INTO handovers VALUES (?, ?)", (size, hand_over(self.signer, new, since=size)))
            self._publish(connection)
        self.signer = new
        return new

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        is_new = not self.database.exists()
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            if is_new:
                connection.executescript(_TABLES)
            yield connection

    def _append(self, connection: sqlite3.Connection, records: Iterable[SealedRecord], keys: dict[str, bytes]) -> None:
        rows = Rows(connection)
        for record in records:
            header = record.header
            entry = (header.index, record.happening.id, header.leaf(), record.sealed)
            connection.execute("INSERT INTO entries VALUES (?, ?, ?, ?)", entry)
            connection.execute(
                "INSERT OR IGNORE INTO keys VALUES (?, ?, ?)", (header.key, keys[header.key], header.index)
            )
            level, width = 1, header.index + 1
            while width % TILE_WIDTH == 0:
                width //= TILE_WIDTH
                tile = rows.hashes(level - 1, (width - 1) * TILE_WIDTH, width * TILE_WIDTH)
                connection.execute("INSERT INTO nodes VALUES (?, ?, ?)", (level, width - 1, root_of(tile)))
                level += 1
        frontier = rows.frontier()
        note = Checkpoint(self.signer.verifier.name, frontier.size, frontier.root()).sign(self.signer).to_bytes()
        head = (frontier.size, frontier.to_bytes(), note)
        connection.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)", head)

    def _publish(self, connection: sqlite3.Connection) -> None:
        rows, spool = Rows(connection), Spool(self.spool)
        (size, note) = connection.execute("SELECT size, checkpoint FROM head").fetchone()
        before = spool.checkpoint()
        published = 0 if before is None else Checkpoint.parse(Note.parse(before).text).size
        for piece in pieces_between(published, size):
            spool.write(files_of_piece(rows, piece, published))
        spool.write(files_above(rows, published, size))
        words = connection.execute("SELECT note FROM handovers ORDER BY since")
        spool.write({handover_path(number): word for number, (word,) in enumerate(words)})
        spool.release(note)
