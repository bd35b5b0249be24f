"""Stores the mirrored logs: heads, checkpoints, entries, sealed bodies and age files.

Data is durable when a method returns. A log grows only by `swap`, which adds rows and moves the head in one
transaction, if the head is still the one that the caller read. Stored entries are never replaced. Left to
`gate_central.mirror`: what may be stored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import Executable

from gate_central.database import Dialect, dialect_of, insert, reading
from gate_central.errors import DamagedError, UnknownError
from gate_central.key_index import Wanted
from gate_central.schema import age_keys, awaited, checkpoints, erased, heads, packages, piece_hashes, sealed
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import Frontier
from gate_core.audit_format.tiles import TILE_WIDTH, decode_entries, encode_entries

CHECKPOINTS_KEPT = 64  # pending ones, for uploads in progress; the oldest are deleted first
LACKING_MAX = 64  # age files named in one answer
ABSENT_S = 24 * 3600  # an age file that the gate lacks is requested again after this
BEGINNING_BYTES = 96
ROWS_AT_ONCE = 10_000
MISSING_MAX = 10_000  # limit of the count of missing age files; a hostile gate may name millions


@dataclass(frozen=True, slots=True)
class Head:
    """The mirror's state of one log: `size`, `root` and `note` signed last, the newest accepted checkpoint's size
    (`pending`), the frontier of all stored entries, and the first missing body. `lacks_keys`: age files are missing.
    """

    size: int
    root: bytes
    note: bytes | None
    pending: int
    frontier: Frontier
    bodies: int
    lacks_keys: bool
    day: str = ""  # the newest day in an entry, at most its day of arrival
    came_on: str = ""  # the day of the last upload
    came_bytes: int = 0  # entries, bodies and age files uploaded on that day

    @property
    def next_entry(self) -> int:
        """Index of the first missing entry."""
        return self.frontier.size


@dataclass(frozen=True, slots=True)
class Growth:
    """Data added to a log at once: one piece's entries from `next_entry` on, one piece's sealed lines from `bodies` on.

    `keys`: age files that the entries name. `files`: age files to store. `absent`: those that the gate reported, at
    `absent_s`, not to have. `checkpoint`: the gate's note for `pending`. `piece_hash`: hash of the piece, if now full.
    """

    checkpoint: bytes | None = None
    entries: Sequence[bytes] = ()
    piece_hash: bytes | None = None
    sealed: Sequence[bytes] = ()
    keys: Mapping[str, Wanted] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    absent: Sequence[str] = ()
    absent_s: int = 0

    @property
    def bytes(self) -> int:
        """Number of bytes to store."""
        return sum(map(len, (*self.entries, *self.sealed, *self.files.values())))


@dataclass(frozen=True, slots=True)
class Bundle:
    """The entries of one piece, and its sealed bodies as JSON lines."""

    entries: tuple[bytes, ...]
    sealed: tuple[bytes, ...]


class Ledger:
    """Reads and writes the tables of the logs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    # ── heads and checkpoints ────────────────────────────────────────────────────────────────────────────────────────

    def head(self, device: str) -> Head:
        """Return a log's head. Raises UnknownError and DamagedError."""
        with self._reading.connect() as connection:
            return read_head(connection, device)

    def checkpoint(self, device: str, size: int) -> bytes | None:
        """Return the gate's note of a pending checkpoint, None if not stored."""
        mine = (checkpoints.c.device == device) & (checkpoints.c.size == size)
        with self._reading.connect() as connection:
            found: bytes | None = connection.execute(sa.select(checkpoints.c.note).where(mine)).scalar_one_or_none()
        return found

    def swap(self, device: str, head: Head, grown: Head, growth: Growth) -> bool:
        """Add the data and replace `head` by `grown`, in one transaction; False without change if the head has moved.

        Raises DamagedError.
        """
        try:
            with self._engine.begin() as connection:
                if not grow(connection, device, head, grown, growth):
                    return False
                if growth.checkpoint is not None:
                    connection.execute(
                        checkpoints.insert().values(device=device, size=grown.pending, note=growth.checkpoint)
                    )
                    _forget_checkpoints(connection, device, _oldest_but(connection, device, CHECKPOINTS_KEPT))
                if grown.size > head.size and head.pending > head.size:
                    _forget_checkpoints(connection, device, grown.size)
        except sa.exc.IntegrityError as error:
            raise DamagedError(f"the log of {device} has rows beyond its head") from error
        return True

    # ── entries and sealed bodies ────────────────────────────────────────────────────────────────────────────────────

    def entries(self, device: str, start: int, end: int) -> tuple[bytes, ...]:
        """Return the entries `[start, end)` of one piece, fewer if not all are stored. Raises DamagedError."""
        aligned = start - start % TILE_WIDTH
        query = sa.select(packages.c.start, packages.c.width, packages.c.entries).where(
            packages.c.device == device, packages.c.start >= aligned, packages.c.start < end
        )
        with self._reading.connect() as connection:
            rows = connection.execute(query.order_by(packages.c.start)).all()
        found: list[bytes] = []
        try:
            for row in rows:
                if row.start == aligned + len(found):
                    found += decode_entries(row.entries, row.width)
        except BadFormatError as error:
            raise DamagedError(f"entries of {device} cannot be read: {error}") from error
        return tuple(found[start - aligned : end - aligned])

    def beginnings(self, device: str) -> Iterator[tuple[int, bytes]]:
        """Yield for each upload its first index, and the start of its first entry, which has class and hour."""
        columns = (packages.c.start, sa.func.substr(packages.c.entries, 3, BEGINNING_BYTES))  # skips the length
        query = sa.select(*columns).where(packages.c.device == device).order_by(packages.c.start).limit(ROWS_AT_ONCE)
        after = -1
        while True:
            with self._reading.connect() as connection:
                rows = connection.execute(query.where(packages.c.start > after)).all()
            for after, raw in rows:
                yield after, bytes(raw)
            if len(rows) < ROWS_AT_ONCE:
                return

    def bundle(self, device: str, n: int) -> Bundle:
        """Return a piece, empty if none is stored. Raises DamagedError."""
        start, end = n * TILE_WIDTH, (n + 1) * TILE_WIDTH
        query = sa.select(sealed.c.lines).where(
            sealed.c.device == device, sealed.c.start >= start, sealed.c.start < end
        )
        with self._reading.connect() as connection:
            lines = b"".join(connection.execute(query.order_by(sealed.c.start)).scalars())
        return Bundle(self.entries(device, start, end), tuple(lines.splitlines(keepends=True)))

    def bundles(self, device: str, size: int) -> Iterator[Bundle]:
        """Yield the pieces of the first `size` entries, one at a time."""
        for n in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
            yield self.bundle(device, n)

    def piece_hashes(self, device: str, count: int) -> dict[int, bytes]:
        """Return the stored hashes of the first `count` full pieces, by number."""
        query = sa.select(piece_hashes.c.n, piece_hashes.c.hash).where(
            piece_hashes.c.device == device, piece_hashes.c.n < count
        )
        with self._reading.connect() as connection:
            return {n: bytes(one) for n, one in connection.execute(query)}

    def keep_piece_hash(self, device: str, n: int, found: bytes) -> None:
        """Store the hash of a full piece, unless it is already stored."""
        with contextlib.suppress(sa.exc.IntegrityError), self._engine.begin() as connection:
            connection.execute(piece_hashes.insert().values(device=device, n=n, hash=found))

    # ── age files ────────────────────────────────────────────────────────────────────────────────────────────────────

    def expect_named(self, device: str, key_id: str) -> None:
        """Raise UnknownError if no entry names this age file."""
        with self._reading.connect() as connection:
            _expect_named(connection, device, key_id)

    def key_is_absent(self, device: str, key_id: str, now_s: int) -> None:
        """Note that the gate lacks an age file; it is requested again after ABSENT_S. Raises UnknownError."""
        with self._engine.begin() as connection:
            _expect_named(connection, device, key_id)
            _note_absent(connection, device, [key_id], now_s)

    def key(self, device: str, key_id: str) -> bytes | None:
        """Return an age file, None if it is not stored."""
        mine = (age_keys.c.device == device) & (age_keys.c.id == key_id)
        with self._reading.connect() as connection:
            found: bytes | None = connection.execute(sa.select(age_keys.c.wrapped).where(mine)).scalar_one_or_none()
        return found

    def awaited(self, device: str, key_ids: Collection[str]) -> set[str]:
        """Return which of these age files are named by entries and missing."""
        mine = (awaited.c.device == device) & awaited.c.id.in_(key_ids)
        with self._reading.connect() as connection:
            return set(connection.execute(sa.select(awaited.c.id).where(mine)).scalars())

    def lacking_keys(self, device: str, now_s: int) -> list[str]:
        """Return the first LACKING_MAX missing age files, without those reported absent in the last ABSENT_S."""
        with self._reading.connect() as connection:
            return list(connection.execute(LACKING, {"of": device, "now_s": now_s}).scalars())

    def missing_keys(self, device: str) -> int:
        """Return the number of missing age files, at most MISSING_MAX."""
        some = sa.select(awaited.c.id).where(awaited.c.device == device).limit(MISSING_MAX)
        with self._reading.connect() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one()


