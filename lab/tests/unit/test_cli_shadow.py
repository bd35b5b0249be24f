"""`gate shadow report` over bundles of a real log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.audit_logs import SmallLog, happening, wanted
from fakes.passage_examples import decided_record, said
from typer.testing import CliRunner, Result

from gate.audit.writer import Wanted
from gate.passage.names import ClosedAs, Disposition
from gate.passage.records import Closed, Record, Settled
from gate.programs.lane.records import encode
from gate_core.evidence.reasons import Objection, Reason
from gate_lab.commands.shadow import app

RUNNER = CliRunner()


def sealed(record: Record, crossing: str) -> Wanted:
    return Wanted.of(happening(record.kind.value, crossing), encode(record))


@pytest.fixture
def log(tmp_path: Path) -> SmallLog:
    decided = decided_record()
    decided = replace(decided, policy=replace(decided.policy, shadow=True))
    small = SmallLog(tmp_path)
    watched = (Objection(Reason.SHADOW_MODE),)
    small.write(
        [
            sealed(replace(decided, crossing="c1"), "c1"),
            sealed(Closed("c1", ClosedAs.REFERRED, watched), "c1"),
            sealed(Settled("c1", said(), Disposition.ADMITTED_BY_OFFICER), "c1"),
            sealed(replace(decided, crossing="c2"), "c2"),
            sealed(Closed("c2", ClosedAs.REFERRED, (Objection(Reason.FACE_BELOW_THRESHOLD, "0.2"),)), "c2"),
            sealed(Settled("c2", said(), Disposition.ADMITTED_BY_OFFICER), "c2"),
        ]
    )
    (tmp_path / "one.identity").write_text(f"{small.auditors[0]}\n")
    (tmp_path / "a.bundle").write_bytes(small.bundle())
    return small


def run(log: SmallLog, *arguments: object) -> Result:
    named = ("report", log.folder / "a.bundle", "--identity", log.folder / "one.identity", *arguments)
    return RUNNER.invoke(app, [str(one) for one in named])


def test_a_report_says_how_often_the_officer_did_otherwise(log: SmallLog) -> None:
    result = run(log, "--vkey", log.vkey, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["schema"] == "shadow.report/1"
    assert (found["crossings"], found["settled"], found["agreed"]) == (2, 2, 1)
    assert [(one["reason"], one["n"], one["of"]) for one in found["disagreed"]] == [
        ("would_admit", 0, 1),
        ("face_below_threshold", 1, 1),
    ]
    assert [(one["issuer"], one["n"], one["of"]) for one in found["issuers"]] == [("UTO", 1, 2)]


def test_people_read_it_as_tables(log: SmallLog) -> None:
    result = run(log)
    assert result.exit_code == 0
    assert "2 crossings, 2 settled by an officer; in 1 gate and officer agreed" in result.stdout
    assert "face_below_threshold" in result.stdout
    assert "signature was not checked" in result.stderr


def test_a_log_without_a_shadows_crossings_is_a_no(log: SmallLog) -> None:
    (log.folder / "b").mkdir()
    other = SmallLog(log.folder / "b")
    other.write([wanted("presence", None, {})])
    (log.folder / "a.bundle").write_bytes(other.bundle())
    (log.folder / "one.identity").write_text(f"{other.auditors[0]}\n")
    result = run(log, "--json")
    assert (result.exit_code, json.loads(result.stdout)["crossings"]) == (1, 0)
    assert "no crossing was decided in shadow mode" in result.stderr


def test_a_log_that_is_not_the_gates_or_not_whole_gives_no_report(log: SmallLog) -> None:
    bundle = log.folder / "a.bundle"
    bundle.write_bytes(bundle.read_bytes()[:-20])
    result = run(log, "--vkey", log.vkey)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "not verified" in result.stderr
    result = run(log)
    assert (result.exit_code, result.stdout) == (65, "")
    (log.folder / "one.identity").write_text("no identity\n")
    assert run(log).exit_code in {65, 74}
