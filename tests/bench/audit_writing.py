"""The log's writing beside SQLite alone: records of several crossings in one commit, one crossing in one, and a crossing's processor time.

The peer writes the same bytes into one table with the same settings, and nothing else: no key, no seal, no tree, no signature. Both are asked in
turns on one disk. Between commits the log has the quiet moment that it has between travellers (`tidy`); what it does in that counts as
processor time and not as a traveller's.

What is ours of a commit takes its time whatever the disk does, so both are measured once more on a disk whose syncs take `SYNC_MS` longer: strace delays
them in `python -m bench.audit_writing ROUNDS`.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from fakes.audit_logs import SmallLog
from fakes.audited_days import Day

from bench.rows import Bench, Row
from gate.audit.store import TRANSACTIONS_TOGETHER
from gate.audit.writer import Wanted, Writer
from gate_core.command_line.output import say

TOGETHER = 64  # records of a group: as many as the lane sends at once
GROUP_FLOOR = 1 / 0.6  # of SQLite's rate
CROSSING_FLOOR = 1.3
CPU_FLOOR_MS = 2.0
SYNC_MS = 4.0  # about what a sync takes on the disk that the floors were set on (4.2 ms)
_TURNS = 10  # a round
_NOW_MS = 0


def grouped(bench: Bench) -> Row:
    """64 records of eleven crossings in one commit."""
    ours, bare = _beside(_groups(), bench.rounds * _TURNS)
    return Row("audit_group_of_64", ours, "ms", peer=bare, peer_name="SQLite FULL", floor=GROUP_FLOOR)


def crossing(bench: Bench) -> Row:
    """The six records of an admission in one commit."""
    ours, bare = _beside(_crossings(), bench.rounds * _TURNS)
    return Row("audit_crossing_durable", ours, "ms", peer=bare, peer_name="SQLite FULL", floor=CROSSING_FLOOR)


def on_a_slower_disk(bench: Bench) -> list[Row]:
    """The same two; nothing where there is no strace."""
    if shutil.which("strace") is None:
        return []
    return [
        Row(f"{name}_slower_disk", ours, "ms", peer=bare, peer_name="SQLite FULL", floor=floor)
        for (name, floor), (ours, bare) in zip(
            (("audit_group_of_64", GROUP_FLOOR), ("audit_crossing_durable", CROSSING_FLOOR)),
            _delayed(bench.rounds),
            strict=True,
        )
    ]


def _delayed(rounds: int) -> list[tuple[float, float]]:
    """Of a group and of a crossing the medians in milliseconds, ours and SQLite's."""
    inject = f"inject=fdatasync,fsync:delay_exit={round(SYNC_MS * 1000)}"
    command = ("strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", inject)
    inner = (sys.executable, "-m", "bench.audit_writing", str(rounds))
    done = subprocess.run((*command, *inner), stdout=subprocess.PIPE, check=True)
    return [(ours, bare) for ours, bare in json.loads(done.stdout)]


def crossing_cpu(bench: Bench) -> Row:
    """Processor time of an admission as the lane sends it, a record a commit but for those that come together: keys, seals, tree, commits."""
    took_ms = []
    with tempfile.TemporaryDirectory() as folder, SmallLog(Path(folder)).writer() as writer:
        for records in _some(_crossings(), bench.rounds * _TURNS):
            start_s = time.process_time()
            for part in (records[:1], records[1:2], records[2:3], records[3:5], records[5:]):
                _append(writer, part)
            writer.tidy(_NOW_MS)
            took_ms.append(1000 * (time.process_time() - start_s))
    return Row(
        "audit_crossing_cpu", statistics.median(took_ms), "ms", peer=CPU_FLOOR_MS, peer_name="the floor", floor=1.0
    )


def _beside(batches: Iterator[Sequence[Wanted]], times: int) -> tuple[float, float]:
    """Medians in milliseconds of the log and of SQLite alone, for the same records."""
    ours_ms, bare_ms = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        SmallLog(Path(folder)).writer() as writer,
        closing(_bare(Path(folder) / "bare.sqlite")) as bare,
    ):
        for number, records in enumerate(_some(batches, times)):
            rows = [
                (number * TOGETHER + at, bytes(16), bytes(300), one.plain + bytes(28)) for at, one in enumerate(records)
            ]
            start_s = time.perf_counter()
            _append(writer, records)
            ours_ms.append(1000 * (time.perf_counter() - start_s))
            start_s = time.perf_counter()
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", rows)
            bare.execute("COMMIT")
            bare_ms.append(1000 * (time.perf_counter() - start_s))
            writer.tidy(_NOW_MS)
            if number % TRANSACTIONS_TOGETHER == TRANSACTIONS_TOGETHER - 1:
                bare.execute("PRAGMA wal_checkpoint(RESTART)")  # it writes over its write-ahead log as ours does
    return statistics.median(ours_ms), statistics.median(bare_ms)


def _append(writer: Writer, records: Sequence[Wanted]) -> None:
    outcomes = writer.append(records, _NOW_MS)
    assert all(isinstance(one, int) for one in outcomes), outcomes


def _bare(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for setting in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("CREATE TABLE entries (i INTEGER PRIMARY KEY, append_id BLOB, leaf BLOB, sealed BLOB)")
    return connection


def _some(batches: Iterator[Sequence[Wanted]], times: int) -> Iterator[Sequence[Wanted]]:
    return (batch for _, batch in zip(range(times), batches, strict=False))


def _crossings() -> Iterator[Sequence[Wanted]]:
    day = Day()
    while True:
        yield day.admitted()


def _groups() -> Iterator[Sequence[Wanted]]:
    day = Day()
    while True:
        yield [one for _ in range(11) for one in day.admitted()][:TOGETHER]


def main(rounds: str) -> None:
    """Write the two pairs of medians as JSON."""
    say(json.dumps([_beside(batches, int(rounds) * _TURNS) for batches in (_groups(), _crossings())]))


if __name__ == "__main__":
    main(*sys.argv[1:])
