"""Damages what a store holds so that it is surely another: a byte set to a fixed value is the right one once in 256 times."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def damage_rows(connection: sqlite3.Connection, table: str) -> None:
    """Change the last byte of what every row of `table` holds."""
    connection.create_function("damaged", 1, lambda content: content[:-1] + bytes([content[-1] ^ 1]))
    connection.execute(f"UPDATE {table} SET der = damaged(der)")
