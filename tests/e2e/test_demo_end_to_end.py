"""The whole gate: every scenario once, through the command that users call."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e


def gate(*arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gate.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "kept"


@pytest.fixture(scope="module")
def demo(kept: Path) -> dict[str, Any]:
    done = gate("demo", "--travellers", "22", "--seed", "7", "--headless", "--json", "--keep", str(kept), timeout_s=400)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0, document["differences"]
    return document


def test_every_scenario_ends_as_it_says_and_no_opening_was_wrong(demo: dict[str, Any]) -> None:
    assert demo["as_expected"]
    assert demo["wrong_openings"] == 0
    assert demo["travellers"] == 22
    assert demo["genuine"]["admitted"] == demo["genuine"]["total"] > 0


def test_the_audit_log_is_verified_and_central_has_all_of_it(demo: dict[str, Any]) -> None:
    assert demo["audit"]["verified"]
    assert demo["synced"]["verified"]
    assert demo["synced"]["entries"] == demo["audit"]["entries"] > 100


def test_an_auditor_can_carry_the_log_away_and_read_it(demo: dict[str, Any], kept: Path) -> None:
    (bundle,) = kept.glob("*.bundle")
    (vkey,) = kept.glob("*.vkey")
    identities = sorted(kept.glob("*.identity"))
    assert len(identities) == 2
    verified = json.loads(gate("audit", "verify", str(bundle), "--vkey", str(vkey), "--json").stdout)
    assert verified["entries"] == demo["audit"]["entries"]
    read = [gate("audit", "decrypt", str(bundle), "--identity", str(identity)).stdout for identity in identities]
    assert read[0] == read[1]
    records = [json.loads(line) for line in read[0].splitlines()]
    assert {"opened", "decided", "granted", "passed", "closed"} <= {record["kind"] for record in records}
    assert (kept / "ground-truth.jsonl").stat().st_size > 0


def test_every_decision_in_the_log_can_be_taken_again(demo: dict[str, Any], kept: Path) -> None:
    from gate.programs.records import replay

    assert demo["as_expected"]
    (bundle,) = kept.glob("*.bundle")
    identity = kept / "auditor-1.identity"
    lines = gate("audit", "decrypt", str(bundle), "--identity", str(identity)).stdout.splitlines()
    decided = [body for line in lines if (record := json.loads(line))["kind"] == "decided" and (body := record["body"])]
    assert len(decided) >= 15
    assert all(same for _, same in map(replay, decided))


def test_no_entry_in_clear_names_a_person(kept: Path, demo: dict[str, Any]) -> None:
    assert demo["as_expected"]
    (bundle,) = kept.glob("*.bundle")
    raw = bundle.read_bytes()
    assert b"P<UTO" not in raw
    assert b"JFIF" not in raw
