"""The commands of `sync`, `central` and `provision enrol`: what they print and how they fail."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from central_fakes.process import KEPT, serving
from fakes.approvals import approve
from fakes.sync_gate import GATE_ID, SyncGate
from typer.testing import CliRunner

from gate.device_certificate.device import DEVICE
from gate.programs.shared import config as configuration
from gate.programs.shared.approval import approved
from gate.programs.shared.basis import basis_of
from gate_core.approval.canonical import digest
from gate_core.audit_format import keys
from gate_core.command_line.tree import verbs
from gate_verify.verify import verify

NO_TOKEN = "x" * 22  # a token by its looks


def gate(noun: str, *arguments: str, code: int = 0, told: str = "") -> dict[str, Any]:
    """Run a command in this process, `told` on its standard input, and return its document."""
    app = verbs(noun)
    done = CliRunner().invoke(app, [*arguments, "--json"], input=told)
    assert done.exit_code == code, done.output
    return dict(json.loads(done.stdout)) if done.stdout else {"said": done.stderr.strip()}


def people(noun: str, *arguments: str) -> str:
    done = CliRunner().invoke(verbs(noun), list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("central") / "c"
    assert "mirror key" in people("central", "init", "--dir", str(folder), "--name", "127.0.0.1", *KEPT)
    return folder


@pytest.fixture(scope="module")
def port(central: Path) -> Iterator[int]:
    with serving(central) as found:
        yield found


@pytest.fixture(scope="module")
def ours(central: Path, port: int, tmp_path_factory: pytest.TempPathFactory) -> SyncGate:
    """A gate that was enrolled by the commands, and pushed once."""
    made = SyncGate.make(tmp_path_factory.mktemp("gate") / "g")
    made.grow(1)
    document = enrol(made, central, port, NO_TOKEN, code=77)
    assert [one["state"] for one in document["steps"]] == ["failed", "skipped"]
    assert "403" in document["steps"][0]["detail"]
    token = people("central", "token", GATE_ID, "--dir", str(central)).strip()
    assert [one["state"] for one in enrol(made, central, port, token)["steps"]] == ["done", "done"]
    assert gate("sync", "push", "--config", str(made.config))["pending"] == 0
    return made


def enrol(gate_here: SyncGate, central: Path, port: int, token: str, *more: str, code: int = 0) -> dict[str, Any]:
    where = ("--central", f"127.0.0.1:{port}", "--ca", str(central / "ca.pem"), "--config", str(gate_here.config))
    return gate("provision", "enrol", *where, *more, code=code, told=token)


def device_of(gate_here: SyncGate) -> bytes:
    sync = configuration.load(gate_here.config).sync
    assert sync is not None
    return (Path(sync.identity) / DEVICE).read_bytes()


def test_enrolment_writes_the_sync_table_and_keeps_the_rest(ours: SyncGate, central: Path, port: int) -> None:
    table = tomllib.loads(ours.config.read_text())
    (identity,) = (ours.folder / "identity").iterdir()
    assert table["sync"] == {
        "address": f"127.0.0.1:{port}",
        "identity": str(identity),
        "mirror_vkey": (central / "mirror.vkey").read_text().strip(),
    }
    assert table["gate_id"] == GATE_ID
    assert configuration.load(ours.config).sync is not None
    assert [one["state"] for one in enrol(ours, central, port, "")["steps"]] == ["kept", "kept"]


def test_a_token_comes_from_a_file_and_each_wrong_one_has_its_code(central: Path, port: int, short_path: Path) -> None:
    theirs = SyncGate.make(short_path / "theirs")
    file = short_path / "token"
    where = ("--token-file", str(file))

    def tried(code: int) -> str:
        (failed, _) = enrol(theirs, central, port, "", *where, code=code)["steps"]
        return str(failed["detail"])

    assert str(file) in tried(74)
    for content in (b"", b"no token", b"x" * 23, b"\xff" * 22, bytes(5000)):
        file.write_bytes(content)
        assert "gate central token" in tried(65)
    assert "standard input" in enrol(theirs, central, port, "", code=65)["steps"][0]["detail"]
    other = gate("central", "token", "gate-0002", "--dir", str(central))["token"]
    file.write_text(f"{other}\n")
    assert f"gate central token {GATE_ID}" in (refused := tried(77))
    assert other not in refused


def test_enrolling_again_replaces_the_certificate(ours: SyncGate, central: Path, port: int) -> None:
    before, (old,) = device_of(ours), (ours.folder / "identity").iterdir()
    token = gate("central", "token", GATE_ID, "--dir", str(central))["token"]
    enrol(ours, central, port, token, "--again")
    assert device_of(ours) != before
    (new,) = (ours.folder / "identity").iterdir()  # nothing of the old key is left
    assert int(new.name) == int(old.name) + 1
    assert gate("sync", "push", "--config", str(ours.config))["pending"] == 0


def test_the_fleet_shows_what_is_stored(ours: SyncGate, central: Path) -> None:
    (only,) = (one for one in gate("central", "fleet", "--dir", str(central))["gates"] if one["id"] == GATE_ID)
    assert (only["id"], only["state"], only["entries"], only["bodies"]) == (GATE_ID, "enrolled", ours.size, ours.size)
    assert only["verified"] is True
    assert only["last_seen"]
    assert GATE_ID in people("central", "fleet", "--dir", str(central), "--quick")


def test_a_gates_log_is_exported_at_the_centre_and_on_a_stick(ours: SyncGate, central: Path, tmp_path: Path) -> None:
    there = gate("central", "export", GATE_ID, "--dir", str(central), "--out", str(tmp_path / "there"))
    assert there["vkey"] == ours.log.vkey
    stick = gate("sync", "export-usb", "--out", str(tmp_path / "stick"), "--config", str(ours.config))
    assert (stick["head"], stick["mirrored"]) == (ours.size, None)
    for folder in ("there", "stick"):
        report = verify(tmp_path / folder, ours.log.vkey)
        assert (report.verified, report.entries) == (True, ours.size)
    again = gate("sync", "export-usb", "--out", str(tmp_path / "stick"), "--config", str(ours.config), code=65)
    assert "not empty" in again["said"]


def test_a_revoked_gate_cannot_push(ours: SyncGate, central: Path, port: int) -> None:
    gate("central", "revoke", GATE_ID, "--dir", str(central))
    refused = gate("sync", "push", "--config", str(ours.config), code=65)
    assert "403" in refused["said"]
    token = gate("central", "token", GATE_ID, "--dir", str(central))["token"]
    enrol(ours, central, port, token, "--again")
    assert "mirrored" in people("sync", "push", "--config", str(ours.config))


def test_what_cannot_be_done_is_one_line_and_an_exit_code(ours: SyncGate, central: Path, tmp_path: Path) -> None:
    here = ("--dir", str(central))
    assert "set up before" in gate("central", "init", *here, "--name", "127.0.0.1", code=78)["said"]
    assert "small letters" in gate("central", "token", "Gate One", *here, code=2)["said"]
    assert "no gate" in gate("central", "revoke", "gate-0009", *here, code=2)["said"]
    assert "no gate" in gate("central", "export", "gate-0009", *here, "--out", str(tmp_path / "x"), code=2)["said"]
    assert "central init" in gate("central", "fleet", "--dir", str(tmp_path / "none"), code=74)["said"]
    assert "does not answer" in gate("sync", "status", "--config", str(ours.config), code=69)["said"]
    missing = ("--config", str(tmp_path / "none.toml"))
    assert "cannot be read" in gate("sync", "push", *missing, code=74)["said"]
    assert "cannot be read" in enrol_without_configuration(tmp_path)["said"]


def enrol_without_configuration(tmp_path: Path) -> dict[str, Any]:
    where = ("--central", "127.0.0.1:1", "--ca", "none", "--config", str(tmp_path / "none.toml"))
    return gate("provision", "enrol", *where, code=74)


def test_a_centre_that_is_away_and_a_gate_that_is_not_enrolled(central: Path, tmp_path: Path) -> None:
    fresh = SyncGate.make(tmp_path / "fresh")
    assert "enrol" in gate("sync", "push", "--config", str(fresh.config), code=78)["said"]
    out = ("--out", str(tmp_path / "o"))
    assert "anything logged" in gate("sync", "export-usb", *out, "--config", str(fresh.config), code=74)["said"]
    failed = enrol(fresh, central, 1, NO_TOKEN, code=69)["steps"][0]
    assert "does not answer" in failed["detail"]
    (tmp_path / "nonsense").mkdir()
    (tmp_path / "nonsense" / "ca.pem").write_text("nonsense")
    failed = enrol(fresh, tmp_path / "nonsense", 1, NO_TOKEN, code=65)["steps"][0]
    assert "authority" in failed["detail"]


def test_an_approved_gate_is_told_what_to_sign_anew_and_enrolling_again_changes_nothing_of_it(
    central: Path, port: int, short_path: Path
) -> None:
    made = SyncGate.make(short_path / "trial")
    changes = {"purpose": "trial", "gate_id": "gate-0003"}
    table = tomllib.loads(made.config.read_text())
    made.config.write_text(
        tomli_w.dumps({**table, **changes, "paths": {**table["paths"], "approval": str(short_path)}})
    )
    (made.folder / "keys/log.key").unlink()
    keys.generate(made.folder / "keys/log.key", configuration.load(made.config).origin)

    def said(*more: str) -> str:
        token = gate("central", "token", "gate-0003", "--dir", str(central))["token"]
        return str(enrol(made, central, port, token, *more)["steps"][1]["detail"])

    approve(configuration.load(made.config))
    assert "; before the gate is started again, two approvers sign anew" in (told := said())
    assert f"serial 2, digest {digest(basis_of(configuration.load(made.config)))}" in told
    assert "two approvers sign anew" in said()  # and it is said again
    approve(configuration.load(made.config), serial=2)
    assert said() == ""
    assert said("--again").endswith("; restart gate-log and gate-sync where they run")
    assert approved(configuration.load(made.config)) is not None
