"""What is stored of the logs: heads, checkpoints, entries, sealed bodies and age files.

Promises: what a method stored is durable when it returns; a log grows by `swap` alone, which adds rows and moves the head, both or neither, and
only from the head that the caller has seen; an entry that was stored is never replaced. Whether content may be stored is decided by
`gate.central.mirror`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.sql.base import Executable

from gate.audit.errors import BadFormatError
from gate.audit.merkle import Frontier
from gate.audit.tiles import TILE_WIDTH, decode_entries, encode_entries
from gate.central.database import Dialect, dialect_of, insert, reading
from gate.central.errors import DamagedError, UnknownError
from gate.central.schema import absent_keys, age_files, checkpoints, heads, packages, piece_hashes, sealed

CHECKPOINTS_KEPT = 64  # pending ones, for uploads under way; the oldest go first
LACKING_MAX = 64  # age files named in one answer
ABSENT_S = 24 * 3600  # how long an age file that the gate does not have is not asked for again


@dataclass(frozen=True, slots=True)
class Head:
    """Where the mirror stands with one log: what it signed last, the newest checkpoint it is locked onto, the tree of all entries that are here, and
    the first sealed body that is not. `lacks_keys` says that age files are missing.
    """

    size: int
    root: bytes
    note: bytes | None
    pending: int
    frontier: Frontier
    bodies: int
    lacks_keys: bool

    @property
    def next_entry(self) -> int:
        """The first entry that is not here."""
        return self.frontier.size


@dataclass(frozen=True, slots=True)
class Growth:
    """What is added to a log at once: entries of one piece from `next_entry` on, sealed lines of one piece from `bodies` on.

    `keys` are the age files that the entries name, each with the first entry that does; of those in `absent` the gate said at `absent_s` that it does not have
    them. `files` are kept of what any entry names. `checkpoint` is the gate's note for `pending`, and `piece_hash` the hash over the piece that
    the entries fill.
    """

    checkpoint: bytes | None = None
    entries: Sequence[bytes] = ()
    piece_hash: bytes | None = None
    sealed: Sequence[bytes] = ()
    keys: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    absent: Sequence[str] = ()
    absent_s: int = 0


@dataclass(frozen=True, slots=True)
class Bundle:
    """The entries of one piece, and its sealed bodies as JSON lines."""

    entries: tuple[bytes, ...]
    sealed: tuple[bytes, ...]


class Ledger:
    """The tables of the logs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reading = reading(engine)

    # ── heads and checkpoints ────────────────────────────────────────────────────────────────────────────────────────

    def head(self, device: str) -> Head:
        """Return where the mirror stands. Raises UnknownError and DamagedError."""
        with self._reading.connect() as connection:
            row = connection.execute(_HEAD, {"of": device}).one_or_none()
        if row is None:
            raise UnknownError(f"no log of {device}")
        try:
            frontier = Frontier.from_bytes(row.next_entry, row.frontier)
        except BadFormatError as error:
            raise DamagedError(f"the frontier of {device} is damaged") from error
        return Head(row.size, bytes(row.root), row.note, row.pending, frontier, row.bodies, row.missing)

    def checkpoint(self, device: str, size: int) -> bytes | None:
        """Return the gate's note of a checkpoint that is pending and still kept."""
        mine = (checkpoints.c.device == device) & (checkpoints.c.size == size)
        with self._reading.connect() as connection:
            found: bytes | None = connection.execute(sa.select(checkpoints.c.note).where(mine)).scalar_one_or_none()
        return found

    def swap(self, device: str, head: Head, grown: Head, growth: Growth) -> bool:
        """Add what comes and put `grown` in the place of `head`, in one transaction; False, and nothing, if the head is another one by now.

        Raises DamagedError.
        """
        try:
            with self._engine.begin() as connection:
                if not _move(connection, device, head, grown):
                    return False
                _add(connection, device, head, growth)
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
        """Return the entries `[start, end)` of one piece, as far as they are here. Raises DamagedError."""
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

    def bundle(self, device: str, n: int) -> Bundle:
        """Return a piece, empty when there is none yet. Raises DamagedError."""
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
        """Return the hashes over the first full pieces, by number, as far as they are kept."""
        query = sa.select(piece_hashes.c.n, piece_hashes.c.hash).where(
            piece_hashes.c.device == device, piece_hashes.c.n < count
        )
        with self._reading.connect() as connection:
            return {n: bytes(one) for n, one in connection.execute(query)}

    def keep_piece_hash(self, device: str, n: int, found: bytes) -> None:
        """Keep the hash over a full piece, if nobody else did meanwhile."""
        with contextlib.suppress(sa.exc.IntegrityError), self._engine.begin() as connection:
            connection.execute(piece_hashes.insert().values(device=device, n=n, hash=found))

    # ── age files ────────────────────────────────────────────────────────────────────────────────────────────────────

    def keep_key(self, device: str, key_id: str, wrapped: bytes) -> None:
        """Store an age file. Raises UnknownError when no entry names it."""
        with self._engine.begin() as connection:
            _expect_named(connection, device, key_id)
            _bring(connection, device, {key_id: wrapped})

    def key_is_absent(self, device: str, key_id: str, now_s: int) -> None:
        """Note that the gate does not have an age file, so that others are asked for first. Raises UnknownError."""
        with self._engine.begin() as connection:
            _expect_named(connection, device, key_id)
            _note_absent(connection, device, [key_id], now_s)

    def key(self, device: str, key_id: str) -> bytes | None:
        """Return an age file, None when it is not here."""
        mine = (age_files.c.device == device) & (age_files.c.id == key_id)
        with self._reading.connect() as connection:
            found: bytes | None = connection.execute(sa.select(age_files.c.wrapped).where(mine)).scalar_one_or_none()
        return found

    def lacking_keys(self, device: str, now_s: int) -> list[str]:
        """Return the first age files that entries name and nobody brought; not those that the gate lately did not have."""
        query = sa.select(age_files.c.id).select_from(age_files.outerjoin(absent_keys, _SAME_KEY))
        is_due = absent_keys.c.said_s.is_(None) | (absent_keys.c.said_s <= now_s - ABSENT_S)
        lacking = query.where(age_files.c.device == device, age_files.c.wrapped.is_(None), is_due)
        with self._reading.connect() as connection:
            return list(connection.execute(lacking.order_by(age_files.c.first_index).limit(LACKING_MAX)).scalars())

    def missing_keys(self, device: str) -> int:
        """Return how many age files entries name that are not here."""
        query = sa.select(sa.func.count()).select_from(age_files)
        with self._reading.connect() as connection:
            return connection.execute(
                query.where(age_files.c.device == device, age_files.c.wrapped.is_(None))
            ).scalar_one()


