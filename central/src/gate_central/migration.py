"""Migrates a database of an earlier version to the current tables, one version at a time.

Version 1 rewrote one row per 256 entries. 2 kept age files without day and class, among tables that are never deleted
from. 3 did not count a gate's daily volume.
It runs in the transaction that opens the database. Entries that a head claims but that are missing will be requested
from the gate again; an unreadable piece stops the migration, since later pieces would never be requested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from gate_central import schema
from gate_central.errors import DamagedError
from gate_central.key_index import Wanted, wanted_of
from gate_core.audit_format.errors import BadFormatError
from gate_core.audit_format.merkle import Frontier, leaf_hash, root_of
from gate_core.audit_format.record import Header
from gate_core.audit_format.tiles import TILE_WIDTH, decode_entries

_one, _two = sa.MetaData(), sa.MetaData()


def _columns(**types: schema.Type) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, type_) for name, type_ in types.items())


_NUMBER, _BYTES = sa.BigInteger(), sa.LargeBinary()
heads = sa.Table(
    "head",
    _one,
    schema.key("device", sa.String(64)),
    *_columns(size=_NUMBER, root=_BYTES, note=_BYTES, pending=_NUMBER, next_entry=_NUMBER, bodies=_NUMBER),
)
bundles = sa.Table(
    "bundle",
    _one,
    schema.key("device", sa.String(64)),
    schema.key("n", _NUMBER),
    *_columns(width=sa.Integer(), entries=_BYTES, sealed_width=sa.Integer(), sealed=_BYTES),
)
age_files = sa.Table(
    "age_file",
    _two,
    *(schema.key(name, sa.String(64)) for name in ("device", "id")),
    *_columns(first_index=_NUMBER, wrapped=_BYTES, erased=sa.Boolean()),
)
absent_keys = sa.Table(
    "absent_key", _two, *(schema.key(name, sa.String(64)) for name in ("device", "id")), *_columns(said_s=_NUMBER)
)


def migrate(connection: sa.Connection, version: int) -> None:
    """Create the current tables, move the data of `version` (0: none) there, drop the old ones. Raises DamagedError."""
    if version in {1, 2}:
        connection.execute(sa.text("ALTER TABLE gate ADD COLUMN software VARCHAR(64)"))
    if version == 2:
        connection.execute(sa.text("ALTER TABLE log_head ADD COLUMN day VARCHAR(10) NOT NULL DEFAULT ''"))
    if version in {2, 3}:
        connection.execute(sa.text("ALTER TABLE log_head ADD COLUMN came_on VARCHAR(10) NOT NULL DEFAULT ''"))
        connection.execute(sa.text("ALTER TABLE log_head ADD COLUMN came_bytes BIGINT NOT NULL DEFAULT 0"))
    schema.metadata.create_all(connection)
    for number, step in _STEPS:
        if 0 < version <= number:
            step(connection)


# ── 1: a row for what came ───────────────────────────────────────────────────────────────────────────────────────────


def _add_only(connection: sa.Connection) -> None:
    start = bundles.c.n * TILE_WIDTH
    entries = sa.select(bundles.c.device, start, bundles.c.width, bundles.c.entries).where(bundles.c.width > 0)
    bodies = sa.select(bundles.c.device, start, bundles.c.sealed_width, bundles.c.sealed)
    connection.execute(schema.packages.insert().from_select(["device", "start", "width", "entries"], entries))
    connection.execute(
        schema.sealed.insert().from_select(
            ["device", "start", "width", "lines"], bodies.where(bundles.c.sealed_width > 0)
        )
    )
    for head in connection.execute(sa.select(heads)).mappings().all():
        frontier = _frontier(connection, head["device"])
        fields = {**head, "next_entry": frontier.size, "frontier": frontier.to_bytes(), "day": ""}
        connection.execute(schema.heads.insert().values(fields))
    _one.drop_all(connection)


def _frontier(connection: sa.Connection, device: str) -> Frontier:
    """Return the frontier of the consecutive stored entries, with one row in memory. Raises DamagedError."""
    hashes = sa.select(schema.piece_hashes.c.n, schema.piece_hashes.c.hash).where(
        schema.piece_hashes.c.device == device
    )
    kept = {row.n: bytes(row.hash) for row in connection.execute(hashes)}
    rows = sa.select(bundles.c.n, bundles.c.width).where(bundles.c.device == device).order_by(bundles.c.n)
    pieces, rest = Frontier(), Frontier()
    for n, width in connection.execute(rows).all():
        if n != pieces.size or rest.size:
            raise DamagedError(f"piece {pieces.size} of {device} is missing, and there are later ones: {_BACK}")
        if width == TILE_WIDTH:
            leaves = [] if n in kept else _leaves(connection, device, n, width)
            pieces = pieces.append(kept[n] if n in kept else root_of(leaves))
            continue
        for leaf in _leaves(connection, device, n, width):
            rest = rest.append(leaf)
    return Frontier(pieces.size * TILE_WIDTH + rest.size, pieces.hashes + rest.hashes)


def _leaves(connection: sa.Connection, device: str, n: int, width: int) -> list[bytes]:
    query = sa.select(bundles.c.entries).where(bundles.c.device == device, bundles.c.n == n)
    try:
        return [leaf_hash(one) for one in decode_entries(connection.execute(query).scalar_one(), width)]
    except BadFormatError as error:
        raise DamagedError(f"piece {n} of {device} cannot be read ({error}): {_BACK}") from error


# ── 2: age files apart, each with its day ────────────────────────────────────────────────────────────────────────────


def _keys_apart(connection: sa.Connection) -> None:
    today = str(
        connection.execute(sa.select(sa.func.current_date())).scalar_one()
    )  # the database's clock, as no clock is passed in
    for device, end in connection.execute(sa.select(schema.heads.c.device, schema.heads.c.next_entry)).all():
        named, day = dict[str, Wanted](), ""
        rows = sa.select(schema.packages).where(schema.packages.c.device == device).order_by(schema.packages.c.start)
        for row in connection.execute(rows):
            n = row.start // TILE_WIDTH
            try:
                headers = [Header.parse(one) for one in decode_entries(row.entries, row.width)]
            except BadFormatError as error:
                raise DamagedError(f"piece {n} of {device} cannot be read ({error}): {_BACK}") from error
            found, day = wanted_of(headers, day, today)
            for key_id, one in found.items():
                named[key_id] = named[key_id].again(one) if key_id in named else one
        connection.execute(schema.heads.update().where(schema.heads.c.device == device).values(day=day))
        _sort_out(connection, device, named, end)
    _two.drop_all(connection)


def _sort_out(connection: sa.Connection, device: str, named: dict[str, Wanted], end: int) -> None:
    """Fill `age_key` and `age_key_awaited`; skip files that only entries from `end` on name: they are sent again."""
    here, awaited = list[dict[str, object]](), list[dict[str, object]]()
    joined = age_files.outerjoin(
        absent_keys, (absent_keys.c.device == age_files.c.device) & (absent_keys.c.id == age_files.c.id)
    )
    columns = (age_files.c.id, age_files.c.first_index, age_files.c.wrapped, absent_keys.c.said_s)
    rows = sa.select(*columns).select_from(joined)
    for row in connection.execute(rows.where(age_files.c.device == device)).all():
        one = named.get(row.id)
        if one is None and row.first_index >= end:
            continue
        if one is None:
            raise DamagedError(f"an age file of {device} is of no entry that is here, {row.id}: {_BACK}")
        fields = {"device": device, "id": row.id, "about": one.about, "day": one.day, "first_index": one.first_index}
        if row.wrapped is None:
            awaited.append({**fields, "due_s": 0 if row.said_s is None else row.said_s + ABSENT_S})
        else:
            here.append({**fields, "wrapped": row.wrapped})
    for table, made in ((schema.age_keys, here), (schema.awaited, awaited)):
        if made:
            connection.execute(table.insert(), made)


ABSENT_S = 24 * 3600  # of version 2: how long an age file that the gate did not have was not asked for again
_BACK = "nothing was changed; put a copy of the database back that is whole"
_STEPS: tuple[tuple[int, Callable[[sa.Connection], None]], ...] = ((1, _add_only), (2, _keys_apart))
