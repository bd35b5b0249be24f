"""What is stored of the logs: heads, checkpoints, bundles of entries, sealed bodies and age files.

Promises: what a method stored is durable when it returns; heads only grow, by compare-and-swap; an entry that was stored
is never replaced. Whether content may be stored is decided by `gate.central.mirror`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gate.audit.tiles import TILE_WIDTH, decode_entries, encode_entries
from gate.central.errors import DamagedError, NotYetError, UnknownError
from gate.central.schema import absent_keys, age_files, bundles, checkpoints, heads, piece_hashes

CHECKPOINTS_KEPT = 64  # pending ones, for uploads under way; the oldest go first
INSERTS_MAX = 4  # attempts, when several uploads of one log begin the same bundle
LACKING_MAX = 64  # age files named in one answer
ABSENT_S = 24 * 3600  # how long an age file that the gate does not have is not asked for again


@dataclass(frozen=True, slots=True)
class Head:
    """Where the mirror stands with one log."""

    size: int
    root: bytes
    note: bytes | None
    pending: int
    next_entry: int
    bodies: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """The entries of one piece, and its sealed bodies as JSON lines."""

    entries: tuple[bytes, ...]
    sealed: tuple[bytes, ...]


class Ledger:
    """The tables of the logs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # ── heads and checkpoints ────────────────────────────────────────────────────────────────────────────────────────

    def head(self, device: str) -> Head:
        """Return where the mirror stands. Raises UnknownError."""
        with self._engine.begin() as connection:
            row = connection.execute(sa.select(heads).where(heads.c.device == device)).one_or_none()
        if row is None:
            raise UnknownError(f"no log of {device}")
        return Head(row.size, bytes(row.root), row.note, row.pending, row.next_entry, row.bodies)

    def checkpoint(self, device: str, size: int) -> bytes | None:
        """Return the signed note of a pending checkpoint that is still kept."""
        with self._engine.begin() as connection:
            found: bytes | None = connection.execute(
                sa.select(checkpoints.c.note).where(checkpoints.c.device == device, checkpoints.c.size == size)
            ).scalar_one_or_none()
        return found

    def advance_pending(self, device: str, old: int, size: int, note: bytes) -> bool:
        """Lock onto a newer checkpoint if `old` is still the newest one; False if not."""
        with self._engine.begin() as connection:
            swapped = connection.execute(
                heads.update().where(heads.c.device == device, heads.c.pending == old).values(pending=size)
            )
            if swapped.rowcount != 1:
                return False
            connection.execute(checkpoints.insert().values(device=device, size=size, note=note))
            kept = connection.execute(
                sa.select(checkpoints.c.size)
                .where(checkpoints.c.device == device)
                .order_by(checkpoints.c.size.desc())
                .offset(CHECKPOINTS_KEPT)
                .limit(1)
            ).scalar_one_or_none()
            if kept is not None:
                _forget_checkpoints(connection, device, kept)
        return True

    def commit(self, device: str, size: int, root: bytes, note: bytes) -> bool:
        """Make a checkpoint the mirror's own, never going back; False if the mirror is past it or lacks entries."""
        with self._engine.begin() as connection:
            changed = connection.execute(
                heads.update()
                .where(heads.c.device == device, heads.c.size <= size, heads.c.next_entry >= size)
                .values(size=size, root=root, note=note)
            )
            if changed.rowcount == 1:
                _forget_checkpoints(connection, device, size - 1)
        return changed.rowcount == 1

    # ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def bundle(self, device: str, n: int) -> Bundle:
        """Return a piece, empty when there is none yet."""
        with self._engine.begin() as connection:
            return _bundle(_row(connection, device, n))

    def bundles(self, device: str, size: int) -> Iterator[Bundle]:
        """Yield the pieces of the first `size` entries, one at a time."""
        for n in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
            yield self.bundle(device, n)

    def keep_entries(
        self, device: str, start: int, entries: Sequence[bytes], keys: Mapping[str, int], *, piece_hash: bytes | None
    ) -> None:
        """Store proven entries of one piece, from index `start` on; those that are there already are compared.

        `keys` are the age files that they name, each with the first entry that does; `piece_hash` is the hash over the whole piece, once
        they fill it. Raises DamagedError and NotYetError.
        """
        for _ in range(INSERTS_MAX):
            try:
                self._keep_entries(device, start, entries, keys, piece_hash)
            except sa.exc.IntegrityError:
                continue  # another upload made the row between our look and our insert
            return
        raise NotYetError("too many uploads of these entries at once")

    def _keep_entries(
        self, device: str, start: int, entries: Sequence[bytes], keys: Mapping[str, int], piece_hash: bytes | None
    ) -> None:
        n, first = divmod(start, TILE_WIDTH)
        with self._engine.begin() as connection:
            row = _row(connection, device, n, lock=True)
            stored = _bundle(row).entries
            if first > len(stored):
                raise NotYetError("entries before these are missing")
            overlap = stored[first : first + len(entries)]
            if overlap != tuple(entries[: len(overlap)]):
                raise DamagedError(f"a stored entry of {device} in bundle {n} differs from the proven one")
            added = tuple(entries[len(overlap) :])
            if added:
                _store(connection, device, n, row, (*stored, *added))
                connection.execute(
                    heads.update()
                    .where(heads.c.device == device, heads.c.next_entry == start + len(overlap))
                    .values(next_entry=start + len(entries))
                )
                _expect_keys(connection, device, keys)
                if piece_hash is not None:
                    connection.execute(piece_hashes.insert().values(device=device, n=n, hash=piece_hash))

    def piece_hashes(self, device: str, count: int) -> dict[int, bytes]:
        """Return the hashes over the first full pieces, by number, as far as they are kept."""
        query = sa.select(piece_hashes.c.n, piece_hashes.c.hash).where(
            piece_hashes.c.device == device, piece_hashes.c.n < count
        )
        with self._engine.begin() as connection:
            return {n: bytes(one) for n, one in connection.execute(query)}

    def keep_piece_hash(self, device: str, n: int, found: bytes) -> None:
        """Keep the hash over a full piece, if nobody else did meanwhile."""
        with contextlib.suppress(sa.exc.IntegrityError), self._engine.begin() as connection:
            connection.execute(piece_hashes.insert().values(device=device, n=n, hash=found))

    # ── sealed bodies and age files ──────────────────────────────────────────────────────────────────────────────────

    def keep_sealed(self, device: str, start: int, lines: Sequence[bytes]) -> None:
        """Store checked bodies of one piece; those that are there already are left alone. Raises NotYetError."""
        n, first = divmod(start, TILE_WIDTH)
        with self._engine.begin() as connection:
            lacking = connection.execute(sa.select(heads.c.bodies).where(heads.c.device == device)).scalar_one()
            row = _row(connection, device, n, lock=True)
            stored = _bundle(row)
            if row is None or start > lacking or first + len(lines) > len(stored.entries):
                raise NotYetError("bodies before these, or their entries, are missing")
            added = lines[len(stored.sealed) - first :]
            if added:
                whole = b"".join((*stored.sealed, *added))
                width = len(stored.sealed) + len(added)
                connection.execute(
                    bundles.update()
                    .where(bundles.c.device == device, bundles.c.n == n)
                    .values(sealed=whole, sealed_width=width)
                )
                connection.execute(
                    heads.update()
                    .where(heads.c.device == device, heads.c.bodies < start + len(lines))
                    .values(bodies=start + len(lines))
                )

    def keep_key(self, device: str, key_id: str, wrapped: bytes) -> None:
        """Store an age file. Raises UnknownError when no entry names it."""
        with self._engine.begin() as connection:
            _expect_named(connection, device, key_id)
            lacking = (age_files.c.device == device) & (age_files.c.id == key_id) & age_files.c.wrapped.is_(None)
            connection.execute(age_files.update().where(lacking).values(wrapped=wrapped))

    def key_is_absent(self, device: str, key_id: str, now_s: int) -> None:
        """Note that the gate does not have an age file, so that others are asked for first. Raises UnknownError."""
        mine = (absent_keys.c.device == device) & (absent_keys.c.id == key_id)
        with self._engine.begin() as connection:
            _expect_named(connection, device, key_id)
            said = connection.execute(absent_keys.update().where(mine).values(said_s=now_s))
            if said.rowcount == 0:
                connection.execute(absent_keys.insert().values(device=device, id=key_id, said_s=now_s))

    def key(self, device: str, key_id: str) -> bytes | None:
        """Return an age file, None when it is not here."""
        with self._engine.begin() as connection:
            found: bytes | None = connection.execute(
                sa.select(age_files.c.wrapped).where(age_files.c.device == device, age_files.c.id == key_id)
            ).scalar_one_or_none()
        return found

    def lacking_keys(self, device: str, now_s: int) -> list[str]:
        """Return the first age files that entries name and nobody brought; not those that the gate lately did not have."""
        query = sa.select(age_files.c.id).select_from(age_files.outerjoin(absent_keys, _SAME_KEY))
        is_due = absent_keys.c.said_s.is_(None) | (absent_keys.c.said_s <= now_s - ABSENT_S)
        lacking = query.where(age_files.c.device == device, age_files.c.wrapped.is_(None), is_due)
        with self._engine.begin() as connection:
            return list(connection.execute(lacking.order_by(age_files.c.first_index).limit(LACKING_MAX)).scalars())

    def missing_keys(self, device: str) -> int:
        """Return how many age files entries name that are not here."""
        query = sa.select(sa.func.count()).select_from(age_files)
        with self._engine.begin() as connection:
            return connection.execute(
                query.where(age_files.c.device == device, age_files.c.wrapped.is_(None))
            ).scalar_one()


