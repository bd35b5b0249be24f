"""`gate sync`: people and programs are told what the sync program says of the mirror; what is missing is one line."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes.sync_gate import SyncGate
from typer.testing import CliRunner

from gate.channel.message import Status
from gate.cli import sync
from gate.programs.shared import runner, status_client

WELL: dict[str, Any] = {
    "head": 9,
    "mirrored": 7,
    "pending": 2,
    "last_receipt": "2026-12-01T12:00:00Z",
    "problem": None,
    "identity": {"expires": "2027-01-01T00:00:00Z", "days_to_go": 31, "problem": None},
}


def told(monkeypatch: pytest.MonkeyPatch, state: str, *words: str, **detail: Any) -> tuple[int, str]:
    def ask_one(_: object, program: str) -> Status:
        assert program == "sync"
        return Status("sync", state, {**WELL, **detail})

    monkeypatch.setattr(status_client, "ask_one", ask_one)
    monkeypatch.setattr(runner, "load_config", lambda _: SimpleNamespace())
    done = CliRunner().invoke(sync.app, ["status", *words])
    return done.exit_code, done.stdout


def test_people_are_told_how_far_the_mirror_is_and_of_the_last_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out = told(monkeypatch, "ready")
    assert (code, out.splitlines()) == (
        0,
        [
            "7 of 9 entries mirrored, 2 to go",
            "last receipt 2026-12-01T12:00:00Z",
            "certificate 31 days to go, until 2027-01-01T00:00:00Z",
        ],
    )
    code, out = told(monkeypatch, "away", problem="no route", last_receipt=None)
    assert code == 1
    assert out.splitlines()[1:3] == ["last receipt none since the program started", "problem: no route"]


def test_programs_are_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out = told(monkeypatch, "ready", "--json")
    assert code == 0
    assert json.loads(out) == {"schema": "sync.status/1", **WELL}


def refused(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(sync.app, list(arguments))
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gate: ")
    return done.exit_code, done.stderr


def test_a_gate_without_a_central_server_says_how_to_get_one(tmp_path: Path) -> None:
    gate = SyncGate.make(tmp_path / "gate")
    code, said = refused("push", "--config", str(gate.config))
    assert (code, "gate provision enrol" in said) == (78, True)
    code, said = refused("status", "--config", str(gate.config))
    assert (code, "does not answer" in said) == (69, True)


def test_a_log_with_nothing_in_it_cannot_be_carried_away(tmp_path: Path) -> None:
    gate = SyncGate.make(tmp_path / "gate")
    code, said = refused("export-usb", "--config", str(gate.config), "--out", str(tmp_path / "stick"))
    assert (code, "was anything logged yet" in said) == (74, True)
    gate.grow(1)
    done = CliRunner().invoke(sync.app, ["export-usb", "--config", str(gate.config), "--out", str(tmp_path / "stick")])
    assert done.exit_code == 0
    code, said = refused("export-usb", "--config", str(gate.config), "--out", str(tmp_path / "stick"))
    assert (code, "not empty" in said) == (65, True)
