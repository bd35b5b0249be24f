"""The mirror's side of tlog-mirror: what it accepts, what it refuses, and what it keeps as evidence."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa
from central_fakes.server import GATE_ID, Bench
from typer.testing import CliRunner

from gate_central.archive import export, is_intact
from gate_central.commands.central import app
from gate_central.errors import DamagedError, FolderError, NotYetError
from gate_central.ledger import ABSENT_S
from gate_central.schema import awaited, heads, packages
from gate_core.audit_format.checkpoint import Checkpoint, read_checkpoint
from gate_core.audit_format.merkle import leaf_hash, prove_consistency, prove_subtree, root_of
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_core.audit_format.statements import Held, hand_over
from gate_core.mirror_client import wire
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import Request
from gate_verify.verify import Known, verify

FALSE = b"\x00" * 32  # a hash in a proof


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def signed(bench: Bench) -> tuple[Checkpoint, Note]:
    head = SpoolLog(bench.log.spool).head()
    assert head is not None
    return head


def forged(bench: Bench, size: int, root: bytes = b"\x07" * 32) -> Note:
    """A checkpoint that the gate's key signed, of a log that it does not have."""
    return Checkpoint(bench.origin, size, root).sign(bench.log.signer)


def package(bench: Bench, start: int, end: int, size: int) -> bytes:
    log = SpoolLog(bench.log.spool)
    aligned = start - start % 256
    return wire.package(log.leaves(start, end), prove_subtree(log.hashes(size), aligned, end, size))


async def status_of(bench: Bench, request: Request) -> int:
    return (await bench.ask(request)).status


async def announce(bench: Bench, old: int = 0) -> Checkpoint:
    checkpoint, note = signed(bench)
    hashes = SpoolLog(bench.log.spool).hashes(checkpoint.size)
    proof = prove_consistency(hashes, old, checkpoint.size) if old else ()
    assert await status_of(bench, wire.add_checkpoint(old, proof, note)) == 200
    return checkpoint


def evidence(bench: Bench) -> int:
    return len(bench.server.evidence.alarms(bench.gate.device))


# ── a whole round ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_log_arrives_is_cosigned_and_is_exported_as_the_auditor_expects(bench: Bench, tmp_path: Path) -> None:
    size = bench.grow(54)
    receipt = await bench.round()
    assert receipt is not None
    mirror = bench.server.signer.verifier
    assert read_checkpoint(receipt.note, bench.log.signer.verifier, mirror).size == size == 270

    assert is_intact(bench.server.ledger, bench.gate, [mirror])
    exported = export(bench.server.ledger, bench.gate, tmp_path / "out")
    report = verify(tmp_path / "out", bench.log.vkey, known=Known(cosigners=mirror.vkey))
    assert (report.verified, report.entries, report.keys) == (True, exported.entries, 54)
    assert [(mark.by, mark.size, mark.checked) for mark in report.cosignatures] == [(mirror.name, size, True)]
    with pytest.raises(FolderError, match="not empty"):
        export(bench.server.ledger, bench.gate, tmp_path / "out")


async def test_an_export_brings_the_mirrors_handovers_along(bench: Bench, tmp_path: Path) -> None:
    bench.grow()
    await bench.round()
    old = bench.server.signer
    new = Signer.generate(old.verifier.name, Algorithm.COSIGNATURE_V1)
    for at_s, counts in ((2**33, True), (0, False)):
        out = tmp_path / str(at_s)
        export(bench.server.ledger, bench.gate, out, [hand_over(old, new, at_s=at_s)])
        report = verify(out, bench.log.vkey, known=Known(cosigners=new.verifier.vkey))
        assert [(mark.by, mark.checked) for mark in report.cosignatures] == [(old.verifier.name, counts)]
        assert report.verified


async def test_the_mirror_serves_its_checkpoint_with_both_signatures(bench: Bench) -> None:
    assert await status_of(bench, wire.checkpoint_request(bench.origin)) == 404
    bench.grow()
    await bench.round()
    answer = await bench.ask(wire.checkpoint_request(bench.origin))
    assert read_checkpoint(answer.body, bench.log.signer.verifier, bench.server.signer.verifier).size == 5
    assert await status_of(bench, wire.checkpoint_request("border.example/gate-0002")) == 404


