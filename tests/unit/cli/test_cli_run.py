"""`gate run`: a second time it says so and ends, and starts nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w
import typer
from typer.testing import CliRunner

import gate.cli.run as module
from gate.channel.place import only_instance
from gate_core.command_line.output import Exit


def test_a_second_gate_run_is_one_line_and_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, started = tmp_path / "gate.toml", []
    table = {
        "purpose": "demo",
        "gate_id": "gate-1",
        "operator": "border.example",
        "paths": {"run": str(tmp_path / "run")},
        "barrier": {"port": "/dev/b"},
        "swipe": {"port": "/dev/s"},
        "camera": {"address": "http://127.0.0.1:1/s"},
        "audit": {"recipients": ["age1x"]},
    }
    path.write_bytes(tomli_w.dumps(table).encode())

    async def run_all(*_: object) -> None:
        started.append("all")

    monkeypatch.setattr(module, "_run_all", run_all)
    app = typer.Typer()
    app.command()(module.command)
    with only_instance(tmp_path / "run" / "portcullis-lane"):
        done = CliRunner().invoke(app, ["--config", str(path)])
    assert done.exit_code == Exit.IO_ERROR
    assert done.stderr.startswith("gate: lane: another instance runs already")
    assert done.stderr.count("\n") == 1
    assert started == []
    assert CliRunner().invoke(app, ["--config", str(path)]).exit_code == Exit.OK
    assert started == ["all"]
