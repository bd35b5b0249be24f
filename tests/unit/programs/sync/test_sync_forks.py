"""Two logs with one key: the gate stops, and the central server keeps what both of them signed."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from central_fakes.process import KEPT
from central_fakes.server import GATE_ID
from fakes.audit_logs import SmallLog, crossing, wanted
from fakes.central_server import Bench
from typer.testing import CliRunner

from gate_central.commands.central import app
from gate_central.history import root_at
from gate_central.schema import evidence as evidence_table
from gate_central.schema import packages, piece_hashes
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.errors import BadSignatureError, RolledBackError
from gate_core.audit_format.merkle import EMPTY_ROOT, prove_consistency, subtree_hash
from gate_core.audit_format.note import Note, Signer, Verifier
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import BadAnswerError, OtherHistoryError, RefusedError
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import Request, Response


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def restored(bench: Bench, folder: Path, travellers: int) -> None:
    """The gate goes on with another disk under the same keys."""
    other = Bench(folder)
    other.log.signer = bench.log.signer
    other.grow(travellers)
    bench.client = Client(SpoolLog(other.log.spool), bench.origin, bench.server.signer.verifier)


def kinds(bench: Bench) -> list[str]:
    return [one.kind for one in bench.server.evidence.alarms(GATE_ID)]


@pytest.mark.parametrize("travellers", [1, 2], ids=["fewer entries", "as many entries"])
async def test_a_cloned_gate_is_known_to_both_sides(bench: Bench, tmp_path: Path, travellers: int) -> None:
    bench.grow(2)
    await bench.round()
    restored(bench, tmp_path / "clone", travellers)
    with pytest.raises(OtherHistoryError, match="another log than we do"):
        await bench.round()
    assert kinds(bench) == ["fork"]
    head = bench.server.ledger.head(bench.gate.device)
    assert (head.size, head.pending) == (10, 10)


async def test_a_clone_that_grew_further_is_known_to_both_sides(bench: Bench, tmp_path: Path) -> None:
    bench.grow(2)
    await bench.round()
    restored(bench, tmp_path / "clone", 3)
    with pytest.raises(OtherHistoryError, match="another log than we do"):
        await bench.round()
    assert kinds(bench) == ["inconsistent"]


# ── a disk that was restored, under the real writer ──────────────────────────────────────────────────────────────────


def backup(bench: Bench, folder: Path) -> SmallLog:
    """The gate's own folder as it is now, to go on with later."""
    copy = SmallLog(folder, bench.log.signer, bench.log.auditors)
    shutil.copytree(bench.log.folder, folder, ignore=shutil.ignore_patterns("central.sqlite*"))
    return copy


def goes_on(bench: Bench, log: SmallLog, travellers: int) -> None:
    """The gate was restored from `log`, and serves travellers before it reaches the mirror."""
    log.write(*(crossing(f"r{one}") for one in range(travellers)))
    bench.client = Client(SpoolLog(log.spool), bench.origin, bench.server.signer.verifier)


def admits(log: SmallLog, evidence: bytes | None, mirror: Verifier) -> bool:
    """Whether the writer still takes what leads to an admission, once it saw what the mirror's client left in its inbox."""
    with log.writer() as writer:
        if evidence is not None:
            with contextlib.suppress(RolledBackError):
                writer.take_receipt(evidence, mirror, 0)
        (outcome,) = writer.append([wanted("decided", "c9")], 0)
    return isinstance(outcome, int)


@pytest.mark.parametrize("travellers", [0, 1, 2, 3, 60], ids=lambda one: f"{one} since")
async def test_a_restored_gate_stops_however_far_it_outgrew_its_mirror(
    bench: Bench, tmp_path: Path, travellers: int
) -> None:
    bench.grow(1)
    old = backup(bench, tmp_path / "old")
    bench.grow(2)
    await bench.round()
    goes_on(bench, old, travellers)
    with pytest.raises(OtherHistoryError, match="another log than we do") as caught:
        await bench.round()
    assert caught.value.size == 15
    mirror = bench.server.signer.verifier
    assert admits(old, None, mirror), "without the mirror's word it knows nothing of it"
    assert not admits(old, caught.value.evidence, mirror)
    size = 5 + 5 * travellers
    (kind,) = kinds(bench)
    assert kind == ("went_back" if travellers == 0 else "fork" if size <= 15 else "inconsistent")