async def test_a_live_round_is_one_request_and_one_transaction_that_rewrites_nothing(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    commits, rewritten = list[object](), list[str]()

    def look(*event: object) -> None:
        statement = str(event[2])
        if not statement.startswith(("SELECT", "INSERT", "BEGIN", "UPDATE log_head")):
            rewritten.append(statement)

    engine = bench.server.ledger._engine
    sa.event.listen(engine, "commit", commits.append)
    sa.event.listen(engine, "before_cursor_execute", look)
    bench.grow()
    assert await bench.round() is not None
    assert [one.path for one in bench.sent] == ["/round"]
    assert (len(commits), rewritten) == (1, [])


async def test_what_a_round_brings_is_proven_as_in_other_requests(bench: Bench) -> None:
    bench.grow()
    checkpoint, note = signed(bench)
    log = SpoolLog(bench.log.spool)
    announced, lines = wire.add_checkpoint(0, (), note), log.sealed_lines(0, 5, 10**6)
    whole = package(bench, 0, 5, checkpoint.size)
    changed_entry = whole.replace(b"T10:00:00Z", b"T11:00:00Z", 1)
    changed_body = lines.replace(b'{"ct":"', b'{"ct":"AAAA', 1)
    strange = wire.add_checkpoint(0, (), stranger(bench))
    wrong_file = wire.round_request(announced, (0, 5, whole), lines, {"a" * 64: b"another"})
    for request, status in (
        (wire.round_request(announced, (0, 5, changed_entry), lines, {}), 422),
        (wire.round_request(announced, (0, 5, whole), changed_body, {}), 422),
        (wire.round_request(strange, (0, 5, whole), lines, {}), 403),
        (wire.round_request(announced, (1, 5, package(bench, 1, 5, 5)), b"", {}), 409),
        (wire.round_request(announced, (0, 0, b""), lines, {}), 409),
        (wrong_file, 422),
        (Request("POST", "/round", wrong_file.body[:-1]), 400),
        (Request("POST", "/round", b""), 400),
        (wire.round_request(announced, (255, 257, whole), b"", {}), 400),
        (wire.round_request(announced, (2**63, 2**63 + 1, whole), b"", {}), 400),
    ):
        assert await status_of(bench, request) == status
    head = bench.server.ledger.head(GATE_ID)
    assert (head.size, head.pending, head.next_entry, head.bodies) == (0, 0, 0, 0)
    assert await status_of(bench, wire.round_request(announced, (0, 5, whole), lines, {})) == 200
    assert bench.server.ledger.head(GATE_ID).size == 5


async def test_a_round_that_comes_again_changes_nothing_and_gets_its_cosignature(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    (sent,) = [one for one in bench.sent if one.path == "/round"]
    again = await bench.ask(sent)
    assert again.status == 409, "its old size is not the server's any more"
    _, note = signed(bench)
    whole = package(bench, 0, 5, 5)
    lines = SpoolLog(bench.log.spool).sealed_lines(0, 5, 10**6)
    answer = await bench.ask(wire.round_request(wire.add_checkpoint(5, (), note), (0, 5, whole), lines, {}))
    state = wire.parse_round_state(answer)
    assert (state.size, state.next, state.bodies, state.keys) == (5, 5, 5, ())
    assert state.cosignature is not None
    assert len(bench.server.ledger.bundle(GATE_ID, 0).entries) == 5


async def test_a_round_of_a_fork_is_kept_as_evidence(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    await status_of(bench, wire.round_request(wire.add_checkpoint(5, (), forged(bench, 5)), (5, 5, b""), b"", {}))
    request = wire.round_request(wire.add_checkpoint(5, (b"\x00" * 32,), forged(bench, 9)), (5, 5, b""), b"", {})
    assert await status_of(bench, request) == 422
    assert sorted(one.kind for one in bench.server.evidence.alarms(GATE_ID)) == ["fork", "inconsistent"]


async def test_an_older_round_that_comes_late_accuses_nobody(bench: Bench) -> None:
    bench.grow()
    await announce(bench)
    _, old = signed(bench)
    bench.grow()
    await bench.round()
    late = wire.round_request(wire.add_checkpoint(5, (), old), (5, 5, b""), b"", {})
    assert await status_of(bench, late) == 409
    assert evidence(bench) == 0


async def test_age_files_that_no_entry_names_are_not_kept(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    content, absent = b"an age file of nobody", "a" * 64
    name, (_, note) = hashlib.sha256(content).hexdigest(), signed(bench)
    request = wire.round_request(wire.add_checkpoint(5, (), note), (5, 5, b""), b"", {name: content, absent: None})
    assert await status_of(bench, request) == 200
    assert bench.server.ledger.key(GATE_ID, name) is None
    with bench.server.ledger._engine.begin() as connection:
        assert connection.execute(sa.select(awaited)).all() == []


# ── add-checkpoint ───────────────────────────────────────────────────────────────────────────────────────────────────


def stranger(bench: Bench) -> Note:
    return Checkpoint(bench.origin, 5, b"\x01" * 32).sign(Signer.generate(bench.origin))


# What is wrong with a checkpoint; how often the log grew before the server was told of it, and after that; what comes then, its answer, and
# how much of it is kept as evidence.
CHECKPOINTS: dict[str, tuple[int, int, Callable[[Bench], Request], int, int]] = {
    "another key signed it": (0, 0, lambda it: wire.add_checkpoint(0, (), stranger(it)), 403, 0),
    "a first one comes with a proof": (0, 0, lambda it: wire.add_checkpoint(0, (FALSE,), forged(it, 9)), 422, 0),
    "its proof is wrong": (1, 0, lambda it: wire.add_checkpoint(5, (FALSE,), forged(it, 9)), 422, 1),
    "a fork at the same size": (1, 0, lambda it: wire.add_checkpoint(5, (), forged(it, 5)), 409, 1),
    "a smaller head": (2, 0, lambda it: wire.add_checkpoint(0, (), forged(it, 4)), 409, 1),
    "its old size is not the newest": (1, 1, lambda it: wire.add_checkpoint(0, (), signed(it)[1]), 409, 0),
    "its old size is above its own": (0, 0, lambda it: wire.add_checkpoint(6, (), forged(it, 5)), 400, 0),
    "nothing: it is the same again": (1, 0, lambda it: wire.add_checkpoint(5, (), signed(it)[1]), 200, 0),
}


@pytest.mark.parametrize("what", CHECKPOINTS)
async def test_a_checkpoint_is_taken_or_refused_and_kept(bench: Bench, what: str) -> None:
    before, after, request, status, kept = CHECKPOINTS[what]
    if before:
        bench.grow(before)
        await announce(bench)
    if after:
        bench.grow(after)
    pending = bench.server.ledger.head(GATE_ID).pending
    assert pending == 5 * before
    answer = await bench.ask(request(bench))
    assert answer.status == status
    assert (await bench.ask(request(bench))).status == status
    assert evidence(bench) == kept, "once"
    assert bench.server.ledger.head(GATE_ID).pending == pending
    if status == 409:
        assert (answer.content_type, answer.body) == ("text/x.tlog.size", b"%d\n" % pending)


async def test_a_checkpoint_of_another_origin_is_unknown_even_to_its_own_key(bench: Bench) -> None:
    other = Signer.generate("border.example/gate-0002/demo")
    bench.server.enrol(other.verifier, "gate-0002")
    note = Checkpoint("border.example/gate-0002/demo", 5, b"\x01" * 32).sign(other)
    assert await status_of(bench, wire.add_checkpoint(0, (), note)) == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\nx",
        b"old -1\n\nx",
        b"new 0\n\nx",
        b"old 0\nAAAA\n\nx",
        b"old 0\n!!!\n\nx",
        b"old 0\n\xff\n\nx",
        b"old 99999999999999999999\n\nx",
        b"old 0\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + b"\nx",
        b"old 0\n\nno note",
    ],
)
async def test_bytes_that_are_no_add_checkpoint_are_bad_requests(bench: Bench, body: bytes) -> None:
    assert await status_of(bench, Request("POST", "/add-checkpoint", body, "text/plain")) == 400


# ── add-entries ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_empty_upload_is_answered_with_where_the_mirror_stands(bench: Bench) -> None:
    bench.grow()
    await announce(bench)
    answer = await bench.ask(wire.add_entries(bench.origin, 0, 0, b"", ()))
    assert wire.parse_info(answer) == wire.MirrorInfo(5, 0, b"")


async def test_entries_of_another_log_are_unknown(bench: Bench) -> None:
    assert await status_of(bench, wire.add_entries("border.example/gate-0002", 0, 0, b"", ())) == 404


async def test_entries_up_to_an_unknown_checkpoint_are_a_conflict(bench: Bench) -> None:
    bench.grow()
    await announce(bench)
    assert await status_of(bench, wire.add_entries(bench.origin, 0, 4, b"", (package(bench, 0, 4, 5),))) == 409


async def test_entries_beyond_the_next_one_are_a_conflict(bench: Bench) -> None:
    bench.grow()
    await announce(bench)
    answer = await bench.ask(wire.add_entries(bench.origin, 2, 5, b"", (package(bench, 2, 5, 5),)))
    assert (answer.status, wire.parse_info(answer).next_entry) == (409, 0)


async def test_a_changed_entry_or_proof_is_unprocessable_and_not_stored(bench: Bench) -> None:
    bench.grow(60)
    await announce(bench)
    good = package(bench, 0, 256, 300)
    changed_entry = good.replace(b"T10:00:00Z", b"T11:00:00Z", 1)
    changed_proof = good[:-1] + bytes([good[-1] ^ 1])
    for bad in (changed_entry, changed_proof):
        assert await status_of(bench, wire.add_entries(bench.origin, 0, 300, b"", (bad,))) == 422
    assert bench.server.ledger.head(bench.gate.device).next_entry == 0
    assert bench.server.ledger.bundle(bench.gate.device, 0).entries == ()


async def test_a_first_package_alone_is_accepted_and_the_rest_completes_it(bench: Bench) -> None:
    bench.grow(60)
    await announce(bench)
    first = await bench.ask(wire.add_entries(bench.origin, 0, 300, b"", (package(bench, 0, 256, 300),)))
    assert (first.status, wire.parse_info(first)) == (202, wire.MirrorInfo(300, 256, b""))
    second = await bench.ask(wire.add_entries(bench.origin, 256, 300, b"", (package(bench, 256, 300, 300),)))
    assert second.status == 200


async def test_entries_that_came_before_are_skipped(bench: Bench) -> None:
    bench.grow(60)
    await announce(bench)
    packages = (package(bench, 0, 256, 300), package(bench, 256, 300, 300))
    for _ in range(2):
        assert await status_of(bench, wire.add_entries(bench.origin, 0, 300, b"", packages)) == 200
    assert bench.server.ledger.head(bench.gate.device).next_entry == 300


async def test_a_body_that_breaks_off_keeps_whole_packages_only(bench: Bench) -> None:
    bench.grow(60)
    await announce(bench)
    whole = wire.add_entries(bench.origin, 0, 300, b"", (package(bench, 0, 256, 300), package(bench, 256, 300, 300)))
    cut = Request("POST", whole.path, whole.body[:-1], whole.content_type)
    assert wire.parse_info(await bench.ask(cut)).next_entry == 256
    inside_first = Request("POST", whole.path, whole.body[:2000], whole.content_type)
    inside_head = Request("POST", whole.path, whole.body[:7], whole.content_type)
    for broken in (inside_first, inside_head, Request("POST", whole.path)):
        assert await status_of(bench, broken) == 400


@pytest.mark.parametrize("damage", ["tail", "long_entry", "many_hashes", "backwards", "long_origin", "bad_origin"])
async def test_bytes_that_are_no_add_entries_are_bad_requests(bench: Bench, damage: str) -> None:
    bench.grow()
    await announce(bench)
    good = wire.add_entries(bench.origin, 0, 5, b"", (package(bench, 0, 5, 5),))
    head = wire.add_entries(bench.origin, 0, 5, b"", ()).body
    body = {
        "tail": good.body + b"x",
        "long_entry": head + b"\xff\xff",
        "many_hashes": good.body[:-1] + b"\x40",
        "backwards": wire.add_entries(bench.origin, 5, 4, b"", ()).body,
        "long_origin": b"\xff\xff",
        "bad_origin": b"\x00\x01\xff" + bytes(18),
    }[damage]
    assert await status_of(bench, Request("POST", good.path, body, good.content_type)) == 400


async def test_an_entry_that_is_no_record_of_its_place_is_unprocessable(bench: Bench) -> None:
    bench.grow()
    leaves = list(SpoolLog(bench.log.spool).leaves(0, 5))
    elsewhere = leaves[0].replace(b"gate-0001", b"gate-0002")
    assert elsewhere != leaves[0]
    for entries in ([b"not a header"], [leaves[1]], [elsewhere]):
        hashes = [leaf_hash(one) for one in entries]
        other = Bench(bench.log.folder / leaf_hash(entries[0]).hex())
        note = forged(other, 1, root_of(hashes))
        assert await status_of(other, wire.add_checkpoint(0, (), note)) == 200
        request = wire.add_entries(other.origin, 0, 1, b"", (wire.package(entries, ()),))
        assert await status_of(other, request) == 422


async def test_an_upload_to_an_older_checkpoint_than_the_mirrors_is_a_conflict(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    old = package(bench, 0, 5, 5)
    bench.grow()
    await bench.round()
    answer = await bench.ask(wire.add_entries(bench.origin, 0, 5, b"", (old,)))
    assert (answer.status, wire.parse_info(answer)) == (409, wire.MirrorInfo(10, 10, b""))


async def test_a_stored_entry_that_differs_from_the_proven_one_raises_an_alarm(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.grow()
    await announce(bench)
    request = wire.add_entries(bench.origin, 0, 5, b"", (package(bench, 0, 5, 5),))
    assert await status_of(bench, request) == 200
    damage_bundle(bench)
    assert await status_of(bench, request) == 500
    assert evidence(bench) == 1
    assert "log_contradicts" in caplog.messages
    assert not is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])


def damage_bundle(bench: Bench) -> None:
    engine = bench.server.ledger._engine
    with engine.begin() as connection:
        raw = connection.execute(sa.select(packages.c.entries)).scalar_one()
        connection.execute(packages.update().values(entries=raw.replace(b"T10:00:00Z", b"T11:00:00Z", 1)))


async def test_a_damaged_store_is_not_exported(bench: Bench, tmp_path: Path) -> None:
    bench.grow()
    await bench.round()
    damage_bundle(bench)
    with pytest.raises(DamagedError):
        export(bench.server.ledger, bench.gate, tmp_path / "out")


async def test_a_log_whose_bodies_are_on_their_way_is_not_exported_yet(bench: Bench, tmp_path: Path) -> None:
    bench.grow()
    await announce(bench)
    await bench.ask(wire.add_entries(bench.origin, 0, 5, b"", (package(bench, 0, 5, 5),)))
    with pytest.raises(NotYetError, match="5 entries"):
        export(bench.server.ledger, bench.gate, tmp_path / "out")


async def test_a_head_that_nobody_signed_is_not_intact(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    with bench.server.ledger._engine.begin() as connection:
        connection.execute(heads.update().values(size=4))
    assert not is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])


# ── compression ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def compressed(bench: Bench, body: bytes, encoding: str = "gzip") -> int:
    transport = bench.server.transport(bench.certificate)
    async with httpx2.AsyncClient(transport=transport, base_url="https://central.example") as client:
        answer = await client.put("/bodies/sealed", content=body, headers={"content-encoding": encoding})
        return answer.status_code


async def test_a_compression_bomb_or_garbage_is_a_bad_request(bench: Bench) -> None:
    assert await compressed(bench, gzip.compress(bytes(200 * 1024 * 1024), 1)) == 400
    assert await compressed(bench, b"no gzip at all") == 400
    assert await compressed(bench, gzip.compress(b"x") + b"tail") == 400
    assert await compressed(bench, b"x", "br") == 400


# ── sealed bodies and age files ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def with_entries(bench: Bench) -> Bench:
    bench.grow()
    await announce(bench)
    await bench.ask(wire.add_entries(bench.origin, 0, 5, b"", (package(bench, 0, 5, 5),)))
    return bench


async def test_bodies_are_stored_once_and_only_as_their_entries_name_them(with_entries: Bench) -> None:
    bench, log = with_entries, SpoolLog(with_entries.log.spool)
    lines = log.sealed_lines(0, 5, 10**6).splitlines(keepends=True)
    assert await status_of(bench, wire.put_sealed(lines[1])) == 409  # begins beyond the first that is missing
    assert await status_of(bench, wire.put_sealed(lines[1].replace(b'"i":1', b'"i":0'))) == 422
    for part in (lines[:2], lines[1:], lines):
        assert await status_of(bench, wire.put_sealed(b"".join(part))) == 200
    assert wire.parse_bodies(await bench.ask(wire.bodies_request())).next == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"{}\n",
        b'{"ct":"AA==","i":0}',
        b'{"ct": "AA==","i":0}\n',
        b'{"ct":"AA=","i":0}\n',
        b'{"ct":"AA==","i":-1}\n',
        b'{"ct":"AA==","i":0}\n{"ct":"AA==","i":2}\n',
        b'{"ct":"AA==","i":255}\n{"ct":"AA==","i":256}\n',
        b'{"ct":"' + b"AAAA" * 30_000 + b'","i":0}\n',
        b"\xff\n",
    ],
)
async def test_lines_that_are_no_sealed_bodies_are_bad_requests(with_entries: Bench, body: bytes) -> None:
    assert await status_of(with_entries, wire.put_sealed(body)) == 400


