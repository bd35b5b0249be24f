"""A database of version 1, where a row held 256 entries and was rewritten, becomes one of now, and its logs go on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from central_fakes.postgresql import IS_HERE, NOT_HERE, Postgresql, running
from central_fakes.server import GATE_ID, Bench, Server

from gate_central import migration
from gate_central.archive import export, is_intact
from gate_central.database import OPENING, open_database
from gate_central.errors import AwayError, DamagedError
from gate_central.ledger import ABSENT_S
from gate_central.schema import (
    VERSION,
    age_keys,
    awaited,
    erased,
    heads,
    metadata,
    packages,
    parties,
    people,
    piece_hashes,
    places,
    sealed,
    sites,
    versions,
)
from gate_central.wire import parse_round
from gate_core.audit_format.tiles import TILE_WIDTH, encode_entries
from gate_verify.verify import verify

# As that version made them, both for SQLite and, with BYTEA, for PostgreSQL.
OLD_TABLES = (
    (
        "CREATE TABLE head (device VARCHAR(64) NOT NULL, size BIGINT NOT NULL, root BLOB NOT NULL, note BLOB, pending BIGINT NOT NULL, "
        "next_entry BIGINT NOT NULL, bodies BIGINT NOT NULL, PRIMARY KEY (device))"
    ),
    (
        "CREATE TABLE bundle (device VARCHAR(64) NOT NULL, n BIGINT NOT NULL, width INTEGER NOT NULL, entries BLOB NOT NULL, "
        "sealed_width INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (device, n))"
    ),
    (
        "CREATE TABLE age_file (device VARCHAR(64) NOT NULL, id VARCHAR(64) NOT NULL, first_index BIGINT NOT NULL, wrapped BLOB, "
        "erased BOOLEAN NOT NULL, PRIMARY KEY (device, id))"
    ),
    "CREATE TABLE absent_key (device VARCHAR(64) NOT NULL, id VARCHAR(64) NOT NULL, said_s BIGINT NOT NULL, PRIMARY KEY (device, id))",
    "CREATE INDEX age_file_lacking ON age_file (device, first_index)",
)
ABSENT = "a" * 64  # an age file that the gate said it does not have


@pytest.fixture(scope="module")
def server() -> Iterator[Postgresql]:
    if not IS_HERE:
        pytest.skip(NOT_HERE)
    with running() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "sqlite":
        return Bench(tmp_path)
    database: Postgresql = request.getfixturevalue("server")
    return Bench(tmp_path, database.new_database(f"t{abs(hash(request.node.name)):x}"))


def made_old(bench: Bench) -> sa.Engine:
    """Put the content into the tables of version 1, and return the database."""
    ledger = bench.server.ledger
    engine, head = ledger._engine, ledger.head(GATE_ID)
    pieces = list(ledger.bundles(GATE_ID, head.next_entry))
    fields = {"size": head.size, "root": head.root, "note": head.note, "pending": head.pending}
    with engine.begin() as connection:
        keys = connection.execute(sa.select(age_keys.c.id, age_keys.c.first_index, age_keys.c.wrapped)).all()
        for table in (heads, packages, sealed, versions, age_keys, awaited, erased, parties, sites, places, people):
            table.drop(connection)
        connection.exec_driver_sql("ALTER TABLE gate DROP COLUMN software")
        for statement in OLD_TABLES:
            is_postgresql = connection.dialect.name == "postgresql"
            connection.exec_driver_sql(statement.replace("BLOB", "BYTEA") if is_postgresql else statement)
        for key_id, first, wrapped in keys:
            row = {"device": GATE_ID, "id": key_id, "first_index": first, "wrapped": wrapped, "erased": False}
            connection.execute(migration.age_files.insert().values(row))
        row = {"device": GATE_ID, "next_entry": head.next_entry, "bodies": head.bodies}
        connection.execute(migration.heads.insert().values(**fields, **row))
        for n, piece in enumerate(pieces):
            entries = {"device": GATE_ID, "n": n, "width": len(piece.entries), "entries": encode_entries(piece.entries)}
            bodies = {"sealed_width": len(piece.sealed), "sealed": b"".join(piece.sealed)}
            connection.execute(migration.bundles.insert().values(**entries, **bodies))
    return engine


def opened_again(bench: Bench, engine: sa.Engine) -> None:
    bench.server = Server.over(engine.url.render_as_string(hide_password=False), signer=bench.server.signer)
    bench.client = bench.new_client()


@pytest.mark.parametrize("knows_hashes", [True, False], ids=["with hashes of pieces", "of before there were any"])
async def test_an_old_database_keeps_its_logs_and_they_go_on(
    bench: Bench, tmp_path: Path, *, knows_hashes: bool
) -> None:
    bench.grow(2 * TILE_WIDTH // 5 + 1)  # two pieces and a little
    await bench.round()
    bench.grow()
    await bench.round()
    engine = made_old(bench)
    if not knows_hashes:
        with engine.begin() as connection:
            connection.execute(piece_hashes.delete())
    opened_again(bench, engine)
    assert is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])
    size = bench.grow(60)
    receipt = await bench.round()
    assert receipt is not None
    assert receipt.checkpoint.size == size
    rounds = [parse_round(one.body) for one in bench.sent if one.path == "/round"]
    assert rounds[0].package is not None
    assert rounds[0].package.start == size - 300, "what was there is not sent again"
    export(bench.server.ledger, bench.gate, tmp_path / "out")
    report = verify(tmp_path / "out", bench.log.vkey)
    assert (report.verified, report.entries, report.bodies) == (True, size, size)
    names = sa.inspect(bench.server.ledger._engine).get_table_names()
    assert set(names) == set(metadata.tables)


async def test_a_migration_that_breaks_off_has_not_begun(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    engine = made_old(bench)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE package (nothing_of_ours INTEGER)")
    with pytest.raises((AwayError, DamagedError), match="package"):
        open_database(engine.url.render_as_string(hide_password=False))
    names = set(sa.inspect(engine).get_table_names())
    assert {"head", "bundle"} <= names
    assert not {"log_head", "sealed", "schema_version", "age_key"} & names
    with engine.begin() as connection:
        assert len(connection.execute(sa.select(migration.bundles)).all()) == 1
        connection.exec_driver_sql("DROP TABLE package")
    opened_again(bench, engine)
    assert is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])


async def test_what_a_head_claims_beyond_its_entries_is_no_entry(bench: Bench) -> None:
    bench.grow(60)
    await bench.round()
    engine = made_old(bench)
    with engine.begin() as connection:
        connection.execute(migration.bundles.delete().where(migration.bundles.c.n == 1))
    opened_again(bench, engine)
    assert bench.server.ledger.head(GATE_ID).next_entry == TILE_WIDTH
    assert not is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])


@pytest.mark.parametrize("knows_hashes", [True, False], ids=["with hashes of pieces", "of before there were any"])
@pytest.mark.parametrize("piece", [0, 1, 2])
async def test_a_piece_that_cannot_be_read_stops_it_by_name_and_nothing_was_changed(
    bench: Bench, piece: int, *, knows_hashes: bool
) -> None:
    bench.grow(2 * TILE_WIDTH // 5 + 1)
    await bench.round()
    engine = made_old(bench)
    with engine.begin() as connection:
        if not knows_hashes:
            connection.execute(piece_hashes.delete())
        here = migration.bundles.c.n == piece
        connection.execute(migration.bundles.update().where(here).values(entries=b"no bundle"))
    with pytest.raises(DamagedError, match=f"^piece {piece} of {GATE_ID} cannot be read [^\n]*$"):
        open_database(engine.url.render_as_string(hide_password=False))
    assert "bundle" in sa.inspect(engine).get_table_names()


async def test_a_piece_that_is_gone_between_others_stops_it_by_name(bench: Bench) -> None:
    bench.grow(2 * TILE_WIDTH // 5 + 1)
    await bench.round()
    engine = made_old(bench)
    with engine.begin() as connection:
        connection.execute(migration.bundles.delete().where(migration.bundles.c.n == 1))
    with pytest.raises(DamagedError, match=f"piece 1 of {GATE_ID} is missing"):
        open_database(engine.url.render_as_string(hide_password=False))


async def test_age_files_keep_the_day_and_class_of_what_they_open(bench: Bench) -> None:
    bench.grow(2)
    await bench.round()
    engine = made_old(bench)
    now_s = 1_800_000_000
    with engine.begin() as connection:
        first = (
            connection.execute(sa.select(migration.age_files.c.id).order_by(migration.age_files.c.first_index))
            .scalars()
            .first()
        )
        connection.execute(migration.age_files.update().where(migration.age_files.c.id == first).values(wrapped=None))
        connection.execute(migration.absent_keys.insert().values(device=GATE_ID, id=first, said_s=now_s))
    opened_again(bench, engine)
    with engine.begin() as connection:
        here = connection.execute(sa.select(age_keys.c.about, age_keys.c.day, age_keys.c.first_index)).all()
        missing = connection.execute(sa.select(awaited)).mappings().one()
    assert [tuple(one) for one in here] == [("crossing", "2026-11-25", 5)]
    assert (missing["id"], missing["first_index"], missing["due_s"]) == (first, 0, now_s + ABSENT_S)


async def test_processes_that_find_an_old_database_at_once_migrate_it_once(bench: Bench) -> None:
    bench.grow(60)
    await bench.round()
    engine = made_old(bench)
    url = engine.url.render_as_string(hide_password=False)
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(open_database, [url] * 4))
    for one in opened:
        one.dispose()
    opened_again(bench, engine)
    assert is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])


async def test_who_opens_a_postgresql_database_waits_for_who_changes_its_tables(server: Postgresql) -> None:
    url = server.new_database("opened")
    engine = sa.create_engine(url)
    with ThreadPoolExecutor(1) as threads, engine.connect() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(OPENING)))
        opening = threads.submit(open_database, url)
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        while not connection.execute(waiting).scalar_one():
            assert not opening.done(), "it did not wait"
        connection.rollback()
        opening.result().dispose()
    engine.dispose()


async def test_a_database_of_a_newer_version_is_left_alone(bench: Bench) -> None:
    engine = bench.server.ledger._engine
    with engine.begin() as connection:
        connection.execute(versions.update().values(version=VERSION + 1))
    with pytest.raises(DamagedError, match="newer version"):
        open_database(engine.url.render_as_string(hide_password=False))
