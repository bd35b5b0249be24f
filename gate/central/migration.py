"""Brings a database of version 1, where 256 entries were a row that was rewritten, to the tables of now.

Runs inside the transaction that opens the database: it is done, or nothing of it is. Content is copied and not judged; a log that was damaged stays
so, and `gate central fleet` says it. What a head claimed beyond the entries that are there is asked for again.
"""

from __future__ import annotations

import sqlalchemy as sa

from gate.audit.errors import BadFormatError
from gate.audit.merkle import Frontier, leaf_hash, root_of
from gate.audit.tiles import TILE_WIDTH, decode_entries
from gate.central import schema

_metadata = sa.MetaData()
heads = sa.Table(
    "head",
    _metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("size", sa.BigInteger),
    sa.Column("root", sa.LargeBinary),
    sa.Column("note", sa.LargeBinary),
    sa.Column("pending", sa.BigInteger),
    sa.Column("next_entry", sa.BigInteger),
    sa.Column("bodies", sa.BigInteger),
)
bundles = sa.Table(
    "bundle",
    _metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True),
    sa.Column("width", sa.Integer),
    sa.Column("entries", sa.LargeBinary),
    sa.Column("sealed_width", sa.Integer),
    sa.Column("sealed", sa.LargeBinary),
)


def migrate(connection: sa.Connection) -> None:
    """Move what is there into the new tables, which are empty, and drop the old ones."""
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
        fields = {**head, "next_entry": frontier.size, "frontier": frontier.to_bytes()}
        connection.execute(schema.heads.insert().values(fields))
    _metadata.drop_all(connection)
    connection.exec_driver_sql("DROP INDEX IF EXISTS age_file_lacking")
    schema.age_files_missing.create(connection, checkfirst=True)


def _frontier(connection: sa.Connection, device: str) -> Frontier:
    """Of the entries that are there one after another and can be read, one row in memory at a time."""
    hashes = sa.select(schema.piece_hashes.c.n, schema.piece_hashes.c.hash).where(
        schema.piece_hashes.c.device == device
    )
    kept = {row.n: bytes(row.hash) for row in connection.execute(hashes)}
    rows = sa.select(bundles.c.n, bundles.c.width).where(bundles.c.device == device).order_by(bundles.c.n)
    pieces, rest = Frontier(), Frontier()
    for n, width in connection.execute(rows).all():
        if n != pieces.size or rest.size:
            break
        try:
            if width == TILE_WIDTH:
                pieces = pieces.append(kept[n] if n in kept else root_of(_leaves(connection, device, n, width)))
                continue
            for leaf in _leaves(connection, device, n, width):
                rest = rest.append(leaf)
        except BadFormatError:
            break
    return Frontier(pieces.size * TILE_WIDTH + rest.size, pieces.hashes + rest.hashes)


def _leaves(connection: sa.Connection, device: str, n: int, width: int) -> list[bytes]:
    query = sa.select(bundles.c.entries).where(bundles.c.device == device, bundles.c.n == n)
    return [leaf_hash(one) for one in decode_entries(connection.execute(query).scalar_one(), width)]