async def test_bodies_of_entries_that_did_not_come_are_a_conflict(bench: Bench) -> None:
    bench.grow()
    assert await status_of(bench, wire.put_sealed(SpoolLog(bench.log.spool).sealed_lines(0, 1, 1))) == 409


async def test_an_age_file_must_be_named_by_an_entry_and_be_what_its_name_says(with_entries: Bench) -> None:
    bench = with_entries
    (wanted,) = wire.parse_bodies(await bench.ask(wire.bodies_request())).keys
    stranger = b"an age file of nobody"
    assert await status_of(bench, wire.put_key(wanted, stranger)) == 422
    assert await status_of(bench, wire.put_key(hashlib.sha256(stranger).hexdigest(), stranger)) == 404
    assert await status_of(bench, wire.put_key("no-name", stranger)) == 400
    assert await status_of(bench, wire.put_key(wanted, bytes(64 * 1024 + 1))) == 400
    assert await status_of(bench, wire.put_key(wanted, SpoolLog(bench.log.spool).key(wanted))) == 204
    assert wire.parse_bodies(await bench.ask(wire.bodies_request())).keys == ()


async def test_an_age_file_that_is_there_is_not_erased_by_saying_so(with_entries: Bench) -> None:
    bench = with_entries
    (wanted,) = wire.parse_bodies(await bench.ask(wire.bodies_request())).keys
    content = SpoolLog(bench.log.spool).key(wanted)
    assert await status_of(bench, wire.put_key(wanted, content)) == 204
    assert await status_of(bench, wire.put_key(wanted, None)) == 204
    assert bench.server.ledger.key(bench.gate.device, wanted) == content


