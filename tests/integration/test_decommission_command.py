"""`gate provision decommission` on a gate with a log: what it asks, what it refuses, and what is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes.sync_gate import GATE_ID, SyncGate
from typer.testing import CliRunner

from gate.channel.place import only_instance
from gate.cli.provision import app
from gate.programs.shared import config as configuration
from gate.provision.progress import Store
from gate.provision.steps import Outcome, StepState
from gate_lab.cohort import spelt
from gate_verify.verify import verify
from models.cohort import CohortFile


def decommission(gate: SyncGate, *more: str, code: int = 0, told: str = "") -> dict[str, Any]:
    done = CliRunner().invoke(app, ["decommission", "--config", str(gate.config), "--json", *more], input=told)
    assert done.exit_code == code, done.output
    return dict(json.loads(done.stdout)) if done.stdout else {"said": done.stderr}


@pytest.fixture
def gate(short_path: Path) -> SyncGate:
    made = SyncGate.make(short_path / "gate")
    made.grow(1)
    return made


def test_it_wants_the_gates_own_id(gate: SyncGate) -> None:
    for arguments, told in ((("--yes", "gate-0009"), ""), ((), "gate-0009\n"), ((), "\n")):
        assert GATE_ID in decommission(gate, *arguments, code=2, told=told)["said"]
    assert (gate.folder / "keys/log.key").exists()


def test_it_refuses_while_a_program_runs(gate: SyncGate) -> None:
    runtime = configuration.load(gate.config).runtime("log")
    runtime.mkdir(parents=True)
    with only_instance(runtime):
        assert "log runs" in decommission(gate, "--yes", GATE_ID, code=75)["said"]
    assert (gate.folder / "keys/log.key").exists()


def test_records_that_are_nowhere_else_are_exported_first_and_without_central_it_says_so(
    gate: SyncGate, tmp_path: Path
) -> None:
    refused = decommission(gate, "--yes", GATE_ID, code=75)
    assert "5 of 5 entries are on this machine only" in refused["steps"][0]["detail"]
    assert "--export" in refused["steps"][0]["detail"]
    inside = ("--export", str(gate.folder / "spool" / "out"))
    assert "folders that are wiped" in decommission(gate, "--yes", GATE_ID, *inside, code=2)["said"]
    assert (gate.folder / "keys/log.key").exists()
    secret = (gate.folder / "keys/log.key").read_text().strip()
    (gate.folder / "keys/device.passphrase.cred").write_text("Whxqht+dQJax1aZeCGLxmiAAAAABAAAA\n")

    Store(gate.folder / "state/provision").keep("swipe", Outcome(state=StepState.DONE, detail="it answers"))
    done = decommission(gate, "--export", str(tmp_path / "out"), told=f"{GATE_ID}\n")
    assert {one["state"] for one in done["steps"]} == {"done"}
    assert done["central"] == "no central server is configured"
    assert verify(tmp_path / "out", gate.log.vkey).entries == 5
    assert not any((gate.folder / "spool").iterdir())
    assert not any((gate.folder / "keys").glob("*.key*"))
    assert not (gate.folder / "keys/device.passphrase.cred").exists()
    assert done["searched"]["device_key"] > 0
    report = Path(done["report"])
    assert json.loads(report.read_text())["found"] == done["found"]
    left = [one for one in gate.folder.rglob("*") if one.is_file() and secret.encode() in one.read_bytes()]
    assert left == []
    assert not any((gate.folder / "state/provision").iterdir())
    kept = report.read_bytes()
    again = decommission(gate, "--yes", GATE_ID)
    assert {one["state"] for one in again["steps"]} == {"kept"}
    assert (again["searched"], report.read_bytes()) == (done["searched"], kept)


def test_a_cohort_of_people_goes_with_the_gate_and_models_stay(gate: SyncGate, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    text = gate.config.read_text()
    gate.config.write_text(text.replace("[paths]\n", f'[paths]\nmodels = "{folder}"\n'))
    made = CohortFile(
        model="fr_feature", model_sha256="0" * 64, people=300, mean=bytes(8), covariance=bytes(16), pictures=(b"12345678",)
    )  # fmt: skip
    (folder / "site-cohort").write_bytes(spelt(made))
    (folder / "unnamed").write_bytes(spelt(made).replace(b"cohort/3", b"cohort/2"))  # an earlier version's
    (folder / "model.onnx").write_bytes(b"x" * 200)
    done = decommission(gate, "--yes", GATE_ID, "--export", str(tmp_path / "out"))
    assert [one["state"] for one in done["steps"] if one["id"] == "cohort"] == ["done"]
    assert sorted(one.name for one in folder.iterdir()) == ["model.onnx"]
