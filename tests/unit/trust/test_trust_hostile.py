"""A trust store that a neighbour in bad hands wrote: every one is refused in one line, soon and in bounded memory."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sqlite3
import time
import tracemalloc
from pathlib import Path

import pytest
from document_fakes.master_lists import NOW, party, revocation_list

from gate.trust import snapshot
from gate.trust.errors import StoreError
from gate.trust.folder import binary_values
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore

CSCA = party("CSCA 1")
SOON_S = 20.0  # on a machine that others keep busy
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
COLUMNS = (
    "fingerprint",
    "der",
    "subject",
    "subject_id",
    "key_id",
    "country",
    "not_before",
    "not_after",
    "standing",
    "test",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "trust.sqlite"
    sources = [read_source("csca", CSCA.der), read_source("crl", revocation_list(CSCA))]
    import_sources(path, sources, signer=None, test=False, now=NOW)
    return path


def change(path: Path, script: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def refusal(path: Path) -> str:
    """Why the store is refused, which is said soon and in one line."""
    began = time.monotonic()
    with pytest.raises(StoreError) as caught:
        TrustStore.open(path)
    assert time.monotonic() - began < SOON_S
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ── what would run ───────────────────────────────────────────────────────────────────────────────────────────────────


def view(rows: str) -> str:
    """A view in the place of the certificates. Each of its rows is a forged one of 1 MiB."""
    values = ", ".join(f"zeroblob(1048576) AS {name}" if name == "der" else f"'x' AS {name}" for name in COLUMNS)
    return f"DROP TABLE certificate; CREATE VIEW certificate AS SELECT {values} FROM ({rows})"


def test_a_view_without_end_in_the_place_of_a_table_is_refused(path: Path) -> None:
    change(path, view(ENDLESS))
    assert "tables are not those of a trust store" in refusal(path)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (f"{ENDLESS} WHERE i < 0", "interrupted"),
        (ENDLESS, "more than its file can"),
        (f"{ENDLESS} LIMIT 20", "more than its file can"),
    ],
)
def test_what_a_view_computes_is_bounded_in_number_and_bytes_where_nobody_looked_at_the_tables(
    path: Path, rows: str, reason: str
) -> None:
    change(path, view(rows))
    found = snapshot.Snapshot()
    found.fill(path.read_bytes())
    with pytest.raises(sqlite3.Error, match=reason):
        found.rows("SELECT * FROM certificate")
    found.close()


@pytest.mark.parametrize(
    "script",
    [
        "CREATE VIEW more AS SELECT 1",
        "CREATE TABLE more (a)",
        "CREATE TRIGGER more AFTER INSERT ON source BEGIN DELETE FROM certificate; END",
        "CREATE VIRTUAL TABLE more USING fts5(a)",
        "CREATE VIRTUAL TABLE more USING rtree(id, a, b)",
        "ALTER TABLE source ADD COLUMN more AS (zeroblob(1000000000))",
        "CREATE INDEX more ON certificate (zeroblob(length(der) * 10))",
        "CREATE INDEX more ON certificate (country) WHERE length(country) > 1",
        "ALTER TABLE source ADD COLUMN more",
        "ALTER TABLE source DROP COLUMN sha256",
        "DROP INDEX idx_document_signer_key_id",
        "ANALYZE",
        "DROP TABLE document_signer",
        "ALTER TABLE source RENAME TO more; CREATE TABLE source (id, name, kind, sha256, signer, publisher, signed_at, imported_at, test)",
    ],
)
def test_a_schema_that_no_import_writes_is_refused_by_reading_and_by_the_next_import(path: Path, script: str) -> None:
    change(path, script)
    assert "tables are not those of a trust store" in refusal(path)
    with pytest.raises(StoreError, match="tables are not those of a trust store"):
        import_sources(path, [read_source("csca", CSCA.der)], signer=None, test=False, now=NOW)


# ── what would fill memory ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_value_beyond_any_list_is_refused_before_it_is_read(path: Path) -> None:
    change(path, f"UPDATE certificate SET der = zeroblob({snapshot.VALUE_BYTES_MAX + 1})")
    assert "too big" in refusal(path)


def test_pages_that_many_rows_share_are_noticed_before_they_fill_memory(path: Path) -> None:
    """A page of links between pages that all lead to the one with the largest row: 4 MiB, some hundred times."""
    change(
        path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) "
        "INSERT INTO source (name, kind, imported_at, signer) SELECT 'x', 'x', 'x', hex(zeroblob(1500)) FROM n;"
        "UPDATE source SET signer = hex(zeroblob(2097152)) WHERE id = 1",
    )
    content = bytearray(path.read_bytes())
    with contextlib.closing(sqlite3.connect(path)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'source'").fetchone()[0]
    page = memoryview(content)[(root - 1) * size : root * size]
    assert page[0] == 5, "an interior page of a table"
    cells = [int.from_bytes(page[12 + 2 * at : 14 + 2 * at], "big") for at in range(int.from_bytes(page[3:5], "big"))]
    assert len(cells) > 100
    for cell in cells:
        page[cell : cell + 4] = bytes(page[cells[0] : cells[0] + 4])
    page.release()
    path.write_bytes(content)
    found = snapshot.open_snapshot(path)
    with pytest.raises(sqlite3.Error, match="more than its file can"):
        found.rows("SELECT signer FROM source")
    asked = found.execute("SELECT sum(length(signer)) FROM source").fetchone()[0]
    assert asked > 50 * len(content), "that much would have been read"


def test_a_file_beyond_the_limit_is_not_read(path: Path) -> None:
    os.truncate(path, snapshot.STORE_BYTES_MAX + 1)
    assert "longer than" in refusal(path)


# ── what is no store at all ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["fifo", "link", "link to a device", "folder", "device", "socket"])
def test_what_is_no_ordinary_file_is_refused_and_never_waited_for(tmp_path: Path, path: Path, what: str) -> None:
    hostile = tmp_path / "hostile.sqlite"
    match what:
        case "fifo":
            os.mkfifo(hostile)
        case "link":
            hostile.symlink_to(path)
        case "link to a device":
            hostile.symlink_to("/dev/zero")
        case "folder":
            hostile.mkdir()
        case "device":
            hostile = Path("/dev/zero")
        case "socket":
            os.mknod(hostile, 0o140600)
        case _:
            raise AssertionError(what)
    assert "cannot be opened as a trust store" in refusal(hostile)


def test_a_journal_beside_the_store_is_not_looked_at(path: Path) -> None:
    for ending in ("-journal", "-wal", "-shm"):
        os.mkfifo(path.with_name(path.name + ending))
    assert len(TrustStore.open(path)) == 1


def test_a_store_in_another_journal_mode_is_refused(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[18:20] = b"\x02\x02"
    path.write_bytes(content)
    assert "cannot be opened" in refusal(path)


def test_what_sqlite_quotes_is_told_in_one_line(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"subject" TEXT', b'"su\nject" \nTXT'))
    assert "not those of a trust store" in refusal(path)
    path.write_bytes(content.replace(b'CREATE TABLE "certificate" (', b'CREATE TABLE "cert\nficate")))'))
    assert refusal(path)


def test_whatever_bytes_are_damaged_the_store_is_refused_or_read(path: Path) -> None:
    whole = path.read_bytes()
    dice = random.Random(9)
    refusals = []
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(dice.choice((1, 4, 64))):
            content[dice.randrange(len(content))] = dice.randrange(256)
        path.write_bytes(content if dice.random() < 0.8 else content[: dice.randrange(len(content))])
        try:
            TrustStore.open(path).read_ahead()
        except StoreError as error:
            refusals.append(str(error))
    assert len(refusals) > 100
    assert not any("\n" in one for one in refusals)


def test_a_value_folded_into_many_lines_takes_memory_for_its_characters_only() -> None:
    lines = io.BytesIO(b"a:: QQ\n" + b" A\n" * 400_002)
    tracemalloc.start()
    try:
        (value,) = binary_values(iter(lines.readline, b""))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(value.content) > 300_000
    assert peak_bytes < 8 << 20