async def test_an_empty_age_file_from_sync_is_no_erasure(with_entries: Bench) -> None:
    """It is a word of the program that carries files: the file is missed, asked for again, and taken whenever it comes."""
    bench = with_entries
    (wanted,) = wire.parse_bodies(await bench.ask(wire.bodies_request())).keys
    assert await status_of(bench, wire.put_key(wanted, None)) == 204
    assert wire.parse_bodies(await bench.ask(wire.bodies_request())).keys == (), "others are not held up by it"
    assert bench.server.ledger.missing_keys(GATE_ID) == 1
    bench.server.clock.now += timedelta(seconds=ABSENT_S - 1)
    assert wire.parse_bodies(await bench.ask(wire.bodies_request())).keys == ()
    bench.server.clock.now += timedelta(seconds=1)
    assert wire.parse_bodies(await bench.ask(wire.bodies_request())).keys == (wanted,)
    assert await status_of(bench, wire.put_key(wanted, None)) == 204
    assert await status_of(bench, wire.put_key("0" * 64, None)) == 404
    content = SpoolLog(bench.log.spool).key(wanted)
    assert await status_of(bench, wire.put_key(wanted, content)) == 204
    assert bench.server.ledger.key(GATE_ID, wanted) == content
    assert bench.server.ledger.missing_keys(GATE_ID) == 0


