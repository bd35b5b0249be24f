"""The log program, as the process that it is, after five thousand crossings: it holds no more than after two thousand.

Until then the pages of its database, and the ids by which it knows an append again, fill what they may.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.audit_logs import ENDING, LEADING
from fakes.small_gate import small_gate, started

from gate.audit import keys
from gate.channel.messages import Append, Appended, FromLog, NewRecord, Recorded
from gate.channel.sockets import Connection, connect
from gate.channel.table import CHANNELS
from gate.passage.events import RecordClass, RecordKind
from gate.programs.shared.config import Config
from gate.verify.verify import verify

EARLY, LATE = 2_000, 5_000
GROWN_MAX_MB = 3.0  # one kilobyte a crossing that is kept would be as much
CROSSING = (("opened",), ("decided",), ("granted",), ("passed", "closed"))
DECIDED_BYTES = 6_000


def new(kind: str, crossing: str) -> NewRecord:
    return NewRecord(
        id=os.urandom(16),
        kind=RecordKind(kind),
        about=RecordClass.CROSSING,
        crossing=crossing,
        monotonic_ms=1,
        leads_to_admission=kind in LEADING,
        ends_crossing=kind in ENDING,
        bytes_min=8_192 if kind == "decided" else 0,
        body=b'{"seen":"%s"}' % (b"x" * DECIDED_BYTES) if kind == "decided" else b"{}",
    )


@dataclass(frozen=True)
class Held:
    """What a program holds: memory of its own, open files, and the files of its state."""

    memory_mb: float
    descriptors: int
    files: int


def held(pid: int, config: Config) -> Held:
    state = [one for one in Path(config.paths.state).rglob("*") if one.is_file()]
    (own,) = (line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("RssAnon:"))
    return Held(int(own.split()[1]) / 1024, len(list(Path(f"/proc/{pid}/fd").iterdir())), len(state))


async def pass_through(lane: Connection[FromLog], crossing: str) -> None:
    for kinds in CROSSING:
        await lane.send(Append([new(kind, crossing) for kind in kinds]))
        answer = await lane.receive()
        assert isinstance(answer, Appended)
        assert all(isinstance(one, Recorded) for one in answer.outcomes)


@pytest.mark.long
async def test_after_five_thousand_crossings_the_log_holds_no_more_than_after_two_thousand(short_path: Path) -> None:
    config = small_gate(short_path)
    found = []
    async with started(short_path, config, "log") as process:
        lane = await connect(CHANNELS.log, config.socket("log"))
        for number in range(1, LATE + 1):
            await pass_through(lane, f"c{number}")
            if number in {EARLY, LATE}:
                found.append(held(process.pid, config))
        lane.close()
        process.terminate()
        await process.wait()
    early, late = found
    assert late.memory_mb - early.memory_mb < GROWN_MAX_MB
    assert (late.descriptors, late.files) == (early.descriptors, early.files)
    report = verify(
        Path(config.paths.spool), keys.load(Path(config.paths.keys) / "log.key", config.origin).verifier.vkey
    )
    assert report.verified
    assert report.entries >= LATE * sum(map(len, CROSSING))