# The statements of each round, built once: building one takes longer than running it.
_OF: sa.BindParameter[str] = sa.bindparam("of")
_MISSING = sa.exists().where(awaited.c.device == heads.c.device)
_HEAD = sa.select(heads, _MISSING.label("missing")).where(heads.c.device == _OF)
_MOVE = heads.update().where(
    heads.c.device == _OF,
    heads.c.size == sa.bindparam("was_size"),
    heads.c.pending == sa.bindparam("was_pending"),
    heads.c.next_entry == sa.bindparam("was_next"),
    heads.c.bodies == sa.bindparam("was_bodies"),
    heads.c.came_bytes == sa.bindparam("was_came"),
)
_ADD_ENTRIES, _ADD_SEALED, _ADD_PIECE_HASH = packages.insert(), sealed.insert(), piece_hashes.insert()
# Uses only the index, so its cost does not grow with the number of missing files.
LACKING = (
    sa.select(awaited.c.id)
    .where(awaited.c.device == _OF, awaited.c.due_s <= sa.bindparam("now_s"))
    .order_by(awaited.c.due_s, awaited.c.first_index)
    .limit(LACKING_MAX)
)


def _told(table: sa.Table, *names: str) -> sa.Select[tuple[object, ...]]:
    """Return a select of the bound parameters as one row; no row if the age file was erased."""
    columns = [sa.bindparam(one, type_=table.c[one].type).label(one) for one in names]
    gone = sa.exists().where(erased.c.device == sa.bindparam("device"), erased.c.id == sa.bindparam("id"))
    return sa.select(*columns).where(~gone)


