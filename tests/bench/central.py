"""The central server in numbers: on PostgreSQL, entries proven and stored in a second, and live rounds, where each traveller is a round; and how many
gates may be connected.

Real gates' logs over TLS on loopback, and whose processor time it takes: the server's own counts against the floors, since database and gates run
elsewhere in service. A row's rate is what one core of the server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from central_fakes.postgresql import IS_HERE, NOT_HERE, Postgresql, running
from fakes.audited_days import ENTRIES_A_TRAVELLER
from fakes.long_logs import LongLog
from fakes.mirrored_gate import Central
from fakes.replayed_gates import ReplayedGate, ReplayedLog, carry
from fakes.simulated_nation import SimulatedNation, Weather
from typer.testing import CliRunner

from bench.rows import Bench, Row
from gate_central import authority, folder
from gate_central.commands.central import app
from gate_central.database import open_database
from gate_central.ledger import Ledger
from gate_central.roster import Roster
from gate_central.schema import age_keys, heads
from gate_central.server_context import ServerContext
from gate_core.audit_format.note import Signer, Verifier
from gate_core.audit_format.record import time_text
from gate_core.command_line.output import note
from gate_core.http_server.connections import limits_of_process
from gate_core.mirror_client.https import Courier, tls
from gate_core.mirror_client.round import Client

GATES = 16
TRAVELLERS_AT_ONCE = 100  # a gate, 600 entries: an outage's worth
CONNECTED, HANDSHAKES_AT_ONCE = 1_000, 50
NATION, TRAVELLERS_A_GATE = 1_000, 2
DAYS, TRAVELLERS_A_DAY = 10, 500  # of one gate, whose log is looked at
GATES_OVER, DAYS_OVER, KEYS_OVER = 60, 2, 2000
LIVE_PER_ROUND = 2  # travellers a gate and round of the bench
ENTRY_FLOOR_S, LIVE_FLOOR_S = 1 / 2_000, 1 / 100


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by the clock, and of processor time by whom."""

    clock_s: float
    central_s: float
    database_s: float
    gates_s: float
    wal_bytes: int = 0
    content_bytes: int = 0  # entries, sealed bodies and age files that were stored


def central_store(bench: Bench) -> list[Row]:
    """Both measurements, on one server."""
    if not IS_HERE:
        note(f"{NOT_HERE}: there are no rows of the central server")
        return []
    with running() as database, tempfile.TemporaryDirectory() as made:
        central = Central(Path(made) / "central", database.new_database("central"))
        central.init()
        with central.running():
            gates = [ReplayedGate.enrolled(central, Path(made), number) for number in range(GATES)]
            for gate in gates:
                gate.travel(TRAVELLERS_AT_ONCE, at_once=True)
                gate.travel(LIVE_PER_ROUND * bench.rounds, at_once=False)
            bulk, live = asyncio.run(_measure(central, database, gates))
    entries = GATES * ENTRIES_A_TRAVELLER * TRAVELLERS_AT_ONCE
    rounds = GATES * LIVE_PER_ROUND * bench.rounds
    return [
        *_rows("central_entry", bulk, entries, ENTRY_FLOOR_S),
        *_rows("central_live_round", live, rounds, LIVE_FLOOR_S),
        Row("central_live_round_wal", live.wal_bytes / rounds / 1000, "KB"),
        Row("central_live_round_content", live.content_bytes / rounds / 1000, "KB"),
    ]


def nation(_: Bench) -> list[Row]:
    """A thousand simulated gates on lines with lag that lose one request in ten, one gate in twenty enrolled anew meanwhile; each has two travellers."""
    if not IS_HERE:
        note(f"{NOT_HERE}: there are no rows of a nation")
        return []
    with running() as database, tempfile.TemporaryDirectory() as made:
        central = Central(Path(made) / "central", database.new_database("nation"))
        central.init()
        engine = open_database(database.url("nation"))
        weather = Weather(random.Random(15), lag_s=0.2, loss=0.1)
        people = SimulatedNation(central, engine, Path(made), weather)
        people.enrol(NATION)
        spent = list[Spent]()

        async def measured() -> None:
            async with _spending(central, database, spent):
                await people.day(TRAVELLERS_A_GATE, anew=20, at_once=64)

        with central.running():
            asyncio.run(measured())
        ledger, size = Ledger(engine), TRAVELLERS_A_GATE * ENTRIES_A_TRAVELLER
        heads = [ledger.head(gate.name) for gate in people.gates]
        engine.dispose()
    lost = sum((head.size, head.bodies, head.lacks_keys) != (size, size, False) for head in heads)
    took = sorted(one for gate in people.gates for one in gate.took_s)
    return [
        Row("central_nation_logs_not_whole", lost, f"of {NATION}", NATION, "gates", floor=0.0),
        *_rows("central_nation_round", spent[0], NATION * TRAVELLERS_A_GATE, LIVE_FLOOR_S),
        Row("central_nation_tries_a_traveller", sum(gate.tries for gate in people.gates) / len(took), "tries"),
        Row("central_nation_p95", took[int(0.95 * len(took))], "s"),
    ]


