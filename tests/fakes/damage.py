"""Changes bytes so that they are surely others: a byte set to a fixed value is the right one once in 256 times."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def with_another_end(content: bytes) -> bytes:
    """The same with another last byte."""
    return content[:-1] + bytes([content[-1] ^ 1])


def damage_rows(connection: sqlite3.Connection, table: str) -> None:
    """Change the last byte of what every row of `table` holds."""
    connection.create_function("with_another_end", 1, with_another_end, deterministic=True)
    connection.execute(f"UPDATE {table} SET der = with_another_end(der)")
