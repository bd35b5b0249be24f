"""The central server on PostgreSQL: the same rounds, and pushers that race each other."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.central_server import GATE_ID, Bench

from gate.audit.checkpoint import Checkpoint
from gate.audit.note import Signer, Verifier
from gate.central.archive import export, is_intact
from gate.central.errors import ForbiddenError
from gate.central.evidence import Answer, Kind, slots
from gate.central.ledger import ABSENT_S
from gate.central.roster import Roster
from gate.sync import wire
from gate.sync.errors import SyncError
from gate.sync.round import Client
from gate.verify.verify import verify

DRIVER = "pg8000"


def tool(name: str) -> str | None:
    """A server's own tool; Debian keeps them off the path."""
    found = [str(one) for one in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))]
    return shutil.which(name) or (found[-1] if found else None)


INITDB, PG_CTL = tool("initdb"), tool("pg_ctl")
pytestmark = pytest.mark.skipif(
    INITDB is None or PG_CTL is None or importlib.util.find_spec(DRIVER) is None, reason="PostgreSQL is not installed"
)


def as_server(*command: str) -> None:
    """Run a tool; PostgreSQL refuses to be root."""
    user = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    subprocess.run([*user, *command], check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a private server, without the database's name."""
    assert INITDB is not None
    assert PG_CTL is not None
    with tempfile.TemporaryDirectory(prefix="portcullis-pg-") as folder:
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        data = f"{folder}/data"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        as_server(INITDB, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
        as_server(PG_CTL, "-D", data, "-o", options, "-l", f"{folder}/server.log", "-w", "start")
        try:
            yield f"postgresql+{DRIVER}://postgres@127.0.0.1:{port}"
        finally:
            as_server(PG_CTL, "-D", data, "-m", "immediate", "-w", "stop")


@pytest.fixture
def url(server: str, request: pytest.FixtureRequest) -> str:
    """A database of its own for each test."""
    name = f"t{abs(hash(request.node.name)):x}"
    engine = sa.create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture
def bench(url: str, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, url)
    yield made
    made.server.roster._engine.dispose()


async def test_a_log_arrives_and_leaves_again(bench: Bench, tmp_path: Path) -> None:
    for travellers in (60, 1, 1):
        size = bench.grow(travellers)
        receipt = await bench.round()
        assert receipt is not None
        assert receipt.checkpoint.size == size
    assert is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])
    export(bench.server.ledger, bench.gate, tmp_path / "out")
    report = verify(tmp_path / "out", bench.log.vkey)
    assert (report.verified, report.entries, report.bodies, report.keys) == (True, size, size, 62)


async def test_pushers_that_race_each_other_leave_every_entry_once(bench: Bench) -> None:
    clients = [bench.new_client() for _ in range(4)]

    async def push(client: Client) -> bool:
        conversation, response = client.round(), None
        try:
            while True:
                request = next(conversation) if response is None else conversation.send(response)
                response = await bench.ask(request)
        except StopIteration:
            return True
        except SyncError:
            return False  # another one was faster: the next round is well again

    for travellers in (55, 1, 60, 1):
        size = bench.grow(travellers)
        await asyncio.gather(*(push(client) for client in clients))
    assert await push(bench.new_client())
    head = bench.server.ledger.head(bench.gate.device)
    assert (head.size, head.next_entry, head.bodies) == (size, size, size)
    assert is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])
    assert len(bench.server.evidence.alarms(bench.gate.device)) == 0


async def test_accusations_that_race_each_other_fill_their_slots_once_and_are_answered(bench: Bench) -> None:
    bench.grow(52)
    await bench.round()

    def show(number: int) -> None:
        forged = Checkpoint(bench.origin, 257, number.to_bytes(32)).sign(bench.log.signer)
        bench.server.mirror.add_checkpoint(bench.gate, wire.add_checkpoint(257, (), forged).body)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(show, [number % 30 for number in range(90)]))
    evidence = bench.server.evidence
    assert [one.kind for one in evidence.alarms(GATE_ID)] == ["fork"] * slots(Kind.FORK)
    assert [one.count for one in evidence.repeats(GATE_ID)] == [90 - slots(Kind.FORK)]
    first = evidence.alarms(GATE_ID)[0].id
    evidence.answer(GATE_ID, first, Answer("2026-11-26T10:00:00.000Z", "A. Operator", "the gate was taken out"))
    assert [one.id for one in evidence.alarms(GATE_ID) if one.answer is not None] == [first]


async def test_an_age_file_that_is_not_there_is_asked_for_again(bench: Bench) -> None:
    bench.grow(1)
    for key in (bench.log.spool / "keys").rglob("*.age"):
        key.unlink()
    assert await bench.round() is not None
    ledger, now_s = bench.server.ledger, int(bench.server.clock.now.timestamp())
    assert ledger.missing_keys(GATE_ID) == 1
    assert ledger.lacking_keys(GATE_ID, now_s) == []
    assert len(ledger.lacking_keys(GATE_ID, now_s + ABSENT_S)) == 1


def test_of_many_enrolments_with_one_token_one_wins(bench: Bench) -> None:
    roster = bench.server.roster
    token = roster.new_token("gate-0002", 100)
    log = Signer.generate("border.example/gate-0002/demo").verifier

    def enrol(number: int) -> int | None:
        return number if won(roster, token, log, f"{number:064x}") else None

    with ThreadPoolExecutor(8) as pool:
        winners = [one for one in pool.map(enrol, range(8)) if one is not None]
    assert len(winners) == 1
    found = roster.find("gate-0002")
    assert found is not None
    assert found.certificate == f"{winners[0]:064x}"


def won(roster: Roster, token: str, log: Verifier, certificate: str) -> bool:
    try:
        roster.enrol(token, "gate-0002", log, certificate=certificate, now_s=50, at="2026-11-25T10:00:00.000Z")
    except ForbiddenError:
        return False
    return True
