"""`gate update` as people type it: the operator's commands, a stick, and one line with one code for each mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from lab_fakes.updates import GATE_ID, Operator
from typer.testing import CliRunner

from gate.programs.update import ledger
from gate.programs.update.ledger import Ledger, Outcome
from gate.updates.layout import Kind
from gate_core.command_line.tree import verbs

# Loaded before the command becomes another user, to whom the interpreter of these tests may be closed.
COMMAND = "import _strptime; from gate_core.command_line.main import main; main()"


def said(*words: str | Path, code: int = 0) -> str:
    """What a command tells people."""
    done = CliRunner().invoke(verbs("update"), list(map(str, words)))
    assert (done.exit_code, done.stderr) == (code, "")
    return done.stdout


def ran(*words: str | Path) -> tuple[int, dict[str, Any], str]:
    done = CliRunner().invoke(verbs("update"), [*map(str, words), "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert len(done.stderr.splitlines()) <= 1
    return done.exit_code, json.loads(done.stdout) if done.stdout else {}, done.stderr


def ran_alone(*words: str | Path) -> int:
    """In a process of its own, which may become another user. Nothing measures it: that user could not write down what ran."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-c", COMMAND, "update", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=plain)
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1
    return done.returncode


@pytest.fixture
def config(tmp_path: Path) -> Path:
    table = {
        "purpose": "demo",
        "gate_id": GATE_ID,
        "operator": "border.example",
        "paths": {name: str(tmp_path / name) for name in ("run", "state", "spool", "inbox", "keys", "models")},
        "barrier": {"port": "none"},
        "swipe": {"port": "nothing"},
        "camera": {"address": "http://127.0.0.1:9/"},
        "audit": {"recipients": ["age1", "age2"]},
        "updates": {"root": str(tmp_path / "root.json"), "folder": str(tmp_path / "fetched")},
    }
    (tmp_path / "gate.toml").write_bytes(tomli_w.dumps(table).encode())
    return tmp_path / "gate.toml"


def test_an_operator_makes_a_repository_and_a_gate_fetches_it_from_a_stick(tmp_path: Path, config: Path) -> None:
    for name in ("anna", "bert"):
        (tmp_path / name).mkdir()
        code, made, _ = ran("publish", "key", "--out", tmp_path / name / "own.pem")
        assert (code, len(made["key"])) == (0, 64)
    repo, keys = tmp_path / "repo", tmp_path / "made"
    approvers = [word for name in ("anna", "bert") for word in ("--approver", tmp_path / name / "own.pub")]
    assert f"take root-*.pem and targets.pem out of {keys}" in said("publish", "init", repo, "--keys", keys, *approvers)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "gate.toml").write_text("# night\n")
    add = ("publish", "add", repo, "configuration", tmp_path / "new", "--gate", GATE_ID, "--name", "night")
    code, made, _ = ran(*add, "--keys", tmp_path / "anna")
    assert (code, made["roles"][0]["missing"]) == (0, 1)
    assert ran("publish", "show", repo, "configuration")[1]["waiting"]["version"] == 1
    assert json.loads(said("publish", "show", repo, "configuration"))["version"] == 1
    assert ran("publish", "sign", repo, "configuration", "--keys", tmp_path / "bert")[1]["roles"][0]["missing"] == 0
    assert [line.split() for line in said("publish", "renew", repo, "--keys", keys).splitlines()] == [
        ["snapshot", "2", "published"],
        ["timestamp", "2", "published"],
    ]
    (tmp_path / "root.json").write_bytes((repo / "metadata/1.root.json").read_bytes())
    code, fetched, _ = ran("fetch", repo, "--config", config)
    assert (code, fetched["fetched"]) == (0, {"configuration": {"number": 1, "name": "night"}})
    assert said("fetch", repo, "--config", config).splitlines()[0].split() == ["configuration", "1", "(night)"]
    code, status, _ = ran("status", "--config", config)
    assert (code, status["current"], status["refused"], status["step"]) == (0, {}, [], None)
    assert "nothing is installed but what the package brought" in said("status", "--config", config)