def _with_later_day(new: postgresql.Insert | sqlite.Insert, table: sa.Table) -> Executable:
    """On conflict, set the day to the newer of both."""
    return new.on_conflict_do_update(
        index_elements=[table.c.device, table.c.id],
        set_={"day": new.excluded.day},
        where=new.excluded.day > table.c.day,
    )


_FIELDS = ("device", "id", "about", "day", "first_index")


def _keeping(dialect: Dialect) -> Executable:
    """Return the statement that stores an age file named by an entry."""
    names = (*_FIELDS, "wrapped")
    return _with_later_day(insert(dialect, age_keys).from_select(names, _told(age_keys, *names)), age_keys)


def _awaiting(dialect: Dialect) -> Executable:
    """Return the statement that marks an age file named by an entry as missing, unless it is stored."""
    names = (*_FIELDS, "due_s")
    here = sa.exists().where(age_keys.c.device == sa.bindparam("device"), age_keys.c.id == sa.bindparam("id"))
    return _with_later_day(insert(dialect, awaited).from_select(names, _told(awaited, *names).where(~here)), awaited)


_KEEPING = {dialect: _keeping(dialect) for dialect in Dialect}
_AWAITING = {dialect: _awaiting(dialect) for dialect in Dialect}
_IS_LATER = age_keys.update().where(
    age_keys.c.device == _OF, age_keys.c.id == sa.bindparam("key_id"), age_keys.c.day < sa.bindparam("newer")
)
_LATER = _IS_LATER.values(day=sa.bindparam("newer"))


def read_head(connection: sa.Connection, device: str) -> Head:
    """Return a log's head. Raises UnknownError and DamagedError."""
    row = connection.execute(_HEAD, {"of": device}).one_or_none()
    if row is None:
        raise UnknownError(f"no log of {device}")
    try:
        frontier = Frontier.from_bytes(row.next_entry, row.frontier)
    except (BadFormatError, TypeError) as error:
        raise DamagedError(f"the head of {device} is damaged: {error}") from error
    came = row.came_on, row.came_bytes
    return Head(row.size, bytes(row.root), row.note, row.pending, frontier, row.bodies, row.missing, row.day, *came)


def grow(connection: sa.Connection, device: str, head: Head, grown: Head, growth: Growth) -> bool:
    """Add the data, except the checkpoint, and replace `head` by `grown`; False without change if the head moved."""
    if not _move(connection, device, head, grown):
        return False
    _add(connection, device, head, growth)
    return True


def _move(connection: sa.Connection, device: str, head: Head, grown: Head) -> bool:
    """Replace the head, which also locks the log until the transaction ends; False if the head has moved."""
    was = {"of": device, "was_size": head.size, "was_pending": head.pending}
    now = {"size": grown.size, "root": grown.root, "note": grown.note, "pending": grown.pending}
    entries = {"was_next": head.next_entry, "next_entry": grown.next_entry, "frontier": grown.frontier.to_bytes()}
    bodies = {"was_bodies": head.bodies, "bodies": grown.bodies, "day": grown.day}
    came = {"was_came": head.came_bytes, "came_on": grown.came_on, "came_bytes": grown.came_bytes}
    return connection.execute(_MOVE, {**was, **now, **entries, **bodies, **came}).rowcount == 1


