"""`gate central fleet` goes on from what it has verified: it reads less, and a past that was rewritten shows all the same."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from central_fakes.folder import make_context
from central_fakes.server import GATE_ID, Bench
from core_fakes.sealed_log import SealedLog, plain_record
from typer.testing import CliRunner

from gate_central.commands.central import app
from gate_central.schema import gates, heads, packages, piece_hashes
from gate_central.verification_state import LOOKS, Verified
from gate_core import durable
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.merkle import Frontier, leaf_hash, root_of
from gate_core.audit_format.note import Note
from gate_core.audit_format.tiles import TILE_WIDTH, encode_entries
from gate_core.mirror_client.spool import SpoolLog

MINE = heads.c.device == GATE_ID


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "log")


def fleet(tmp_path: Path, *words: str) -> tuple[int, dict[str, Any]]:
    database = f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"
    done = CliRunner().invoke(
        app, ["fleet", *words, "--dir", str(tmp_path / "server"), "--database", database, "--json"]
    )
    assert not isinstance(done.exception, Exception), done.exception
    (row,) = json.loads(done.stdout)["gates"]
    return done.exit_code, row


@contextmanager
def counted() -> Iterator[list[int]]:
    """Which pieces' entries were read."""
    read = list[int]()

    def see(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM package" in statement:
            read.append(parameters[1] // TILE_WIDTH)

    sa.event.listen(sa.Engine, "before_cursor_execute", see)
    try:
        yield read
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", see)


async def grown(bench: Bench, tmp_path: Path, entries: int) -> None:
    """A gate's log at central, whose mirror is that of the folder."""
    context = make_context(bench, tmp_path / "server")
    bench.server.mirror._signer = bench.server.signer = context.folder.mirror
    bench.client = bench.new_client()
    await grow(bench, entries)


async def grow(bench: Bench, entries: int) -> None:
    bench.log.write([plain_record("presence", "c0") for _ in range(entries)])
    await bench.round()


async def test_a_second_look_reads_what_came_since_and_a_share_of_the_rest(bench: Bench, tmp_path: Path) -> None:
    await grown(bench, tmp_path, 2100)  # eight full pieces and 52 more
    with counted() as read:
        assert fleet(tmp_path)[0] == 0
    assert set(range(8)) <= set(read)
    await grow(bench, 300)
    with counted() as read:
        code, row = fleet(tmp_path)
    assert (code, row["verified"], row["entries"]) == (0, True, 2400)
    assert set(read) == {1, 8, 9}, "the piece that grew, the newest, and one of the old ones"
    with counted() as read:
        fleet(tmp_path)
    assert set(read) == {2, 9}
    with counted() as read:
        assert fleet(tmp_path, "--full")[0] == 0
    assert set(read) == set(range(10))


async def test_an_old_entry_that_was_rewritten_shows_in_a_full_look_at_once_and_in_thirty_in_any_case(
    bench: Bench, tmp_path: Path
) -> None:
    await grown(bench, tmp_path, 2100)
    assert fleet(tmp_path)[0] == 0
    rewrite_one(bench, piece=6)
    assert fleet(tmp_path, "--full")[0] == 1
    looks = 1
    while fleet(tmp_path)[0] == 0:
        looks += 1
    assert looks <= LOOKS
    assert fleet(tmp_path)[0] == 1, "it stands from then on"


@pytest.mark.parametrize("a_day", [0, 1, 5, 47, 300])
def test_every_piece_of_a_log_that_grows_is_read_in_any_thirty_looks(a_day: int) -> None:
    """A running count modulo a length that grows left pieces out for 168 looks."""
    memory, count, last = Verified(), 40, dict[int, int]()
    for look in range(400):
        read = memory.pieces("gate-0001", count)
        assert look == 0 or len(read) <= a_day + -(-count // LOOKS), "no look reads more than its share"
        last |= dict.fromkeys(read, look)
        assert min(last[piece] for piece in range(count)) > look - LOOKS
        memory.keep("gate-0001", count * TILE_WIDTH, bytes(32))
        count += a_day


def rewrite_one(bench: Bench, *, piece: int) -> None:
    with bench.server.ledger._engine.begin() as connection:
        mine = (packages.c.device == GATE_ID) & (packages.c.start <= piece * TILE_WIDTH)
        mine &= packages.c.start + packages.c.width > piece * TILE_WIDTH
        raw = connection.execute(sa.select(packages.c.entries).where(mine)).scalar_one()
        changed = raw.replace(b"T10:00:00Z", b"T11:00:00Z", 1)
        assert changed != raw
        connection.execute(packages.update().where(mine).values(entries=changed))


async def test_a_history_that_the_gate_and_the_server_signed_instead_of_the_one_before_shows(
    bench: Bench, tmp_path: Path
) -> None:
    """Who has both keys writes another log of the same length: each signature holds, and the memory does not agree."""
    await grown(bench, tmp_path, 300)
    assert fleet(tmp_path)[0] == 0
    write_another_history(bench, tmp_path)
    for words in ((), ("--full",), ()):
        code, row = fleet(tmp_path, *words)
        assert (code, row["verified"]) == (1, False)
        assert "the first 300 entries" in row["problem"]
    (tmp_path / "server" / "verified.json").unlink()
    assert fleet(tmp_path)[0] == 0, "the memory alone knew it"


def write_another_history(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = SealedLog(tmp_path / "other", bench.log.signer)
    other.write([plain_record("presence", "c1") for _ in range(300)])
    leaves = SpoolLog(other.spool).leaves(0, TILE_WIDTH) + SpoolLog(other.spool).leaves(TILE_WIDTH, 300)
    frontier = Frontier().extend(map(leaf_hash, leaves))
    note = Checkpoint(bench.origin, 300, frontier.root()).sign(bench.log.signer)
    note = note.with_signatures([bench.server.signer.cosign(note.text, 1)])
    with bench.server.ledger._engine.begin() as connection:
        connection.execute(packages.delete().where(packages.c.device == GATE_ID))
        for start, end in ((0, TILE_WIDTH), (TILE_WIDTH, 300)):
            entries = encode_entries(leaves[start:end])
            row = {"device": GATE_ID, "start": start, "width": end - start, "entries": entries}
            connection.execute(packages.insert().values(row))
        piece = root_of([leaf_hash(one) for one in leaves[:TILE_WIDTH]])
        connection.execute(piece_hashes.update().where(piece_hashes.c.device == GATE_ID).values(hash=piece))
        values = {"root": frontier.root(), "note": note.to_bytes(), "frontier": frontier.to_bytes()}
        connection.execute(heads.update().where(MINE).values(values))


async def test_a_database_that_was_put_back_shows_until_the_gate_brought_the_rest_again(
    bench: Bench, tmp_path: Path
) -> None:
    await grown(bench, tmp_path, 10)
    with bench.server.ledger._engine.begin() as connection:
        before = connection.execute(sa.select(heads).where(MINE)).mappings().one()
    await grow(bench, 5)
    assert fleet(tmp_path)[0] == 0
    with bench.server.ledger._engine.begin() as connection:
        connection.execute(packages.delete().where(packages.c.device == GATE_ID, packages.c.start >= 10))
        connection.execute(heads.update().where(MINE).values(dict(before)))
    code, row = fleet(tmp_path)
    assert (code, row["verified"]) == (1, False)
    assert "15 entries were verified before, and 10 are here" in row["problem"]
    with bench.server.ledger._engine.begin() as connection:
        connection.execute(heads.update().where(MINE).values(size=0, note=None, root=Frontier().root()))
    assert fleet(tmp_path)[0] == 1, "nothing is no whole log, either"


async def test_a_gate_that_is_gone_from_the_database_is_missed(bench: Bench, tmp_path: Path) -> None:
    await grown(bench, tmp_path, 1)
    assert fleet(tmp_path)[0] == 0
    with bench.server.ledger._engine.begin() as connection:
        connection.execute(gates.delete())
    code, row = fleet(tmp_path)
    assert (code, row["id"], row["verified"]) == (1, GATE_ID, False)


async def test_a_memory_that_lies_admits_nothing(bench: Bench, tmp_path: Path) -> None:
    await grown(bench, tmp_path, 300)
    assert fleet(tmp_path)[0] == 0
    memory = tmp_path / "server" / "verified.json"
    assert memory.stat().st_mode & 0o777 == 0o600
    told = json.loads(memory.read_bytes())
    memory.write_text(json.dumps({GATE_ID: {**told[GATE_ID], "root": "00" * 32}}))
    assert fleet(tmp_path)[0] == 1
    database = f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}"
    for crafted in ("{", *(json.dumps({GATE_ID: {**told[GATE_ID], name: -768}}) for name in ("size", "next"))):
        memory.write_text(crafted)
        done = CliRunner().invoke(app, ["fleet", "--dir", str(tmp_path / "server"), "--database", database])
        assert (done.exit_code, done.stderr.count("\n")) == (78, 1)
        assert "delete it" in done.stderr


async def test_a_look_without_a_memory_and_one_that_cannot_be_kept_say_so(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may write in the folder deletes the file, and the look that knew nothing said nothing."""
    await grown(bench, tmp_path, 1)
    words = [
        "fleet",
        "--dir",
        str(tmp_path / "server"),
        "--database",
        f"sqlite:///{tmp_path / 'log' / 'central.sqlite'}",
    ]

    def look(*more: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*words, *more])
        return done.exit_code, done.stderr

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert look("--quick") == (0, "")
    code, said = look()
    assert (code, "no earlier look is known" in said) == (0, True)
    assert look() == (0, "")
    (tmp_path / "server" / "verified.json").unlink()
    monkeypatch.setattr(durable, "write", full)
    code, said = look()
    assert (code, "no earlier look is known" in said, "No space left on device" in said) == (0, True, True)


async def test_a_head_whose_signature_is_not_of_the_mirror_is_refused_in_a_short_look_too(
    bench: Bench, tmp_path: Path
) -> None:
    await grown(bench, tmp_path, 1)
    assert fleet(tmp_path)[0] == 0
    with bench.server.ledger._engine.begin() as connection:
        note = Note.parse(connection.execute(sa.select(heads.c.note).where(MINE)).scalar_one())
        connection.execute(heads.update().where(MINE).values(note=Note(note.text, note.signatures[:1]).to_bytes()))
    assert fleet(tmp_path)[0] == 1


def test_full_and_quick_are_not_both(bench: Bench, tmp_path: Path) -> None:
    make_context(bench, tmp_path / "server")
    done = CliRunner().invoke(app, ["fleet", "--quick", "--full", "--dir", str(tmp_path / "server")])
    assert done.exit_code == 2
