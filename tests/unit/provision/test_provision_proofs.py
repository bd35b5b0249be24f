"""A proof counts for the gate and the settings that it was made with, and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gate.programs.shared.config import Config, parse
from gate.provision.proofs import is_there, rests_on, standing
from gate.provision.steps import NEEDED, SEALING, TITLES, Outcome, StepState

BOARDS = {"driver": "modbus", "profile": "portcullis-sim"}
TABLE: dict[str, Any] = {
    "purpose": "trial",
    "gate_id": "north-9",
    "operator": "border.example",
    "barrier": {**BOARDS, "port": "/dev/b"},
    "first_barrier": {**BOARDS, "port": "/dev/f"},
    "sensors": {"port": "/dev/i", "profile": "portcullis-sim"},
    "swipe": {"port": "/dev/s"},
    "page": {"driver": "folder", "path": "/run/scanner"},
    "camera": {"driver": "v4l2", "address": "/dev/v4l/by-id/camera", "lag_ms": 5, "control_lag_ms": 25},
    "audit": {"recipients": ["a", "b"]},
    "sync": {"address": "c:1", "identity": "/i/1", "mirror_vkey": "x"},
}
ANSWERS = {"eyes_cm": "160", "central.address": "c:1"}
LOG = {"log_key", *SEALING, "enrolment", "recipients", "approval"}
BARRIER = {"watchdog", "walk_entry", "walk_exit", "grant_ends", "tailgate", "fire", "host_kill", "power"}
CAMERA = {"camera_exposure", "camera_control_lag", "camera_lag", "camera_height", "lighting"}


def config(folder: Path, changes: dict[str, Any]) -> Config:
    paths = {"keys": str(folder), "models": str(folder), "approval": str(folder)}
    table = {**TABLE, "paths": paths}
    for key, value in changes.items():
        room, _, name = key.rpartition(".")
        table = {**table, **({room: {**table[room], name: value}} if room else {key: value})}
    return parse({key: value for key, value in table.items() if value is not None})


def void_after(folder: Path, changes: dict[str, Any], answers: dict[str, str] | None = None) -> dict[str, str]:
    """The steps of a gate that was done wholly, which do not count after these changes."""
    before = config(folder, {})
    outcomes: dict[str, Outcome] = {
        step: Outcome(state=StepState.DONE, detail="seen", basis=rests_on(step, before, ANSWERS)) for step in TITLES
    }
    counting, void = standing(outcomes, config(folder, changes), answers or ANSWERS)
    assert counting.keys() | void.keys() == TITLES.keys()
    return void


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({}, set()),
        ({"gate_id": "north-7"}, set(TITLES)),
        ({"operator": "elsewhere.example"}, set(TITLES)),
        ({"purpose": "service"}, LOG),
        ({"time_zone": "Europe/Amsterdam"}, set()),
        ({"barrier.port": "/dev/other"}, BARRIER),
        ({"barrier.profile": "lot"}, BARRIER),
        ({"first_barrier.port": "/dev/other"}, {f"first_{step}" for step in BARRIER}),
        ({"sensors.port": "/dev/other"}, {"sensors", "left_bag"}),
        ({"swipe.port": "/dev/other"}, {"swipe", "document"}),
        ({"chip": {"driver": "direct", "socket": "/s"}}, {"chip", "document"}),
        ({"page.path": "/run/other"}, {"page"}),
        ({"camera.address": "/dev/v4l/by-id/other"}, CAMERA),
        ({"camera.lag_ms": None}, {"camera_lag"}),
        ({"camera.control_lag_ms": None, "camera.challenge": True}, {"camera_control_lag"}),
        ({"camera.calibration": {"exposure": 1, "gain": 1, "white_balance": 4000}}, {"camera_exposure"}),
        ({"camera.pad": {"socket": "/run/pad", "profile": "portcullis-sim"}}, {"liveness_sensor"}),
        ({"sync": None}, {"enrolment"}),
    ],
    ids=lambda changes: str(changes) if isinstance(changes, dict) else "",
)
def test_what_is_another_voids_the_steps_that_tried_it(
    tmp_path: Path, changes: dict[str, Any], steps: set[str]
) -> None:
    approval = {"approval"} if changes else set()  # it is of every setting
    assert set(void_after(tmp_path, changes)) == steps | approval


def test_it_says_whose_proof_it_was_and_what_is_another(tmp_path: Path) -> None:
    assert void_after(tmp_path, {"gate_id": "north-7"})["swipe"] == "was done for border.example/north-9: do it again"
    assert void_after(tmp_path, {"purpose": "service"})["recipients"] == (
        "was done for the log border.example/north-9/trial: do it again"
    )
    assert void_after(tmp_path, {"barrier.port": "/dev/c"})["approval"].startswith("was done with another config")
    assert void_after(tmp_path, {"barrier.port": "/dev/c"})["fire"] == "was done with another [barrier]: do it again"
    assert void_after(tmp_path, {}, {**ANSWERS, "eyes_cm": "170"}) == {
        "camera_height": "was done with another eyes_cm: do it again"
    }


def test_a_site_profile_that_is_another_file_now_voids_its_steps(tmp_path: Path) -> None:
    profile = tmp_path / "board.toml"
    profile.write_text("a = 1\n")
    on_it = {"barrier.profile": str(profile)}
    before = rests_on("fire", config(tmp_path, on_it), ANSWERS)
    profile.write_text("a = 2\n")
    assert rests_on("fire", config(tmp_path, on_it), ANSWERS) != before


def test_a_step_at_a_device_that_the_gate_lacks_is_none_of_its_steps(tmp_path: Path) -> None:
    pad = {"camera.pad": {"socket": "/run/pad", "profile": "portcullis-sim"}}
    lacks: dict[str, Any] = {"page": None, "sensors": None, "first_barrier": None}
    everything, less = config(tmp_path, pad), config(tmp_path, lacks)
    installed = {*SEALING, "units"}  # of an installed gate alone
    assert {step for step in TITLES if not is_there(step, everything)} == installed
    gone = {"liveness_sensor", "page", "sensors", "left_bag", *(f"first_{step}" for step in BARRIER)}
    assert {step for step in TITLES if not is_there(step, less)} == installed | gone


def test_a_step_without_a_table_is_none_at_a_device(tmp_path: Path) -> None:
    """Whoever adds a step that opens a device says here that it does not, or in `gate.provision.steps` which it opens."""
    whole = config(tmp_path, {})
    bare = {step for step in TITLES if not any("[" in name for name in rests_on(step, whole, ANSWERS))}
    none = {"disk", "clock", "golden_vectors", "lists", "enrolment", "recipients", "approval"}
    assert bare == none | set(NEEDED)