def test_each_mistake_has_its_code(tmp_path: Path, config: Path) -> None:
    operator = Operator(tmp_path / "operator")
    operator.publish(Kind.LISTS, {"a": b"a"})
    repo, keys = operator.repo, operator.keys
    (tmp_path / "none").mkdir()
    assert ran("fetch", repo, "--config", config)[0] == 74  # no root yet
    (tmp_path / "root.json").write_bytes(operator.first_root)
    assert ran("fetch", tmp_path / "nowhere", "--config", config)[0] == 74
    assert ran("fetch", tmp_path / "none", "--config", config)[0] == 74
    assert ran("publish", "init", repo, "--keys", keys, "--approver", keys / "lists.pub")[0] == 65
    assert ran("publish", "add", repo, "firmware", tmp_path, "--keys", keys, "--name", "x")[0] == 2
    assert ran("publish", "add", repo, "software", tmp_path, "--keys", keys, "--name", "x")[0] == 2
    assert ran("publish", "add", repo, "lists", tmp_path / "nowhere.zip", "--keys", keys, "--name", "x")[0] == 74
    assert ran("publish", "renew", repo, "--keys", tmp_path / "none")[0] == 65
    assert ran("publish", "renew", repo, "--keys", keys, "--role", "emperor")[0] == 2
    assert ran("publish", "show", repo, "../x")[0] == 2
    assert ran("publish", "sign", repo, "lists", "--keys", keys)[0] == 74  # nothing waits
    assert ran("publish", "renew", repo, "--keys", tmp_path / "nowhere")[0] == 74
    operator.twist("lists", lambda signed: signed.update(expires="2020-01-01T00:00:00Z"))
    code, _, said = ran("fetch", repo, "--config", config)
    assert (code, "expired" in said) == (65, True)


def test_of_a_configuration_that_is_wrong_nothing_else_is_checked(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text("no [toml")
    code, checked, _ = ran("check", "--config", tmp_path / "gate.toml")
    assert (code, checked["ok"]) == (1, False)
    assert [(row["id"], row["state"]) for row in checked["checks"]] == [("configuration", "wrong")]


@pytest.mark.parametrize(
    ("script", "code", "why"),
    [
        (None, 69, "there is no systemctl here"),
        ("exit 0", 75, "another update goes on"),  # the unit ended with 75, which systemd takes for a success
        ("echo 'Access denied' >&2; exit 1", 77, "root may, and for apply the operators' group"),
        ("echo 'Unit not found' >&2; exit 5", 69, "Unit not found"),
    ],
)
def test_how_systemd_answered_is_told(
    script: str | None, code: int, why: str, *, tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        (tmp_path / "systemctl").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for verb in ("apply", "back"):
        ended, _, line = ran(verb, "--config", config)
        assert (ended, why in line) == (code, True)
    assert ran("apply", "--again", "--clock-checked", "--config", config)[0] == 2


@pytest.mark.parametrize("verb", ["apply", "back"])
def test_each_verb_starts_its_own_unit_and_ends_as_that_did(
    verb: str, *, tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, begun = Ledger(tmp_path / "ledger"), tmp_path / "begun"
    kept.folder.mkdir()
    kept.keep(Outcome(verb="apply", code=0, words="of yesterday", at="2026-12-01T00:00:00Z"))
    new = {"verb": verb, "code": 1, "words": "version 6 was not well: version 5 is back", "at": "2026-12-02T00:00:00Z"}
    (tmp_path / "systemctl").write_text(
        f"#!/bin/sh\necho \"$@\" > {begun}\necho '{json.dumps(new)}' > {kept.folder}/outcome.json\n"
    )
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(ledger, "FOLDER", kept.folder)
    code, document, _ = ran(verb, "--config", config)
    assert (code, document["words"], document["schema"]) == (1, new["words"], f"update.{verb}/1")
    assert begun.read_text() == f"start gate-update@{verb}.service\n"
    kept.keep(Outcome(verb="apply", code=0, words="of yesterday", at="2026-12-01T00:00:00Z"))
    assert said(verb, "--config", config, code=1) == f"{new['words']}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="it needs root")
def test_root_fetches_as_the_owner_of_the_folder_and_follows_no_link_of_theirs(tmp_path: Path, config: Path) -> None:
    # Nobody must get there; and of several processes of tests each has a folder of its own.
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder == tmp_path or folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o755)
    operator = Operator(tmp_path / "operator")
    operator.publish(Kind.LISTS, {"a": b"a"})
    (tmp_path / "root.json").write_bytes(operator.first_root)
    (tmp_path / "precious").mkdir()
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    (fetched / "repository").symlink_to(tmp_path / "precious")
    os.chown(fetched, 65534, 65534)
    assert ran_alone("fetch", operator.repo, "--config", config) == 74  # nobody may not write there, so root does not
    assert list((tmp_path / "precious").iterdir()) == []
    (fetched / "repository").unlink()
    assert ran_alone("fetch", operator.repo, "--config", config) == 0
    assert {path.stat().st_uid for path in fetched.rglob("*")} == {65534}