async def test_the_fleet_says_which_age_files_did_not_come(with_entries: Bench) -> None:
    bench = with_entries
    (wanted,) = wire.parse_bodies(await bench.ask(wire.bodies_request())).keys
    await bench.ask(wire.put_key(wanted, None))
    said = CliRunner().invoke(app, ["fleet", "--quick", "--dir", str(bench.log.folder)])
    assert said.exit_code == 0
    assert "1 age files that its entries name did not come" in said.stdout


async def test_it_signs_for_what_it_holds_with_all_bodies_and_for_nothing_more(bench: Bench) -> None:
    """A receipt of C2SP's is for entries alone, and may come before the bodies."""
    assert await status_of(bench, wire.held_request()) == 404
    bench.grow(2)
    size = (await announce(bench)).size
    entries = wire.add_entries(bench.origin, 0, size, b"", (package(bench, 0, size, size),))
    assert await status_of(bench, entries) == 200, "it has cosigned"
    assert await status_of(bench, wire.held_request()) == 404, "without a body"
    lines = SpoolLog(bench.log.spool).sealed_lines(0, size, 10**6).splitlines(keepends=True)
    assert await status_of(bench, wire.put_sealed(b"".join(lines[:7]))) == 200
    for entries_held, rest in ((7, lines[7:]), (size, [])):
        answer = await bench.ask(wire.held_request())
        held, signed_s = Held.read(answer.body, bench.server.signer.verifier)
        assert (answer.status, held) == (200, Held(bench.origin, entries_held))
        assert signed_s > 0
        if rest:
            assert await status_of(bench, wire.put_sealed(b"".join(rest))) == 200
