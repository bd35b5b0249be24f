"""What the central server does at its limits: silence, a database that fails, and counts that end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from central_fakes.server import GATE_ID, Bench
from starlette.requests import Request as Incoming

from gate_central import request_reader
from gate_central.errors import BadRequestError, DamagedError, NotYetError, UnknownError
from gate_central.evidence import Answer, Kind, slots
from gate_central.key_index import Wanted
from gate_central.ledger import CHECKPOINTS_KEPT, LACKING, LACKING_MAX, MISSING_MAX, Growth, Head
from gate_central.schema import awaited, checkpoints, heads, metadata, packages
from gate_central.wire import FILES_MAX, parse_round
from gate_contract.virtual_time import in_virtual_time
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.merkle import leaf_hash
from gate_core.audit_format.note import Note
from gate_core.audit_format.tiles import TILE_WIDTH
from gate_core.mirror_client import wire
from gate_core.mirror_client.spool import SpoolLog


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def incoming(*, body: tuple[bytes, ...], then_silence: bool) -> Incoming:
    """A request whose body comes in these pieces and, after them, ends or says nothing any more."""
    pieces = list(body)

    async def receive() -> dict[str, object]:
        if not pieces and then_silence:
            await asyncio.Event().wait()
        return {
            "type": "http.request",
            "body": pieces.pop(0) if pieces else b"",
            "more_body": bool(pieces) or then_silence,
        }

    return Incoming({"type": "http", "method": "POST", "headers": []}, receive)


@in_virtual_time
async def test_a_body_that_falls_silent_is_given_up() -> None:
    with pytest.raises(BadRequestError, match="nothing came"):
        await request_reader.whole_body(incoming(body=(b"half",), then_silence=True), 100)


async def test_a_body_that_comes_in_pieces_is_read_whole() -> None:
    assert await request_reader.whole_body(incoming(body=(b"one", b"two"), then_silence=False), 6) == b"onetwo"
    with pytest.raises(BadRequestError, match="more than 5 bytes"):
        await request_reader.whole_body(incoming(body=(b"one", b"two"), then_silence=False), 5)


async def test_long_bodies_come_in_pieces_of_bounded_size() -> None:
    whole = bytes(3 * request_reader.CHUNK_BYTES)
    found: AsyncIterator[bytes] = request_reader.plain_body(incoming(body=(whole,), then_silence=False))
    assert [len(one) async for one in found] == [request_reader.CHUNK_BYTES] * 3 + [0]


async def test_a_database_that_fails_is_a_try_later_and_the_next_round_is_well(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.grow()
    engine = bench.server.ledger._engine
    packages.drop(engine)
    answer = await bench.ask(wire.add_entries(bench.origin, 0, 0, b"", ()))
    assert answer.status == 409
    checkpoint, note = head(bench)
    assert (await bench.ask(wire.add_checkpoint(0, (), note))).status == 200
    entries = wire.package(SpoolLog(bench.log.spool).leaves(0, 5), ())
    answer = await bench.ask(wire.add_entries(bench.origin, 0, checkpoint.size, b"", (entries,)))
    assert (answer.status, answer.body) == (503, b"the database does not answer; try later\n")
    assert [one.message for one in caplog.records].count("database_failed") == 1
    metadata.create_all(engine)
    assert await bench.round() is not None


async def test_looking_for_what_a_gate_lacks_goes_by_an_index_alone(bench: Bench) -> None:
    asked = LACKING.params(of=GATE_ID, now_s=1_800_000_000)
    with bench.server.ledger._engine.begin() as connection:
        text = asked.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    assert plan == ["SEARCH age_key_awaited USING INDEX age_key_due (device=? AND due_s<?)"], (
        "no sorting, and no other table"
    )


async def test_age_files_that_are_missing_are_counted_up_to_a_bound(bench: Bench) -> None:
    rows = [
        {"device": GATE_ID, "id": f"{n:064x}", "about": "crossing", "day": AT[:10], "first_index": n, "due_s": 0}
        for n in range(MISSING_MAX + 1)
    ]
    with bench.server.ledger._engine.begin() as connection:
        connection.execute(awaited.insert(), rows)
    assert bench.server.ledger.missing_keys(GATE_ID) == MISSING_MAX
    assert bench.server.ledger.head(GATE_ID).lacks_keys


async def test_a_round_names_a_bounded_number_of_age_files(bench: Bench) -> None:
    bench.grow()
    _, note = head(bench)
    announced = wire.add_checkpoint(0, (), note)
    names = {f"{n:064x}": None for n in range(FILES_MAX + 1)}
    answer = await bench.ask(wire.round_request(announced, (0, 0, b""), b"", names))
    assert (answer.status, answer.body) == (400, f"a round names {FILES_MAX} age files at most\n".encode())
    names.popitem()
    assert (await bench.ask(wire.round_request(announced, (0, 0, b""), b"", names))).status == 200


def test_one_age_file_named_over_and_over_is_many() -> None:
    announced = wire.add_checkpoint(0, (), Note("border.example/gate-0001\n", ()))
    request = wire.round_request(announced, (0, 0, b""), b"", {"a" * 64: None})
    once = bytes.fromhex("a" * 64) + bytes(4)
    with pytest.raises(BadRequestError, match="age files at most"):
        parse_round(request.body + FILES_MAX * once)


def test_what_a_server_asks_for_fits_into_a_round_of_a_gate() -> None:
    """A round brings what the server asked for and what its entries name."""
    assert FILES_MAX >= LACKING_MAX + TILE_WIDTH
    lines = tuple(f"{n:064x}" for n in range(LACKING_MAX))
    answer = wire.Response(
        200, "application/json", msgspec.json.encode(wire.RoundState(2**62, 2**62, 2**62, lines, "x" * 512))
    )
    assert len(answer.body) < wire.ANSWER_BYTES_MAX
    assert wire.parse_round_state(answer).keys == tuple(lines)


def head(bench: Bench) -> tuple[Checkpoint, Note]:
    found = SpoolLog(bench.log.spool).head()
    assert found is not None
    return found


async def test_of_pending_checkpoints_only_the_newest_are_kept(bench: Bench) -> None:
    ledger = bench.server.ledger
    for size in range(1, 3 * CHECKPOINTS_KEPT):
        before = ledger.head(GATE_ID)
        assert ledger.swap(GATE_ID, before, replace(before, pending=size), Growth(checkpoint=b"note"))
    with ledger._engine.begin() as connection:
        kept = connection.execute(sa.select(checkpoints.c.size).order_by(checkpoints.c.size)).scalars().all()
    newest = 3 * CHECKPOINTS_KEPT - 1
    assert list(kept) == list(range(newest - CHECKPOINTS_KEPT + 1, newest + 1))


AT = "2026-11-25T10:00:00.000Z"


def keep(bench: Bench, kind: Kind, number: int) -> bool:
    return bench.server.evidence.keep(GATE_ID, kind, b"note %d\n" % number, against=b"other\n", at=AT)


async def test_evidence_is_kept_once_each_and_each_kind_has_slots_of_its_own(bench: Bench) -> None:
    for kind in Kind:
        first = 1000 * list(Kind).index(kind)
        for number in range(first, first + 20):
            assert keep(bench, kind, number) == (number - first < slots(kind))
            assert not keep(bench, kind, number)
    kept = bench.server.evidence.alarms(GATE_ID)
    assert {kind: sum(one.kind == kind.value for one in kept) for kind in Kind} == {kind: slots(kind) for kind in Kind}
    assert {one.against for one in kept} == {b"other\n"}
    assert {one.kind: one.count for one in bench.server.evidence.repeats(GATE_ID)} == {
        kind.value: 40 - slots(kind) for kind in Kind
    }


async def test_an_answer_frees_a_slot_and_stays_beside_its_evidence(bench: Bench) -> None:
    evidence = bench.server.evidence
    assert keep(bench, Kind.WENT_BACK, 1)
    assert not keep(bench, Kind.WENT_BACK, 2)
    (alarm,) = evidence.alarms(GATE_ID)
    evidence.answer(GATE_ID, alarm.id, Answer(AT, "A. Operator", "the disk was replaced"))
    with pytest.raises(UnknownError, match="stands"):
        evidence.answer(GATE_ID, alarm.id, Answer(AT, "B", "again"))
    assert not keep(bench, Kind.WENT_BACK, 1), "the same again is answered already"
    assert keep(bench, Kind.WENT_BACK, 3)
    answers = [one.answer for one in evidence.alarms(GATE_ID) if one.id == alarm.id]
    assert answers == [Answer(AT, "A. Operator", "the disk was replaced")]
    for unknown in ("", "0" * 16, alarm.id[:15]):
        with pytest.raises(UnknownError):
            evidence.answer(GATE_ID, unknown, Answer(AT, "A", "b"))


async def test_a_pending_checkpoint_that_is_gone_is_damage_and_not_a_fresh_start(bench: Bench) -> None:
    bench.grow()
    _, announced = head(bench)
    assert (await bench.ask(wire.add_checkpoint(0, (), announced))).status == 200
    bench.grow()
    with bench.server.ledger._engine.begin() as connection:
        connection.execute(checkpoints.delete())
    checkpoint, note = head(bench)
    assert (await bench.ask(wire.add_checkpoint(5, (), note))).status == 500
    assert bench.server.ledger.head(GATE_ID).pending == 5 < checkpoint.size


async def test_bodies_cannot_skip_a_piece(bench: Bench) -> None:
    bench.grow(60)  # 300 entries: two pieces
    log = SpoolLog(bench.log.spool)

    async def without_bodies(request: wire.Request) -> wire.Response:
        if request.path == "/bodies/sealed":
            return wire.Response(503, "text/plain", b"later")
        return await bench.ask_one_of_before(request)

    with pytest.raises(Exception, match="503"):
        await bench.round(without_bodies)
    lines = log.sealed_lines(256, 300, 10**6)
    assert (await bench.ask(wire.put_sealed(lines))).status == 409
    with pytest.raises(NotYetError):
        bench.server.mirror.keep_sealed(bench.gate, lines)
    assert bench.server.ledger.head(GATE_ID).bodies == 0
    assert await bench.round() is not None
    assert bench.server.ledger.head(GATE_ID).bodies == 300


async def test_a_gate_that_nobody_enrolled_has_no_log_and_cannot_be_revoked(bench: Bench) -> None:
    with pytest.raises(UnknownError):
        bench.server.ledger.head("gate-0404")
    with pytest.raises(UnknownError):
        bench.server.roster.revoke("gate-0404")


async def test_whoever_swaps_a_head_that_is_another_one_by_now_adds_nothing(bench: Bench) -> None:
    ledger = bench.server.ledger
    seen = ledger.head(GATE_ID)

    def grown(entry: bytes) -> Head:
        return replace(seen, pending=1, frontier=seen.frontier.append(leaf_hash(entry)))

    assert ledger.swap(
        GATE_ID,
        seen,
        grown(b"first"),
        Growth(b"note", entries=[b"first"], keys={"a" * 64: Wanted(0, "crossing", AT[:10])}),
    )
    late = Growth(b"other", entries=[b"other"], keys={"b" * 64: Wanted(0, "crossing", AT[:10])})
    assert not ledger.swap(GATE_ID, seen, grown(b"other"), late)
    assert ledger.bundle(GATE_ID, 0).entries == (b"first",)
    assert ledger.checkpoint(GATE_ID, 1) == b"note"
    assert ledger.missing_keys(GATE_ID) == 1


async def test_rows_beyond_the_head_are_damage_and_stay(bench: Bench) -> None:
    """As after an operator's hand: the head was set back, and the rows were not."""
    ledger = bench.server.ledger
    seen = ledger.head(GATE_ID)
    grown = replace(seen, pending=1, frontier=seen.frontier.append(leaf_hash(b"first")))
    assert ledger.swap(GATE_ID, seen, grown, Growth(entries=[b"first"]))
    with ledger._engine.begin() as connection:
        connection.execute(heads.update().values(pending=0, next_entry=0, frontier=b""))
    with pytest.raises(DamagedError, match="beyond its head"):
        ledger.swap(GATE_ID, seen, grown, Growth(entries=[b"other"]))
    assert ledger.entries(GATE_ID, 0, 1) == (b"first",)
    with ledger._engine.begin() as connection:
        connection.execute(heads.update().values(next_entry=1))
    with pytest.raises(DamagedError, match="damaged"):
        ledger.head(GATE_ID)