async def test_a_gate_that_forked_what_it_only_announced_stops_too(bench: Bench, tmp_path: Path) -> None:
    """The mirror cosigned five entries and was told of ten; the gate was restored to the five and has served another since."""
    bench.grow(1)
    await bench.round()
    old = backup(bench, tmp_path / "old")
    bench.grow(1)

    async def without_entries(request: Request) -> Response:
        return (
            Response(503, "", b"")
            if request.path == "/add-entries" and request.compress
            else await bench.ask_one_of_before(request)
        )

    with pytest.raises(RefusedError):
        await bench.round(without_entries)
    for travellers in (1, 1, 1):  # as large, larger, larger still
        goes_on(bench, old, travellers)
        with pytest.raises(OtherHistoryError) as caught:
            await bench.round()
        assert not admits(old, caught.value.evidence, bench.server.signer.verifier)
    assert set(kinds(bench)) == {"fork", "inconsistent"}


async def test_a_note_of_our_own_key_about_another_log_needs_no_mirror_and_any_other_note_does(bench: Bench) -> None:
    bench.grow(1)
    mirror = bench.server.signer.verifier
    own = Checkpoint(bench.origin, 5, b"\x01" * 32).sign(bench.log.signer).to_bytes()
    foreign = Checkpoint(bench.origin, 5, b"\x01" * 32).sign(Signer.generate(bench.origin)).to_bytes()
    with bench.log.writer() as writer:
        with pytest.raises(BadSignatureError):
            writer.take_receipt(foreign, mirror, 0)
        head = SpoolLog(bench.log.spool).head()
        assert head is not None
        with pytest.raises(BadSignatureError):
            writer.take_receipt(head[1].to_bytes(), mirror, 0)
        assert writer.standing.mirrored == 0
        assert isinstance(writer.append([wanted("decided", "c9")], 0)[0], int)
        with pytest.raises(RolledBackError):
            writer.take_receipt(own, mirror, 0)
        assert not isinstance(writer.append([wanted("decided", "c9")], 0)[0], int)


async def test_an_honest_gate_that_grows_while_it_asks_is_not_accused(bench: Bench) -> None:
    """Another client of the same log (`gate sync push`) carries what came after this round had looked at its own head."""
    bench.grow()
    other = bench.new_client()
    asked: list[Request] = []

    async def overtaken(request: Request) -> Response:
        if not asked:
            asked.append(request)
            bench.grow()
            ours, bench.client = bench.client, other
            assert await bench.round() is not None
            bench.client = ours
        return await bench.ask(request)

    assert await bench.round(overtaken) is not None
    bench.client = bench.new_client()
    assert await bench.round() is not None
    assert kinds(bench) == []


