"""The whole gate: every scenario once, through the command that users call."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

JPEG_BEGINS = bytes.fromhex("FFD8FFE000104A4649460001")[:9]


def gate(*arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gate.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def decided_of(kept: Path) -> list[dict[str, Any]]:
    """The bodies of all decisions, as an auditor reads them."""
    (bundle,) = kept.glob("*.bundle")
    identity = kept / "auditor-1.identity"
    lines = gate("audit", "decrypt", str(bundle), "--identity", str(identity)).stdout.splitlines()
    return [body for line in lines if (record := json.loads(line))["kind"] == "decided" and (body := record["body"])]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "kept"


@pytest.fixture(scope="module")
def demo(kept: Path) -> dict[str, Any]:
    done = gate("demo", "--travellers", "26", "--seed", "7", "--headless", "--json", "--keep", str(kept), timeout_s=400)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0, (done.stderr.strip().splitlines()[-1:], document["differences"])
    return document


def test_every_scenario_ends_as_it_says_and_no_opening_was_wrong(demo: dict[str, Any]) -> None:
    assert demo["as_expected"]
    assert demo["wrong_openings"] == 0
    assert demo["travellers"] == 26
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
    from gate.programs.lane.records import replay

    assert demo["as_expected"]
    decided = decided_of(kept)
    assert len(decided) >= 15
    assert all(same for _, same in map(replay, decided))


def test_every_edition_of_passport_came_and_the_log_says_how_its_chip_was_opened(
    demo: dict[str, Any], kept: Path
) -> None:
    assert demo["as_expected"]
    documents = [body["evidence"]["document"] for body in decided_of(kept)]
    opened = [document["access"] for document in documents if document["access"] is not None]
    assert {access["protocol"] for access in opened} == {"BAC", "PACE"}
    assert {access["mapping"] for access in opened} == {None, "GM", "IM", "CAM"}
    assert len({access["parameters"] for access in opened}) >= 5
    assert sum(document["agreement"] is not None for document in documents) >= 5
    assert len({document["lists"] for document in documents}) == 1


def test_no_entry_in_clear_names_a_person(kept: Path, demo: dict[str, Any]) -> None:
    assert demo["as_expected"]
    (bundle,) = kept.glob("*.bundle")
    raw = bundle.read_bytes()
    assert b"P<UTO" not in raw
    assert b"JFIF\x00" not in raw
    assert base64.b64encode(JPEG_BEGINS) not in raw  # a shorter piece of it comes up in sealed bytes by chance
