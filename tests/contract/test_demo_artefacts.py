"""The artefacts of the demo are found in whichever frames the model judges: its verdicts hang on no frame's luck."""

from __future__ import annotations

from statistics import median
from typing import Any

import cv2
import pytest
from fakes.tiny_models import real_models

from gate.face.chain import FaceModels, open_models
from gate.face.liveness.liveness_aggregate import live_probability
from gate.picture import decode
from hardware_sim.camera.scenes import Live
from hardware_sim.company import Company
from hardware_sim.faces import identities
from hardware_sim.passport.issuer import Issuer
from hardware_sim.scenario import Scenario, Sight, read_scenarios, scenario_folder

pytestmark = [pytest.mark.faces, pytest.mark.long]

BOUND = 0.5  # of `rules.liveness_min`
FRAMES = 40
EVERY_S = 0.06
IN_A_ROW = 3  # fewer than are judged, for a machine that drops frames
EXPOSURES = (1.0, 0.62)  # the ends of the camera's challenge

CASES = [
    (scenario, person)
    for scenario in read_scenarios(scenario_folder()).values()
    if scenario.sight in (Sight.BENT_PRINT, Sight.SCREEN)
    for person in scenario.people
]


@pytest.fixture(scope="module")
def models() -> FaceModels:
    return open_models(real_models())


def named(scene: Any) -> str:
    """Whose face a scene shows."""
    return str(scene.identity.name)


def presented(scenario: Scenario, person: str) -> Live:
    """What the camera sees of the scenario when it is this person's face."""
    company = Company(identities(), Issuer(1), 1)
    artefact = next(
        cast.scenes[scenario.sight]
        for number in range(1000)
        if named((cast := company.cast(f"t{number}", scenario)).scenes[Sight.SELF]) == person
    )
    assert isinstance(artefact, Live)
    return artefact


def test_every_scenario_with_a_live_artefact_says_whose() -> None:
    assert {scenario.name for scenario, _ in CASES} == {"bent_print", "picture_on_a_screen"}


@pytest.mark.parametrize(("scenario", "person"), CASES, ids=[f"{scenario.name}-{person}" for scenario, person in CASES])
@pytest.mark.parametrize("exposure", EXPOSURES)
def test_whichever_frames_are_judged_it_is_found(
    scenario: Scenario, person: str, exposure: float, models: FaceModels
) -> None:
    artefact = presented(scenario, person)
    assert models.liveness is not None
    scores = []
    for number in range(FRAMES):
        drawn = artefact.picture_at(number * EVERY_S, display=(0.0, 0.0, 0.0), exposure=exposure, gain=1.0)
        frame = decode(cv2.imencode(".jpg", drawn)[1].tobytes())
        face, *_ = models.finder.find(frame)
        scores.append(live_probability(models.liveness, frame, face.box))
    assert max(median(scores[at : at + IN_A_ROW]) for at in range(FRAMES - IN_A_ROW + 1)) < BOUND
