"""Every step of the way has its title, and what is needed is a step that there is."""

from __future__ import annotations

import random
from pathlib import Path

import pyrage
import tomli_w

from gate.provision.answers import SiteAnswers
from gate.provision.checks import gate_steps
from gate.provision.installation import installation_steps
from gate.provision.site import Site
from gate.provision.steps import NEEDED, TITLES
from gate_core.settings.toml_file import TomlFile

AUDITORS = [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(2)]
GIVEN: dict[str, object] = {
    "by": "Anna",
    "operator": "border.example",
    "gate_id": "try-1",
    "purpose": "trial",
    "auditors": AUDITORS,
    "barrier": {"port": "/dev/b"},
    "first_barrier": {"port": "/dev/f"},
    "sensors": {"port": "/dev/i"},
    "swipe": {"port": "/dev/s"},
    "page": {"source": "/dev/v4l/by-id/page"},
    "camera": {"address": "/dev/v4l/by-id/camera"},
}


def given() -> SiteAnswers:
    return TomlFile("answers", "").fitted(GIVEN, SiteAnswers)


def made(folder: Path) -> list[str]:
    """The ids of the steps that make an installed gate, on a machine that seals keys."""
    path = folder / "gate.toml"
    path.write_text(tomli_w.dumps(given().configuration(folder)))
    return [step.id for step in installation_steps(given(), path, None, booted=folder, seals=lambda: True)]


def test_what_is_needed_is_what_makes_the_gate_and_has_its_title(tmp_path: Path) -> None:
    steps = made(tmp_path)
    assert steps == list(NEEDED)
    assert [title for title in TITLES if title in steps] == steps


def test_every_step_of_a_gate_that_has_everything_has_its_title(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    sensor = '[camera.pad]\nsocket = "/run/pad"\nprofile = "portcullis-sim"\n'
    path.write_text(tomli_w.dumps(given().configuration(tmp_path)) + sensor)
    site = Site(path, given, print, 1.0, lambda: "", random.Random(1))
    steps = [step.id for step in gate_steps(site)]
    assert set(steps) == TITLES.keys() - set(NEEDED)
    assert [title for title in TITLES if title in steps] == steps
