"""The tables, and how a database is opened: SQLite unless a URL names another.

SQLite runs as the gate's own does: write-ahead log, synchronous=FULL, and a write transaction that is one from its first
statement, so that reading and then writing is atomic. PostgreSQL needs neither: its writers compare and swap.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gate.central.errors import FolderError

metadata = sa.MetaData()

gates = sa.Table(
    "gate",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("origin", sa.String(512), nullable=False, unique=True),
    sa.Column("log_vkey", sa.String(1024), nullable=False),
    sa.Column("certificate", sa.String(64), nullable=False),  # SHA-256 of the one that counts
    sa.Column("revoked", sa.Boolean, nullable=False),
    sa.Column("enrolled_at", sa.String(32), nullable=False),
    sa.Column("last_seen", sa.String(32)),
)
# A certificate that was issued to a gate that has one, and was not used yet.
renewals = sa.Table(
    "renewal",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("certificate", sa.String(64), nullable=False),
    sa.Column("issued_at", sa.String(32), nullable=False),
)
# What a gate's log keys said of one another: each answers for entries up to `since`, and the next from there on.
handovers = sa.Table(
    "log_handover",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("since", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)
# Gates that are no more: their names and logs stay, and nobody enrols as one of them again.
retired = sa.Table(
    "retired",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
)
# The authorities that a gate said it trusts, SHA-256.
trusted = sa.Table(
    "trusted",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("authority", sa.String(64), primary_key=True),
)
tokens = sa.Table(
    "token",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("device", sa.String(64), nullable=False),
    sa.Column("expires_s", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.String(32)),
)
# The trusted table: `size`, `root` and `note` are what the mirror signed last; `pending` is the newest checkpoint it is
# locked onto; `next_entry` and `bodies` are the first entry and the first sealed body that are missing.
heads = sa.Table(
    "head",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.LargeBinary),
    sa.Column("pending", sa.BigInteger, nullable=False),
    sa.Column("next_entry", sa.BigInteger, nullable=False),
    sa.Column("bodies", sa.BigInteger, nullable=False),
)
checkpoints = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)
# One row holds 256 entries, or those there are of them.
bundles = sa.Table(
    "bundle",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("entries", sa.LargeBinary, nullable=False),
    sa.Column("sealed_width", sa.Integer, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
age_files = sa.Table(
    "age_file",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("first_index", sa.BigInteger, nullable=False),
    sa.Column("wrapped", sa.LargeBinary),
    sa.Column("erased", sa.Boolean, nullable=False),  # an earlier version's word for what sync did not bring; not read
    sa.Index("age_file_lacking", "device", "first_index"),
)
evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
# An answer makes an alarm stand no more; what came again, or found no slot, is counted.
answers = sa.Table(
    "answer",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("by", sa.String(128), nullable=False),
    sa.Column("words", sa.String(512), nullable=False),
)
repeats = sa.Table(
    "repeat",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.String(32), nullable=False),
)
# The hash over the 256 entries of each full bundle.
piece_hashes = sa.Table(
    "piece_hash",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
# Age files that a gate said it does not have: asked for again after a while.
absent_keys = sa.Table(
    "absent_key",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("said_s", sa.BigInteger, nullable=False),
)
# The newest approval that a gate has shown.
approvals = sa.Table(
    "approval",
    metadata,
    sa.Column("device", sa.String(64), primary_key=True),
    sa.Column("serial", sa.BigInteger, nullable=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)


def open_database(url: str) -> sa.Engine:
    """Open the database and make what is missing of it. Raises FolderError."""
    try:
        engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise FolderError(f"the database cannot be opened: {_first_line(error)}") from error
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    try:
        metadata.create_all(engine)
    except sa.exc.SQLAlchemyError as error:
        engine.dispose()
        raise FolderError(f"the database cannot be opened: {_first_line(error)}") from error
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    connection.isolation_level = None  # the driver begins nothing by itself: _begin_sqlite does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