async def test_an_update_that_comes_late_is_no_accusation(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    bench.grow()
    note, proof = _proven(bench, 5)
    late = wire.add_checkpoint(5, proof, note)
    bench.grow()
    await bench.round()
    assert (await bench.ask(late)).status == 409
    assert kinds(bench) == []


def _proven(bench: Bench, old: int) -> tuple[Note, tuple[bytes, ...]]:
    log = SpoolLog(bench.log.spool)
    head = log.head()
    assert head is not None
    return head[1], prove_consistency(log.hashes(head[0].size), old, head[0].size)


# ── what the mirror files ────────────────────────────────────────────────────────────────────────────────────────────


def signed_at(bench: Bench, size: int, root: bytes | None = None) -> Note:
    """What the gate signed, or would have signed, at this size."""
    log = SpoolLog(bench.log.spool)
    head = log.head()
    assert head is not None
    if root is None:
        root = subtree_hash(log.hashes(head[0].size), 0, size) if size else EMPTY_ROOT
    return Checkpoint(bench.origin, size, root).sign(bench.log.signer)


def offer(bench: Bench, size_old: int, note: Note) -> None:
    bench.server.mirror.add_checkpoint(bench.gate, wire.add_checkpoint(size_old, (), note).body)


async def test_replays_of_old_checkpoints_fill_nothing_and_a_fork_among_them_is_kept(bench: Bench) -> None:
    bench.grow(60)
    await bench.round()
    for size in range(0, 270, 27):
        offer(bench, 0, signed_at(bench, size))
    assert kinds(bench) == ["went_back"], "an empty log shown as the newest one"
    for size in range(270):
        offer(bench, size, signed_at(bench, size))
    assert kinds(bench) == ["went_back"]
    (again,) = bench.server.evidence.repeats(GATE_ID)
    assert (again.kind, again.count) == ("went_back", 270)
    offer(bench, 4, signed_at(bench, 4, b"\x07" * 32))
    assert sorted(kinds(bench)) == ["fork", "went_back"]
    fork = next(one for one in bench.server.evidence.alarms(GATE_ID) if one.kind == "fork")
    assert fork.shown == signed_at(bench, 4, b"\x07" * 32).to_bytes()
    assert Checkpoint.parse(Note.parse(fork.against).text).size == 300


async def test_a_fork_below_the_head_is_filed_as_a_fork(bench: Bench) -> None:
    bench.grow(52)
    await bench.round()
    sizes = (0, 1, 255, 256, 257, 259)
    for size in sizes:
        answer = await bench.ask(wire.add_checkpoint(size, (), signed_at(bench, size, b"\x07" * 32)))
        assert (answer.status, answer.body) == (409, b"260\n")
    assert kinds(bench) == ["fork"] * len(sizes)


async def test_a_smaller_log_of_a_size_whose_entries_never_came_is_undecided(bench: Bench) -> None:
    bench.grow(2)
    head = SpoolLog(bench.log.spool).head()
    assert head is not None
    assert (await bench.ask(wire.add_checkpoint(0, (), head[1]))).status == 200
    for number in range(300):
        offer(bench, 4, signed_at(bench, 4, number.to_bytes(32)))
    assert kinds(bench) == ["undecided"] * 16
    offer(bench, 10, signed_at(bench, 10, b"\x07" * 32))
    assert "fork" in kinds(bench)


async def test_the_root_of_every_size_is_known_from_the_stored_entries_with_and_without_kept_hashes(
    bench: Bench,
) -> None:
    bench.grow(110)  # 550 entries: two full pieces
    await bench.round()
    ledger, log = bench.server.ledger, SpoolLog(bench.log.spool)
    head, hashes = ledger.head(GATE_ID), log.hashes(550)
    assert set(ledger.piece_hashes(GATE_ID, 9)) == {0, 1}
    for size in (*range(0, 550, 37), 255, 256, 257, 512, 550):
        expected = subtree_hash(hashes, 0, size) if size else EMPTY_ROOT
        assert root_at(ledger, GATE_ID, size, head) == expected
    with ledger._engine.begin() as connection:
        connection.execute(piece_hashes.delete())
    assert root_at(ledger, GATE_ID, 300, head) == subtree_hash(hashes, 0, 300)
    assert set(ledger.piece_hashes(GATE_ID, 9)) == {0, 1}


async def test_a_damaged_store_accuses_nobody(bench: Bench) -> None:
    bench.grow(52)
    await bench.round()
    with bench.server.ledger._engine.begin() as connection:
        connection.execute(piece_hashes.update().values(hash=bytes(32)))
    answer = await bench.ask(wire.add_checkpoint(4, (), signed_at(bench, 4)))
    assert answer.status == 500
    with bench.server.ledger._engine.begin() as connection:
        connection.execute(piece_hashes.delete())
        connection.execute(packages.update().values(entries=b"\0"))
    assert (await bench.ask(wire.add_checkpoint(4, (), signed_at(bench, 4)))).status == 500
    assert kinds(bench) == []


# ── whom the alarm reaches ───────────────────────────────────────────────────────────────────────────────────────────


def central(bench: Bench, *arguments: str) -> tuple[int, dict[str, Any]]:
    server = bench.log.folder / "server"
    if not server.exists():
        CliRunner().invoke(app, ["init", "--dir", str(server), "--name", "central.example", *KEPT])
    database = ["--database", f"sqlite:///{bench.log.folder / 'central.sqlite'}"]
    done = CliRunner().invoke(app, [*arguments, "--dir", str(server), *database, "--json"])
    return done.exit_code, json.loads(done.stdout) if done.stdout else {}


async def test_an_alarm_stands_until_a_person_answers_it(bench: Bench, tmp_path: Path) -> None:
    bench.grow(2)
    await bench.round()
    assert central(bench, "fleet", "--quick")[0] == 0
    restored(bench, tmp_path / "clone", 1)
    for _ in range(3):
        with pytest.raises(OtherHistoryError):
            await bench.round()
    code, fleet = central(bench, "fleet", "--quick")
    (alarm,) = fleet["gates"][0]["alarms"]
    assert (code, alarm["kind"]) == (1, "fork")
    code, shown = central(bench, "alarms", GATE_ID)
    assert (code, shown["alarms"][0]["answer"]) == (1, None)
    assert shown["repeats"][0]["count"] == 2
    note = Note.parse(shown["alarms"][0]["shown"].encode())
    note.verify(bench.log.signer.verifier)

    assert central(bench, "answer", GATE_ID, "0" * 16, "--by", "A", "--words", "b")[0] == 2
    assert central(bench, "answer", GATE_ID, alarm["id"], "--by", " ", "--words", "b")[0] == 2
    assert central(bench, "answer", GATE_ID, alarm["id"], "--by", "A. Operator", "--words", "taken out")[0] == 0
    code, fleet = central(bench, "fleet", "--quick")
    assert (code, fleet["gates"][0]["alarms"], fleet["gates"][0]["evidence"]) == (0, [], 1)
    code, shown = central(bench, "alarms", GATE_ID)
    assert (code, shown["alarms"][0]["answer"]["by"], shown["alarms"][0]["answer"]["words"]) == (
        *(0, "A. Operator", "taken out"),
    )
    said = CliRunner().invoke(app, ["alarms", GATE_ID, "--dir", str(bench.log.folder)]).stdout
    assert "answered" in said
    assert "A. Operator: taken out" in said
    with pytest.raises(OtherHistoryError):
        await bench.round()
    assert central(bench, "fleet", "--quick")[0] == 0, "the same again was answered"


async def test_people_see_the_alarm_in_the_fleet(bench: Bench, tmp_path: Path) -> None:
    bench.grow(2)
    await bench.round()
    restored(bench, tmp_path / "clone", 3)
    with pytest.raises(OtherHistoryError):
        await bench.round()
    done = CliRunner().invoke(app, ["fleet", "--quick", "--dir", str(bench.log.folder)])
    assert done.exit_code == 1
    assert "ALARM" in done.stdout
    assert "inconsistent" in done.stdout
    done = CliRunner().invoke(app, ["alarms", "gate-404", "--dir", str(bench.log.folder)])
    assert done.exit_code == 2


async def test_an_alarm_that_was_kept_before_alarms_could_be_answered_stands(bench: Bench) -> None:
    with bench.server.ledger._engine.begin() as connection:
        row = {"device": GATE_ID, "digest": "ab" * 32, "at": "2026-11-25T10:00:00.000Z", "kind": "smaller"}
        connection.execute(evidence_table.insert().values(**row, content=b"a note\n"))
    code, shown = central(bench, "alarms", GATE_ID)
    assert (code, shown["alarms"][0]["kind"], shown["alarms"][0]["shown"]) == (1, "smaller", "a note\n")
    assert central(bench, "answer", GATE_ID, "ab" * 8, "--by", "A", "--words", "b")[0] == 0
    assert central(bench, "fleet", "--quick")[0] == 0


# ── the mirror's side of what it does not hold ───────────────────────────────────────────────────────────────────────


async def test_another_log_of_the_pending_size_is_known_to_both_sides(bench: Bench) -> None:
    pending = Checkpoint(bench.origin, 5, b"\x01" * 32).sign(bench.log.signer)
    assert (await bench.ask(wire.add_checkpoint(0, (), pending))).status == 200
    bench.grow()
    with pytest.raises(OtherHistoryError, match="another log than we do") as caught:
        await bench.round()
    assert caught.value.evidence == pending.to_bytes()
    assert kinds(bench) == ["fork"]


async def test_another_log_of_the_pending_size_is_known_to_a_mirror_that_cannot_show_it(bench: Bench) -> None:
    """A mirror of C2SP and no more has no request for the checkpoint that it waits for."""
    pending = Checkpoint(bench.origin, 5, b"\x01" * 32).sign(bench.log.signer)
    assert (await bench.ask(wire.add_checkpoint(0, (), pending))).status == 200
    bench.grow()

    async def plain(request: Request) -> Response:
        return Response(404, "", b"") if request.path.endswith("/pending") else await bench.ask(request)

    with pytest.raises(OtherHistoryError, match="of this size") as caught:
        await bench.round(plain)
    assert caught.value.evidence is None
    assert kinds(bench) == ["fork"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Response(500, "", b""), RefusedError), (Response(200, "", b"garbage"), BadAnswerError)],
    ids=["refused", "garbage"],
)
async def test_a_mirror_that_shows_nonsense_instead_of_what_it_waits_for_ends_the_round(
    bench: Bench, answer: Response, error: type[Exception]
) -> None:
    pending = Checkpoint(bench.origin, 5, b"\x01" * 32).sign(bench.log.signer)
    assert (await bench.ask(wire.add_checkpoint(0, (), pending))).status == 200
    bench.grow()

    async def meddle(request: Request) -> Response:
        return answer if request.path.endswith("/pending") else await bench.ask(request)

    with pytest.raises(error):
        await bench.round(meddle)


async def test_a_gate_sees_no_pending_checkpoint_of_another_log_nor_one_that_is_not_there(bench: Bench) -> None:
    assert (await bench.ask(wire.pending_request(bench.origin))).status == 404
    assert (await bench.ask(wire.pending_request("border.example/gate-0002"))).status == 404


async def test_a_mirror_that_will_not_look_at_a_checkpoint_is_reported(bench: Bench) -> None:
    bench.grow()

    async def broken_off(request: Request) -> Response:
        if request.path == "/add-entries" and request.compress:
            return Response(503, "text/plain", b"later")
        return await bench.ask_one_of_before(request)

    async def refusing(request: Request) -> Response:
        if request.path.endswith("/pending"):
            return Response(404, "", b"")
        if request.path == "/add-checkpoint":
            return Response(403, "text/plain", b"no")
        return await bench.ask(request)

    with pytest.raises(RefusedError, match="503"):
        await bench.round(broken_off)
    with pytest.raises(RefusedError, match=r"the checkpoint \(403: no"):
        await bench.round(refusing)
    assert await bench.round() is not None
