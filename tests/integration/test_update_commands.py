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
from fakes.updates import GATE_ID, Operator

from gate.updates.layout import Kind

pytestmark = pytest.mark.long

# Loaded before the command becomes another user, to whom the interpreter of these tests may be closed.
COMMAND = "import _strptime; from gate.cli import main; main()"


def ran(*words: str | Path, path: str | None = None) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "update", *map(str, words), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | ({} if path is None else {"PATH": path}),
    )
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


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
    code, made, _ = ran("publish", "init", repo, "--keys", keys, *approvers)
    assert (code, {one["missing"] for one in made["roles"]}) == (0, {0})
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "gate.toml").write_text("# night\n")
    add = ("publish", "add", repo, "configuration", tmp_path / "new", "--gate", GATE_ID, "--name", "night")
    code, made, _ = ran(*add, "--keys", tmp_path / "anna")
    assert (code, made["roles"][0]["missing"]) == (0, 1)
    assert ran("publish", "show", repo, "configuration")[1]["waiting"]["version"] == 1
    assert ran("publish", "sign", repo, "configuration", "--keys", tmp_path / "bert")[1]["roles"][0]["missing"] == 0
    assert ran("publish", "renew", repo, "--keys", keys)[0] == 0
    (tmp_path / "root.json").write_bytes((repo / "metadata/1.root.json").read_bytes())
    code, fetched, _ = ran("fetch", repo, "--config", config)
    assert (code, fetched["fetched"]) == (0, {"configuration": {"number": 1, "name": "night"}})
    code, status, _ = ran("status", "--config", config)
    assert (code, status["current"], status["refused"], status["step"]) == (0, {}, [], None)


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
    assert ran("apply", "--config", config, path=str(tmp_path))[0] == 69  # no systemd here


def test_of_a_configuration_that_is_wrong_nothing_else_is_checked(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text("no [toml")
    code, checked, _ = ran("check", "--config", tmp_path / "gate.toml")
    assert (code, checked["ok"]) == (1, False)
    assert [(row["id"], row["state"]) for row in checked["checks"]] == [("configuration", "wrong")]


def test_while_another_update_goes_on_it_is_told_so(tmp_path: Path, config: Path) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text("#!/bin/sh\n")  # the unit ended with 75, which systemd takes for a success
    systemctl.chmod(0o755)
    code, _, said = ran("back", "--config", config, path=f"{tmp_path}:/usr/bin:/bin")
    assert (code, "another update goes on" in said) == (75, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="it needs root")
def test_root_fetches_as_the_owner_of_the_folder_and_follows_no_link_of_theirs(tmp_path: Path, config: Path) -> None:
    tmp_path.chmod(0o755)
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    operator = Operator(tmp_path / "operator")
    operator.publish(Kind.LISTS, {"a": b"a"})
    (tmp_path / "root.json").write_bytes(operator.first_root)
    (tmp_path / "precious").mkdir()
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    (fetched / "repository").symlink_to(tmp_path / "precious")
    os.chown(fetched, 65534, 65534)
    assert ran("fetch", operator.repo, "--config", config)[0] == 74  # nobody may not write there, so root does not
    assert list((tmp_path / "precious").iterdir()) == []
    (fetched / "repository").unlink()
    assert ran("fetch", operator.repo, "--config", config)[0] == 0
    assert {path.stat().st_uid for path in fetched.rglob("*")} == {65534}
