"""Every step of the way has its title, and what is needed is a step that there is."""

from __future__ import annotations

import random
from pathlib import Path

import pyrage
import tomli_w

from gate.programs.provisioning.site import Site
from gate.programs.provisioning.tasks import tasks_of
from gate.provision import init_steps
from gate.provision.answers import Answers
from gate.provision.answers_file import SiteAnswers, parse
from gate.provision.way import NEEDED, TITLES
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
    return parse(GIVEN, TomlFile("answers", ""))


def made(answers: Answers, folder: Path) -> list[str]:
    """The ids of the steps that make an installed gate, on a machine that seals keys."""
    site = init_steps.Site(
        origin="border.example/try-1/trial",
        folders=(folder,),
        keys=folder,
        identities=folder,
        sync_runs=lambda: False,
        models=folder,
        face_profile="standard",
        drop_in="",
    )
    steps = init_steps.init_steps(
        answers,
        folder / "gate.toml",
        read=lambda _: site,
        make_log_key=lambda _, origin: origin,
        log_key_of=lambda _, origin: origin,
        booted=folder,
        seals=lambda: True,
    )
    return [step.id for step in steps]


def test_what_is_needed_is_what_makes_the_gate_and_has_its_title(tmp_path: Path) -> None:
    steps = made(given().answers(None), tmp_path)
    assert steps == list(NEEDED)
    assert [title for title in TITLES if title in steps] == steps


def test_every_step_of_a_gate_that_has_everything_has_its_title(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    sensor = '[camera.pad]\nsocket = "/run/pad"\nprofile = "portcullis-sim"\n'
    path.write_text(tomli_w.dumps(given().answers(tmp_path).table()) + sensor)
    site = Site(path, given, print, 1.0, lambda _: None, lambda: "", random.Random(1))
    steps = [task.id for task in tasks_of(site)]
    assert set(steps) == TITLES.keys() - set(NEEDED)
    assert [title for title in TITLES if title in steps] == steps
