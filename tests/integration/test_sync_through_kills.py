"""A gate's log reaches the central server through real processes, whatever is killed on the way."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.audit_logs import crossing
from fakes.mirrored_gate import DEADLINE_S, GATE_ID, Central, MirroredGate, gate_command

from gate_core.audit_format.checkpoint import read_checkpoint
from gate_core.audit_format.note import Verifier
from gate_verify.verify import verify


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    made = Central(tmp_path / "central")
    made.init()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def gate(short_path: Path) -> MirroredGate:
    return MirroredGate.make(short_path / "gate")


def until(holds: Callable[[], bool], what: str, pause_s: float = 0.02) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < ends, f"not within {DEADLINE_S} s: {what}"
        time.sleep(pause_s)


def receipt(gate: MirroredGate, size: int) -> Path:
    return gate.inbox / f"receipt-{size}.note"


@pytest.mark.long
def test_a_killed_server_gets_every_entry_once_and_the_gate_its_receipts(central: Central, gate: MirroredGate) -> None:
    gate.log.write([one for n in range(500) for one in crossing(f"first-{n}")])  # 2,500 entries, ten pieces
    central.start()
    gate.enrol(central)
    database = central.folder / "central.sqlite"

    def next_entry() -> int:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader, reader:
            (found,) = reader.execute("SELECT next_entry FROM log_head").fetchone()
        reader.close()
        return int(found)

    with gate.syncing():
        until(lambda: next_entry() > 0, "the first entries arrive", 0.001)
        central.stop()  # SIGKILL
        assert not receipt(gate, 2500).exists()
        central.start()
        until(receipt(gate, 2500).exists, "the receipt after the restart")
        gate.log.write(crossing("second"))
        until(receipt(gate, 2505).exists, "the receipt of what came later")
        status = gate_command("sync", "status", "--config", str(gate.file))

    assert (status["head"], status["mirrored"], status["pending"]) == (2505, 2505, 0)
    signed = read_checkpoint(
        receipt(gate, 2505).read_bytes(), gate.log.signer.verifier, Verifier.parse(central.mirror_vkey)
    )
    (row,) = central.command("fleet")["gates"]
    assert (row["id"], row["entries"], row["root"], row["verified"]) == (GATE_ID, 2505, signed.root.hex(), True)
    assert row["evidence"] == 0
    out = central.folder / "carried"
    assert central.command("export", GATE_ID, "--out", str(out))["entries"] == 2505
    report = verify(out, gate.log.vkey)
    ours = verify(gate.log.spool, gate.log.vkey)
    assert (report.verified, report.problems) == (True, ())
    assert (report.entries, report.root, report.bodies, report.keys) == (
        ours.entries,
        ours.root,
        ours.bodies,
        ours.keys,
    )
