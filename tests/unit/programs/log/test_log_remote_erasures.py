"""An erasure goes on to the central server, and its word comes back as a record: through outages, and past whoever writes the inbox."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from central_fakes.folder import make_context, order
from fakes.central_process import settings_of
from fakes.central_server import Bench
from fakes.log_context import log_context
from fakes.sync_gate import SyncGate

from gate.audit.inbox import Inbox
from gate.audit.inbox import MirrorKeys as Taken
from gate.audit.writer import Refused
from gate.programs.log.context import Worker
from gate.programs.log.erasures import ErasedElsewhere
from gate.programs.shared.config import Sync
from gate.programs.sync.program import ERASURE_AGAIN_ROUNDS, Outbox
from gate.programs.sync.upkeep import MirrorKeys
from gate_central.key_erasure import judge_in, receipt
from gate_core.audit_format.note import Algorithm, Note, Signer
from gate_core.audit_format.spool import Spool, erasure_path
from gate_core.mirror_client.https import Courier

ORIGIN = "border.example/gate-0001/demo"
ORDER = order(ORIGIN, ["a" * 64])
DIGEST = hashlib.sha256(ORDER).hexdigest()
MIRROR = Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1)


@dataclass
class Log:
    """The part of the log program."""

    elsewhere: ErasedElsewhere
    inbox: Path
    spool: Spool
    is_full: bool = False
    said: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    async def say(self, kind: str, fields: Mapping[str, object]) -> int | Refused:
        if self.is_full:
            return Refused("full")
        self.said.append((kind, fields))
        return len(self.said)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    (tmp_path / "inbox").mkdir()
    with Worker("spool") as in_spool, Worker("inbox") as in_inbox:
        spool = Spool(tmp_path / "spool")

        async def say(kind: str, fields: Mapping[str, object]) -> int | Refused:
            return await made.say(kind, fields)

        shared = log_context(
            inbox=Inbox(tmp_path / "inbox", tmp_path / "refused"),
            spool=spool,
            mirror=Taken(MIRROR.verifier, tmp_path / "keys"),
            origin=ORIGIN,
            say=say,
            in_spool=in_spool,
            in_inbox=in_inbox,
        )
        made = Log(ErasedElsewhere(shared), tmp_path / "inbox", spool)
        yield made


def lay(log: Log, note: bytes) -> Path:
    path = log.inbox / f"erasure-receipt-{DIGEST}.note"
    path.write_bytes(note)
    return path


async def test_the_mirrors_word_becomes_a_record_once(log: Log) -> None:
    await log.elsewhere.carry(DIGEST, ORDER)
    assert not await log.elsewhere.look()
    path = lay(log, receipt(MIRROR, ORIGIN, DIGEST, 1))
    assert await log.elsewhere.look()
    assert log.said == [("keys_erased_at_mirror", {"note": DIGEST, "mirror": "central.example/mirror"})]
    assert (path.exists(), log.spool.erasures()) == (False, [])
    lay(log, receipt(MIRROR, ORIGIN, DIGEST, 2))
    assert not await log.elsewhere.look(), "nobody awaits it any more"


@pytest.mark.parametrize("lie", ["another key", "another log", "another order", "the order itself", "nonsense"])
async def test_what_the_mirror_did_not_sign_for_this_order_is_put_aside(log: Log, lie: str) -> None:
    stranger = Signer.generate("central.example/mirror", Algorithm.COSIGNATURE_V1)
    lies = {
        "another key": receipt(stranger, ORIGIN, DIGEST, 1),
        "another log": receipt(MIRROR, "border.example/gate-0002/demo", DIGEST, 1),
        "another order": receipt(MIRROR, ORIGIN, "b" * 64, 1),
        "the order itself": ORDER,
        "nonsense": b"\x00" * 100,
    }
    await log.elsewhere.carry(DIGEST, ORDER)
    path = lay(log, lies[lie])
    assert not await log.elsewhere.look()
    assert (log.said, path.exists(), log.spool.erasures()) == ([], False, [DIGEST])


async def test_on_a_full_disk_both_wait(log: Log) -> None:
    await log.elsewhere.carry(DIGEST, ORDER)
    path = lay(log, receipt(MIRROR, ORIGIN, DIGEST, 1))
    log.is_full = True
    assert not await log.elsewhere.look()
    assert (path.exists(), log.spool.erasures()) == (True, [DIGEST])
    log.is_full = False
    assert await log.elsewhere.look()


async def test_sync_carries_it_and_leaves_the_receipt(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "log")
    context = make_context(bench, tmp_path / "server")
    gate = SyncGate.make(tmp_path / "gate")
    keys = MirrorKeys(bench.server.signer.verifier, gate.inbox)
    (tmp_path / "identity").mkdir()
    sync = Sync(address="central.example", mirror_vkey=keys.newest.vkey, identity=str(tmp_path / "identity"))
    config = settings_of(gate, sync)
    config = msgspec.structs.replace(config, paths=msgspec.structs.replace(config.paths, spool=str(bench.log.spool)))
    bench.grow()
    (key_id,) = {one.stem for one in (bench.log.spool / "keys").rglob("*.age")}
    note = order(bench.origin, [key_id])
    digest = hashlib.sha256(note).hexdigest()
    Spool(bench.log.spool).write({erasure_path(digest): note, erasure_path("b" * 64): note})
    outbox = Outbox(config, keys)
    async with Courier("central.example", None, bench.server.transport(bench.certificate)) as courier:
        await outbox.round(courier)
        assert not list(gate.inbox.glob("erasure-receipt-*")), "a server that knows no approvers says so"
        judge = judge_in(context.folder.path)
        assert judge is not None
        bench.server.erasures = context.erasures(judge)
        bench.server.show([bench.server.authority.certificate])
    async with Courier("central.example", None, bench.server.transport(bench.certificate)) as courier:
        for _ in range(ERASURE_AGAIN_ROUNDS):
            await outbox._carry_erasures(courier)
    (left,) = gate.inbox.glob("erasure-receipt-*")
    assert left.name == f"erasure-receipt-{digest}.note"
    Note.parse(left.read_bytes()).verify(context.folder.mirror.verifier)
    assert bench.server.ledger.key("gate-0001", key_id) is None
