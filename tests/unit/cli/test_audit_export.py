"""`gate audit export`: what the command writes, and how it ends where it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from core_fakes.sealed_log import crossing
from core_fakes.sealed_log import plain_record as wanted
from typer.testing import CliRunner, Result
from verify_fakes.audit_logs import StoredLog

from gate_core.command_line.tree import verbs

RUNNER = CliRunner()


@pytest.fixture
def log(tmp_path: Path) -> StoredLog:
    small = StoredLog(tmp_path)
    small.write(crossing("c1"), [wanted("presence", None, {"officer": "officer-7"})])
    (tmp_path / "log.vkey").write_text(small.vkey + "\n")
    (tmp_path / "a.bundle").write_bytes(small.bundle())
    return small


def run(*arguments: object) -> Result:
    return RUNNER.invoke(verbs("audit"), [str(one) for one in arguments])


def document(result: Result) -> dict[str, Any]:
    (line,) = result.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_an_export_does_not_write_over_a_file(log: StoredLog) -> None:
    bundle = log.folder / "a.bundle"
    before = bundle.read_bytes()
    export = run("export", "--spool", log.spool, "--out", bundle)
    assert (export.exit_code, "is there already" in export.stderr) == (74, True)
    assert bundle.read_bytes() == before


def test_an_export_is_what_the_verifier_takes(log: StoredLog) -> None:
    out = log.folder / "b.bundle"
    result = run("export", "--spool", log.spool, "--out", out, "--since", "2", "--json")
    assert document(result) == {"schema": "audit.export/1", "entries": 4, "bytes": out.stat().st_size}
    assert document(run("verify", out, "--vkey", log.vkey, "--json"))["entries"] == 4
    result = run("export", "--spool", log.spool, "--out", log.folder / "tiles", "--format", "tiles")
    assert result.stdout.startswith("6 entries")
    assert run("verify", log.folder / "tiles", "--vkey", log.vkey).exit_code == 0


def test_an_export_that_cannot_be_made_leaves_no_file(log: StoredLog, monkeypatch: pytest.MonkeyPatch) -> None:
    out = log.folder / "b.bundle"
    missing = run("export", "--spool", log.folder / "missing", "--out", out)
    assert missing.exit_code == 74
    assert "was anything logged yet?" in missing.stderr
    assert run("export", "--spool", log.spool, "--out", out, "--since", "99").exit_code == 65
    assert run("export", "--spool", log.spool, "--out", out, "--since", "1", "--format", "tiles").exit_code == 2
    assert run("export", "--spool", log.spool, "--out", log.folder / "log.vkey" / "b").exit_code == 74
    nowhere = run("export", "--spool", log.spool, "--out", log.folder / "no" / "where")
    assert nowhere.exit_code == 74
    assert "logged" not in nowhere.stderr
    monkeypatch.setenv("PORTCULLIS_CONFIG", str(log.folder / "missing.toml"))
    result = run("export", "--out", out)
    assert result.exit_code == 74
    assert "--spool" in result.stderr
    assert [one.name for one in log.folder.glob("b.*")] == []


def test_the_configured_spool_is_exported(log: StoredLog, monkeypatch: pytest.MonkeyPatch) -> None:
    config = log.folder / "gate.toml"
    config.write_text(
        f"""purpose = "demo"
gate_id = "gate-0001"
operator = "border.example"
paths.spool = "{log.spool}"
barrier.port = "/dev/null"
swipe.port = "/dev/zero"
camera.address = "http://127.0.0.1:9/"
audit.recipients = ["age1"]
"""
    )
    monkeypatch.setenv("PORTCULLIS_CONFIG", str(config))
    assert document(run("export", "--out", log.folder / "b.bundle", "--json"))["entries"] == 6
