"""How the database is opened: SQLite unless a URL names PostgreSQL.

SQLite runs as the gate's own does: write-ahead log, synchronous=FULL, and a write transaction that is one from its first statement. PostgreSQL needs
neither: its writers compare and swap. Any number of processes may have one database open.
"""

from __future__ import annotations

import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gate_central import migration
from gate_central.errors import AwayError, DamagedError, FolderError
from gate_central.schema import VERSION, metadata, versions

CONNECTIONS_MAX = 16  # of a process to PostgreSQL; who finds none waits
OPENING = 0x706F7274  # the advisory lock of who makes or changes the tables
# What makes an acknowledged transaction outlive a power cut, and which value of it does not.
LASTING = ("fsync", "full_page_writes", "synchronous_commit")


def open_database(url: str) -> sa.Engine:
    """Open the database and make what is missing of it, or bring it to this version. Raises FolderError, AwayError and DamagedError."""
    # The connection that was used last has the statements of a round prepared.
    pool = {"pool_size": CONNECTIONS_MAX, "max_overflow": 0, "pool_use_lifo": True}
    try:
        backend = sa.make_url(url).get_backend_name()
        if backend not in set(Dialect):
            raise FolderError(f"the database is SQLite or PostgreSQL, and not {backend}")
        is_sqlite = backend == Dialect.SQLITE
        engine = sa.create_engine(url, **({} if is_sqlite else pool))
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise FolderError(f"the database cannot be opened: {first_line(error)}") from error
    if is_sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    try:
        _settle(engine)
    except sa.exc.SQLAlchemyError as error:
        engine.dispose()
        raise explained(error) from error
    except (AwayError, DamagedError, FolderError):
        engine.dispose()
        raise
    return engine


def explained(error: sa.exc.SQLAlchemyError) -> AwayError | DamagedError:
    """What a failure of the database is: that it cannot be had, or that what is there is not ours to use."""
    if isinstance(error, sa.exc.OperationalError | sa.exc.TimeoutError):
        return AwayError(f"the database cannot be used: {first_line(error)}")
    return DamagedError(f"the database holds something else than it must: {first_line(error)}")


def reading(engine: sa.Engine) -> sa.Engine:
    """The same database for a statement that only reads: it waits for no writer, and PostgreSQL needs no transaction for it."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(only_reads=True)
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def sweep(engine: sa.Engine) -> None:
    """After keys were deleted: let the database write over what is free, as far as it does that. Best effort, since others may read just now."""
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        if dialect_of(connection) is Dialect.SQLITE:
            connection.rollback()
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else the log ahead of the file has the page as it was
            return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM age_key")


class Dialect(enum.StrEnum):
    """The databases that we speak."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


def dialect_of(connection: sa.Connection) -> Dialect:
    """Which one this is."""
    return Dialect(connection.dialect.name)


def insert(dialect: Dialect, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can say what happens where the row is there already."""
    return sqlite.insert(table) if dialect is Dialect.SQLITE else postgresql.insert(table)


def _settle(engine: sa.Engine) -> None:
    """All of it in one transaction, and one process at a time, so that whoever comes second finds it done."""
    with engine.begin() as connection:
        if dialect_of(connection) is Dialect.POSTGRESQL:
            _require_lasting(connection)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(OPENING)))
        there = frozenset(sa.inspect(connection).get_table_names())
        version = _version(connection, there)
        if version > VERSION:
            raise DamagedError(f"the database is of a newer version ({version}) of this program")
        if version < VERSION:
            migration.migrate(connection, version)
            connection.execute(versions.delete())
            connection.execute(versions.insert().values(one=1, version=VERSION))
        _require_whole(connection)


def _version(connection: sa.Connection, there: frozenset[str]) -> int:
    """Which version's tables these are, 0 where there are none. Raises DamagedError."""
    if versions.name in there:
        version = connection.execute(sa.select(versions.c.version)).scalar_one_or_none()
        if version is None:
            raise DamagedError(f"the database has a table {versions.name} and no version in it")
        return int(version)
    if migration.heads.name in there:
        return 1
    if not there.isdisjoint(metadata.tables):
        raise DamagedError(f"the database has tables of ours, and the table {versions.name} is missing")
    return 0


def _require_whole(connection: sa.Connection) -> None:
    """Whether every table and column is there: a missing one is no empty one. Raises DamagedError."""
    there = {name: columns for (_, name), columns in sa.inspect(connection).get_multi_columns().items()}
    for table in metadata.sorted_tables:
        if table.name not in there:
            raise DamagedError(f"the table {table.name} is missing from the database")
        lacking = sorted({one.name for one in table.columns} - {one["name"] for one in there[table.name]})
        if lacking:
            raise DamagedError(f"the table {table.name} lacks the column {lacking[0]}")


def _require_lasting(connection: sa.Connection) -> None:
    """Whether what the server acknowledges is durable: our receipts say so. Raises FolderError."""
    query = sa.text("SELECT name FROM pg_settings WHERE name = ANY(:names) AND setting = 'off' ORDER BY name")
    off = list(connection.execute(query, {"names": list(LASTING)}).scalars())
    if off:
        raise FolderError(
            f"PostgreSQL runs with {off[0]} off, so what it acknowledges may be gone after a power cut: set it on"
        )


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    connection.isolation_level = None  # the driver begins nothing by itself: _begin_sqlite does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("only_reads") else "BEGIN IMMEDIATE")


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
