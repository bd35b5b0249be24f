"""The whole gate through the command that users call: a dozen scenarios, and in the long tier every one of them.

The dozen come with all ways of opening a chip, and among them are a cable that is pulled, the central server away and a traveller who asks for protection.
"""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakes.tiers import quick_or_long

from hardware_sim.scenario import read_scenarios, scenario_folder

pytestmark = pytest.mark.e2e

JPEG_BEGINS = bytes.fromhex("FFD8FFE000104A4649460001")[:9]


def gate(*arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gate.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def records_of(kept: Path) -> list[dict[str, Any]]:
    """All records, as an auditor reads them."""
    (bundle,) = kept.glob("*.bundle")
    identity = kept / "auditor-1.identity"
    return [json.loads(line) for line in decrypted(bundle, identity).splitlines()]


def decrypted(bundle: Path, identity: Path) -> str:
    note = bundle.with_name(f"{secrets.token_hex(4)}.access")
    why = ("--purpose", "a test", "--case", "1", "--access-note", str(note))
    return gate("audit", "decrypt", str(bundle), "--identity", str(identity), *why).stdout


def decided_of(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bodies of all decisions."""
    return [record["body"] for record in records if record["kind"] == "decided" and record["body"]]


EVERY = sum(scenario.lays is None for scenario in read_scenarios(scenario_folder()).values())
CASTS = ((12, 30), (EVERY, 7))  # travellers, and a seed


@dataclass(frozen=True)
class Played:
    """A demo's document, and the folder that it kept."""

    document: dict[str, Any]
    kept: Path


@pytest.fixture(scope="module", params=quick_or_long(CASTS, quick=CASTS[:1]), ids=["a dozen", "everyone"])
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Played:
    travellers, seed = request.param
    kept = tmp_path_factory.mktemp("demo") / "kept"
    words = ("--travellers", str(travellers), "--seed", str(seed), "--headless", "--json", "--keep", str(kept))
    done = gate("demo", *words, timeout_s=600)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0, (done.stderr.strip().splitlines()[-1:], document["differences"])
    assert document["travellers"] == travellers
    return Played(document, kept)


@pytest.fixture
def demo(played: Played) -> dict[str, Any]:
    return played.document


@pytest.fixture
def kept(played: Played) -> Path:
    return played.kept


def test_every_traveller_ends_as_their_scenario_says_and_no_opening_was_wrong(demo: dict[str, Any]) -> None:
    assert demo["as_expected"]
    assert demo["wrong_openings"] == 0
    assert demo["genuine"]["admitted"] == demo["genuine"]["total"] > 0


def test_the_audit_log_is_verified_and_central_has_all_of_it(demo: dict[str, Any]) -> None:
    assert demo["audit"]["verified"]
    assert demo["synced"]["verified"]
    assert demo["synced"]["entries"] == demo["audit"]["entries"] > 4 * demo["travellers"]


def test_an_auditor_can_carry_the_log_away_and_read_it(demo: dict[str, Any], kept: Path) -> None:
    (bundle,) = kept.glob("*.bundle")
    (vkey,) = kept.glob("*.vkey")
    identities = sorted(kept.glob("*.identity"))
    assert len(identities) == 2
    verified = json.loads(gate("audit", "verify", str(bundle), "--vkey", str(vkey), "--json").stdout)
    assert verified["entries"] == demo["audit"]["entries"]
    read = [decrypted(bundle, identity) for identity in identities]
    assert read[0] == read[1]
    records = [json.loads(line) for line in read[0].splitlines()]
    assert {"opened", "decided", "granted", "passed", "closed"} <= {record["kind"] for record in records}
    assert (kept / "ground-truth.jsonl").stat().st_size > 0


def test_every_decision_in_the_log_can_be_taken_again(demo: dict[str, Any], kept: Path) -> None:
    from gate.programs.lane.records import RecordedRuleSets, replay

    assert demo["as_expected"]
    records, rule_sets = records_of(kept), RecordedRuleSets()
    decided = decided_of(records)
    assert len(decided) >= demo["travellers"] // 2
    assert all(body["policy"]["rules"] for body in decided)
    for stated in (record["body"] for record in records if record["kind"] == "rules_stated"):
        rule_sets.take(stated)
    assert all(replay(body, rule_sets=rule_sets)[1] for body in decided)


def test_every_edition_of_passport_came_and_the_log_says_how_its_chip_was_opened(
    demo: dict[str, Any], kept: Path
) -> None:
    assert demo["as_expected"]
    documents = [body["evidence"]["document"] for body in decided_of(records_of(kept))]
    opened = [document["access"] for document in documents if document["access"] is not None]
    assert {access["protocol"] for access in opened} == {"BAC", "PACE"}
    assert {access["mapping"] for access in opened} == {None, "GM", "IM", "CAM"}
    assert len({access["parameters"] for access in opened}) >= 5
    assert sum(document["agreement"] is not None for document in documents) >= 4
    assert len({document["lists"] for document in documents}) == 1


def test_no_entry_in_clear_names_a_person(kept: Path, demo: dict[str, Any]) -> None:
    assert demo["as_expected"]
    (bundle,) = kept.glob("*.bundle")
    raw = bundle.read_bytes()
    assert b"P<UTO" not in raw
    assert b"JFIF\x00" not in raw
    assert base64.b64encode(JPEG_BEGINS) not in raw  # a shorter piece of it comes up in sealed bytes by chance


def test_the_public_page_of_its_fairness_comes_of_the_demos_log(
    demo: dict[str, Any], kept: Path, tmp_path: Path
) -> None:
    (bundle,) = kept.glob("*.bundle")
    (vkey,) = kept.glob("*.vkey")
    words = ("--identity", str(kept / "auditor-1.identity"), "--vkey", str(vkey), "--languages", "en,ar")
    done = gate("fairness", "page", str(bundle), *words, "--out", str(tmp_path / "pages"), "--json")
    made = json.loads(done.stdout)
    assert (done.returncode, made["alarms"]) == (0, [])
    assert 10 <= made["crossings"] <= demo["travellers"]
    assert sorted(one.name for one in (tmp_path / "pages").iterdir()) == ["ar.html", "en.html"]
