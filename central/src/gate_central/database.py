"""Opens the database: SQLite, or PostgreSQL if a URL names it.

SQLite uses a write-ahead log, synchronous=FULL and BEGIN IMMEDIATE for writing, as on the gate. PostgreSQL needs none
of these: its writers compare and swap. Several processes may use one database.
"""

from __future__ import annotations

import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gate_central import migration
from gate_central.errors import AwayError, DamagedError, FolderError
from gate_central.schema import VERSION, metadata, versions

CONNECTIONS_MAX = 16  # of a process to PostgreSQL; at the limit, callers wait
OPENING = 0x706F7274  # advisory lock for creating or migrating the tables
# Settings that must not be off, or a power cut loses acknowledged transactions.
LASTING = ("fsync", "full_page_writes", "synchronous_commit")


def open_database(url: str) -> sa.Engine:
    """Open the database; create or migrate its tables if needed. Raises FolderError, AwayError and DamagedError."""
    # LIFO: the connection used last has the statements of a round prepared.
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
    """Translate a database error: AwayError if it is unavailable, DamagedError if its content is wrong."""
    if isinstance(error, sa.exc.OperationalError | sa.exc.TimeoutError):
        return AwayError(f"the database cannot be used: {first_line(error)}")
    return DamagedError(f"the database holds something else than it must: {first_line(error)}")


def reading(engine: sa.Engine) -> sa.Engine:
    """Return the engine for single read-only statements: without waiting for writers; on PostgreSQL in autocommit."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(only_reads=True)
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def sweep(engine: sa.Engine) -> None:
    """After deleting keys, have the database overwrite freed space. Best effort: other readers can prevent it."""
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        if dialect_of(connection) is Dialect.SQLITE:
            connection.rollback()
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # otherwise the WAL keeps the old page
            return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM age_key")


class Dialect(enum.StrEnum):
    """The supported databases."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


def dialect_of(connection: sa.Connection) -> Dialect:
    """Return the connection's database kind."""
    return Dialect(connection.dialect.name)


def insert(dialect: Dialect, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert statement that supports ON CONFLICT."""
    return sqlite.insert(table) if dialect is Dialect.SQLITE else postgresql.insert(table)


def _settle(engine: sa.Engine) -> None:
    """Create or migrate the tables, in one transaction, one process at a time. Raises FolderError, DamagedError."""
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
    """Return the version of the tables, 0 if there are none. Raises DamagedError."""
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
    """Raise DamagedError if a table or column is missing."""
    there = {name: columns for (_, name), columns in sa.inspect(connection).get_multi_columns().items()}
    for table in metadata.sorted_tables:
        if table.name not in there:
            raise DamagedError(f"the table {table.name} is missing from the database")
        lacking = sorted({one.name for one in table.columns} - {one["name"] for one in there[table.name]})
        if lacking:
            raise DamagedError(f"the table {table.name} lacks the column {lacking[0]}")


def _require_lasting(connection: sa.Connection) -> None:
    """Raise FolderError unless acknowledged transactions are durable, as central's receipts promise."""
    query = sa.text("SELECT name FROM pg_settings WHERE name = ANY(:names) AND setting = 'off' ORDER BY name")
    off = list(connection.execute(query, {"names": list(LASTING)}).scalars())
    if off:
        raise FolderError(
            f"PostgreSQL runs with {off[0]} off, so what it acknowledges may be gone after a power cut: set it on"
        )


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    connection.isolation_level = None  # the driver starts no transaction: _begin_sqlite does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("only_reads") else "BEGIN IMMEDIATE")


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]
