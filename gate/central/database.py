"""How the database is opened: SQLite unless a URL names PostgreSQL.

SQLite runs as the gate's own does: write-ahead log, synchronous=FULL, and a write transaction that is one from its first statement. PostgreSQL needs
neither: its writers compare and swap. Any number of processes may have one database open.
"""

from __future__ import annotations

import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gate.central import migration
from gate.central.errors import FolderError
from gate.central.schema import VERSION, metadata, versions

OPENINGS_MAX = 4  # attempts on PostgreSQL, where processes that make the tables at once hinder one another
CONNECTIONS_MAX = 16  # of a process to PostgreSQL; who finds none waits


def open_database(url: str) -> sa.Engine:
    """Open the database and make what is missing of it, or bring it to this version. Raises FolderError."""
    # The connection that was used last has the statements of a round prepared.
    pool = {"pool_size": CONNECTIONS_MAX, "max_overflow": 0, "pool_use_lifo": True}
    try:
        backend = sa.make_url(url).get_backend_name()
        if backend not in set(Dialect):
            raise FolderError(f"the database is SQLite or PostgreSQL, and not {backend}")
        is_sqlite = backend == Dialect.SQLITE
        engine = sa.create_engine(url, **({} if is_sqlite else pool))
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise FolderError(f"the database cannot be opened: {_first_line(error)}") from error
    if is_sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    try:
        for _ in range(0 if is_sqlite else OPENINGS_MAX - 1):
            try:
                _settle(engine)
            except (sa.exc.IntegrityError, sa.exc.ProgrammingError):
                continue  # another process made the same table between our look and our making it
            return engine
        _settle(engine)
    except sa.exc.SQLAlchemyError as error:
        engine.dispose()
        raise FolderError(f"the database cannot be opened: {_first_line(error)}") from error
    except FolderError:
        engine.dispose()
        raise
    return engine


def reading(engine: sa.Engine) -> sa.Engine:
    """The same database for a statement that only reads: it waits for no writer, and PostgreSQL needs no transaction for it."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(only_reads=True)
    return engine.execution_options(isolation_level="AUTOCOMMIT")


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
    """All of it in one transaction, so that whoever comes second finds it done."""
    with engine.begin() as connection:
        is_old = sa.inspect(connection).has_table(migration.heads.name)
        metadata.create_all(connection)
        version = connection.execute(sa.select(versions.c.version)).scalar_one_or_none()
        if version is None:
            connection.execute(versions.insert().values(one=1, version=VERSION))
            if is_old:
                migration.migrate(connection)
        elif version > VERSION:
            raise FolderError(f"the database is of a newer version ({version}) of this program")


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    connection.isolation_level = None  # the driver begins nothing by itself: _begin_sqlite does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("only_reads") else "BEGIN IMMEDIATE")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
