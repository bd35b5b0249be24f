"""Central server, enrolment and the sync program as processes: the link is cut for a while and everything arrives."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from central_fakes.process import KEPT
from fakes.sync_gate import GATE_ID, SyncGate

from gate_core.audit_format.checkpoint import read_checkpoint
from gate_core.audit_format.note import Verifier

pytestmark = pytest.mark.e2e
GATE = (sys.executable, "-m", "gate.cli")
DEADLINE_S = 60.0


def gate(*arguments: str, code: int = 0, told: str = "") -> dict[str, Any]:
    done = subprocess.run(
        [*GATE, *arguments, "--json"], capture_output=True, text=True, timeout=60, check=False, input=told
    )
    assert done.returncode == code, done.stderr
    return dict(json.loads(done.stdout)) if done.stdout else {}


@contextlib.contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*GATE, *arguments], stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


@contextlib.contextmanager
def central(folder: Path, port: int = 0) -> Iterator[int]:
    with process("central", "serve", "--dir", str(folder), "--port", str(port)) as server:
        assert server.stdout is not None
        yield int(json.loads(server.stdout.readline())["port"])


def until(question: Callable[[], bool]) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not question():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.1)


def standing(folder: Path) -> tuple[int, int]:
    (only,) = gate("central", "fleet", "--dir", str(folder), "--quick")["gates"]
    return only["entries"], only["bodies"]


@pytest.mark.long
def test_a_gate_enrols_and_its_log_is_mirrored_through_an_outage_of_the_centre(
    tmp_path: Path, short_path: Path
) -> None:
    folder, ours = tmp_path / "central", SyncGate.make(short_path / "gate")
    mirror = Verifier.parse(gate("central", "init", "--dir", str(folder), "--name", "127.0.0.1", *KEPT)["mirror_vkey"])
    token = gate("central", "token", GATE_ID, "--dir", str(folder))["token"]
    enrol = ("provision", "enrol", "--ca", str(folder / "ca.pem"), "--config", str(ours.config))

    ours.grow(60)  # more than one package
    with central(folder) as port:
        steps = gate(*enrol, "--central", f"127.0.0.1:{port}", told=token)["steps"]
        assert [one["state"] for one in steps] == ["done", "done"]
        with process("run", "sync", "--config", str(ours.config)):
            until(lambda: standing(folder) == (300, 300))
    with process("run", "sync", "--config", str(ours.config)):
        ours.grow(1)
        until(lambda: gate("status", "--config", str(ours.config), code=69)["programs"]["sync"] == "away")
        with central(folder, port):
            until(lambda: standing(folder) == (305, 305))
            until((ours.inbox / "receipt-305.note").exists)
            assert gate("sync", "status", "--config", str(ours.config))["pending"] == 0

    receipt = read_checkpoint((ours.inbox / "receipt-305.note").read_bytes(), ours.log.signer.verifier, mirror)
    (only,) = gate("central", "fleet", "--dir", str(folder))["gates"]
    assert (only["id"], only["entries"], only["root"]) == (GATE_ID, 305, receipt.root.hex())
    assert only["verified"]
    assert only["evidence"] == 0
    exported = tmp_path / "exported"
    gate("central", "export", GATE_ID, "--dir", str(folder), "--out", str(exported))
    assert gate("audit", "verify", str(exported), "--vkey", ours.log.vkey)["entries"] == 305
