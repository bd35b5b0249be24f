"""The central server on PostgreSQL in numbers: entries proven and stored in a second, and live rounds, where each traveller is a round.

Real gates' logs over TLS on loopback, and whose processor time it takes: the server's own counts against the floors, since database and gates run
elsewhere in service. A row's rate is what one core of the server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from fakes.mirrored_gate import Central
from fakes.postgresql import IS_HERE, NOT_HERE, Postgresql, running
from fakes.replayed_gates import ReplayedGate, ReplayedLog, carry

from bench.rows import Bench, Row
from gate.audit.note import Verifier
from gate.cli.output import note
from gate.sync.https import Courier
from gate.sync.round import Client

GATES = 16
TRAVELLERS_AT_ONCE = 100  # a gate, 500 entries: an outage's worth
LIVE_PER_ROUND = 2  # travellers a gate and round of the bench
ENTRY_FLOOR_S, LIVE_FLOOR_S = 1 / 2_000, 1 / 100


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by the clock, and of processor time by whom."""

    clock_s: float
    central_s: float
    database_s: float
    gates_s: float


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
            wal_bytes = _wal_bytes(database)
    entries, rounds = GATES * 5 * TRAVELLERS_AT_ONCE, GATES * LIVE_PER_ROUND * bench.rounds
    note(f"WAL of all: {wal_bytes} bytes")
    return [
        *_rows("central_entry", bulk, entries, ENTRY_FLOOR_S),
        *_rows("central_live_round", live, rounds, LIVE_FLOOR_S),
    ]


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
    began = time.monotonic(), _cpu_s(central), database.cpu_s(), time.process_time()
    yield
    ended = time.monotonic(), _cpu_s(central), database.cpu_s(), time.process_time()
    spent.append(Spent(*(after - before for before, after in zip(began, ended, strict=True))))


def _cpu_s(central: Central) -> float:
    assert central._process is not None
    fields = Path(f"/proc/{central._process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _wal_bytes(database: Postgresql) -> int:
    engine = sa.create_engine(database.url())
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").scalar_one()
    engine.dispose()
    return int(found)


if __name__ == "__main__":
    for row in central_store(Bench(Path(sys.executable), int(sys.argv[1]) if len(sys.argv) > 1 else 20)):
        print(f"{row.name:40} {row.ours:8.3f} {row.unit}  {1000 / row.ours if row.ours else 0:8.0f} a second")  # noqa: T201
