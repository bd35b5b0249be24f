"""`gate provision` from a bare machine to the acceptance report, before a simulated lane: whole, killed at each step, and with what goes wrong.

The quick tier leaves out the three steps that mostly wait: how late the camera obeys (ten seconds) and sees the display (twelve), and that an unused
grant ends (six).
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.technician_at_work import Lane, provision
from typer.testing import CliRunner

from gate.cli.provision import app
from gate.provision.progress import Store
from gate.provision.steps import BARRIER_TITLES, StepState

SIMULATOR = (sys.executable, "-m", "hardware_sim")
QUIET = {"camera_exposure": "x", "camera_control_lag": "x", "camera_lag": "x", "camera_height": "x", "lighting": "x"}
WAITING = {
    "camera_control_lag": "takes ten seconds",
    "camera_lag": "takes twelve seconds",
    "grant_ends": "takes six seconds",
}


@pytest.fixture
def lane(short_path: Path) -> Iterator[Lane]:
    """A lane in which a technician works."""
    with Lane(short_path) as opened:
        yield opened


def states(document: dict[str, Any]) -> dict[str, str]:
    return {step["id"]: step["state"] for step in document["steps"]}


def report(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["report", *arguments, "--json"])
    return done.exit_code, json.loads(done.stdout) if done.stdout.strip() else {}


@pytest.mark.long
@pytest.mark.parametrize("skip", [WAITING, {}], ids=["but what waits", "whole"])
def test_a_bare_machine_ends_with_a_report_that_says_simulator(
    lane: Lane, short_path: Path, skip: dict[str, str]
) -> None:
    root = short_path / "gate"
    answers = lane.answers(root, skip=skip)
    code, document, _ = provision(lane, "--answers", str(answers), "--root", str(root))
    wrong = {step["id"]: step["detail"] for step in document["steps"] if step["state"] == "failed"}
    assert (code, list(wrong)) == (1, ["approval"])  # nobody has signed yet
    assert wrong["approval"].startswith(f"{root / 'approvers.toml'}: cannot be read: No such file")
    assert {name for name, state in states(document).items() if state == "skipped"} == {*skip, "enrolment"}
    verified = {step["id"]: step["verified"] for step in document["steps"]}
    assert "hardware" not in verified.values()
    assert {verified[name] for name in BARRIER_TITLES if name not in skip} == {"simulator"}
    camera = tomllib.loads((root / "gate.toml").read_text())["camera"]
    lags = {"lag_ms": "camera_lag", "control_lag_ms": "camera_control_lag"}
    assert [name for name in lags if name in camera] == [name for name, step in lags.items() if step not in skip]
    assert all(camera.get(name, 0) <= 200 for name in lags)
    assert camera.get("challenge", False) is not bool(skip)
    config = ("--config", str(root / "gate.toml"))
    for kind in ("page", "document"):
        assert report(*config, "--verify", document["report"][kind])[1]["verified"] is True
    vkey = root / "state/provision/try-1.vkey"
    assert report("--vkey", str(vkey), "--verify", document["report"]["page"])[0] == 0
    again, kept, _ = provision(lane, "--answers", str(answers), "--root", str(root))
    assert (again, states(kept)["walk_entry"], states(kept)["camera_exposure"]) == (1, "kept", "kept")
    if not skip:
        _measures_again_what_a_new_configuration_has_lost(lane, root, answers)
    _refuses_service_and_names_what_is_missing(root)


def _measures_again_what_a_new_configuration_has_lost(lane: Lane, root: Path, answers: Path) -> None:
    (root / "gate.toml").unlink()
    _, document, _ = provision(lane, "--answers", str(answers), "--root", str(root))
    again = {name for name, state in states(document).items() if state == "done"}
    assert {"configuration", "camera_control_lag", "camera_lag"} <= again
    assert states(document)["camera_height"] == states(document)["walk_entry"] == "kept"
    table = tomllib.loads((root / "gate.toml").read_text())
    camera = table["camera"]
    assert (camera["challenge"], table["screens"]["challenge"], "lag_ms" in camera, "control_lag_ms" in camera) == (
        True,
        True,
        True,
        True,
    )


def _refuses_service_and_names_what_is_missing(root: Path) -> None:
    path = root / "gate.toml"
    path.write_text(path.read_text().replace('purpose = "trial"', 'purpose = "service"'))
    code, document = report("--config", str(path))
    missing: dict[str, list[str]] = {}
    for one in document["missing_for_service"]:
        missing.setdefault(one["id"], []).append(one["why"])
    assert code == 1
    assert document["report"] is None
    assert {
        "parts",
        "words",
        "barrier",
        "threshold",
        "approval",
        "officers",
        "lists",
        "clock",
        "log_key",
        "walk_entry",
        "camera_lag",
    } <= missing.keys()
    assert len(missing["parts"]) >= 4  # barrier's profile and line, reader's line, chip's driver
    command = [sys.executable, "-m", "gate.cli", "run", "--config", str(path)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 78
    assert all(key in refused.stderr for key in ("barrier.profile", "barrier.port", "swipe.port", "chip.driver"))


STEPS = (
    "folders",
    "lists",
    "document",
    "watchdog",
    "walk_entry",
    "tailgate",
    "fire",
    "host_kill",
    "power",
    "recipients",
)


@pytest.mark.long
@pytest.mark.parametrize(
    ("step", "blow"),
    [(step, signal.SIGKILL) for step in STEPS]
    + [(step, signal.SIGINT) for step in ("lists", "document", "walk_entry", "host_kill")],
)
def test_a_kill_at_a_step_leaves_nothing_half_done(
    lane: Lane, short_path: Path, step: str, blow: signal.Signals
) -> None:
    root = short_path / "gate"
    others = {name: "x" for name in BARRIER_TITLES if name != step}
    answers = lane.answers(root, skip={**QUIET, **others, "approval": "x"})
    arguments = ("--answers", str(answers), "--root", str(root))

    def kill(line: str, process: subprocess.Popen[str]) -> None:
        if line.startswith(f"── {step}:"):
            process.send_signal(blow)

    code, _, said = provision(lane, *arguments, on_line=kill)
    if blow is signal.SIGINT:
        assert code == 130
        assert any(f"interrupted at {step}" in line for line in said)
    assert "Traceback" not in "\n".join(said)
    assert not list(root.rglob(".tmp-*"))
    kept = Store(root / "state/provision").outcomes
    assert step not in kept
    code, document, _ = provision(lane, *arguments)
    assert (code, states(document)[step]) == (0, "done")


@pytest.mark.long
def test_a_board_that_lies_is_named_and_goes_on_when_it_is_mended(short_path: Path) -> None:
    root, line = short_path / "gate", short_path / "barrier"
    board = subprocess.Popen(
        [*SIMULATOR, "barrier", "--profile", "relay-8", "--path", str(line)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    try:
        assert board.stdin is not None
        assert board.stdout is not None
        board.stdout.readline()
        with Lane(short_path) as lane:
            skip = {**QUIET, **{name: "x" for name in BARRIER_TITLES if name != "watchdog"}, "approval": "x"}
            table = {"port": str(line), "profile": "relay-8", "baud": 9600}
            arguments = ("--answers", str(lane.answers(root, barrier=table, skip=skip)), "--root", str(root))
            for fault, said in (
                ("watchdog", "did not notice our silence"),
                ("deaf", "the board does not answer"),
                ("busy", "the board does not answer"),
            ):
                board.stdin.write(json.dumps({"do": "fault", "what": fault}) + "\n")
                code, document, _ = provision(lane, *arguments)
                (wrong,) = [step for step in document["steps"] if step["state"] == "failed"]
                assert (code, wrong["id"]) == (1, "watchdog")
                assert said in wrong["detail"]
            board.stdin.write('{"do":"fault","what":null}\n')
            code, document, _ = provision(lane, *arguments)
            assert (code, states(document)["watchdog"]) == (0, "done")
    finally:
        board.kill()
        with board:
            pass


def test_a_machine_without_a_camera_says_which_steps_to_repeat(lane: Lane, short_path: Path) -> None:
    root = short_path / "gate"
    skip = {**dict.fromkeys(BARRIER_TITLES, "x"), "approval": "x"}
    answers = lane.answers(root, skip=skip, camera={"address": "http://127.0.0.1:9/stream"})
    code, document, said = provision(lane, "--answers", str(answers), "--root", str(root), "--wait-s", "2")
    failed = [step["id"] for step in document["steps"] if step["state"] == "failed"]
    assert (code, failed) == (1, list(QUIET))
    assert all("camera" in step["detail"] for step in document["steps"] if step["state"] == "failed")
    assert Store(root / "state/provision").outcomes["lighting"].state is StepState.FAILED
    assert "Traceback" not in "\n".join(said)
