"""Opens a trust store as what it is: a file of a neighbour that faces the network.

Promise: whatever the file holds, opening and asking end soon, in bounded memory, with rows or with StoreError in one line. The
bytes are read once, from an ordinary file, and SQLite sees nothing else: no journal beside them, no later change, no other file.
Its schema must be letter for letter the one that an import writes, so there is no view, trigger, virtual table or generated
column to run. What a column holds and whether it is true is asked by `store`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from gate.trust.errors import StoreError
from gate.trust.schema import READABLE, VERSION, schema_of
from gate_core.ordinary import read_ordinary
from gate_documents.pki.signed import SIGNED_BYTES_MAX

STORE_BYTES_MAX: Final = 256 << 20
VALUE_BYTES_MAX: Final = SIGNED_BYTES_MAX + (64 << 10)  # a signed list, and the other columns of its row
ROWS_MAX: Final = 200_000  # of one answer; an import takes 100,000 document signers
OPERATIONS_MAX: Final = (
    100_000_000  # of SQLite's machine for one question, some seconds; a large directory takes a million
)
_OPERATIONS_A_LOOK: Final = 10_000
_SCHEMA_ROWS_MAX: Final = 64
_LIMITS: Final = (
    (sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX),
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 16 << 10),
    (sqlite3.SQLITE_LIMIT_COLUMN, 32),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 32),
    (sqlite3.SQLITE_LIMIT_COMPOUND_SELECT, 8),
    (sqlite3.SQLITE_LIMIT_VDBE_OP, 10_000),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
    (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
)
_CAUTION: Final = (
    "trusted_schema=OFF",
    "cell_size_check=ON",
    "query_only=ON",
    "temp_store=MEMORY",
    "automatic_index=OFF",
)
_SCHEMA: Final = "SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT ?"
_AGAIN: Final = "make it anew with `gate trust import`"


class Snapshot(sqlite3.Connection):
    """What a store's file held when it was opened. May be handed to another thread, if only one at a time uses it."""

    def __init__(self) -> None:
        """Empty; `fill` follows."""
        super().__init__(":memory:", check_same_thread=False)
        self._looks_left = 0
        self._bytes_max = 0
        self.row_factory = sqlite3.Row
        for kind, limit in _LIMITS:
            self.setlimit(kind, limit)
        self.set_progress_handler(self._is_enough, _OPERATIONS_A_LOOK)

    def fill(self, content: bytes) -> None:
        """Take these bytes for the database. Raises sqlite3.Error."""
        self._bytes_max = len(content)
        self._looks_left = OPERATIONS_MAX // _OPERATIONS_A_LOOK
        if content:
            self.deserialize(content)
        for setting in _CAUTION:
            self.execute(f"PRAGMA {setting}")

    def rows(self, question: str, *values: object) -> list[sqlite3.Row]:
        """Every row of an answer. Raises sqlite3.Error, also for an answer that no honest file holds."""
        self._looks_left = OPERATIONS_MAX // _OPERATIONS_A_LOOK
        found: list[sqlite3.Row] = []
        held = 0
        for row in self.execute(question, values):
            held += sum(len(value) for value in row if isinstance(value, (bytes, str)))
            if held > self._bytes_max or len(found) == ROWS_MAX:  # rows that share pages: damage, or an attack
                raise sqlite3.DatabaseError("it holds more than its file can")
            found.append(row)
        return found

    def _is_enough(self) -> bool:
        self._looks_left -= 1
        return self._looks_left < 0


def open_snapshot(path: Path) -> Snapshot:
    """Read the file and see that it is a trust store. Raises StoreError; also when it does not exist."""
    try:
        content = read_ordinary(path, STORE_BYTES_MAX)
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened as a trust store ({error.strerror})") from error
    snapshot = Snapshot()
    try:
        snapshot.fill(content)
        _check(snapshot, path)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite quotes what it cannot read, whatever its bytes are
        snapshot.close()
        raise StoreError(f"{path}: cannot be opened as a trust store ({shown(error)})") from error
    except StoreError:
        snapshot.close()
        raise
    return snapshot


def _check(snapshot: Snapshot, path: Path) -> None:
    version = snapshot.rows("PRAGMA user_version")[0][0]
    if version == 1:
        raise StoreError(f"{path}: is a trust store of version 1; {_AGAIN}")
    if version not in READABLE:
        raise StoreError(f"{path}: is no trust store of version {VERSION}")
    if {tuple(row) for row in snapshot.rows(_SCHEMA, _SCHEMA_ROWS_MAX)} != schema_of(version):
        raise StoreError(f"{path}: its tables are not those of a trust store; {_AGAIN}")


def shown(error: Exception) -> str:
    """What SQLite says, in one line: it quotes the file."""
    return " ".join(str(error).split())[:200]
