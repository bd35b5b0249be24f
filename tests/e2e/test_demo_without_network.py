"""`scripts/demo` after `scripts/demo --prepare`, where there is no network: in a network namespace that has a loopback and nothing else.

What is played there is the tour, as it is for machines: nobody watches, and nothing waits for a reader.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from gate_demo.tour.scenes import CAST, SECONDS_MAX

pytestmark = [pytest.mark.e2e, pytest.mark.faces, pytest.mark.long]

DEMO = Path(__file__).resolve().parents[2] / "scripts" / "demo"
ALONE = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"')


def run(*command: object, timeout_s: float) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, check=False)


def test_the_demo_that_was_prepared_needs_no_network() -> None:
    if run(*ALONE, "true", timeout_s=10).returncode:
        pytest.skip("this user cannot make a network namespace")
    prepared = run(DEMO, "--prepare", timeout_s=1200)
    assert prepared.returncode == 0, prepared.stderr
    assert run(
        *ALONE, "python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 2)", timeout_s=30
    ).returncode
    played = run(*ALONE, DEMO, "--tour", "--headless", "--json", timeout_s=600)
    assert played.returncode == 0, played.stderr[-1000:]
    told = json.loads(played.stdout)
    assert told["as_expected"]
    assert told["travellers"] == len(CAST)
    assert told["tour"]["decided_by"] == {"demo-officer": 6}
    entry = told["tour"]["changed"]["entry"]
    assert told["tour"]["changed"]["found"] == [f"the sealed body of entry {entry} is not the one that was logged"]
    assert told["tour"]["seconds"] < SECONDS_MAX
    assert "The tour: file:///" in played.stderr


def test_prepare_stands_alone() -> None:
    done = run(DEMO, "--prepare", "--tour", timeout_s=10)
    assert (done.returncode, done.stderr) == (2, "demo: --prepare stands alone\n")
