"""The client's side: what it says when, and that a mirror that lies costs an error and no harm."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from central_fakes.server import GATE_ID
from fakes.audit_logs import wanted
from fakes.central_server import Bench

from gate_central.schema import age_keys, awaited
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import (
    BadAnswerError,
    MirrorAwayError,
    OtherHistoryError,
    RefusedError,
    SpoolError,
    SyncError,
)
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.spool import SpoolLog
from gate_core.mirror_client.wire import Request, Response

INFO = "text/x.tlog.mirror-info"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def paths(bench: Bench) -> list[str]:
    return [f"{one.method} {one.path}" for one in bench.sent if not one.path.startswith("/bodies/keys/")]


# ── what is said when ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_is_said_while_nothing_was_published(bench: Bench) -> None:
    assert await bench.round() is None
    assert bench.sent == []


async def test_a_quiet_log_costs_no_request(bench: Bench) -> None:
    bench.grow()
    assert await bench.round() is not None
    assert await bench.round() is None
    assert bench.sent == []


async def test_only_what_is_new_is_sent(bench: Bench) -> None:
    bench.grow(60)
    await bench.round()
    bench.grow()
    receipt = await bench.round()
    assert receipt is not None
    assert receipt.checkpoint.size == 305
    assert paths(bench) == ["POST /round"]
    assert sum(len(one.body) for one in bench.sent) < 30_000


async def test_a_server_of_before_is_asked_once_for_a_round_and_gets_the_requests_that_it_knows(bench: Bench) -> None:
    bench.grow(60)
    await bench.round(bench.ask_one_of_before)
    assert "POST /round" in paths(bench)
    bench.grow()
    assert await bench.round(bench.ask_one_of_before) is not None
    assert paths(bench) == ["POST /add-checkpoint", "POST /add-entries", "PUT /bodies/sealed", "GET /bodies"]
    head = bench.server.ledger.head(GATE_ID)
    assert (head.size, head.bodies, head.lacks_keys) == (305, 305, False)


async def test_a_server_that_was_brought_up_to_date_is_asked_for_rounds_again(bench: Bench) -> None:
    bench.grow()
    await bench.round(bench.ask_one_of_before)

    async def starting_anew(_: Request) -> Response:
        raise MirrorAwayError("starting anew")

    bench.grow()
    with pytest.raises(MirrorAwayError):
        await bench.round(starting_anew)
    await bench.round()
    assert paths(bench)[-1] == "POST /round"


async def test_a_restart_sends_no_entry_again_and_gets_a_receipt_anew(bench: Bench) -> None:
    bench.grow(60)
    await bench.round()
    bench.client = bench.new_client()
    receipt = await bench.round()
    assert receipt is not None
    assert sum(len(one.body) for one in bench.sent) < 1000


async def test_what_was_logged_while_the_line_was_down_is_sent_once_when_it_is_back(bench: Bench) -> None:
    async def down(_: Request) -> Response:
        raise MirrorAwayError("the line is down")

    for _ in range(3):
        size = bench.grow(20)
        with pytest.raises(MirrorAwayError):
            await bench.round(down)
    receipt = await bench.round()
    assert receipt is not None
    assert receipt.checkpoint.size == size
    assert await bench.round() is None
    assert bench.sent == []


async def test_two_clients_at_once_do_no_harm(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    first, bench.client = bench.client, bench.new_client()
    bench.grow()
    await bench.round()
    bench.client = first
    receipt = await bench.round()
    assert receipt is not None
    assert receipt.checkpoint.size == 10


async def test_an_erased_age_file_does_not_hold_the_log_up(bench: Bench) -> None:
    bench.grow()
    for one in (bench.log.spool / "keys").rglob("*.age"):
        one.unlink()
    assert await bench.round() is not None


async def test_a_large_log_goes_in_requests_of_bounded_size(bench: Bench) -> None:
    bench.grow(430)
    assert await bench.round() is not None
    assert 9 < paths(bench).count("POST /round") < 40  # there are nine pieces, and their bodies are long
    assert max(len(one.body) for one in bench.sent) < 512 * 1024


async def test_a_large_log_goes_to_a_server_of_before_in_requests_of_bounded_size(bench: Bench) -> None:
    bench.grow(430)
    assert await bench.round(bench.ask_one_of_before) is not None
    uploads = [one for one in bench.sent if one.path == "/add-entries" and one.compress]
    assert len(uploads) == 2
    assert max(len(one.body) for one in bench.sent) < 1024 * 1024


async def test_bodies_that_are_too_large_for_one_request_follow_in_others(bench: Bench) -> None:
    long = [wanted("decided", f"c{number}", {"about": "x" * 40_000}) for number in range(30)]
    bench.log.write(long)
    assert await bench.round() is not None
    assert paths(bench).count("POST /round") > 1
    assert max(len(one.body) for one in bench.sent) < 512 * 1024
    assert bench.server.ledger.head(GATE_ID).bodies == 30


async def test_bodies_that_were_left_behind_by_requests_of_before_are_brought_first(bench: Bench) -> None:
    bench.grow(60)

    async def without_bodies(request: Request) -> Response:
        if request.path == "/bodies/sealed":
            raise MirrorAwayError("the line is cut")
        return await bench.ask_one_of_before(request)

    with pytest.raises(MirrorAwayError):
        await bench.round(without_bodies)
    assert bench.server.ledger.head(GATE_ID).bodies == 0
    bench.grow(60)
    assert await bench.round() is not None
    head = bench.server.ledger.head(GATE_ID)
    assert (head.size, head.bodies, head.lacks_keys) == (600, 600, False)


async def test_age_files_that_went_missing_at_the_server_are_brought_again(bench: Bench) -> None:
    bench.grow(2)
    await bench.round()
    with bench.server.ledger._engine.begin() as connection:
        columns = ("device", "id", "about", "day", "first_index")
        rows = sa.select(*(age_keys.c[one] for one in columns), sa.literal(0))
        connection.execute(awaited.insert().from_select([*columns, "due_s"], rows))
        connection.execute(age_keys.delete())
    bench.grow()
    assert await bench.round() is not None
    assert bench.server.ledger.missing_keys(GATE_ID) == 0


# ── another history ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_disk_that_went_back_in_time_is_noticed_with_evidence(bench: Bench, tmp_path: Path) -> None:
    bench.grow(2)
    await bench.round()
    behind = Bench(tmp_path / "restored")
    behind.log.signer = bench.log.signer
    behind.grow()
    bench.client = Client(SpoolLog(behind.log.spool), bench.origin, bench.server.signer.verifier)
    with pytest.raises(OtherHistoryError) as caught:
        await bench.round()
    assert caught.value.size == 10
    assert caught.value.evidence is not None
    note = Note.parse(caught.value.evidence)
    note.verify(bench.log.signer.verifier)
    note.verify(bench.server.signer.verifier)


async def test_a_log_behind_the_pending_checkpoint_is_noticed(bench: Bench) -> None:
    note = Checkpoint(bench.origin, 900, b"\x01" * 32).sign(bench.log.signer)
    assert (await bench.ask(wire.add_checkpoint(0, (), note))).status == 200
    bench.grow()
    with pytest.raises(OtherHistoryError, match="another log than we do"):
        await bench.round()


async def test_a_spool_of_another_gate_is_not_carried(bench: Bench) -> None:
    bench.grow()
    bench.client = Client(SpoolLog(bench.log.spool), "border.example/other", bench.server.signer.verifier)
    with pytest.raises(OtherHistoryError, match="the spool is of"):
        await bench.round()
    assert bench.sent == []


# ── a mirror that lies ───────────────────────────────────────────────────────────────────────────────────────────────


def text(status: int, content_type: str, body: str) -> Response:
    return Response(status, content_type, body.encode())


STRANGER = Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1)
# To one of before: the requests of C2SP, and ours for bodies.
LIES: dict[str, tuple[str, Callable[[Request], Response], type[SyncError]]] = {
    "checkpoint_refused": ("/checkpoint", lambda _: text(403, "", "go\x1b[2J away"), RefusedError),
    "checkpoint_garbage": ("/checkpoint", lambda _: text(200, "", "hello"), BadAnswerError),
    "checkpoint_of_nobody": (
        "/checkpoint",
        lambda _: Response(
            200, "", Checkpoint("border.example/gate-0001/demo", 5, bytes(32)).sign(Signer.generate("x")).to_bytes()
        ),
        BadAnswerError,
    ),
    "info_with_success": ("/add-entries", lambda _: text(200, INFO, "5\n5\n\n"), RefusedError),
    "info_other_type": ("/add-entries", lambda _: text(409, "text/html", "5\n5\n\n"), BadAnswerError),
    "info_two_lines": ("/add-entries", lambda _: text(409, INFO, "5\n5\n"), BadAnswerError),
    "info_no_newline": ("/add-entries", lambda _: text(409, INFO, "5\n5\n"[:-1]), BadAnswerError),
    "info_long": ("/add-entries", lambda _: text(409, INFO, "0\n0\n" + "A" * 4000 + "\n"), BadAnswerError),
    "info_no_number": ("/add-entries", lambda _: text(409, INFO, "-5\n0\n\n"), BadAnswerError),
    "info_huge_number": ("/add-entries", lambda _: text(409, INFO, "9" * 20 + "\n0\n\n"), BadAnswerError),
    "info_bad_ticket": ("/add-entries", lambda _: text(409, INFO, "0\n0\n!\n"), BadAnswerError),
    "info_long_ticket": ("/add-entries", lambda _: text(409, INFO, "0\n0\n" + "AAAA" * 400 + "\n"), BadAnswerError),
    "info_not_utf8": ("/add-entries", lambda _: Response(409, INFO, b"\xff\n\n\n"), BadAnswerError),
    "info_entries_beyond": ("/add-entries", lambda _: text(409, INFO, "0\n5\n\n"), BadAnswerError),
    "size_garbage": ("/add-checkpoint", lambda _: text(409, "text/x.tlog.size", "x\n"), BadAnswerError),
    "size_two_lines": ("/add-checkpoint", lambda _: text(409, "text/x.tlog.size", "1\n2\n"), BadAnswerError),
    "size_forever": ("/add-checkpoint", lambda _: text(409, "text/x.tlog.size", "0\n"), BadAnswerError),
    "checkpoint_unproven": ("/add-checkpoint", lambda _: text(422, "", "no"), RefusedError),
    "bodies_refused": ("/bodies", lambda _: text(500, "", ""), RefusedError),
    "bodies_garbage": ("/bodies", lambda _: text(200, "", "[]"), BadAnswerError),
    "bodies_not_utf8": ("/bodies", lambda _: Response(200, "", b'{"next":0,"keys":["\xff"]}'), BadAnswerError),
    "bodies_beyond": ("/bodies", lambda _: text(200, "", '{"next":6,"keys":[]}'), BadAnswerError),
    "bodies_of_a_path": (
        "/bodies",
        lambda _: text(200, "", '{"next":0,"keys":["../../keys/log.key"]}'),
        BadAnswerError,
    ),
    "bodies_again": ("/bodies/sealed", lambda _: text(200, "", '{"next":0,"keys":[]}'), BadAnswerError),
    "key_again": ("/bodies", lambda _: text(200, "", '{"next":5,"keys":["' + "a" * 64 + '"]}'), BadAnswerError),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_ends_the_round_with_an_error_and_the_next_round_is_well(bench: Bench, lie: str) -> None:
    path, answer, error = LIES[lie]
    bench.grow()

    async def meddle(request: Request) -> Response:
        matches = request.path.endswith(path)
        if lie == "key_again" and request.path.startswith("/bodies/keys/"):
            return Response(204, "", b"")
        return answer(request) if matches else await bench.ask_one_of_before(request)

    with pytest.raises(error) as caught:
        await bench.round(meddle)
    assert len(bench.sent) < 20
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
    receipt = await bench.round()
    assert receipt is not None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no signature\n",
        "\u2014 a AAAA\n",
        "x" * 100,
        f"{STRANGER.cosign('x', 1).line}\n",
        "\u2014 a AAAAAAA=\n" * 17,
    ],
)
async def test_a_receipt_that_does_not_hold_is_no_receipt(bench: Bench, body: str) -> None:
    bench.grow()

    async def meddle(request: Request) -> Response:
        is_upload = request.path == "/add-entries" and request.compress
        return text(200, "text/plain", body) if is_upload else await bench.ask_one_of_before(request)

    async def meddle_with_rounds(request: Request) -> Response:
        return state(5, 5, 5, cosignature=body) if request.path == "/round" else await bench.ask(request)

    for meddling in (meddle, meddle_with_rounds):
        with pytest.raises(BadAnswerError):
            await bench.round(meddling)


def state(size: int, entry: int, bodies: int, *, keys: Sequence[str] = (), cosignature: str | None = None) -> Response:
    """An answer to a round."""
    fields = {"size": size, "next": entry, "bodies": bodies, "keys": keys, "cosignature": cosignature}
    return Response(200, "application/json", json.dumps(fields).encode())


ROUND_LIES: dict[str, tuple[list[Response], type[SyncError]]] = {
    "refused": ([text(422, "", "no")], RefusedError),
    "garbage": ([text(200, "", "[]")], BadAnswerError),
    "not_utf8": ([Response(200, "", b'{"size":"\xff"}')], BadAnswerError),
    "of_a_path": ([state(5, 5, 5, keys=["../../keys/log.key"])], BadAnswerError),
    "ahead": ([state(6, 6, 6)], BadAnswerError),
    "another_checkpoint": ([state(4, 4, 4)], BadAnswerError),
    "entries_beyond": ([state(5, 6, 5)], BadAnswerError),
    "bodies_beyond": ([state(5, 5, 6)], BadAnswerError),
    "backwards": ([state(5, 4, 4), state(5, 3, 3)], BadAnswerError),
    "without_receipt": ([state(5, 5, 5)], BadAnswerError),
    "the_same_again": ([state(5, 0, 0)] * 20, BadAnswerError),
    "keys_that_nobody_has": ([state(5, 5, 5, keys=[f"{one:064x}"]) for one in range(20)], BadAnswerError),
    "key_again": ([state(5, 5, 5, keys=["a" * 64])] * 20, BadAnswerError),
    "corrects_forever": ([Response(409, "", state(0, 0, 0).body)] * 20, BadAnswerError),
    "corrects_in_words": ([text(409, "text/plain", "too many requests")], BadAnswerError),
}


@pytest.mark.parametrize("lie", ROUND_LIES)
async def test_a_lie_about_a_round_ends_it_with_an_error_and_the_next_round_is_well(bench: Bench, lie: str) -> None:
    answers, error = ROUND_LIES[lie]
    left = list(answers)
    bench.grow()

    async def meddle(request: Request) -> Response:
        return left.pop(0) if request.path == "/round" else await bench.ask(request)

    with pytest.raises(error):
        await bench.round(meddle)
    assert len(bench.sent) < 20
    assert await bench.round() is not None


async def test_a_mirror_that_knows_less_than_it_has_signed_for_is_asked_anew(bench: Bench) -> None:
    bench.grow(2)
    await bench.round()
    bench.grow()

    async def meddle(_: Request) -> Response:
        return Response(409, "", state(5, 5, 5).body)

    with pytest.raises(BadAnswerError, match="fewer entries"):
        await bench.round(meddle)
    await bench.round()
    assert paths(bench)[0].endswith("/checkpoint")


@pytest.mark.parametrize("knows_rounds", [True, False])
async def test_a_receipt_of_another_checkpoint_is_no_receipt(bench: Bench, *, knows_rounds: bool) -> None:
    bench.grow()
    line = bench.server.signer.cosign(Checkpoint(bench.origin, 5, bytes(32)).text, 1).line + "\n"

    async def meddle(request: Request) -> Response:
        if request.path == "/add-entries" and request.compress:
            return text(200, "text/plain", line)
        if request.path == "/round" and knows_rounds:
            return state(5, 5, 5, cosignature=line)
        return await bench.ask_one_of_before(request)

    with pytest.raises(BadAnswerError, match="does not hold"):
        await bench.round(meddle)


@pytest.mark.parametrize(
    ("status", "info"), [(202, "5\n0\n\n"), (202, "4\n4\n\n"), (409, "5\n0\n\n"), (409, "9\n0\n\n"), (422, "")]
)
async def test_a_mirror_that_makes_no_progress_is_left(bench: Bench, status: int, info: str) -> None:
    bench.grow()

    async def meddle(request: Request) -> Response:
        if request.path == "/add-entries" and request.compress:
            return text(status, INFO, info)
        return await bench.ask_one_of_before(request)

    with pytest.raises(SyncError):
        await bench.round(meddle)
    assert len(bench.sent) < 20


# ── a spool that is damaged ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "damage", ["checkpoint", "checkpoint_folder", "checkpoint_text", "tile/0", "tile/entries", "sealed", "short_sealed"]
)
async def test_a_damaged_spool_is_one_clear_error(bench: Bench, damage: str) -> None:
    bench.grow()
    await bench.round()
    bench.grow()
    spool = bench.log.spool
    if damage == "checkpoint_folder":
        (spool / "checkpoint").unlink()
        (spool / "checkpoint").mkdir()
    elif damage == "checkpoint_text":
        text_only = "hello\n"
        (spool / "checkpoint").write_bytes(Note(text_only, (bench.log.signer.sign(text_only),)).to_bytes())
    elif damage == "checkpoint":
        (spool / "checkpoint").write_bytes(b"hello")
    else:
        for one in (spool / damage.removeprefix("short_")).rglob("*"):
            if one.is_file():
                one.write_bytes(one.read_bytes()[:40])
    with pytest.raises(SpoolError):
        await bench.round()


async def test_a_missing_piece_is_one_clear_error(bench: Bench) -> None:
    bench.grow()
    for one in (bench.log.spool / "sealed").rglob("*"):
        if one.is_file():
            one.unlink()
    with pytest.raises(SpoolError, match="missing"):
        await bench.round()


async def test_an_age_file_that_is_too_large_is_one_clear_error(bench: Bench) -> None:
    bench.grow()
    for one in (bench.log.spool / "keys").rglob("*.age"):
        one.write_bytes(bytes(70_000))
    with pytest.raises(SpoolError, match="age file"):
        await bench.round()


def test_a_tree_has_no_tiles_beyond_its_end(bench: Bench) -> None:
    bench.grow()
    with pytest.raises(SpoolError, match="no tile"):
        SpoolLog(bench.log.spool).hashes(5)(8, 0)