_SAME_KEY = (age_files.c.device == absent_keys.c.device) & (age_files.c.id == absent_keys.c.id)


def _expect_named(connection: sa.Connection, device: str, key_id: str) -> None:
    mine = (age_files.c.device == device) & (age_files.c.id == key_id)
    if connection.execute(sa.select(age_files.c.id).where(mine)).one_or_none() is None:
        raise UnknownError("no entry names this age file")


def _row(connection: sa.Connection, device: str, n: int, *, lock: bool = False) -> sa.Row[tuple[object, ...]] | None:
    query = sa.select(bundles).where(bundles.c.device == device, bundles.c.n == n)
    return connection.execute(query.with_for_update() if lock else query).one_or_none()


def _bundle(row: sa.Row[tuple[object, ...]] | None) -> Bundle:
    if row is None:
        return Bundle((), ())
    return Bundle(decode_entries(row.entries, row.width), tuple(bytes(row.sealed).splitlines(keepends=True)))


def _store(
    connection: sa.Connection, device: str, n: int, row: sa.Row[tuple[object, ...]] | None, entries: tuple[bytes, ...]
) -> None:
    fields = {"width": len(entries), "entries": encode_entries(entries)}
    if row is None:
        connection.execute(bundles.insert().values(device=device, n=n, sealed=b"", sealed_width=0, **fields))
    else:
        connection.execute(bundles.update().where(bundles.c.device == device, bundles.c.n == n).values(**fields))


def _expect_keys(connection: sa.Connection, device: str, keys: Mapping[str, int]) -> None:
    known = connection.execute(sa.select(age_files.c.id).where(age_files.c.device == device, age_files.c.id.in_(keys)))
    new = set(keys) - set(known.scalars())
    if new:
        rows = [
            {"device": device, "id": one, "first_index": keys[one], "wrapped": None, "erased": False} for one in new
        ]
        connection.execute(age_files.insert(), rows)


def _forget_checkpoints(connection: sa.Connection, device: str, up_to: int) -> None:
    connection.execute(checkpoints.delete().where(checkpoints.c.device == device, checkpoints.c.size <= up_to))