def looks(_: Bench) -> list[Row]:
    """What `gate central fleet` takes for one gate: all of ten days, a day more, and all of the eleven."""
    with tempfile.TemporaryDirectory() as made:
        central = Central(Path(made) / "central")
        central.init()
        loaded, engine = folder.load(central.folder), open_database(folder.database_url(central.folder, None))
        roster, now, signer = Roster(engine), datetime.now(UTC), Signer.generate("border.example/gate-0001/demo")
        now_s = int(now.timestamp())
        token = roster.new_token("gate-0001", now_s + 60)
        roster.enrol(token, "gate-0001", signer.verifier, certificate="0" * 64, now_s=now_s, at=time_text(now))
        log, took_s = LongLog(engine, "gate-0001", signer, loaded.mirror), list[float]()
        for travellers, words in ((DAYS * TRAVELLERS_A_DAY, ()), (TRAVELLERS_A_DAY, ()), (0, ("--full",))):
            log.travel(travellers)
            began = time.process_time()
            looked = CliRunner().invoke(app, ["fleet", *words, "--dir", str(central.folder)])
            took_s.append(time.process_time() - began)
            assert looked.exit_code == 0, looked.output
        engine.dispose()
    names = ("central_look_first", "central_look_next_day", "central_look_full")
    return [Row(name, one, "s") for name, one in zip(names, took_s, strict=True)]


def forgetting(_: Bench) -> list[Row]:
    """Gates' days of keys that are over, forgotten in a second by one look: on SQLite, and on PostgreSQL where there is one."""
    rows = list[Row]()
    for kind in ("sqlite", "postgresql") if IS_HERE else ("sqlite",):
        with ExitStack() as held:
            place = Path(held.enter_context(tempfile.TemporaryDirectory()))
            database = (
                f"sqlite:///{place}/c" if kind == "sqlite" else held.enter_context(running()).new_database("kept")
            )
            engine, today = open_database(database), datetime.now(UTC).date()
            over = [(today - timedelta(days=40 + one)).isoformat() for one in range(DAYS_OVER)]
            empty = {**dict.fromkeys(heads.c.keys(), 0), "root": b"", "note": None, "frontier": b""}
            key = {"about": "crossing", "first_index": 0, "wrapped": bytes(420)}
            for name in (f"gate-{number:04}" for number in range(GATES_OVER)):
                ids = [(day, f"{name}-{day}-{number}") for day in over for number in range(KEYS_OVER)]
                with engine.begin() as connection:
                    connection.execute(heads.insert(), {**empty, "device": name, "day": today.isoformat()})
                    connection.execute(
                        age_keys.insert(), [{**key, "device": name, "day": day, "id": one} for day, one in ids]
                    )
            folder.init(place / "central", "central.example", datetime.now(UTC), b"[kept]\ncrossings_days = 30\n")
            context = ServerContext(place / "central", engine, lambda: datetime.now(UTC))
            began_s = time.perf_counter()
            gate_days = context.retention.look() / KEYS_OVER
            rows.append(
                Row(f"central_gate_days_forgotten_{kind}", gate_days / (time.perf_counter() - began_s), "a second")
            )
            engine.dispose()
    return rows


def gates_connected(_: Bench) -> list[Row]:
    """How many of a thousand gates, each with a certificate of its own, were hung up on while all of them were connected and asked in turn."""
    limits_of_process()  # a descriptor each, here too
    with tempfile.TemporaryDirectory() as made:
        central = Central(Path(made) / "central")
        central.init()
        contexts = list(_many_enrolled(central, Path(made)))
        with central.running():
            alone_kib = _memory_kib(central)
            kept, crowd_kib = asyncio.run(_connected(central, contexts))
    lost = CONNECTED - kept
    return [
        Row("central_gates_shown_out", lost, f"of {CONNECTED}", CONNECTED, "gates connected", floor=0.0),
        Row("central_memory_a_connection", (crowd_kib - alone_kib) / CONNECTED, "KiB"),
    ]


