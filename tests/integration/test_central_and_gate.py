"""A gate's sync program and its log against the central server itself, in memory: receipts, quotas, sticks."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from central_fakes.folder import make_context, order
from central_fakes.process import KEPT, registered
from central_fakes.server import GATE_ID
from fakes.audit_logs import SmallLog, wanted
from fakes.central_process import settings_of
from fakes.central_server import Bench
from fakes.sync_gate import SyncGate
from typer.testing import CliRunner

from gate.cli.sync import app as sync_app
from gate.programs.shared.config import Sync
from gate.programs.sync import inbox
from gate.programs.sync.program import Outbox
from gate.programs.sync.upkeep import MirrorKeys
from gate_central.commands.central import app as central_app
from gate_central.key_erasure import judge_in
from gate_central.settings import Settings, Volume
from gate_core.audit_format.note import Verifier
from gate_core.audit_format.spool import Spool, erasure_path
from gate_core.mirror_client.https import Courier
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.spool import SpoolLog


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "log")


async def test_the_last_receipt_is_found_at_the_next_start(bench: Bench, tmp_path: Path) -> None:
    assert inbox.last_receipt(tmp_path) is None
    bench.grow()
    receipt = await bench.round()
    assert receipt is not None
    inbox.keep_receipt(tmp_path, receipt.note)
    last = inbox.last_receipt(tmp_path)
    assert last == receipt
    client = Client(SpoolLog(bench.log.spool), bench.origin, bench.server.signer.verifier, last=last)
    assert client.last == receipt
    (tmp_path / inbox.LAST_RECEIPT).write_bytes(b"torn")
    assert inbox.last_receipt(tmp_path) is None


async def test_a_kill_between_the_two_places_of_a_receipt_loses_neither(bench: Bench, tmp_path: Path) -> None:
    """The log's inbox takes nothing, as if the program had ended there: our own word of the mirror is kept, and the log's comes with the next start."""
    identity = tmp_path / "identity"
    identity.mkdir()
    keys = MirrorKeys(bench.server.signer.verifier, tmp_path / "inbox")
    config = settings_of(
        SyncGate.make(tmp_path / "gate"),
        Sync(address="central.example", mirror_vkey=keys.newest.vkey, identity=str(identity)),
    )
    (tmp_path / "gate" / "inbox").rmdir()
    (tmp_path / "gate" / "inbox").write_bytes(b"no folder")
    config = msgspec.structs.replace(config, paths=msgspec.structs.replace(config.paths, spool=str(bench.log.spool)))
    bench.grow()
    async with Courier("central.example", None, bench.server.transport(bench.certificate)) as courier:
        with pytest.raises(OSError, match="inbox"):
            await Outbox(config, keys).round(courier)
        assert inbox.last_receipt(identity) is not None
        (tmp_path / "gate" / "inbox").unlink()
        (tmp_path / "gate" / "inbox").mkdir()
        await Outbox(config, keys).round(courier)
    assert "receipt-5.note" in {one.name for one in (tmp_path / "gate" / "inbox").iterdir()}


BODY = 40_000  # of an entry: some 54,000 bytes as a line


def flood(log: SmallLog, entries: int) -> None:
    log.write([wanted("presence", "c0", {"of": os.urandom(BODY // 2).hex()}) for _ in range(entries)])


@asynccontextmanager
async def outbox(bench: Bench, tmp_path: Path) -> AsyncIterator[tuple[Outbox, Courier, SyncGate]]:
    """The sync program's own rounds."""
    gate, keys = SyncGate.make(tmp_path / "gate"), MirrorKeys(bench.server.signer.verifier, tmp_path / "gate" / "inbox")
    (tmp_path / "identity").mkdir()
    sync = Sync(address="central.example", mirror_vkey=keys.newest.vkey, identity=str(tmp_path / "identity"))
    config = settings_of(gate, sync)
    config = msgspec.structs.replace(config, paths=msgspec.structs.replace(config.paths, spool=str(bench.log.spool)))
    async with Courier("central.example", None, bench.server.transport(bench.certificate)) as courier:
        yield Outbox(config, keys), courier, gate


async def test_the_gate_keeps_it_says_why_and_an_order_to_erase_goes_all_the_same(bench: Bench, tmp_path: Path) -> None:
    bench.server.mirror._volume = Settings(volume=Volume(alarm_mb_a_day=1, quota_mb_a_day=2)).volume_of
    context = make_context(bench, tmp_path / "server")
    judge = judge_in(context.folder.path)
    assert judge is not None
    bench.server.erasures = context.erasures(judge)
    bench.server.show([bench.server.authority.certificate])
    bench.log.write([wanted("presence", "c1")])
    (key,) = (one.stem for one in (bench.log.spool / "keys").rglob("*.age"))
    async with outbox(bench, tmp_path) as (rounds, courier, gate):
        assert await rounds.attempt(courier)
        flood(bench.log, 60)
        note = order(bench.origin, [key])
        Spool(bench.log.spool).write({erasure_path(hashlib.sha256(note).hexdigest()): note})
        assert not await rounds.attempt(courier)
        assert "keep the rest and bring it from 00:00 UTC on" in str(rounds.detail()["problem"])
        assert bench.server.ledger.key(GATE_ID, key) is None
        assert list(gate.inbox.glob("erasure-receipt-*"))
        assert SpoolLog(bench.log.spool).leaves(60, 61), "the gate still has it"
        bench.server.clock.now += timedelta(days=1)
        while not await rounds.attempt(courier):
            bench.server.clock.now += timedelta(days=1)
        assert rounds.detail()["pending"] == 0


def test_the_gate_takes_the_receipt_of_a_log_that_came_on_a_stick(tmp_path: Path) -> None:
    """`gate sync export-usb`, `gate central import`, and the log's writer."""
    central, receipt, runner = tmp_path / "central", tmp_path / "receipt.note", CliRunner()
    runner.invoke(central_app, ["init", "--dir", str(central), "--name", "127.0.0.1", *KEPT])
    gate = SyncGate.make(tmp_path / "gate")
    registered(central, GATE_ID, gate.log.signer.verifier, "f" * 64)
    gate.grow(60)  # more than one piece
    stick = str(tmp_path / "stick")
    done = runner.invoke(sync_app, ["export-usb", "--out", stick, "--config", str(gate.config)])
    assert done.exit_code == 0, done.output
    words = ["import", stick, "--dir", str(central), "--receipt", str(receipt), "--json"]
    done = runner.invoke(central_app, words)
    assert (done.exit_code, json.loads(done.stdout)["new"]) == (0, 300)
    mirror = Verifier.parse((central / "mirror.vkey").read_text().strip())
    with gate.log.writer() as writer:
        writer.take_receipt(receipt.read_bytes(), mirror, 0)
        assert writer.standing.mirrored == 300