# What each live round says, made once: to make a statement takes longer than to run it.
_OF: sa.BindParameter[str] = sa.bindparam("of")
_MISSING = sa.exists().where(age_files.c.device == heads.c.device, age_files.c.wrapped.is_(None))
_HEAD = sa.select(heads, _MISSING.label("missing")).where(heads.c.device == _OF)
_MOVE = heads.update().where(
    heads.c.device == _OF,
    heads.c.size == sa.bindparam("was_size"),
    heads.c.pending == sa.bindparam("was_pending"),
    heads.c.next_entry == sa.bindparam("was_next"),
    heads.c.bodies == sa.bindparam("was_bodies"),
)
_ADD_ENTRIES, _ADD_SEALED, _ADD_PIECE_HASH = packages.insert(), sealed.insert(), piece_hashes.insert()
_SAME_KEY = (age_files.c.device == absent_keys.c.device) & (age_files.c.id == absent_keys.c.id)


def _naming(dialect: Dialect) -> Executable:
    """Names an age file, and brings it, if it is not here."""
    new = insert(dialect, age_files)
    return new.on_conflict_do_update(
        index_elements=[age_files.c.device, age_files.c.id],
        set_={"wrapped": new.excluded.wrapped},
        where=age_files.c.wrapped.is_(None),
    )


_NAMING = {dialect: _naming(dialect) for dialect in Dialect}


def _move(connection: sa.Connection, device: str, head: Head, grown: Head) -> bool:
    """Swap the head, and so be the only one that adds to this log until the transaction ends."""
    was = {"of": device, "was_size": head.size, "was_pending": head.pending}
    now = {"size": grown.size, "root": grown.root, "note": grown.note, "pending": grown.pending}
    entries = {"was_next": head.next_entry, "next_entry": grown.next_entry, "frontier": grown.frontier.to_bytes()}
    bodies = {"was_bodies": head.bodies, "bodies": grown.bodies}
    return connection.execute(_MOVE, {**was, **now, **entries, **bodies}).rowcount == 1


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
        rows = [
            {"device": device, "id": one, "first_index": first, "wrapped": growth.files.get(one), "erased": False}
            for one, first in sorted(growth.keys.items())
        ]
        connection.execute(_NAMING[dialect_of(connection)], rows if len(rows) > 1 else rows[0])
    others = {one: wrapped for one, wrapped in growth.files.items() if one not in growth.keys}
    if others:
        _bring(connection, device, others)
    if growth.absent:
        _note_absent(connection, device, growth.absent, growth.absent_s)


def _bring(connection: sa.Connection, device: str, files: Mapping[str, bytes]) -> None:
    """Store age files that entries have named and that are not here; no others."""
    mine = (age_files.c.device == device) & (age_files.c.id == sa.bindparam("key_id")) & age_files.c.wrapped.is_(None)
    rows = [{"key_id": one, "brought": wrapped} for one, wrapped in sorted(files.items())]
    connection.execute(age_files.update().where(mine).values(wrapped=sa.bindparam("brought")), rows)


def _note_absent(connection: sa.Connection, device: str, keys: Sequence[str], now_s: int) -> None:
    new = insert(dialect_of(connection), absent_keys)
    same = [absent_keys.c.device, absent_keys.c.id]
    connection.execute(
        new.on_conflict_do_update(index_elements=same, set_={"said_s": new.excluded.said_s}),
        [{"device": device, "id": one, "said_s": now_s} for one in sorted(keys)],
    )


def _expect_named(connection: sa.Connection, device: str, key_id: str) -> None:
    mine = (age_files.c.device == device) & (age_files.c.id == key_id)
    if connection.execute(sa.select(age_files.c.id).where(mine)).one_or_none() is None:
        raise UnknownError("no entry names this age file")


def _oldest_but(connection: sa.Connection, device: str, kept: int) -> int:
    """The size of the newest pending checkpoint beyond so many newer ones; -1 when there are not as many."""
    sizes = sa.select(checkpoints.c.size).where(checkpoints.c.device == device).order_by(checkpoints.c.size.desc())
    found = connection.execute(sizes.offset(kept).limit(1)).scalar_one_or_none()
    return -1 if found is None else found


def _forget_checkpoints(connection: sa.Connection, device: str, up_to: int) -> None:
    connection.execute(checkpoints.delete().where(checkpoints.c.device == device, checkpoints.c.size <= up_to))