def _many_enrolled(central: Central, root: Path) -> Iterator[ssl.SSLContext]:
    """Enter a thousand gates in the roster; yield what each connects with."""
    engine = open_database(folder.database_url(central.folder, None))
    roster, loaded, now = Roster(engine), folder.load(central.folder), datetime.now(UTC)
    now_s = int(now.timestamp())
    for number in range(CONNECTED):
        name, key = f"gate-{number:04}", authority.new_key()
        certificate = authority.issue_device(loaded.authority, name, key.public_key(), now)
        path = root / f"{name}.pem"
        path.write_bytes(folder.server_pem(key, certificate))
        log = Signer.generate(f"border.example/{name}/demo").verifier
        token, fingerprint = roster.new_token(name, now_s + 60), authority.fingerprint(certificate)
        roster.enrol(token, name, log, certificate=fingerprint, now_s=now_s, at="2026-11-25T10:00:00.000Z")
        yield tls(ca=central.ca, certificate=str(path))
    engine.dispose()


async def _connected(central: Central, contexts: list[ssl.SSLContext]) -> tuple[int, int]:
    """Connect all of them, then ask on each connection: how many answered on the connection they had, and the server's memory then."""
    handshakes = asyncio.Semaphore(HANDSHAKES_AT_ONCE)

    async def connect(context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with handshakes:
            line = await asyncio.open_connection("127.0.0.1", central.port, ssl=context, server_hostname="127.0.0.1")
            await _ask(*line)
            return line

    lines = await asyncio.gather(*map(connect, contexts))
    memory_kib, kept = _memory_kib(central), 0
    for reader, writer in lines:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await _ask(reader, writer)
            kept += 1
    for _, writer in lines:
        writer.transport.abort()
    return kept, memory_kib


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask what the server lacks, and read the answer whole."""
    writer.write(b"GET /bodies HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    (length,) = (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(length)


def _memory_kib(central: Central) -> int:
    assert central._process is not None
    status = Path(f"/proc/{central._process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def _rows(name: str, spent: Spent, count: int, floor_s: float) -> list[Row]:
    def ms(seconds: float) -> float:
        return 1000 * seconds / count

    return [
        Row(f"{name}_cpu", ms(spent.central_s), "ms", ms(floor_s * count), "the floor", floor=1.0),
        Row(f"{name}_cpu_of_postgresql", ms(spent.database_s), "ms"),
        Row(f"{name}_cpu_of_gates", ms(spent.gates_s), "ms"),
        Row(f"{name}_clock", ms(spent.clock_s), "ms"),
    ]


async def _measure(central: Central, database: Postgresql, gates: list[ReplayedGate]) -> tuple[Spent, Spent]:
    mirror = Verifier.parse(central.mirror_vkey)
    async with contextlib.AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(Courier(central.address, gate.context)) for gate in gates]
        logs = [gate.replayed() for gate in gates]
        clients = [Client(log, gate.log.signer.verifier.name, mirror) for log, gate in zip(logs, gates, strict=True)]
        spent = list[Spent]()
        for first, last in ((0, 0), (1, len(gates[0].notes) - 1)):
            async with _spending(central, database, spent):
                await asyncio.gather(
                    *(
                        _rounds(client, log, line, range(first, last + 1))
                        for client, log, line in zip(clients, logs, lines, strict=True)
                    )
                )
    return spent[0], spent[1]


async def _rounds(client: Client, log: ReplayedLog, line: Courier, checkpoints: range) -> None:
    for log.at in checkpoints:
        if await carry(client, line) is None:
            raise AssertionError("a round without a receipt")


@contextlib.asynccontextmanager
async def _spending(central: Central, database: Postgresql, spent: list[Spent]) -> AsyncIterator[None]:
    assert central.database is not None
    engine = sa.create_engine(central.database)
    stored = _stored(engine)
    began = time.monotonic(), _cpu_s(central), database.cpu_s(), time.process_time()
    yield
    ended = time.monotonic(), _cpu_s(central), database.cpu_s(), time.process_time()
    clock_s, central_s, database_s, gates_s = (after - before for before, after in zip(began, ended, strict=True))
    wal, content = (after - before for before, after in zip(stored, _stored(engine), strict=True))
    engine.dispose()
    spent.append(Spent(clock_s, central_s, database_s, gates_s, wal, content))


def _stored(engine: sa.Engine) -> tuple[int, int]:
    """Bytes of PostgreSQL's write-ahead log so far, and of what is stored of the logs."""
    content = (
        "(SELECT coalesce(sum(length(entries)), 0) FROM package) + (SELECT coalesce(sum(length(lines)), 0) FROM sealed)"
        " + (SELECT coalesce(sum(length(wrapped)), 0) FROM age_key)"
    )
    query = f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, ({content})::bigint"
    with engine.connect() as connection:
        wal, stored = connection.exec_driver_sql(query).one()
    return int(wal), int(stored)


def _cpu_s(central: Central) -> float:
    assert central._process is not None
    fields = Path(f"/proc/{central._process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