def _add(connection: sa.Connection, device: str, head: Head, growth: Growth) -> None:
    """Add the rows of entries, sealed bodies and age files."""
    if growth.entries:
        row = {"device": device, "start": head.next_entry, "width": len(growth.entries)}
        connection.execute(_ADD_ENTRIES, {**row, "entries": encode_entries(growth.entries)})
    if growth.piece_hash is not None:
        n = head.next_entry // TILE_WIDTH
        connection.execute(_ADD_PIECE_HASH, {"device": device, "n": n, "hash": growth.piece_hash})
    if growth.sealed:
        row = {"device": device, "start": head.bodies, "width": len(growth.sealed)}
        connection.execute(_ADD_SEALED, {**row, "lines": b"".join(growth.sealed)})
    if growth.keys:
        _name(connection, device, growth, is_lacking=head.lacks_keys)
    others = {one: wrapped for one, wrapped in growth.files.items() if one not in growth.keys}
    if others:
        _bring(connection, device, others)
    if growth.absent:
        _note_absent(connection, device, growth.absent, growth.absent_s)


def _name(connection: sa.Connection, device: str, growth: Growth, *, is_lacking: bool) -> None:
    """Store the age files that entries name and that were uploaded, and mark the others as missing."""
    kept, others = list[dict[str, object]](), list[dict[str, object]]()
    for key_id, one in sorted(growth.keys.items()):
        row = {"device": device, "id": key_id, "about": one.about, "day": one.day, "first_index": one.first_index}
        if key_id in growth.files:
            kept.append({**row, "wrapped": growth.files[key_id]})
        else:
            others.append({**row, "due_s": 0})
    dialect = dialect_of(connection)
    if kept:
        connection.execute(_KEEPING[dialect], kept if len(kept) > 1 else kept[0])
        if is_lacking:
            connection.execute(_NO_MORE, [{"of": device, "key_id": one["id"]} for one in kept])
    if others:
        connection.execute(_AWAITING[dialect], others if len(others) > 1 else others[0])
        connection.execute(_LATER, [{"of": device, "key_id": one["id"], "newer": one["day"]} for one in others])


_NO_MORE = awaited.delete().where(awaited.c.device == _OF, awaited.c.id == sa.bindparam("key_id"))


def _bring(connection: sa.Connection, device: str, files: Mapping[str, bytes]) -> None:
    """Store age files that are marked as missing; ignore others."""
    query = sa.select(awaited).where(awaited.c.device == device, awaited.c.id.in_(sorted(files)))
    found = connection.execute(query.order_by(awaited.c.id)).mappings().all()
    if not found:
        return
    rows = [{**{name: one[name] for name in _FIELDS}, "wrapped": files[one["id"]]} for one in found]
    connection.execute(_KEEPING[dialect_of(connection)], rows)
    connection.execute(_NO_MORE, [{"of": device, "key_id": one["id"]} for one in found])


def _note_absent(connection: sa.Connection, device: str, keys: Sequence[str], now_s: int) -> None:
    mine = (awaited.c.device == _OF) & (awaited.c.id == sa.bindparam("key_id"))
    due = awaited.update().where(mine).values(due_s=sa.bindparam("due"))
    connection.execute(due, [{"of": device, "key_id": one, "due": now_s + ABSENT_S} for one in sorted(keys)])


def _expect_named(connection: sa.Connection, device: str, key_id: str) -> None:
    for table in (awaited, age_keys, erased):
        mine = (table.c.device == device) & (table.c.id == key_id)
        if connection.execute(sa.select(table.c.id).where(mine)).one_or_none() is not None:
            return
    raise UnknownError("no entry names this age file")


def lock(connection: sa.Connection, device: str) -> None:
    """Lock a log against other writers until the transaction ends."""
    connection.execute(sa.select(heads.c.device).where(heads.c.device == device).with_for_update())


def _oldest_but(connection: sa.Connection, device: str, kept: int) -> int:
    """Return the size of the newest pending checkpoint after the `kept` newest; -1 if there is none."""
    sizes = sa.select(checkpoints.c.size).where(checkpoints.c.device == device).order_by(checkpoints.c.size.desc())
    found = connection.execute(sizes.offset(kept).limit(1)).scalar_one_or_none()
    return -1 if found is None else found


def _forget_checkpoints(connection: sa.Connection, device: str, up_to: int) -> None:
    connection.execute(checkpoints.delete().where(checkpoints.c.device == device, checkpoints.c.size <= up_to))
