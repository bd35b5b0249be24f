"""A central server that was put back from a backup: the gates notice, and so does it, by its own signature on what it does not have."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from central_fakes.folder import make_context, told
from central_fakes.server import GATE_ID, Bench, Server
from typer.testing import CliRunner

from gate_central.admin_log import DEVICE
from gate_central.archive import is_intact
from gate_central.commands.central import app
from gate_central.evidence import Kind
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_core.mirror_client import wire


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def backed_up(bench: Bench) -> Path:
    """A copy as `sqlite3 .backup` makes it."""
    copy = bench.log.folder / "backup.sqlite"
    source, target = sqlite3.connect(bench.log.folder / "central.sqlite"), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    return copy


def put_back(bench: Bench, copy: Path) -> None:
    """The server starts anew over the copy, with the keys that it had."""
    bench.server.ledger._engine.dispose()
    for old in bench.log.folder.glob("central.sqlite*"):
        old.unlink()
    shutil.copy(copy, bench.log.folder / "central.sqlite")
    bench.server = Server.over(f"sqlite:///{bench.log.folder / 'central.sqlite'}", signer=bench.server.signer)


def kinds(bench: Bench) -> list[str]:
    return [one.kind for one in bench.server.evidence.alarms(GATE_ID)]


async def test_a_restored_server_is_told_by_the_gate_raises_an_alarm_and_gets_the_log_again(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    copy = backed_up(bench)
    bench.grow(2)
    await bench.round()
    put_back(bench, copy)
    last, bench.client = bench.client.last, bench.new_client()
    bench.client.last = last  # as sync finds it at its start
    receipt = await bench.round()
    assert receipt is not None
    assert (receipt.checkpoint.size, bench.client.lost) == (15, 10)
    assert kinds(bench) == [Kind.MIRROR_WENT_BACK.value]
    assert is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])
    said = CliRunner().invoke(app, ["fleet", "--quick", "--dir", str(bench.log.folder)])
    assert (said.exit_code, "mirror_went_back" in said.stdout) == (1, True)


async def test_a_gate_that_runs_notices_at_its_next_round_but_one(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    copy = backed_up(bench)
    bench.grow(2)
    await bench.round()
    put_back(bench, copy)
    bench.grow()
    with pytest.raises(Exception, match="fewer entries than it has signed for"):
        await bench.round()
    receipt = await bench.round()
    assert receipt is not None
    assert (receipt.checkpoint.size, kinds(bench)) == (20, [Kind.MIRROR_WENT_BACK.value])


async def test_a_server_that_has_what_it_signed_is_shown_nothing(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    last, bench.client = bench.client.last, bench.new_client()
    bench.client.last = last
    await bench.round()
    assert bench.client.lost == 0
    assert not [one for one in bench.sent if one.path == wire.SHOW_RECEIPT]
    assert last is not None
    assert (await bench.ask(wire.show_receipt(last.note))).status == 204
    assert kinds(bench) == []


async def test_nobody_accuses_the_server_with_another_signature_than_its_own(bench: Bench) -> None:
    bench.grow()
    await bench.round()
    checkpoint = Checkpoint(bench.origin, 900, bytes(32))
    own = checkpoint.sign(bench.log.signer)
    stranger = Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1)
    for note in (own, own.with_signatures([stranger.cosign(own.text, 1)])):
        assert (await bench.ask(wire.show_receipt(note.to_bytes()))).status == 403
    mirror_alone = Note(own.text, (bench.server.signer.cosign(own.text, 1),))
    assert (await bench.ask(wire.show_receipt(mirror_alone.to_bytes()))).status == 403
    assert (await bench.ask(wire.show_receipt(b"no note"))).status == 400
    assert kinds(bench) == []


# ── by itself ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_database_that_was_put_back_beside_its_folder_is_seen_at_the_start_before_any_gate_comes(
    bench: Bench, tmp_path: Path
) -> None:
    context = make_context(bench, tmp_path / "server")
    context.admin_log.record("searched", {"n": 1})
    copy = backed_up(bench)
    with context.kept_in_order():
        pass
    assert context.evidence.alarms(DEVICE) == (), "nothing was put back yet"
    context.admin_log.record("searched", {"n": 2})
    put_back(bench, copy)
    again = make_context(bench, tmp_path / "server")
    for n in (3, 4, 5):  # commands that came before the server
        again.admin_log.record("searched", {"n": n})
    here = ("--dir", str(tmp_path / "server"), "--database", url(bench))
    carry = ["export", GATE_ID, *here, "--out", str(tmp_path / "carried")]
    refused = CliRunner().invoke(app, carry)
    assert (refused.exit_code, "gate central serve erases again" in refused.stderr) == (75, True)
    with again.kept_in_order():
        pass
    assert "gate central serve erases again" not in CliRunner().invoke(app, carry).stderr
    (alarm,) = again.evidence.alarms(DEVICE)
    assert alarm.kind == "mirror_went_back"
    assert "database_went_back" in [one.kind for one in told(again)]
    said = CliRunner().invoke(app, ["alarms", DEVICE, "--dir", str(tmp_path / "server"), "--database", url(bench)])
    assert (said.exit_code, alarm.id in said.stdout) == (1, True)
    fleet = ["fleet", "--dir", str(tmp_path / "server"), "--database", url(bench)]
    assert "of this server itself" in CliRunner().invoke(app, fleet).stdout
    words = [
        "--by",
        "anna",
        "--words",
        "a disk was changed",
        "--dir",
        str(tmp_path / "server"),
        "--database",
        url(bench),
    ]
    assert CliRunner().invoke(app, ["answer", DEVICE, alarm.id, *words]).exit_code == 0
    with again.kept_in_order():
        pass
    assert len(again.evidence.alarms(DEVICE)) == 1, "it is said once"
    assert "of this server itself" not in CliRunner().invoke(app, fleet).stdout


def test_a_note_that_cannot_be_read_keeps_no_server_down(bench: Bench, tmp_path: Path) -> None:
    context = make_context(bench, tmp_path / "server")
    context.admin_log.record("searched", {"n": 1})
    note = tmp_path / "server" / "acts.note"
    for harm in (b"", b"nonsense", bytes(40_000)):
        note.write_bytes(harm)
        with context.kept_in_order():
            pass
    note.unlink()
    note.mkdir()
    with context.kept_in_order():
        pass
    context.admin_log.record("searched", {"n": 2})
    assert context.evidence.alarms(DEVICE) == ()
    note.rmdir()
    note.write_bytes(b"nonsense")
    context.admin_log.record("searched", {"n": 3})
    assert Checkpoint.parse(Note.parse(note.read_bytes()).text).size == context.ledger.head(DEVICE).size, "kept again"


def url(bench: Bench) -> str:
    return f"sqlite:///{bench.log.folder / 'central.sqlite'}"
