"""`gate notices`: boards made of a configuration, and what is wrong said in one line."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import typer
from typer.testing import CliRunner

from gate.cli.notices import command

TABLE: dict[str, Any] = {
    "purpose": "demo",
    "gate_id": "north-7",
    "operator": "border.example",
    "barrier": {"port": "none"},
    "swipe": {"port": "nothing"},
    "camera": {"address": "http://192.0.2.7/"},
    "audit": {"recipients": ["one", "another"]},
    "screens": {"languages": ["en", "ar"]},
    "notice": {
        "contact": "privacy@border.example",
        "address": "https://border.example/notice",
        "results_kept_days": 30,
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the configuration lies."""
    (tmp_path / "gate.toml").write_bytes(tomli_w.dumps(TABLE).encode())
    return tmp_path


def ran(folder: Path, *words: str) -> tuple[int, str, str]:
    """Code, standard output and error of the command."""
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, ["--config", str(folder / "gate.toml"), *words])
    return done.exit_code, done.stdout, done.stderr


def test_boards_are_written_for_each_language_and_known_by_the_digest_of_their_text(folder: Path) -> None:
    out = folder / "new" / "notices"
    code, said, _ = ran(folder, "--out", str(out), "--json")
    told = json.loads(said)
    assert (code, told["schema"], told["languages"]) == (0, "notices.make/1", ["en", "ar"])
    assert sorted(told["files"]) == sorted(path.name for path in out.iterdir())
    assert told["version"] == sha256((out / "notice.txt").read_bytes()).hexdigest()
    assert "2 auditors" in (out / "notice.txt").read_text()
    code, said, _ = ran(folder, "--out", str(out))
    assert (code, told["version"] in said) == (0, True), "made anew over the old ones"


def test_what_is_wrong_is_said_in_one_line_with_a_code_of_its_own(folder: Path) -> None:
    (folder / "file").write_text("")
    assert ran(folder, "--out", str(folder / "file"))[0] == 74
    (folder / "gate.toml").write_bytes(tomli_w.dumps({**TABLE, "purpose": "trial"}).encode())
    code, said, why = ran(folder, "--out", str(folder / "out"))
    assert (code, said, (folder / "out").exists()) == (78, "", False)
    assert "screens.languages" in why
    (folder / "gate.toml").unlink()
    assert ran(folder, "--out", str(folder / "out"))[0] == 74
