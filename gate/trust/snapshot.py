"""Opens a trust store as untrusted input: a file of a neighbouring program that faces the network.

Whatever the file contains, opening and queries end soon, with bounded memory, with rows or with StoreError in one line. The bytes are read
once, from an ordinary file, and SQLite sees nothing else. The schema must equal the importer's in every letter: no view, trigger, virtual table
or generated column can run. `is_whole` and `is_sound` check every column in advance, so that no damage appears during a crossing.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import Final

from gate.trust.errors import StoreError
from gate.trust.schema import READABLE, VERSION, schema_of
from gate_core.ordinary import read_ordinary
from gate_documents.pki.signed_data import SIGNED_BYTES_MAX

STORE_BYTES_MAX: Final = 256 << 20
VALUE_BYTES_MAX: Final = SIGNED_BYTES_MAX + (64 << 10)  # a signed list, and the other columns of its row
ROWS_MAX: Final = 200_000  # of one answer; an import takes 100,000 document signers
# Of SQLite's machine for one question, some seconds; a large directory takes a million.
OPERATIONS_MAX: Final = 100_000_000
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
    """A store's content when it was opened. May be passed to another thread, if only one uses it at a time."""

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
        """Use these bytes as the database. Raises sqlite3.Error."""
        self._bytes_max = len(content)
        self._looks_left = OPERATIONS_MAX // _OPERATIONS_A_LOOK
        if content:
            self.deserialize(content)
        for setting in _CAUTION:
            self.execute(f"PRAGMA {setting}")

    def rows(self, question: str, *values: object) -> list[sqlite3.Row]:
        """Return every row of a query. Raises sqlite3.Error, also for a result that no valid file has."""
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
    """Read the file and check that it is a trust store. Raises StoreError; also if it does not exist."""
    try:
        content = read_ordinary(path, STORE_BYTES_MAX)
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened as a trust store ({error.strerror})") from error
    snapshot = Snapshot()
    try:
        snapshot.fill(content)
        _check(snapshot, path)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite quotes unreadable bytes in its message
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
    """Return SQLite's message in one line: it may quote the file."""
    return " ".join(str(error).split())[:200]


# What a column holds; SQLite itself holds it to nothing. Those of which nothing but a date or number is made are checked as such.
_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "fingerprint": bytes,
    "der": bytes,
    "sha256": bytes,
    "subject": str,
    "subject_id": bytes,
    "issuer_id": bytes,
    "key_id": (bytes, NoneType),
    "country": str,
    "standing": str,
    "kind": str,
    "test": int,
}


def is_whole(rows: Iterable[sqlite3.Row]) -> bool:
    """True if every column has a value of its type, so that later readers find it valid."""
    return all(isinstance(row[name], _KINDS[name]) for row in rows for name in row.keys() if name in _KINDS)  # noqa: SIM118


def is_sound(
    certificates: Sequence[sqlite3.Row], revocation_lists: Sequence[sqlite3.Row], others: Sequence[str | None]
) -> bool:
    """True if every date and number is valid. `others`: further dates, None without one."""
    moments = [row[name] for row in certificates for name in ("not_before", "not_after")]
    moments += [row["this_update"] for row in revocation_lists]
    optional = [*(row["next_update"] for row in revocation_lists), *others]
    numbers = [row["number"] for row in revocation_lists if row["number"] is not None]
    return all(map(_is_moment, moments + [one for one in optional if one is not None])) and all(
        isinstance(number, str) and number.removeprefix("-").isdecimal() for number in numbers
    )


def _is_moment(value: object) -> bool:
    """True for a date with a time zone: without one it cannot be compared."""
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False
