"""Each row of the tables beside this file: what the lane does in it, whole and in order. tables/README.md says how to read one."""

from __future__ import annotations

import pytest
from fakes.lane_tables import Row, Table, tables

ROWS = [
    pytest.param(table, row, id=f"{table.path.stem}: {name}") for table in tables() for name, row in table.rows.items()
]


@pytest.mark.parametrize(("table", "row"), ROWS)
def test_the_lane_does_what_the_row_says(table: Table, row: Row) -> None:
    assert table.played(row) == row.lines


@pytest.mark.parametrize("table", tables(), ids=lambda table: table.path.stem)
def test_a_table_is_written_as_the_program_writes_it(table: Table) -> None:
    assert table.text() == table.path.read_text()
