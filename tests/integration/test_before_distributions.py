"""What a gate wrote before there were distributions verifies, decrypts, replays and reports as it did then: tests/vectors/7ce22610."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gate.programs.lane.records import RecordedRuleSets, replay
from gate.updates.layout import Here, Kind
from gate.updates.sources import FolderSource
from gate.updates.trust import Seen, verify
from gate_core.approval.approvers import approvers_in
from gate_core.approval.canonical import digest
from gate_core.approval.note import SignedApproval
from gate_core.command_line.tree import application
from gate_core.evidence.crossing import Door

BEFORE = Path(__file__).resolve().parents[1] / "vectors/7ce22610"
LOG = ["demo.bundle", "--vkey", "gate.vkey", "--identity", "auditor-1.identity"]
# What the settings of 7ce22610 did not have, or what ships anew with each version.
NEWER = ("models.", "profiles.")


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Path]:
    """A copy of the corpus, which is the working folder."""
    place = tmp_path / "before"
    shutil.copytree(BEFORE, place)
    with contextlib.chdir(place):
        yield place


def said(noun: str, *words: str, status: int = 0) -> list[dict[str, Any]]:
    """The JSON documents that a command answers."""
    done = CliRunner().invoke(application([noun]), [noun, *words, "--json"])
    assert done.exit_code == status, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def holds(new: Any, old: Any) -> bool:
    """True when a value is the old one; a document may have gained members, and lost none."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and holds(new[name], value) for name, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(holds, new, old))
    return bool(new == old)


def told(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (BEFORE / name).read_text().splitlines()]


@pytest.mark.usefixtures("before")
def test_a_log_verifies_as_it_did() -> None:
    assert holds(said("audit", "verify", *LOG), told("verify.json"))


def test_a_log_that_was_changed_is_found_out(before: Path) -> None:
    log = bytearray((before / "demo.bundle").read_bytes())
    log[len(log) // 2] ^= 1
    (before / "demo.bundle").write_bytes(log)
    done = CliRunner().invoke(application(["audit"]), ["audit", "verify", *LOG, "--json"])
    assert done.exit_code != 0


@pytest.mark.usefixtures("before")
def test_its_records_decrypt_to_what_they_were() -> None:
    case = ("--purpose", "corpus", "--case", "1")
    records = said("audit", "decrypt", "demo.bundle", "--identity", "auditor-1.identity", *case)
    assert len(records) == 88
    assert holds(records, told("records.jsonl"))


def test_each_decision_is_taken_again_as_it_was_then() -> None:
    """Verdict and every objection: the report asks only that none of today's is new, so it would not see a check that is lost."""
    rule_sets, again = RecordedRuleSets(), []
    for record in told("records.jsonl"):
        kind, body = record["kind"], record["body"]
        if kind == "rules_stated":
            rule_sets.take(body)
        elif kind in {"entry_decided", "decided"}:
            decision, _ = replay(body, door=Door.LAST if kind == "decided" else Door.FIRST, rule_sets=rule_sets)
            objections = sorted([one.reason.value, one.detail] for one in decision.objections)
            again.append({"verdict": decision.verdict.value, "objections": objections})
    assert again == told("decisions.jsonl")
    assert {one["verdict"] for one in again} == {"admit", "refer"}


def test_the_report_replays_its_decisions_and_says_the_same(before: Path) -> None:
    (report,) = said("audit", "report", *LOG, "--out", "report.html", "--csv", "tables")
    (then,) = told("report.json")
    assert holds(report, {name: value for name, value in then.items() if name not in ("out", "csv")})
    for table in ("crossings.csv", "figures.csv"):
        assert (before / "tables" / table).read_bytes() == (BEFORE / table).read_bytes()


@pytest.mark.usefixtures("before")
def test_its_configuration_means_what_it_meant() -> None:
    done = CliRunner().invoke(application(["config"]), ["config", "show", "--canonical", "--config", "gate.toml"])
    assert done.exit_code == 0
    then = [line for line in (BEFORE / "canonical.txt").read_text().splitlines() if not line.startswith(NEWER)]
    assert len(then) > 90
    assert set(then) <= set(done.stdout.splitlines())


def test_what_two_approvers_signed_is_approved(before: Path) -> None:
    approvers = approvers_in(before / "approvers.toml")
    sha256 = digest((before / "canonical.txt").read_text())
    note = (before / "approval.note").read_bytes()
    origin = "border.example/north-7/trial"
    signers = SignedApproval.parse(note).require(origin=origin, sha256=sha256, approvers=approvers, before=None)
    assert signers == ("anna@border.example", "ben@border.example")


def test_what_an_operator_published_is_believed(before: Path, tmp_path: Path) -> None:
    here = Here("north-7", "x86_64", "3.13")
    first_root = (before / "updates/metadata/1.root.json").read_bytes()
    memory = tmp_path / "memory"
    memory.mkdir()
    found = verify(FolderSource(before / "updates"), first_root=first_root, memory=memory, here=here, seen=Seen())
    offer = found.offers[Kind.CONFIGURATION]
    archive = (before / "updates" / offer.file).read_bytes()
    assert (offer.name, offer.number, offer.size_bytes) == ("approval 1", 1, len(archive))
    assert offer.sha256 == hashlib.sha256(archive).hexdigest()


@pytest.mark.parametrize("board", ["ds205a", "italdis", "lot"])
def test_the_traces_of_boards_replay_as_they_did(before: Path, board: str) -> None:
    trace = before / f"{board}.trace"
    assert trace.exists()
    assert holds(said("barrier", "replay", trace.name, status=1), told(f"{board}.replay.json"))
