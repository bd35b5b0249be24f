"""`gate support-bundle`: one file for its owner alone, that says what is in it and takes no other file's place."""

from __future__ import annotations

import json
import stat
import tarfile
from pathlib import Path

import pyrage
import pytest
import tomli_w
import typer
from typer.testing import CliRunner

from gate.cli.support_bundle import command

app = typer.Typer()
app.command()(command)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A gate of which nothing is there."""
    table = {
        "purpose": "trial",
        "gate_id": "north-7",
        "operator": "border.example",
        "paths": {name: str(tmp_path / name) for name in ("run", "state", "spool", "inbox", "keys", "models", "trust")},
        "barrier": {"port": "/dev/portcullis-unplugged"},
        "swipe": {"port": "/dev/portcullis-swipe"},
        "camera": {"address": "http://127.0.0.1:9/"},
        "audit": {"recipients": [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]},
    }
    (tmp_path / "gate.toml").write_bytes(tomli_w.dumps(table).encode())
    return tmp_path / "gate.toml"


def ran(*words: object, code: int = 0) -> tuple[str, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert (done.exit_code, done.exception is None or isinstance(done.exception, SystemExit)) == (code, True)
    return done.stdout, done.stderr


def test_a_bundle_is_its_owners_alone_and_is_told_file_by_file(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "support.tar"
    told = json.loads(ran("--config", config, "--out", out, "--json")[0])
    assert (told["schema"], told["out"]) == ("support-bundle/1", str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with tarfile.open(out) as tar:
        names = {one.name.removeprefix("support/") for one in tar}
    assert names == {one["name"] for one in told["files"]} | {"manifest.json"}
    assert {"configuration.json", "selftest.json", "status.json", "versions.json"} <= names


def test_a_file_that_is_there_is_kept(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "support.tar"
    out.write_text("somebody's")
    assert f"{out} is there already" in ran("--config", config, "--out", out, code=74)[1]
    assert out.read_text() == "somebody's"


def test_without_a_name_it_is_named_by_gate_and_time_and_people_read_what_is_never_in_it(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = ran("--config", config)[0].splitlines()
    (made,) = tmp_path.glob("portcullis-support-north-7-*Z.tar")
    assert said[0] == made.name
    assert any(line.startswith("  versions.json") for line in said)
    assert any("never in it: anything of a traveller" in line for line in said)


def test_a_place_that_cannot_be_written_and_a_configuration_that_is_wrong_are_one_line(
    config: Path, tmp_path: Path
) -> None:
    (line,) = ran("--config", config, "--out", tmp_path / "nowhere" / "x.tar", code=74)[1].splitlines()
    assert "cannot write" in line
    config.write_text("gate_id = 7\n")
    assert "gate_id" in ran("--config", config, "--out", tmp_path / "x.tar", code=78)[1]
    assert not list(tmp_path.rglob("*.tar"))
