"""The central server on PostgreSQL: the same rounds, several processes over one database, and pushers that race each other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from central_fakes.folder import make_context, order, told
from central_fakes.people import NORTH, Nation
from central_fakes.postgresql import IS_HERE, NOT_HERE, Postgresql, running
from central_fakes.server import GATE_ID, NOW, Bench, Server
from fakes.mirrored_gate import Central
from fakes.replayed_gates import ReplayedGate, carry
from sqlalchemy.exc import OperationalError

from gate_central.admin_log import DEVICE
from gate_central.archive import export, is_intact
from gate_central.database import LASTING, open_database
from gate_central.errors import FolderError, ForbiddenError
from gate_central.evidence import Answer, Kind, slots
from gate_central.key_erasure import judge_in
from gate_central.ledger import ABSENT_S, LACKING, Ledger
from gate_central.roster import Gate, Roster
from gate_central.schema import age_keys, versions
from gate_core.audit_format.checkpoint import Checkpoint
from gate_core.audit_format.note import Note, Signer, Verifier
from gate_core.mirror_client import wire
from gate_core.mirror_client.errors import SyncError
from gate_core.mirror_client.https import Courier
from gate_core.mirror_client.round import Client
from gate_core.mirror_client.wire import Request, Response
from gate_verify.verify import verify

pytestmark = pytest.mark.skipif(not IS_HERE, reason=NOT_HERE)
LIVE_ROUNDS = 30
WAL_FACTOR_MAX = 2  # it was 23


@pytest.fixture(scope="module")
def server() -> Iterator[Postgresql]:
    with running() as started:
        yield started


@pytest.fixture
def url(server: Postgresql, request: pytest.FixtureRequest) -> str:
    """A database of its own for each test."""
    return server.new_database(f"t{abs(hash(request.node.name)):x}")


@pytest.fixture
def bench(url: str, tmp_path: Path) -> Bench:
    return Bench(tmp_path, url)


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


async def test_eight_pushers_that_race_through_two_processes_leave_every_entry_once(bench: Bench, url: str) -> None:
    """The other process is another server over the same database: they share nothing else but the keys."""
    other = Server.over(url, signer=bench.server.signer)

    async def ask_other(request: Request) -> Response:
        async with Courier("central.example", None, other.transport(bench.certificate)) as courier:
            return await courier.send(request)

    async def push(client: Client, number: int) -> bool:
        ask = bench.ask if number % 2 else ask_other
        conversation, response = client.round(), None
        try:
            while True:
                request = next(conversation) if response is None else conversation.send(response)
                response = await ask(request)
        except StopIteration:
            return True
        except SyncError:
            return False  # another one was faster: the next round is well again

    clients = [bench.new_client() for _ in range(8)]
    for travellers in (55, 1, 60, 1):
        size = bench.grow(travellers)
        went = await asyncio.gather(*(push(client, number) for number, client in enumerate(clients)))
        assert any(went)
    assert await push(bench.new_client(), 0)
    head = bench.server.ledger.head(bench.gate.device)
    assert (head.size, head.next_entry, head.bodies) == (size, size, size)
    assert is_intact(bench.server.ledger, bench.gate, [bench.server.signer.verifier])
    assert len(bench.server.evidence.alarms(bench.gate.device)) == 0


def test_processes_that_open_an_empty_database_at_once_all_find_it_made(url: str) -> None:
    with ThreadPoolExecutor(6) as threads:
        engines = list(threads.map(open_database, [url] * 6))
    for engine in engines:
        assert Roster(engine).names() == []
        engine.dispose()


@pytest.mark.parametrize("setting", LASTING)
def test_a_server_that_acknowledges_before_it_is_durable_is_refused_by_name(url: str, setting: str) -> None:
    administrator = sa.create_engine(url, isolation_level="AUTOCOMMIT")

    def is_off() -> bool:
        with administrator.connect() as connection:
            return connection.exec_driver_sql(f"SHOW {setting}").scalar_one() == "off"

    def tell(statement: str, *, off: bool) -> None:
        with administrator.connect() as connection:
            connection.exec_driver_sql(statement)
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        for _ in range(200):  # the server's processes hear of it one after another
            administrator.dispose()
            if is_off() is off:
                return
            time.sleep(0.05)
        raise AssertionError(f"{setting} did not change")

    tell(f"ALTER SYSTEM SET {setting} = off", off=True)
    try:
        with pytest.raises(FolderError, match=f"^PostgreSQL runs with {setting} off[^\n]*$"):
            open_database(url)
    finally:
        tell(f"ALTER SYSTEM RESET {setting}", off=False)
        administrator.dispose()
    open_database(url).dispose()


def test_looking_for_what_a_gate_lacks_costs_the_same_however_much_that_is(bench: Bench) -> None:
    engine = bench.server.ledger._engine
    rows = "SELECT %s, md5(i::text), 'crossing', '2026-11-25', i, 1900000000 FROM generate_series(1, 20000) AS i"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO age_key_awaited {rows}", (GATE_ID,))
        connection.exec_driver_sql("ANALYZE")
        asked = LACKING.params(of=GATE_ID, now_s=1_800_000_000).compile(engine, compile_kwargs={"literal_binds": True})
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {asked}").scalars())
    assert "age_key_due" in plan
    assert "Sort" not in plan
    assert "Seq Scan" not in plan
    assert bench.server.ledger.lacking_keys(GATE_ID, 1_800_000_000) == []


async def test_live_rounds_write_little_more_than_what_comes(bench: Bench) -> None:
    bench.grow(40)
    await bench.round()
    before, payload = wal_bytes(bench), 0
    for _ in range(LIVE_ROUNDS):
        bench.grow()
        await bench.round()
        assert {one.path for one in bench.sent} == {"/round"}  # two where a piece ends inside the traveller
        payload += sum(len(one.body) for one in bench.sent)
    assert wal_bytes(bench) - before < WAL_FACTOR_MAX * payload


def wal_bytes(bench: Bench) -> int:
    with bench.server.ledger._engine.begin() as connection:
        position = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
        return int(connection.exec_driver_sql(position).scalar_one())


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


# ── central's own log, and what it forgets ───────────────────────────────────────────────────────────────────────────


async def test_what_is_done_at_once_through_two_processes_is_one_log_after_another(
    bench: Bench, tmp_path: Path
) -> None:
    contexts = [make_context(bench, tmp_path / "server") for _ in range(2)]

    def act(number: int) -> None:
        contexts[number % 2].admin_log.record("export_made", {"n": number})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(act, range(40)))
    assert sorted(int(str(one.fields["n"])) for one in told(contexts[0])) == list(range(40))
    export(contexts[0].ledger, contexts[0].admin_log.as_gate, tmp_path / "out")
    assert verify(tmp_path / "out", contexts[0].admin_log.as_gate.log.vkey).verified


async def test_an_erasure_that_races_the_round_that_brings_its_key_wins(bench: Bench, tmp_path: Path) -> None:
    context = make_context(bench, tmp_path / "server")
    judge = judge_in(context.folder.path)
    assert judge is not None
    erasures, known = context.erasures(judge), set[str]()
    for _ in range(6):
        bench.grow()
        (new,) = {one.stem for one in (bench.log.spool / "keys").rglob("*.age")} - known
        known.add(new)
        note = order(bench.origin, [new])
        await asyncio.gather(bench.round(), asyncio.to_thread(erasures.carry_out, note))
        assert bench.server.ledger.key(GATE_ID, new) is None
    assert bench.server.ledger.missing_keys(GATE_ID) == 0


async def test_what_was_erased_is_erased_again_when_a_stand_by_takes_over_that_lacks_it(tmp_path: Path) -> None:
    """Central is not started again: its connections are lost, and made anew to a server whose state is older."""
    with running() as server:
        bench = Bench(tmp_path / "log", server.new_database("central"))
        bench.grow(3)
        await bench.round()
        context = make_context(bench, tmp_path / "server")
        judge = judge_in(context.folder.path)
        assert judge is not None
        erasures, ledger, asked = context.erasures(judge), context.ledger, sa.select(age_keys.c.id)
        with ledger._engine.begin() as connection:
            keys = list(connection.execute(asked.where(age_keys.c.device == GATE_ID)).scalars())
        with context.kept_in_order():
            server.stand_by()
            erasures.carry_out(order(bench.origin, keys[:2]))
            assert ledger.key(GATE_ID, keys[0]) is None
            server.fail_over()
            for _ in range(400):
                with contextlib.suppress(OperationalError):  # connections of before
                    if "database_went_back" in [one.kind for one in told(context)]:
                        break
                await asyncio.sleep(0.05)
            assert [ledger.key(GATE_ID, one) is None for one in keys] == [True, True, False], "they came back to life"
        assert [one.kind for one in told(context)] == ["settings_changed", "keys_erased_again", "database_went_back"]
        (alarm,) = context.evidence.alarms(DEVICE)
        assert alarm.kind == "mirror_went_back"


async def test_a_database_of_before_counts_what_gates_bring_from_now_on(bench: Bench, url: str) -> None:
    bench.grow()
    await bench.round()
    with bench.server.ledger._engine.begin() as connection:
        for column in ("came_on", "came_bytes"):
            connection.execute(sa.text(f"ALTER TABLE log_head DROP COLUMN {column}"))
        connection.execute(versions.update().values(version=3))
    opened = open_database(url)
    found = Ledger(opened).head(GATE_ID)
    opened.dispose()
    assert (found.size, found.came_on, found.came_bytes) == (5, "", 0)
    bench.grow()
    await bench.round()
    assert bench.server.ledger.head(GATE_ID).came_bytes > 0


async def test_keys_are_forgotten_after_their_time_by_one_of_two_processes(bench: Bench, tmp_path: Path) -> None:
    bench.grow(3)
    await bench.round()
    contexts = [make_context(bench, tmp_path / "server", "[kept]\ncrossings_days = 30\n") for _ in range(2)]
    bench.server.clock.now = NOW + timedelta(days=31)
    with bench.server.ledger._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE log_head SET day = '2026-12-26' WHERE device = %s", (GATE_ID,))
    with ThreadPoolExecutor(2) as threads:
        gone = list(threads.map(lambda context: context.retention.look(), contexts))
    assert sorted(gone) == [0, 3]
    assert [(one.kind, one.fields["keys"]) for one in told(contexts[0])] == [("keys_expired", 3)]


async def test_the_pages_stand_on_it_too(server: Postgresql, tmp_path: Path) -> None:
    nation = Nation.make(tmp_path, url=server.new_database("pages"))
    nation.bench.grow(3)
    await nation.bench.round()
    with nation.as_person("auditor-north") as client:
        assert NORTH in client.get("/").text
        asked = {"gate": NORTH, "site": "", "from": "2026-11-25T09:00", "to": "2026-11-25T11:00"}
        answer = client.post("/export", data={**asked, "purpose": "complaint", "case": "K-1"})
    (tmp_path / "carried.bundle").write_bytes(answer.content)
    assert verify(tmp_path / "carried.bundle", nation.bench.log.vkey).verified
    nation.context.tenants.dismiss("auditor-north")
    with nation.as_person("auditor-north") as client:
        assert client.get("/").status_code == 403


# ── what was acknowledged ────────────────────────────────────────────────────────────────────────────────────────────

KILLS = 8


@pytest.mark.long
async def test_what_was_acknowledged_survives_kills_of_servers_and_of_the_database(
    server: Postgresql, url: str, tmp_path: Path
) -> None:
    """Two `gate central serve` over one database, eight pushers of four logs, and SIGKILL while packages are on their way."""
    first = Central(tmp_path / "central", url)
    first.init()
    second = Central(first.folder, url, ca=first.ca, mirror_vkey=first.mirror_vkey)
    gates = [ReplayedGate.enrolled(first, tmp_path, number) for number in range(4)]
    for gate in gates:
        await asyncio.to_thread(gate.travel, 250, at_once=True)
        await asyncio.to_thread(gate.travel, 30, at_once=False)
    mirror, acknowledged, over = Verifier.parse(first.mirror_vkey), list[tuple[str, int]](), asyncio.Event()

    async def push(gate: ReplayedGate, central: Central) -> None:
        log, missed = gate.replayed(), 0
        client = Client(log, gate.log.signer.verifier.name, mirror)
        while log.at < len(gate.notes):
            try:
                async with Courier(central.address, gate.context) as courier:
                    receipt = await carry(client, courier)
            except SyncError:
                missed += 1
                await asyncio.sleep(0.02)
                log.at = min(log.at + missed % 2, len(gate.notes) - 1)  # the other pusher of this log may be ahead
                continue
            if receipt is not None:
                acknowledged.append((gate.name, receipt.checkpoint.size))
            log.at += 1

    async def kill() -> None:
        for number in range(KILLS):
            wanted = len(acknowledged) + 3
            while len(acknowledged) < wanted and not over.is_set():  # noqa: ASYNC110 - two conditions
                await asyncio.sleep(0.01)
            if number == KILLS // 2:
                await asyncio.to_thread(server.crash_and_start)
            central = (first, second)[number % 2]
            await asyncio.to_thread(central.stop)  # SIGKILL
            await asyncio.to_thread(central.start)

    first.start()
    second.start()
    try:
        killing = asyncio.create_task(kill())
        await asyncio.gather(*(push(gate, central) for gate in gates for central in (first, second)))
        over.set()
        await killing
    finally:
        first.stop()
        second.stop()
    engine = open_database(url)
    ledger, roster = Ledger(engine), Roster(engine)
    for gate in gates:
        found = roster.find(gate.name)
        assert found is not None
        head = ledger.head(gate.name)
        written = Checkpoint.parse(Note.parse(gate.notes[-1]).text).size
        assert head.size == head.bodies == written > 280
        assert head.size >= max(size for name, size in acknowledged if name == gate.name)
        assert is_intact(ledger, found, [mirror])
        assert verify(exported(ledger, found, tmp_path / "out" / gate.name), gate.log.vkey).verified
    engine.dispose()


def exported(ledger: Ledger, gate: Gate, out: Path) -> Path:
    export(ledger, gate, out)
    return out
