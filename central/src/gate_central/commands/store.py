"""Opens central's database for a command, and turns its errors into one line and an exit code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gate_core.command_line.output import Exit, fail
from gate_core.programs.clock import now

if TYPE_CHECKING:
    import sqlalchemy

    from gate_central.server_context import ServerContext

Dir = Annotated[Path, typer.Option("--dir", help="The server's own folder.")]
Database = Annotated[str | None, typer.Option(help="Database URL; a SQLite file in the folder when left out.")]


@contextlib.contextmanager
def opened(folder: Path, url: str | None) -> Iterator[sqlalchemy.Engine]:
    """Open the server's database for the block. Raises CentralError."""
    from gate_central.database import open_database
    from gate_central.folder import database_url

    if url is None and not folder.is_dir():
        fail(Exit.IO_ERROR, f"{folder} is no folder; run gate central init")
    engine = open_database(database_url(folder, url))
    try:
        yield engine
    finally:
        engine.dispose()


@contextlib.contextmanager
def served(folder: Path, url: str | None) -> Iterator[ServerContext]:
    """Open the server's context for the block; its errors end the command."""
    with explained(), opened(folder, url) as engine:
        from gate_central.server_context import ServerContext

        yield ServerContext(folder, engine, now)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """End the command with one line and an exit code on an error in the block."""
    try:
        from sqlalchemy.exc import SQLAlchemyError

        from gate_central import errors
    except ImportError as error:
        lacks = f"install portcullis-central ({error.name} is missing)"
        fail(Exit.CONFIG, f"the central server is a package of its own: {lacks}")
    codes: dict[type[errors.CentralError], Exit] = {
        errors.NotYetError: Exit.TRY_LATER,
        errors.QuotaError: Exit.TRY_LATER,
        errors.UnknownError: Exit.USAGE,
        errors.BadRequestError: Exit.USAGE,
        errors.ForbiddenError: Exit.NOT_PERMITTED,
        errors.DamagedError: Exit.BAD_DATA,
        errors.AwayError: Exit.IO_ERROR,
        errors.FolderError: Exit.CONFIG,
    }
    try:
        yield
    except (errors.CentralError, SQLAlchemyError) as error:
        from gate_central.database import explained as meaning

        found = meaning(error) if isinstance(error, SQLAlchemyError) else error
        code = next(code for kind, code in codes.items() if isinstance(found, kind))
        is_missing = code is Exit.CONFIG and isinstance(found.__cause__, FileNotFoundError)
        fail(Exit.IO_ERROR if is_missing else code, str(found))
